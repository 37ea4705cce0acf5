import { type StatusBody, statusErrors } from './status-errors.ts';

/** How objects are printed: whole, or only what every object has. */
export type Representation = 'whole' | 'metadata';

const FORMS = ['PartialObjectMetadata', 'PartialObjectMetadataList'] as const;

type Negotiated = { readonly representation: Representation } | { readonly refused: StatusBody };

export interface Wanted {
  /** What is asked for, by its kind. */
  readonly kind: string;
  readonly scope: 'one' | 'list' | 'watch';
}

/**
 * Finds the first media type of an Accept header that this server has (`endpoints/handlers/negotiation`). It has JSON,
 * whole or as PartialObjectMetadata; a client that would rather have a Table or protobuf, but takes JSON, gets JSON.
 */
export function negotiate(accept: string | undefined, { kind, scope }: Wanted): Negotiated {
  if (accept === undefined || accept === '') return { representation: 'whole' };
  let isKnownType = false;
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    // `application/*` finds nothing, see `munnerz/goautoneg` as apimachinery uses it.
    if (type !== 'application/json' && type !== '*/*') continue;
    isKnownType = true;
    const form = parameters.find((parameter) => parameter.startsWith('as='))?.slice('as='.length);
    if (form === undefined || form === '') return { representation: 'whole' };
    if (form === FORMS[0] || form === FORMS[1]) {
      if (scope === 'list' && form === FORMS[0]) return { refused: statusErrors.isList(kind) };
      if (scope === 'one' && form === FORMS[1]) return { refused: statusErrors.isNoList(kind) };
      return { representation: 'metadata' };
    }
  }
  return { refused: isKnownType ? statusErrors.unknownForm() : statusErrors.unknownMediaType(scope !== 'one') };
}
