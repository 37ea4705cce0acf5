import type { Container, Pod } from '../objects/pod.ts';
import {
  containerName,
  describeEnd,
  describeRestarts,
  endsOf,
  isBackingOff,
  isWaitingFor,
  newestEnd,
} from './container.ts';
import { type Symptom, withDetail } from './symptom.ts';

/** Waiting reasons of a container that the runtime cannot create or start (pkg/kubelet/kuberuntime). */
const START_REASONS: readonly string[] = [
  'RunContainerError',
  'CreateContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
];
/** Reasons of an end that never was a run: containerd, dockershim. */
const NEVER_RAN: readonly string[] = ['StartError', 'ContainerCannotRun'];

/**
 * The runtime names the program (or its working directory): the image or the command is wrong. containerd always
 * reports exit code 128, so the text is all there is.
 */
const NAMES_THE_PROGRAM =
  /exec: "|exec format error|exec user process|executable file not found|chdir to cwd|cannot find the (?:file|path) specified/i;

/** Two ends with such a text are no accident. */
const CERTAIN_ENDS = 2;

/** A container that the runtime cannot start; null when there is none. */
export function startSymptom(pod: Pod): Symptom | null {
  for (const container of pod.containers) {
    const symptom = symptomOf(container);
    if (symptom !== null) return symptom;
  }
  return null;
}

function symptomOf(container: Container): Symptom | null {
  const end = newestEnd(container);
  const neverRan = end !== null && NEVER_RAN.includes(end.reason);
  if (neverRan && (container.state.kind === 'terminated' || isBackingOff(container))) {
    const message = `${containerName(container)}: ${describeRestarts(container)}, ${describeEnd(end)}`;
    return { ...startError(container, message, end.message), isAttempt: true };
  }
  if (container.state.kind !== 'waiting' || !isWaitingFor(container, START_REASONS)) return null;
  const { reason, message } = container.state;
  return startError(container, withDetail(`${containerName(container)}: ${reason}`, message), message);
}

function startError(container: Container, message: string, runtimeSays: string): Symptom {
  const base: Symptom = { stage: 'start', cause: 'StartError', message };
  return NAMES_THE_PROGRAM.test(runtimeSays) && endsOf(container) >= CERTAIN_ENDS ? { ...base, patienceMs: 0 } : base;
}
