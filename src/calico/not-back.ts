import { formatSeconds } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import { conditionOf } from '../objects/metadata.ts';
import { isReady, isTerminating, type Pod } from '../objects/pod.ts';
import type { Restart } from './case.ts';
import type { Objection } from './guards.ts';

/**
 * Why no other node may be restarted while a calico-node pod that this run deleted has no Ready successor: at most one is
 * ever down by its doing, whatever a restart has proved by then. It passes by itself for `siblingNotReadyMs`; after that
 * other people's pods count as dead nodes, but ours shows that calico-node does not come back. Null: nothing of the kind.
 */
export function whyNotBack(restarts: readonly Restart[], observation: Observation): Objection | null {
  const { now, timing } = observation;
  const down = restarts.find((restart) => restart.answer === 'deleted' && isDown(restart, observation));
  if (down === undefined) return null;
  const sinceMs = now.elapsedMs - down.elapsedMs;
  const said = `calico-node on ${down.node} is not Ready ${formatSeconds(sinceMs)} after this run restarted it`;
  return sinceMs < timing.siblingNotReadyMs
    ? { kind: 'wait', why: `${said}: one node at a time` }
    : { kind: 'refuse', why: `no further node is restarted, because ${said}: find out why first` };
}

/** On a node that is gone or does not report, it is down for that reason and not for ours. */
function isDown({ node, before }: Restart, { snapshot }: Observation): boolean {
  const pods = snapshot.calico.pods.filter(
    (pod) => pod.nodeName === node && pod.uid !== before.uid && pod.controller?.uid === before.daemonSetUid,
  );
  if (pods.some((pod) => isReady(pod) && !isTerminating(pod))) return false;
  if (snapshot.nodes === null) return !pods.some(wasLostWithItsNode);
  const found = snapshot.nodes.find(({ name }) => name === node);
  return found !== undefined && conditionOf(found.conditions, 'Ready')?.status === 'True';
}

/** Only the node controller takes Ready from a pod and leaves ContainersReady (node_lifecycle_controller.go). */
function wasLostWithItsNode({ conditions }: Pod): boolean {
  return (
    conditionOf(conditions, 'Ready')?.status === 'False' &&
    conditionOf(conditions, 'ContainersReady')?.status === 'True'
  );
}
