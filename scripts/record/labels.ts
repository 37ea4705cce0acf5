/** Labels of Kubernetes, Calico and common usage: what their keys mean is the same everywhere. */
const COMMON_KEYS: ReadonlySet<string> = new Set([
  ...['app', 'k8s-app', 'name', 'component', 'tier', 'role', 'version', 'release', 'env', 'environment'],
  ...['pod-template-hash', 'pod-template-generation', 'controller-revision-hash', 'controller-uid', 'job-name'],
  // The only field that nodes are selected by.
  'metadata.name',
]);
const COMMON_DOMAIN = /(?:^|\.)(?:kubernetes\.io|k8s\.io|projectcalico\.org)\//;

/** Whose values somebody else than people made, or that say what a machine is. */
const MADE_VALUES: ReadonlySet<string> = new Set([
  ...['pod-template-hash', 'pod-template-generation', 'controller-uid', 'batch.kubernetes.io/controller-uid'],
  ...['batch.kubernetes.io/job-completion-index', 'apps.kubernetes.io/pod-index', 'kubernetes.io/os'],
  ...['kubernetes.io/arch', 'beta.kubernetes.io/os', 'beta.kubernetes.io/arch'],
]);

/** Labels of nodes that are recorded in any case; others only where pods are placed by them. */
const NODE_KEYS = /^(?:(?:beta\.)?kubernetes\.io\/(?:os|arch|hostname)$|node-role\.kubernetes\.io\/)/;

export function keepsLabelKey(key: string): boolean {
  return COMMON_KEYS.has(key) || COMMON_DOMAIN.test(key);
}

export function keepsLabelValue(key: string, value: string): boolean {
  // Those of StatefulSets begin with their names.
  return MADE_VALUES.has(key) || (key === 'controller-revision-hash' && !value.includes('-'));
}

export function isNodeLabel(key: string): boolean {
  return NODE_KEYS.test(key);
}
