import type { Event } from '../../objects/event.ts';
import { TEXT_LIMIT_BYTES } from '../cap-text.ts';
import type { Projection } from './metadata.ts';
import { numberOr, record, text, timeMs, word } from './raw.ts';

/** Longer messages of events are cut while they are read. */
const EVENT_MESSAGE_LIMIT_BYTES = TEXT_LIMIT_BYTES;
/**
 * Those about sandboxes are decided from by their whole text: the thick Multus plugin prints its configuration byte by
 * byte (`[123 34 …]`, some 10,000 characters) in front of the error.
 */
export const SANDBOX_MESSAGE_LIMIT_BYTES = 32 * 1024;
const SANDBOX_REASONS: ReadonlySet<string> = new Set(['FailedCreatePodSandBox', 'FailedKillPod']);

/** The reasons that decisions are made from; events with others are not kept. */
const KEPT_REASONS: ReadonlySet<string> = new Set([
  // Kubelet: sandbox.
  'FailedCreatePodSandBox',
  'FailedKillPod',
  'SandboxChanged',
  'FailedPodSandBoxStatus',
  'NetworkNotReady',
  // Kubelet and attach-detach controller: volumes.
  'FailedMount',
  'FailedAttachVolume',
  'FailedMapVolume',
  // Kubelet: images, containers, probes, hooks.
  'Failed',
  'BackOff',
  'InspectFailed',
  'ErrImageNeverPull',
  'FailedToRetrieveImagePullSecret',
  'Unhealthy',
  'ProbeWarning',
  'FailedPreStopHook',
  'FailedPostStartHook',
  'FailedSync',
  'ExceededGracePeriod',
  // Scheduler and autoscalers.
  'FailedScheduling',
  'TriggeredScaleUp',
  'NotTriggerScaleUp',
  'Nominated',
  'Preempted',
  // Node life cycle, eviction.
  'NodeNotReady',
  'TaintManagerEviction',
  'Evicted',
  // Controllers that may not create pods (quota, admission).
  'FailedCreate',
  'FailedDaemonPod',
]);

/** What every healthy pod causes, several times: not even asked for. */
const USUAL_REASONS = [
  'Scheduled',
  'Pulling',
  'Pulled',
  'Created',
  'Started',
  'Killing',
  'SuccessfulAttachVolume',
  'AddedInterface',
] as const;

/** Field selector of the events about pods that may matter (`!=` and `,` are the only means of the API server). */
export const POD_EVENTS_FIELD_SELECTOR = [
  'involvedObject.kind=Pod',
  ...USUAL_REASONS.map((reason) => `reason!=${reason}`),
].join(',');

/** Field selector of the events that say why a workload has no pods. */
export const CREATE_EVENTS_FIELD_SELECTOR = 'involvedObject.kind!=Pod,reason=FailedCreate';

/** core/v1 Event; null for reasons that nothing is decided from. */
export const projectEvent: Projection<Event> = (raw, atMs) => {
  const reason = word(raw.reason);
  if (!KEPT_REASONS.has(reason)) return null;
  const metadata = record(raw.metadata);
  const about = record(raw.involvedObject);
  const source = record(raw.source);
  const series = record(raw.series);
  return {
    namespace: word(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    about: { kind: word(about.kind), namespace: word(about.namespace), name: word(about.name), uid: word(about.uid) },
    type: word(raw.type),
    reason,
    message: text(raw.message, SANDBOX_REASONS.has(reason) ? SANDBOX_MESSAGE_LIMIT_BYTES : EVENT_MESSAGE_LIMIT_BYTES),
    component: word(source.component),
    host: word(source.host),
    reportingComponent: word(raw.reportingComponent),
    // Recorders of events.k8s.io count in the series, and not at all the first time.
    count: numberOr(raw.count, 0) || numberOr(series.count, 0) || 1,
    firstAtMs: timeMs(raw.firstTimestamp),
    lastAtMs: timeMs(raw.lastTimestamp),
    eventAtMs: timeMs(raw.eventTime),
    seriesAtMs: timeMs(series.lastObservedTime),
    seenAtMs: atMs,
  };
};
