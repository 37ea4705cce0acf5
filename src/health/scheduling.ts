import type { Event } from '../objects/event.ts';
import { conditionOf } from '../objects/metadata.ts';
import type { Pod } from '../objects/pod.ts';
import { newestEvent } from './pod-events.ts';
import { type Symptom, withDetail } from './symptom.ts';

/** An autoscaler says that a node is on its way: cluster-autoscaler, Karpenter. */
const NODE_IS_COMING: readonly string[] = ['TriggeredScaleUp', 'Nominated'];
/** The autoscaler says that it cannot help. */
const NO_NODE_WILL_COME: readonly string[] = ['NotTriggerScaleUp'];

/** What keeps a pod without a node from getting one; null when it has one. */
export function schedulingSymptom(pod: Pod, events: readonly Event[]): Symptom | null {
  if (pod.nodeName !== null) return null;
  const scheduled = conditionOf(pod.conditions, 'PodScheduled');
  if (scheduled === null) {
    return { stage: 'scheduling', cause: 'SchedulerSilent', message: 'no scheduler has said anything about it' };
  }
  switch (scheduled.reason) {
    case 'SchedulingGated':
      return {
        stage: 'scheduling',
        cause: 'SchedulingGated',
        message: withDetail(scheduled.reason, scheduled.message),
      };
    case 'Unschedulable':
      return unschedulable(pod, scheduled.message, events);
    case 'SchedulerError':
      return unschedulable(pod, withDetail(scheduled.reason, scheduled.message), events);
    default: {
      const what = withDetail(scheduled.reason, scheduled.message);
      return {
        stage: 'scheduling',
        cause: 'Unknown',
        message: withDetail(`PodScheduled is ${scheduled.status}`, what),
      };
    }
  }
}

/** A node that an autoscaler makes, or that preemption clears, comes when it comes: only the deadline ends that wait. */
function unschedulable(pod: Pod, conditionMessage: string, events: readonly Event[]): Symptom {
  const message = conditionMessage || (newestEvent(events, ['FailedScheduling'])?.message ?? 'no node can take it');
  const symptom: Symptom = { stage: 'scheduling', cause: 'Unschedulable', message };
  if (pod.nominatedNodeName !== null) {
    return { ...symptom, message: `${message}; it is to take node ${pod.nominatedNodeName}`, patienceMs: null };
  }
  const autoscaler = newestEvent(events, [...NODE_IS_COMING, ...NO_NODE_WILL_COME]);
  if (autoscaler === null) return symptom;
  const told = `${message}; ${withDetail(autoscaler.reason, autoscaler.message)}`;
  return NODE_IS_COMING.includes(autoscaler.reason)
    ? { ...symptom, message: told, patienceMs: null }
    : { ...symptom, message: told };
}
