import type { ApiRequest } from './transport.ts';

/** What a request is about, in the words of RBAC. */
export interface RequestTarget {
  readonly verb: string;
  /** '' for the core group, and for paths that are no resource. */
  readonly group: string;
  /** Plural; '' for paths that are no resource (`/version`). */
  readonly resource: string;
  /** null: all namespaces, or a resource that has none. */
  readonly namespace: string | null;
  readonly name: string | null;
  readonly subresource: string | null;
  /** Path without the query, which may hold what a user typed. */
  readonly path: string;
}

const VERBS: Readonly<Record<ApiRequest['method'], string>> = { GET: 'get', POST: 'create', DELETE: 'delete' };
/** `/api/v1` and `/apis/GROUP/VERSION`, then the resource (kubernetes.io, API concepts: resource URIs). */
const RESOURCE_PATH = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(.+)$/;

/** Reads verb and resource from method and path; never throws. */
export function targetOf(method: ApiRequest['method'], pathWithQuery: string): RequestTarget {
  const [path = '', query = ''] = pathWithQuery.split('?', 2);
  const match = RESOURCE_PATH.exec(path);
  if (match === null)
    return { verb: VERBS[method], group: '', resource: '', namespace: null, name: null, subresource: null, path };
  const segments = (match[2] ?? '').split('/').map(decode);
  const isNamespaced = segments[0] === 'namespaces' && segments.length > 2;
  const [resource = '', name = null, subresource = null] = isNamespaced ? segments.slice(2) : segments;
  const namespace = isNamespaced ? (segments[1] ?? null) : null;
  return { verb: verbOf(method, name, query), group: match[1] ?? '', resource, namespace, name, subresource, path };
}

function verbOf(method: ApiRequest['method'], name: string | null, query: string): string {
  if (method !== 'GET' || name !== null) return VERBS[method];
  return /(?:^|&)watch=(?:1|true)(?:&|$)/.test(query) ? 'watch' : 'list';
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const CLUSTER_SCOPED = new Set(['nodes', 'namespaces', 'selfsubjectaccessreviews']);

/** For people: `list pods in all namespaces`, `delete pods/calico-node-x in namespace calico-system`, `get /version`. */
export function describeTarget(target: RequestTarget): string {
  if (target.resource === '') return `${target.verb} ${target.path}`;
  const resource = qualified(target);
  const object = target.name === null ? resource : `${resource}/${target.name}`;
  const what = target.subresource === null ? object : `${object} (${target.subresource})`;
  if (target.namespace !== null) return `${target.verb} ${what} in namespace ${target.namespace}`;
  return CLUSTER_SCOPED.has(target.resource) ? `${target.verb} ${what}` : `${target.verb} ${what} in all namespaces`;
}

function qualified(target: RequestTarget): string {
  return target.group === '' ? target.resource : `${target.resource}.${target.group}`;
}

/** The RBAC rule that allows something, as it stands in a manifest, and where it belongs. `namespace` null: a ClusterRole. */
export function ruleFor(right: {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly namespace: string | null;
}): string {
  const list = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
  const where = right.namespace === null ? 'a ClusterRole' : `a Role in namespace ${right.namespace}`;
  return `apiGroups: ${list([right.group])}, resources: ${list(right.resources)}, verbs: ${list(right.verbs)} in ${where}`;
}
