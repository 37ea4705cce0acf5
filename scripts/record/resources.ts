/** In the order in which they are read: what changes most last, so that the lists are of nearly one moment. */
export const RECORDED = [
  'nodes',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'pods',
  'events',
] as const;
export type Recorded = (typeof RECORDED)[number];

const KINDS: Readonly<Record<Recorded, { readonly kind: string; readonly apiVersion: string }>> = {
  nodes: { kind: 'Node', apiVersion: 'v1' },
  deployments: { kind: 'Deployment', apiVersion: 'apps/v1' },
  replicasets: { kind: 'ReplicaSet', apiVersion: 'apps/v1' },
  statefulsets: { kind: 'StatefulSet', apiVersion: 'apps/v1' },
  daemonsets: { kind: 'DaemonSet', apiVersion: 'apps/v1' },
  jobs: { kind: 'Job', apiVersion: 'batch/v1' },
  pods: { kind: 'Pod', apiVersion: 'v1' },
  events: { kind: 'Event', apiVersion: 'v1' },
};

/** Kind and version of a list. */
export function listTypeOf(resource: Recorded): { readonly kind: string; readonly apiVersion: string } {
  const { kind, apiVersion } = KINDS[resource];
  return { kind: `${kind}List`, apiVersion };
}

/** The path of a list; `namespace` null: all of them, or a resource that has none. */
export function pathOf(resource: Recorded, namespace: string | null): string {
  const { apiVersion } = KINDS[resource];
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource}`;
}
