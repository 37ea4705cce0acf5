import type { Now } from '../clock.ts';
import type { Timing } from '../timing.ts';
import type { Restart, RestartTarget, SandboxError } from './case.ts';

/** Whether what became of the node is still to be found out: until then no other node is restarted. */
export function isPending({ answer, settled }: Restart): boolean {
  return settled === null && (answer === 'deleted' || answer === 'elsewhere' || answer === 'lost');
}

/**
 * Whether pods that are still stuck on a cured node may yet follow: the first one proves the cure, and each of the others
 * heals at its own next retry (three of the kubelet's at most).
 */
export function mayFollow(
  { settled, settledElapsedMs }: Restart,
  now: Now,
  timing: Pick<Timing, 'wellSandboxWaitMs'>,
): boolean {
  return (
    settled === 'cured' && settledElapsedMs !== null && now.elapsedMs - settledElapsedMs < timing.wellSandboxWaitMs
  );
}

/**
 * Whether this restart forbids one of a node of which pods of `namespacesThere` speak: it did not help (then the next one
 * hardly would, and somebody has to look), or it could not be carried out. A node of which only one namespace spoke, before
 * the restart and after it, stops no node that others speak of: else a tenant could keep what is not theirs from being
 * healed.
 */
export function stops(
  { answer, settled, namespaces, refutedBy }: Restart,
  namespacesThere: readonly string[],
): boolean {
  const spoke = new Set([...namespaces, ...(refutedBy ?? [])]);
  const mayStop = spoke.size > 1 || namespacesThere.every((namespace) => spoke.has(namespace));
  switch (answer) {
    case 'deleted':
      return settled !== null && settled !== 'cured' && mayStop;
    case 'elsewhere':
      return (settled === 'not-cured' || settled === 'timed-out') && mayStop;
    case 'failed':
      return true;
    case 'turned-away':
    case 'undone':
      return false;
    // The right is missing in that namespace, which says nothing about others; a lost answer is waited for.
    case 'forbidden':
    case 'lost':
      return false;
  }
}

/**
 * `errors`, of which those are marked whose node got a new token in vain: what heals by itself after a reboot does so by
 * the very `install-cni` that has run there since.
 */
export function markComebacks(
  errors: ReadonlyMap<string, SandboxError>,
  restarts: readonly Restart[],
): ReadonlyMap<string, SandboxError> {
  const nodes = new Set(restarts.flatMap(({ settled, node }) => (settled === 'not-cured' ? [node] : [])));
  if (nodes.size === 0) return errors;
  return new Map(
    [...errors].map(([uid, error]) => [uid, nodes.has(error.event.host) ? { ...error, cameBack: true } : error]),
  );
}

/** An answer that says that the pod is gone, while the same pod is there `later`; for people. */
export function whyNotDone({ namespace, pod }: RestartTarget, said: string, later = ''): string {
  return `the DELETE of ${namespace}/${pod} was answered ${said}, and ${later}the same pod is still there, not being deleted; look at what stands between the gate and the API server (a proxy, a gateway): nothing was restarted`;
}
