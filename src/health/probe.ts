import type { Event } from '../objects/event.ts';
import { conditionOf } from '../objects/metadata.ts';
import type { Container, Pod } from '../objects/pod.ts';
import { containerName, isWaitingItsTurn } from './container.ts';
import { newestEvent } from './pod-events.ts';
import { type Symptom, withDetail } from './symptom.ts';

/** A container that has not finished starting, or that runs and is not ready; null when there is none. */
export function probeSymptom(pod: Pod, events: readonly Event[]): Symptom | null {
  const init = pod.containers.find(({ role, state }) => role === 'init' && state.kind === 'running');
  if (init !== undefined) return notStarted(`${containerName(init)} has not finished`);

  const running = pod.containers.filter(({ state }) => state.kind === 'running');
  const starting = running.find(({ started }) => started === false);
  if (starting !== undefined) return notStarted(aboutProbe(pod, starting, 'Startup', events));

  const creating = pod.containers.find(isWaitingItsTurn);
  if (creating !== undefined)
    return notStarted(`${containerName(creating)} is being created (its image may be on the way)`);

  const unready = running.find(({ ready, role }) => !ready && role !== 'init');
  if (unready !== undefined) {
    return { stage: 'probe', cause: 'NotReady', message: aboutProbe(pod, unready, 'Readiness', events) };
  }
  const completed = pod.containers.find(
    ({ role, ready, state }) => role !== 'init' && !ready && state.kind === 'terminated',
  );
  if (completed !== undefined) {
    return {
      stage: 'probe',
      cause: 'NotReady',
      message: `${readyCount(pod)}; ${containerName(completed)} has completed`,
    };
  }
  return null;
}

function notStarted(message: string): Symptom {
  return { stage: 'probe', cause: 'NotStarted', message };
}

/** What the probe asks and what the kubelet last heard. Its events stop at 25, so the last one may be old. */
function aboutProbe(pod: Pod, container: Container, kind: 'Startup' | 'Readiness', events: readonly Event[]): string {
  const probe = kind === 'Startup' ? container.startupProbe : container.readinessProbe;
  const unhealthy = newestEvent(events, ['Unhealthy'], ({ message }) => message.startsWith(`${kind} probe`));
  const asks = probe === null ? '' : `, ${kind.toLowerCase()} probe ${probe.asks}`;
  const state = kind === 'Startup' ? 'runs and has not started' : 'runs and is not ready';
  return withDetail(`${readyCount(pod)}; ${containerName(container)} ${state}${asks}`, unhealthy?.message ?? '');
}

function readyCount(pod: Pod): string {
  const counted = pod.containers.filter(({ role }) => role !== 'init');
  return `${counted.filter(({ ready }) => ready).length} of ${counted.length} containers ready`;
}

/** A readiness gate that is not True (KEP-580) while all containers are ready; null when that is not it. */
export function readinessGateSymptom(pod: Pod): Symptom | null {
  const ready = conditionOf(pod.conditions, 'Ready');
  const closed = pod.readinessGates.filter((gate) => conditionOf(pod.conditions, gate)?.status !== 'True');
  const isSaid = ready?.reason === 'ReadinessGatesNotReady';
  const isLeft = closed.length > 0 && conditionOf(pod.conditions, 'ContainersReady')?.status === 'True';
  if (!isSaid && !isLeft) return null;
  const message = ready?.message || `readiness gates that are not True: ${closed.join(', ')}`;
  return { stage: 'gate', cause: 'ReadinessGate', message };
}
