import { type StatusBody, statusErrors } from './status-errors.ts';

/** metav1.DeleteOptions, as far as anybody here sends it. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: string;
  readonly dryRun?: readonly string[];
}

type Parsed = { readonly options: DeleteOptions } | { readonly refused: StatusBody };

const POLICIES: readonly unknown[] = ['Foreground', 'Background', 'Orphan'];
const SUBJECT = { group: 'meta.k8s.io', kind: 'DeleteOptions' };

/**
 * The options of a DELETE: its body, or where there is none its parameters (`endpoints/handlers/delete.go`). What cannot
 * be read is a 500, as the server makes it.
 */
export function parseDeleteOptions(body: string | undefined, query: URLSearchParams): Parsed {
  const read = body === undefined || body === '' ? { options: fromQuery(query) } : fromBody(body);
  if ('refused' in read) return read;
  const { dryRun, propagationPolicy } = read.options;
  if (dryRun?.some((each) => each !== 'All') === true) {
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    return refusedField('dryRun', message);
  }
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy)) {
    const supported = [...POLICIES, 'nil'].map((each) => `"${each}"`).join(', ');
    return refusedField(
      'propagationPolicy',
      `Unsupported value: "${propagationPolicy}": supported values: ${supported}`,
    );
  }
  return read;
}

function refusedField(field: string, message: string): Parsed {
  return { refused: statusErrors.invalid(SUBJECT, [{ field, reason: 'FieldValueNotSupported', message }]) };
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(query.has('dryRun') ? { dryRun: query.getAll('dryRun') } : {}),
  };
}

function fromBody(body: string): Parsed {
  let options: DeleteOptions & { readonly kind?: string; readonly apiVersion?: string };
  try {
    options = JSON.parse(body) as typeof options;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { refused: statusErrors.unexplained(`couldn't get version/kind; json parse error: ${words}`) };
  }
  const { kind = 'DeleteOptions', apiVersion = 'v1', gracePeriodSeconds = 0 } = options;
  if (kind !== 'DeleteOptions') {
    const words = `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:110"`;
    return { refused: statusErrors.unexplained(words) };
  }
  if (!Number.isInteger(gracePeriodSeconds)) {
    const words = `json: cannot unmarshal ${typeof gracePeriodSeconds} into Go struct field DeleteOptions.gracePeriodSeconds of type int64`;
    return { refused: statusErrors.unexplained(words) };
  }
  return { options };
}
