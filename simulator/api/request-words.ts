import { parsePath } from './path.ts';
import type { Resource } from './resources.ts';

/** What a request is about, in the words of RBAC. */
export interface RequestWords {
  /** `list`, `watch`, `get`, `create`, `delete` … */
  readonly verb: string;
  /** Plural, with its subresource (`pods/log`); of a path that is no resource its last part (`version`). */
  readonly resource: string;
  /** `undefined`: all namespaces, or something that has none. */
  readonly namespace: string | undefined;
}

export function isWatch(query: URLSearchParams): boolean {
  return /^(true|1)$/.test(query.get('watch') ?? '');
}

/** `name`: of the object; `undefined` for a collection. */
export function verbOf(method: string, name: string | undefined, watch: boolean): string {
  if (method === 'DELETE') return name === undefined ? 'deletecollection' : 'delete';
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (method === 'PATCH') return 'patch';
  if (watch) return 'watch';
  return name === undefined ? 'list' : 'get';
}

/** Never throws: whatever was asked for can be logged. */
export function wordsOf(method: string, pathWithQuery: string, resources: readonly Resource[]): RequestWords {
  const { pathname, searchParams } = new URL(pathWithQuery, 'https://simulator');
  const parsed = parsePath(pathname, resources);
  if (parsed === undefined) {
    const resource = pathname.slice(pathname.lastIndexOf('/') + 1);
    return { verb: verbOf(method, resource, false), resource, namespace: undefined };
  }
  const { resource, name, subresource, namespace } = parsed;
  return {
    verb: verbOf(method, name, isWatch(searchParams)),
    resource: subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`,
    namespace,
  };
}
