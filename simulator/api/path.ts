import type { Resource } from './resources.ts';

/** What a path under /api or /apis addresses. */
export interface ResourcePath {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const PATTERN =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+))?)?\/?$/;

/** Finds the resource of a path; `undefined` where the server knows none. */
export function parsePath(path: string, resources: readonly Resource[]): ResourcePath | undefined {
  const namespaces = /^\/api\/v1\/namespaces\/([^/]+)\/?$/.exec(path);
  if (namespaces) return addressed(resources, '', 'v1', undefined, 'namespaces', namespaces[1], undefined);
  const found = PATTERN.exec(path)?.groups;
  if (!found) return undefined;
  return addressed(
    resources,
    found.group ?? '',
    found.core ?? found.version ?? '',
    found.namespace,
    found.plural ?? '',
    found.name,
    found.subresource,
  );
}

function addressed(
  resources: readonly Resource[],
  group: string,
  version: string,
  namespace: string | undefined,
  plural: string,
  name: string | undefined,
  subresource: string | undefined,
): ResourcePath | undefined {
  const resource = resources.find(
    (entry) => entry.plural === plural && entry.group === group && entry.version === version,
  );
  if (!resource || (namespace !== undefined && !resource.namespaced)) return undefined;
  // Without a namespace only collections of namespaced resources can be addressed.
  if (resource.namespaced && namespace === undefined && name !== undefined) return undefined;
  return {
    resource,
    namespace: namespace === undefined ? undefined : decodeURIComponent(namespace),
    name: name === undefined ? undefined : decodeURIComponent(name),
    subresource,
  };
}
