import { conditionOf } from '../objects/metadata.ts';
import type { Container, Pod, Terminated } from '../objects/pod.ts';
import { INSTALL_CNI } from './installation.ts';

/**
 * What became of `install-cni` in a calico-node pod. It writes the CNI plugin's kubeconfig with a fresh token
 * (cni-plugin `pkg/install/install.go`), so its end is the earliest moment of a cure.
 */
export type Install =
  /** `atMs`: on the node's clock, when it last exited 0; null when nobody says. */
  | { readonly state: 'finished'; readonly atMs: number | null }
  | { readonly state: 'unfinished' }
  /** It ended abnormally `ends` times and has not succeeded since. */
  | { readonly state: 'failing'; readonly ends: number; readonly end: Terminated };

export function installOf(pod: Pod): Install {
  const container = pod.containers.find((each) => each.name === INSTALL_CNI && each.role === 'init');
  if (container === undefined) return { state: 'unfinished' };
  const { state, lastEnd } = container;
  if (state.kind === 'terminated') {
    if (state.exitCode === 0) return { state: 'finished', atMs: timeOf(state.finishedAtMs) ?? initializedAtMs(pod) };
    return { state: 'failing', ends: container.restartCount + 1, end: state };
  }
  if (lastEnd !== null && lastEnd.exitCode !== 0)
    return { state: 'failing', ends: abnormalEnds(container), end: lastEnd };
  // The kubelet forgets an init container that the runtime has removed, long after the pod was initialized.
  const initialized = conditionOf(pod.conditions, 'Initialized')?.status === 'True';
  return state.kind !== 'running' && initialized
    ? { state: 'finished', atMs: timeOf(lastEnd?.finishedAtMs ?? null) ?? initializedAtMs(pod) }
    : { state: 'unfinished' };
}

function initializedAtMs(pod: Pod): number | null {
  const condition = conditionOf(pod.conditions, 'Initialized');
  return condition?.status === 'True' ? condition.lastTransitionAtMs : null;
}

/** Runtimes write 1970 where they do not know. */
function timeOf(atMs: number | null): number | null {
  return atMs !== null && atMs > 0 ? atMs : null;
}

/** A container that waits or runs after an end has been restarted once for each end, but for the one it waits after. */
function abnormalEnds(container: Container): number {
  return container.restartCount + (container.state.kind === 'waiting' ? 1 : 0);
}
