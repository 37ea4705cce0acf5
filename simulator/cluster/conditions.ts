import type { Condition } from '../objects.ts';

/**
 * Sets a condition of a Deployment as `deployment_util.go: SetDeploymentCondition` does: nothing changes when status and
 * reason are the same, the transition time moves only with the status, and a changed condition goes to the end.
 */
export function setCondition(
  conditions: readonly Condition[],
  next: { readonly type: string; readonly status: string; readonly reason: string; readonly message: string },
  stamp: string,
): readonly Condition[] {
  const before = conditions.find((condition) => condition.type === next.type);
  if (before?.status === next.status && before.reason === next.reason) return conditions;
  return [
    ...conditions.filter((condition) => condition.type !== next.type),
    {
      type: next.type,
      status: next.status,
      lastUpdateTime: stamp,
      lastTransitionTime: before?.status === next.status ? (before.lastTransitionTime ?? stamp) : stamp,
      reason: next.reason,
      message: next.message,
    },
  ];
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether a pod's Ready condition is True. */
export function isPodReady(pod: { readonly status: { readonly conditions?: readonly Condition[] } }): boolean {
  return conditionOf(pod.status.conditions, 'Ready')?.status === 'True';
}

/** Counts that are 0 are left out, as Go's `omitempty` does. */
export function withoutZeros<T extends Readonly<Record<string, unknown>>>(counts: T): T {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0 && value !== undefined)) as T;
}
