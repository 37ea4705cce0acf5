import type { Event } from '../objects/event.ts';
import { newestEvent } from './pod-events.ts';
import type { Symptom } from './symptom.ts';

/** What the kubelet and the attach-detach controller write about volumes (pkg/kubelet/events, attachdetach). */
const VOLUME_REASONS: readonly string[] = ['FailedMount', 'FailedAttachVolume', 'FailedMapVolume'];

/** The kubelet's summary after 2 min 3 s of waiting: it names the volumes, not what is wrong with them. */
const SUMMARY = /^Unable to attach or mount volumes/;

/** The object is not there: `configmap "x" not found`, `references non-existent secret key: k`. */
const MISSING = /"[^"]*" not found|references non-existent/;
const MULTI_ATTACH = /^Multi-Attach error/;

/** A volume that another node still has is detached by force after 6 minutes (maxWaitForUnmountDuration). */
const MULTI_ATTACH_MS = 7 * 60_000;

/** What keeps a pod from getting its volumes, by the newest event that says something about the cause; null: nothing does. */
export function volumeSymptom(events: readonly Event[]): { readonly symptom: Symptom; readonly event: Event } | null {
  const event =
    newestEvent(events, VOLUME_REASONS, ({ message }) => !SUMMARY.test(message)) ?? newestEvent(events, VOLUME_REASONS);
  if (event === null) return null;
  return { symptom: symptomOf(event), event };
}

function symptomOf({ reason, message }: Event): Symptom {
  if (MULTI_ATTACH.test(message))
    return { stage: 'volumes', cause: 'VolumeAttach', message, patienceMs: MULTI_ATTACH_MS };
  if (MISSING.test(message)) return { stage: 'volumes', cause: 'VolumeMissing', message };
  const cause = reason === 'FailedAttachVolume' ? 'VolumeAttach' : 'VolumeMount';
  return { stage: 'volumes', cause, message };
}
