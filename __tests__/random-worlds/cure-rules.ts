/** Whether a node that was restarted got well, and what it forbids where it did not. */

import type { World } from '../harness.ts';
import { calicoSets, isOf } from './pod-facts.ts';
import { type Scene, type Sent, SLACK_MS } from './scene.ts';
import { isInScope } from './scope.ts';
import { isStuck, type PodTruth, type Truth } from './truth.ts';

const SECOND = 1_000;
const REFUTED_AFTER_MS = 5 * SECOND;
/** Three retries of the kubelet. */
const NOBODY_LEFT_MS = 45 * SECOND;

/** When install-cni first ended in a pod that took the place of the one that was deleted; null: it has not. */
function nextInstallMs({ node, uid }: Pick<Sent, 'node' | 'uid'>, truth: Truth, world: World): number | null {
  const createdMs = truth.pod(uid)?.createdMs ?? 0;
  const isNext = (known: PodTruth): boolean =>
    known.uid !== uid && known.createdMs >= createdMs && calicoSets(world).some((set) => isOf(known.pod, set));
  const ends = truth.podsOn(node).flatMap((known) => (isNext(known) ? (known.installedMs ?? []) : []));
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Cured: some pod got its network, or was let go, after install-cni of the next calico-node pod had ended. */
export function isCured(restart: Pick<Sent, 'node' | 'uid'>, truth: Truth, world: World): boolean {
  const installedMs = nextInstallMs(restart, truth, world);
  if (installedMs === null) return false;
  return truth.podsOn(restart.node).some((known) => {
    const isSince = (atMs: number | null): boolean => atMs !== null && atMs >= installedMs - SLACK_MS;
    const wasLeaving = known.deletedMs !== null || known.goneMs !== null;
    return !known.hostNetwork && (isSince(known.sandboxMs) || (wasLeaving && isSince(known.endedMs)));
  });
}

/**
 * Why a restart before forbids one of a node of which these namespaces speak; null: it does not. While it is not known
 * whether it helped, no other one begins; and where it did not help, only what other namespaces speak of may still be
 * tried, and that only where a single one spoke of the first.
 */
export function whyCureForbids(before: Sent, voices: ReadonlySet<string>, scene: Scene): string | null {
  const { truth, world } = scene;
  const isOurs = before.carriedOut();
  if (!isOurs && !before.elsewhere()) return null;
  if (isCured(before, truth, world)) return null;
  const whose = isOurs ? 'the restart' : "somebody else's restart";
  if (!isDecided(before, scene)) return `${whose} of ${before.node} may still help: one node at a time`;
  if (!isOurs && !isAnyStuck(before, scene)) return null;
  const isOneVoice = before.voices.size <= 1 && [...voices].some((namespace) => !before.voices.has(namespace));
  return isOneVoice ? null : `${whose} of ${before.node} before is not proven to have cured`;
}

/** Its time is over, it was refuted, or nobody is left who could prove anything. */
function isDecided(before: Sent, scene: Scene): boolean {
  const { truth, world, nowMs, gate } = scene;
  if (nowMs - before.atMs >= gate.demands.restartTimeoutMs - SLACK_MS) return true;
  const installedMs = nextInstallMs(before, truth, world);
  if (installedMs === null) return isInstallFailing(before, truth);
  const lastFailureMs = truth.lastFailureOn(before.node) ?? 0;
  if (lastFailureMs > installedMs + REFUTED_AFTER_MS - SLACK_MS) return true;
  return !isAnyStuck(before, scene) && nowMs - installedMs >= NOBODY_LEFT_MS - SLACK_MS;
}

function isInstallFailing({ node }: Sent, truth: Truth): boolean {
  return truth.podsOn(node).some(({ pod }) => {
    const install = pod.status.initContainerStatuses?.find(({ name }) => name === 'install-cni');
    return install !== undefined && install.restartCount >= 2;
  });
}

function isAnyStuck({ node }: Sent, { truth, world, gate, nowMs }: Scene): boolean {
  return truth.podsOn(node).some((known) => isInScope(known.pod, gate.demands) && isStuck(known, nowMs, world));
}
