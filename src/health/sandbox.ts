import type { SandboxError } from '../calico/case.ts';
import type { Event } from '../objects/event.ts';
import { conditionOf } from '../objects/metadata.ts';
import { hasSandbox, isPastItsSandbox, type Pod } from '../objects/pod.ts';
import type { Timing } from '../timing.ts';
import { isWaitingItsTurn } from './container.ts';
import { happenedAtMs, newestEvent } from './pod-events.ts';
import type { Symptom } from './symptom.ts';
import { volumeSymptom } from './volumes.ts';

interface Evidence {
  readonly sandboxError: SandboxError | null;
  readonly events: readonly Event[];
  readonly nowMs: number;
  readonly timing: Timing;
}

/**
 * What keeps a bound pod from getting its sandbox; null when it has one. Volumes come before the sandbox
 * (kubelet.SyncPod waits for them first), so a volume event that is newer than the sandbox's error, and young enough
 * to be repeated if it still held, explains more.
 */
export function sandboxSymptom(pod: Pod, evidence: Evidence): Symptom | null {
  if (!isWithoutSandbox(pod)) return null;
  const error = pod.hostNetwork ? null : evidence.sandboxError;
  const volume = volumeSymptom(evidence.events);
  if (error === null) return volume?.symptom ?? withoutError(pod, evidence.events);
  const volumeAtMs = volume === null ? null : happenedAtMs(volume.event);
  const waitsForVolume =
    volumeAtMs !== null && volumeAtMs > error.lastAtMs && evidence.nowMs - volumeAtMs <= evidence.timing.volumeEventMs;
  return volume !== null && waitsForVolume ? volume.symptom : sandboxErrorSymptom(error, 'sandbox');
}

/** What a CNI plugin or the runtime says about making (or, for a Terminating pod, removing) the sandbox. */
export function sandboxErrorSymptom(error: SandboxError, stage: 'sandbox' | 'terminating'): Symptom {
  const symptom: Symptom = { stage, cause: error.cause, message: wordsOf(error) };
  // Runtimes from 2026 on write a new event for each attempt, so only Calico's own patience looks at the event at all.
  if (error.cause !== 'CalicoUnauthorized') return symptom;
  return { ...symptom, beganAtMs: error.storedAtMs, ...(error.cameBack === true ? { patienceMs: 0 } : {}) };
}

/** The error alone does not tell whose it is; with Calico's own causes that is plain. */
function wordsOf({ cause, plugin, text, event }: SandboxError): string {
  if (text === '') return event.message;
  const needsName = cause === 'CniError' || cause === 'OtherPluginUnauthorized';
  return needsName && plugin !== null ? `plugin ${plugin}: ${text}` : text;
}

/**
 * Bound, and no container can have been tried yet. Where a kubelet before 1.29 does not write
 * `PodReadyToStartContainers`, a container that waits for something else than its turn shows that there is a sandbox.
 */
function isWithoutSandbox(pod: Pod): boolean {
  if (pod.nodeName === null || hasSandbox(pod) === true || isPastItsSandbox(pod)) return false;
  if (conditionOf(pod.conditions, 'PodReadyToStartContainers') !== null) return true;
  return pod.containers.every((container) => container.state.kind === 'none' || isWaitingItsTurn(container));
}

const KNOWN_PHASES: readonly string[] = ['', 'Pending', 'Running', 'Unknown'];

/** What nobody knows is shown. */
function oddPhase(phase: string): string {
  return KNOWN_PHASES.includes(phase) ? '' : `, and its phase is ${phase}`;
}

function withoutError(pod: Pod, events: readonly Event[]): Symptom {
  if (!pod.hostNetwork) {
    const network = newestEvent(events, ['NetworkNotReady']);
    if (network !== null) return { stage: 'sandbox', cause: 'CniError', message: network.message };
  } else {
    // Only the host's network is used, so this can be no plugin's fault: the runtime's own, its pause image for one.
    const failed = newestEvent(events, ['FailedCreatePodSandBox']);
    if (failed !== null) return { stage: 'sandbox', cause: 'SandboxError', message: failed.message };
  }
  if (hasSandbox(pod) === null) {
    return {
      stage: 'sandbox',
      cause: 'SandboxSilent',
      message: `the kubelet of node ${pod.nodeName} has not reported on it${oddPhase(pod.phase)}`,
    };
  }
  const changed = newestEvent(events, ['SandboxChanged']);
  if (changed !== null) {
    return {
      stage: 'sandbox',
      cause: 'SandboxSilent',
      message: `${changed.message} (SandboxChanged, ${changed.count} times)`,
    };
  }
  return { stage: 'sandbox', cause: 'SandboxSilent', message: 'it has no sandbox yet, and no event says why' };
}
