import type { Container, ContainerState, Probe, Terminated } from '../../objects/pod.ts';
import { createPool } from './pool.ts';
import { keyOf, numberOr, type Raw, record, records, strings, text, timeMs, word } from './raw.ts';

/** What a probe asks is for people: the longest that helps. */
const ASKS_LIMIT_BYTES = 200;

/** Init containers and sidecars in their order, then the main ones; spec and status joined by name. */
export function projectContainers(spec: Raw, status: Raw): readonly Container[] {
  return [
    ...joined(spec.initContainers, status.initContainerStatuses, (raw) =>
      raw.restartPolicy === 'Always' ? 'sidecar' : 'init',
    ),
    ...joined(spec.containers, status.containerStatuses, () => 'main'),
  ];
}

function joined(specs: unknown, statuses: unknown, roleOf: (spec: Raw) => Container['role']): readonly Container[] {
  const byName = new Map(records(statuses).map((status) => [status.name, status]));
  return records(specs).map((spec) => projectContainer(spec, byName.get(spec.name), roleOf(spec)));
}

function projectContainer(spec: Raw, status: Raw | undefined, role: Container['role']): Container {
  const state = record(status?.state);
  return {
    name: word(spec.name),
    role,
    image: word(spec.image),
    state: projectState(state),
    lastEnd: projectTerminated(record(status?.lastState).terminated),
    ready: status?.ready === true,
    started: typeof status?.started === 'boolean' ? status.started : null,
    restartCount: numberOr(status?.restartCount, 0),
    readinessProbe: projectProbe(spec.readinessProbe),
    startupProbe: projectProbe(spec.startupProbe),
  };
}

const poolRunning = createPool<ContainerState>();
const NO_STATE: ContainerState = Object.freeze({ kind: 'none' });

function projectState(state: Raw): ContainerState {
  const terminated = projectTerminated(state.terminated);
  if (terminated !== null) return terminated;
  if (isThere(state.running)) {
    const { startedAt } = record(state.running);
    return poolRunning(keyOf(startedAt), () => ({ kind: 'running', startedAtMs: timeMs(startedAt) }));
  }
  if (!isThere(state.waiting)) return NO_STATE;
  const { reason, message } = record(state.waiting);
  return { kind: 'waiting', reason: word(reason), message: text(message) };
}

/** What a container status says. */
export function isRunning(status: Raw): boolean {
  return isThere(record(status.state).running);
}

function projectTerminated(value: unknown): Terminated | null {
  if (!isThere(value)) return null;
  const { reason, message, exitCode, signal, startedAt, finishedAt } = record(value);
  return {
    kind: 'terminated',
    reason: word(reason),
    message: text(message),
    exitCode: numberOr(exitCode, 0),
    signal: numberOr(signal, null),
    startedAtMs: timeMs(startedAt),
    finishedAtMs: timeMs(finishedAt),
  };
}

function isThere(value: unknown): boolean {
  return value !== null && typeof value === 'object';
}

const poolProbe = createPool<Probe>();

/** Defaults of the API (core/v1 Probe): period 10 s, 3 failures, no delay. */
function projectProbe(value: unknown): Probe | null {
  if (!isThere(value)) return null;
  const raw = record(value);
  const probe: Probe = {
    initialDelayMs: numberOr(raw.initialDelaySeconds, 0) * 1_000,
    periodMs: (numberOr(raw.periodSeconds, 0) || 10) * 1_000,
    failureThreshold: numberOr(raw.failureThreshold, 0) || 3,
    asks: text(asks(raw), ASKS_LIMIT_BYTES),
  };
  return poolProbe(JSON.stringify(probe), () => probe);
}

function asks(probe: Raw): string {
  const { httpGet, tcpSocket, grpc, exec } = probe;
  if (isThere(httpGet)) return `GET :${portOf(httpGet)}${text(record(httpGet).path) || '/'}`;
  if (isThere(tcpSocket)) return `tcp :${portOf(tcpSocket)}`;
  if (isThere(grpc)) return `grpc :${portOf(grpc)}`;
  if (isThere(exec)) return `exec ${strings(record(exec).command).join(' ')}`;
  return '';
}

/** A number, or the name of a port. */
function portOf(action: unknown): string {
  const { port } = record(action);
  return typeof port === 'number' ? String(port) : text(port);
}
