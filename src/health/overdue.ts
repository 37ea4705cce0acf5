import type { Finding } from './assessment.ts';
import { compareFindings } from './finding-order.ts';
import type { PodState } from './pod-state.ts';

/**
 * Of pods that are Terminating for longer than granted the one to blame when others cannot start: the worst. Null when
 * there is none. (A Terminating pod has a finding only when it is overdue.)
 */
export function worstOverdue(pods: readonly PodState[]): (PodState & { readonly finding: Finding }) | null {
  let worst: (PodState & { readonly finding: Finding }) | null = null;
  for (const state of pods) {
    const { finding } = state;
    if (finding === null || state.pod.deletionAtMs === null) continue;
    if (worst === null || compareFindings(finding, worst.finding) < 0) worst = { ...state, finding };
  }
  return worst;
}
