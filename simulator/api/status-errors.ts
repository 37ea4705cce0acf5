import type { KubeObject } from '../objects.ts';
import { qualifiedName, type Resource } from './resources.ts';

/** metav1.Status, as a failure prints it. */
export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly code?: number;
}

/** What was asked of a resource; the words of a refusal. */
export interface AccessAttributes {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** What is wrong with one field of what was sent. */
export interface FieldProblem {
  readonly field: string;
  readonly reason: 'FieldValueForbidden' | 'FieldValueInvalid' | 'FieldValueNotSupported';
  readonly message: string;
}

function failure(
  code: number,
  reason: string | undefined,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): StatusBody {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
}

function detailsOf(entry: Resource, name?: string): Readonly<Record<string, unknown>> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(entry.group === '' ? {} : { group: entry.group }),
    kind: entry.plural,
  };
}

/** The messages of apiserver and apimachinery (`api/errors/errors.go`, `responsewriters/errors.go`), v1.34. */
export const statusErrors = {
  unauthorized: (): StatusBody => failure(401, 'Unauthorized', 'Unauthorized'),

  forbidden: (asked: AccessAttributes): StatusBody => {
    const named = asked.name === undefined || asked.verb === 'create' ? '' : ` "${asked.name}"`;
    const resource = asked.subresource === undefined ? asked.resource : `${asked.resource}/${asked.subresource}`;
    const subject = asked.group === '' ? asked.resource : `${asked.resource}.${asked.group}`;
    const where = asked.namespace === undefined ? 'at the cluster scope' : `in the namespace "${asked.namespace}"`;
    return failure(
      403,
      'Forbidden',
      `${subject}${named} is forbidden: User "${asked.user}" cannot ${asked.verb} resource "${resource}" in API group "${asked.group}" ${where}`,
      {
        ...(named === '' ? {} : { name: asked.name }),
        ...(asked.group === '' ? {} : { group: asked.group }),
        kind: asked.resource,
      },
    );
  },

  forbiddenPath: (user: string, verb: string, path: string): StatusBody =>
    failure(403, 'Forbidden', `forbidden: User "${user}" cannot ${verb} path "${path}"`, {}),

  notFound: (entry: Resource, name: string): StatusBody =>
    failure(404, 'NotFound', `${qualifiedName(entry)} "${name}" not found`, detailsOf(entry, name)),

  unknownResource: (): StatusBody => failure(404, 'NotFound', 'the server could not find the requested resource', {}),

  methodNotAllowed: (): StatusBody =>
    failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {}),

  /** None of the media types that were asked for is known; `stream`: also those of watches are offered. */
  unknownMediaType: (stream: boolean): StatusBody => {
    const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
    const streams = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
    const offered = [...types, ...(stream ? streams : [])].join(', ');
    return failure(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${offered}`, {});
  },

  /** They are known, but not in the form that was asked for (`as=`). */
  unknownForm: (): StatusBody =>
    failure(
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ),

  /** `endpoints/handlers/response.go`, asPartialObjectMetadata. */
  isList: (kind: string): StatusBody =>
    failure(
      406,
      'NotAcceptable',
      `you requested PartialObjectMetadata, but the requested object is a list (*core.${kind}List)`,
    ),

  isNoList: (kind: string): StatusBody =>
    failure(
      406,
      'NotAcceptable',
      `you requested PartialObjectMetadataList, but the requested object is not a list (*core.${kind})`,
    ),

  badRequest: (message: string): StatusBody => failure(400, 'BadRequest', message),

  /** An error that nobody has given a reason to. */
  unexplained: (message: string): StatusBody => failure(500, undefined, message),

  /** What was sent can be read, and makes no sense. `subject`: what it was, as far as it says so itself. */
  invalid: (
    subject: { readonly group?: string; readonly kind?: string; readonly name?: string },
    problems: readonly FieldProblem[],
  ): StatusBody => {
    const { group, kind = '', name = '' } = subject;
    const each = problems.map(({ field, message }) => `${field}: ${message}`);
    const words = each.length === 1 ? each[0] : `[${each.join(', ')}]`;
    const causes = problems.map(({ field, reason, message }) => ({ reason, message, field }));
    const what = group === undefined ? kind : `${kind}.${group}`;
    return failure(422, 'Invalid', `${what} "${name}" is invalid: ${words}`, { ...subject, causes });
  },

  /** BeforeDelete names the kind, not the resource (`registry/rest/delete.go`). */
  uidConflict: (entry: Resource, object: KubeObject, uid: string): StatusBody =>
    failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${entry.kind}${entry.group === '' ? '' : `.${entry.group}`} "${object.metadata.name}": the UID in the precondition (${uid}) does not match the UID in record (${object.metadata.uid}). The object might have been deleted and then recreated`,
      { name: object.metadata.name, ...(entry.group === '' ? {} : { group: entry.group }), kind: entry.kind },
    ),

  versionConflict: (entry: Resource, object: KubeObject, version: string): StatusBody =>
    failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${entry.kind}${entry.group === '' ? '' : `.${entry.group}`} "${object.metadata.name}": the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${object.metadata.resourceVersion}). The object might have been modified`,
      { name: object.metadata.name, ...(entry.group === '' ? {} : { group: entry.group }), kind: entry.kind },
    ),

  /** A continue token whose snapshot is gone; `inconsistent` continues with a newer one. */
  continueExpired: (inconsistent: string): StatusBody => ({
    ...failure(
      410,
      'Expired',
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    ),
    metadata: { continue: inconsistent },
  }),

  listExpired: (): StatusBody => failure(410, 'Expired', 'The resourceVersion for the provided list is too old.'),

  /** In the watch cache's words, or in etcd's where there is none. */
  watchExpired: (entry: Resource, asked: number, oldest: number): StatusBody =>
    failure(
      410,
      'Expired',
      entry.hasWatchCache
        ? `too old resource version: ${asked} (${oldest})`
        : 'The resourceVersion for the provided watch is too old.',
    ),

  tooLargeVersion: (asked: number, current: number): StatusBody =>
    failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    }),

  /** What DELETE answers for kinds other than pods. */
  deleted: (entry: Resource, object: KubeObject): StatusBody => ({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...detailsOf(entry, object.metadata.name), uid: object.metadata.uid },
  }),
};
