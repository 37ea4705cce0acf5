import { retryDelayMs } from './cni.ts';
import { type ContainerEnd, createContainerLife } from './container-life.ts';
import { createImagePuller } from './images.ts';
import type { Kubelet } from './kubelet.ts';
import { nodeStamp } from './nodes.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';
import { type Program, programFor } from './programs.ts';

/** kubelet `MaxContainerBackOff`: 10 s, doubled up to 5 minutes. */
const BACK_OFF_MS = 10_000;
const BACK_OFF_MAX_MS = 300_000;
/** A container that ran this long starts again without remembering. */
const BACK_OFF_RESET_MS = 600_000;
/** What goes on in containers that may be started. */
export interface Containers {
  /** Runs init containers one after the other, then the main ones. */
  readonly start: (run: PodRun) => void;
  /** Continues the life of containers that were running when they were adopted. */
  readonly adopt: (run: PodRun) => void;
  /** Told when all main containers of a pod that does not restart them have ended. */
  readonly onFinished: (listener: (run: PodRun, phase: 'Succeeded' | 'Failed') => void) => void;
}

function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}

/** What a waiting container must be doing, as its status tells it. */
function programSeen(container: ContainerRun): Program | undefined {
  const { waiting } = container.state;
  const ended = container.last.terminated;
  switch (waiting?.reason) {
    case 'CrashLoopBackOff':
      if (ended?.reason === 'StartError') return { start: 'no-such-command' };
      return {
        exits: {
          code: ended?.exitCode ?? 1,
          afterMs: 300,
          ...(ended?.reason === undefined ? {} : { reason: ended.reason }),
        },
      };
    case 'ImagePullBackOff':
    case 'ErrImagePull':
      return {
        pull: { error: (waiting.message ?? '').replace(/^Back-off pulling image "[^"]*": ErrImagePull: /, '') },
      };
    case 'InvalidImageName':
      return { pull: 'invalid-name' };
    case 'ErrImageNeverPull':
      return { pull: 'never' };
    default:
      return undefined;
  }
}

/** A container that runs for longer and is still not ready will not become so. */
const SETTLING_MS = 30_000;

export function createContainers(kubelet: Kubelet): Containers {
  const { context } = kubelet;
  const { random, world } = context;
  const finishedListeners: ((run: PodRun, phase: 'Succeeded' | 'Failed') => void)[] = [];
  const restartPolicy = (run: PodRun): string => kubelet.podOf(run)?.spec.restartPolicy ?? 'Always';

  const waitWith = (run: PodRun, container: ContainerRun, reason: string, message: string): void => {
    container.state = { waiting: { reason, message } };
    kubelet.report(run);
  };

  const pull = createImagePuller(kubelet);
  const missingConfig = (run: PodRun, container: ContainerRun): string | undefined => {
    for (const { valueFrom } of container.spec.env ?? []) {
      const secret = valueFrom?.secretKeyRef?.name;
      if (secret !== undefined && context.missing.has(`secrets/${run.namespace}/${secret}`))
        return `secret "${secret}" not found`;
      const configMap = valueFrom?.configMapKeyRef?.name;
      if (configMap !== undefined && context.missing.has(`configmaps/${run.namespace}/${configMap}`))
        return `configmap "${configMap}" not found`;
    }
    return undefined;
  };

  const launch = (run: PodRun, container: ContainerRun): void => {
    if (run.stopping) return;
    container.launched = true;
    pull(run, container, () => {
      const problem = missingConfig(run, container);
      if (problem !== undefined) {
        kubelet.note(run, 'Warning', 'Failed', `Error: ${problem}`, container);
        waitWith(run, container, 'CreateContainerConfigError', problem);
        kubelet.after(run, retryDelayMs(random), () => launch(run, container));
        return;
      }
      kubelet.note(run, 'Normal', 'Created', `Created container: ${container.spec.name}`, container);
      kubelet.after(run, random.between(50, 250), () => begin(run, container));
    });
  };

  const begin = (run: PodRun, container: ContainerRun): void => {
    const program = programFor(context, run, container);
    const wasStarted = container.containerId !== undefined;
    container.containerId = `containerd://${random.hex(64)}`;
    if (wasStarted) container.restarts += 1;
    container.startedAtMs = world.nowMs();
    if (program.start === 'no-such-command') {
      const [command = '/nope'] = container.spec.command ?? [];
      const message = `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "${command}": stat ${command}: no such file or directory: unknown`;
      kubelet.note(run, 'Warning', 'Failed', `Error: ${message}`, container);
      ended(run, container, { code: 128, reason: 'StartError', message }, '1970-01-01T00:00:00Z');
      return;
    }
    const startedAt = nodeStamp(context, run.node);
    container.state = { running: { startedAt } };
    kubelet.note(run, 'Normal', 'Started', `Started container ${container.spec.name}`, container);
    const hasStartup = container.spec.startupProbe !== undefined;
    container.started = !hasStartup;
    if (container.role === 'init') container.started = false;
    // Without a probe a container is ready as soon as it runs.
    container.ready = container.role !== 'init' && container.started && container.spec.readinessProbe === undefined;
    kubelet.report(run);
    live(run, container, program, startedAt);
    if (container.role === 'sidecar' && container.started) startNext(run);
  };

  const ended = (run: PodRun, container: ContainerRun, end: ContainerEnd, startedAt: string): void => {
    const ranMs = world.nowMs() - container.startedAtMs;
    if (ranMs > BACK_OFF_RESET_MS) container.ends = 0;
    container.ends += 1;
    container.ready = container.role === 'init' && end.code === 0;
    container.started = false;
    container.state = {
      terminated: {
        exitCode: end.code,
        reason: end.reason,
        ...(end.message === undefined ? {} : { message: end.message }),
        startedAt,
        finishedAt: nodeStamp(context, run.node),
        ...(container.containerId === undefined ? {} : { containerID: container.containerId }),
      },
    };
    kubelet.report(run);
    kubelet.exited(run, container, end.code);
    if (container.role === 'init' && end.code === 0) {
      startNext(run);
      return;
    }
    const policy = container.role === 'sidecar' ? 'Always' : restartPolicy(run);
    if (policy === 'Always' || (policy === 'OnFailure' && end.code !== 0)) {
      kubelet.after(run, random.between(700, 1300), () => restart(run, container));
      return;
    }
    const main = run.containers.filter((entry) => entry.role === 'main');
    const failedInit = container.role === 'init';
    if (failedInit || main.every((entry) => entry.state.terminated)) {
      const phase = failedInit || main.some((entry) => entry.state.terminated?.exitCode !== 0) ? 'Failed' : 'Succeeded';
      for (const listener of finishedListeners) listener(run, phase);
    }
  };

  /** The first restart follows at once, the next ones after 10, 20, 40 … seconds. */
  const restart = (run: PodRun, container: ContainerRun): void => {
    const again = (): void => {
      container.last = container.state.terminated ? container.state : container.last;
      if (!container.state.waiting) container.state = { waiting: { reason: 'ContainerCreating' } };
      launch(run, container);
    };
    if (container.ends <= 1) {
      again();
      return;
    }
    const backOffMs = Math.min(BACK_OFF_MS * 2 ** (container.ends - 2), BACK_OFF_MAX_MS);
    const untilMs = world.nowMs() + backOffMs;
    container.last = container.state;
    const pod = `${run.name}_${run.namespace}(${run.uid})`;
    const sync = (): void => {
      if (world.nowMs() >= untilMs) {
        again();
        return;
      }
      waitWith(
        run,
        container,
        'CrashLoopBackOff',
        `back-off ${goDuration(backOffMs)} restarting failed container=${container.spec.name} pod=${pod}`,
      );
      kubelet.note(
        run,
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${container.spec.name} in pod ${pod}`,
        container,
      );
      kubelet.after(run, retryDelayMs(random), sync);
    };
    sync();
  };

  /** Starts the next init container, or all main ones when none is left. */
  const startNext = (run: PodRun): void => {
    for (const container of run.containers) {
      if (container.role === 'main') break;
      if (!container.launched) {
        launch(run, container);
        return;
      }
      const isDone = container.role === 'sidecar' ? container.started : container.state.terminated?.exitCode === 0;
      if (!isDone) return;
    }
    for (const container of run.containers) {
      if (container.role === 'main' && !container.launched) launch(run, container);
    }
  };

  const { live } = createContainerLife(kubelet, {
    ended: (...end) => ended(...end),
    sidecarStarted: (run) => startNext(run),
  });

  return {
    start: startNext,
    adopt: (run) => {
      for (const container of run.containers) {
        const { running, waiting } = container.state;
        if (running) {
          const young = world.wallMs() - Date.parse(running.startedAt) < SETTLING_MS;
          const fate = container.ready || young ? {} : ({ readyAfterMs: 'never', startedAfterMs: 'never' } as const);
          if (!container.ready && !young) container.program = fate;
          live(run, container, { ...programFor(context, run, container), ...fate }, running.startedAt);
        } else if (waiting) {
          container.program = programSeen(container);
          if (waiting.reason === 'CrashLoopBackOff') {
            container.state = container.last;
            kubelet.after(run, 10, () => restart(run, container));
          } else if (waiting.reason !== 'PodInitializing' && waiting.reason !== 'ContainerCreating') {
            container.launched = true;
            kubelet.after(run, retryDelayMs(random), () => launch(run, container));
          }
        }
      }
      startNext(run);
    },
    onFinished: (listener) => {
      finishedListeners.push(listener);
    },
  };
}
