import type { KubeObject } from '../../simulator/objects.ts';
import type { Demands } from './demands.ts';

/** Whether a pod is in the scope of a gate. */
export function isInScope(pod: KubeObject, demands: Demands): boolean {
  const { namespace = '', labels = {} } = pod.metadata;
  return isNamespaceInScope(namespace, demands) && (!demands.onlyFront || labels.tier === 'front');
}

export function isNamespaceInScope(namespace: string, { namespaces, excluded }: Demands): boolean {
  return (namespaces.length === 0 || namespaces.includes(namespace)) && !excluded.includes(namespace);
}
