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
  return isTrue(query.get('watch'));
}

/** `apimachinery/pkg/runtime/conversion.go`: whatever is there and not false. */
export function isTrue(text: string | null): boolean {
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

/** `name`: of the object; `undefined` for a collection. */
export function verbOf(method: string, name: string | undefined, watch: boolean): string {
  if (method === 'DELETE') return name === undefined ? 'deletecollection' : 'delete';
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (method === 'PATCH') return 'patch';
  // One object cannot be watched but as a collection with a selector.
  if (name !== undefined) return 'get';
  return watch ? 'watch' : 'list';
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
