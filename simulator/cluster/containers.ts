import { retryDelayMs } from './cni.ts';
import type { ClusterContext } from './context.ts';
import type { Kubelet } from './kubelet.ts';
import { nodeStamp } from './nodes.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';
import { type Program, pullError } from './programs.ts';

/** kubelet `MaxContainerBackOff` and the image back-off: 10 s, doubled up to 5 minutes. */
const BACK_OFF_MS = 10_000;
const BACK_OFF_MAX_MS = 300_000;
/** A container that ran this long starts again without remembering. */
const BACK_OFF_RESET_MS = 600_000;
/** A failing probe writes an event a period until the recorder drops them anyway; then nobody sees more than one in a while. */
const PROBE_EVENTS = 30;
const PROBE_IDLE_MS = 60_000;

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

/** What a container does now; asked anew at every attempt, so that a behaviour can change. */
export function programFor(context: ClusterContext, run: PodRun, container: ContainerRun): Program {
  const { image, name } = container.spec;
  if (container.program) return container.program;
  const source = context.programs.get(`${image}#${name}`) ?? context.programs.get(image) ?? {};
  const program =
    typeof source === 'function' ? source({ name: run.name, namespace: run.namespace, node: run.node.name }) : source;
  return container.role === 'init' && !program.exits ? { ...program, exits: { code: 0, afterMs: 200 } } : program;
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

  /** Tries to pull; then `present`, or back-off and again. */
  const pull = (run: PodRun, container: ContainerRun, failures: number, present: () => void): void => {
    const program = programFor(context, run, container);
    const { image } = container.spec;
    const how = program.pull ?? 'present';
    const retry = (): void =>
      kubelet.after(run, retryDelayMs(random), () => pull(run, container, failures + 1, present));
    if (how === 'present') {
      kubelet.note(run, 'Normal', 'Pulled', `Container image "${image}" already present on machine`, container);
      present();
    } else if (how === 'never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      kubelet.note(run, 'Warning', 'ErrImageNeverPull', message, container);
      kubelet.note(run, 'Warning', 'Failed', 'Error: ErrImageNeverPull', container);
      waitWith(run, container, 'ErrImageNeverPull', message);
      retry();
    } else if (how === 'invalid-name') {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format: repository name (Valid) must be lowercase`;
      kubelet.note(run, 'Warning', 'InspectFailed', message, container);
      kubelet.note(run, 'Warning', 'Failed', 'Error: InvalidImageName', container);
      waitWith(run, container, 'InvalidImageName', message);
      retry();
    } else if (typeof how === 'object' && 'tookMs' in how) {
      kubelet.note(run, 'Normal', 'Pulling', `Pulling image "${image}"`, container);
      kubelet.after(run, how.tookMs, () => {
        const took = `${(how.tookMs / 1000).toFixed(3)}s`;
        kubelet.note(
          run,
          'Normal',
          'Pulled',
          `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: 5755528 bytes.`,
          container,
        );
        present();
      });
    } else {
      kubelet.note(run, 'Normal', 'Pulling', `Pulling image "${image}"`, container);
      kubelet.after(run, random.between(300, 1500), () => {
        const error = typeof how === 'object' ? how.error : pullError(how, image);
        kubelet.note(run, 'Warning', 'Failed', `Failed to pull image "${image}": ${error}`, container);
        kubelet.note(run, 'Warning', 'Failed', 'Error: ErrImagePull', container);
        waitWith(run, container, 'ErrImagePull', error);
        const untilMs = world.nowMs() + Math.min(BACK_OFF_MS * 2 ** failures, BACK_OFF_MAX_MS);
        kubelet.after(run, random.between(800, 1500), () =>
          backOffPull(run, container, failures, error, untilMs, present),
        );
      });
    }
  };

  const backOffPull = (
    run: PodRun,
    container: ContainerRun,
    failures: number,
    error: string,
    untilMs: number,
    present: () => void,
  ): void => {
    if (world.nowMs() >= untilMs) {
      pull(run, container, failures + 1, present);
      return;
    }
    const { image } = container.spec;
    kubelet.note(run, 'Normal', 'BackOff', `Back-off pulling image "${image}"`, container);
    kubelet.note(run, 'Warning', 'Failed', 'Error: ImagePullBackOff', container);
    waitWith(run, container, 'ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error}`);
    kubelet.after(run, retryDelayMs(random), () => backOffPull(run, container, failures, error, untilMs, present));
  };

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
    pull(run, container, 0, () => {
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

  /** Everything that a running container brings about by itself. */
  const live = (run: PodRun, container: ContainerRun, program: Program, startedAt: string): void => {
    const id = container.containerId;
    const step = (delayMs: number, act: () => void): void =>
      kubelet.after(run, delayMs, () => {
        if (container.containerId === id && container.state.running && !run.stopping) act();
      });
    const { exits } = program;
    if (exits && (exits.times === undefined || container.ends < exits.times)) {
      step(exits.afterMs, () => {
        const reason = exits.reason ?? (exits.code === 0 ? 'Completed' : 'Error');
        ended(
          run,
          container,
          { code: exits.code, reason, ...(exits.message === undefined ? {} : { message: exits.message }) },
          startedAt,
        );
      });
    }
    if (container.role === 'init') return;
    const { startupProbe, readinessProbe } = container.spec;
    const probeFails = (kind: 'Startup' | 'Readiness', periodMs: number, isOver: () => boolean, round = 0): void => {
      step(round < PROBE_EVENTS ? periodMs : PROBE_IDLE_MS, () => {
        if (isOver()) return;
        const url = `http://${run.podIp}:8080/`;
        kubelet.note(
          run,
          'Warning',
          'Unhealthy',
          `${kind} probe failed: Get "${url}": dial tcp ${run.podIp}:8080: connect: connection refused`,
          container,
        );
        probeFails(kind, periodMs, isOver, round + 1);
      });
    };
    if (startupProbe) {
      probeFails('Startup', (startupProbe.periodSeconds ?? 10) * 1000, () => container.started);
      const delayMs = program.startedAfterMs ?? random.between(100, 900);
      if (delayMs !== 'never') {
        step(delayMs, () => {
          container.started = true;
          if (!readinessProbe) container.ready = true;
          kubelet.report(run, 10);
          if (container.role === 'sidecar') startNext(run);
        });
      }
    }
    if (readinessProbe) {
      if (program.readyAfterMs !== undefined || program.flips) {
        probeFails(
          'Readiness',
          (readinessProbe.periodSeconds ?? 10) * 1000,
          () => container.ready || !container.started,
        );
      }
      const delayMs = program.readyAfterMs ?? random.between(300, 1000);
      if (delayMs !== 'never') step(delayMs, () => turnReady(run, container, program, step));
    } else if (program.flips) {
      turnReady(run, container, program, step);
    }
  };

  const turnReady = (
    run: PodRun,
    container: ContainerRun,
    program: Program,
    step: (delayMs: number, act: () => void) => void,
  ): void => {
    if (!container.started) {
      step(1000, () => turnReady(run, container, program, step));
      return;
    }
    container.ready = true;
    kubelet.report(run, 10);
    const { flips } = program;
    if (!flips) return;
    step(flips.readyMs, () => {
      container.ready = false;
      kubelet.note(
        run,
        'Warning',
        'Unhealthy',
        'Readiness probe failed: HTTP probe failed with statuscode: 503',
        container,
      );
      kubelet.report(run, 10);
      step(flips.notReadyMs, () => turnReady(run, container, program, step));
    });
  };

  const ended = (
    run: PodRun,
    container: ContainerRun,
    end: { readonly code: number; readonly reason: string; readonly message?: string },
    startedAt: string,
  ): void => {
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
    const next = run.containers.find((container) => container.role !== 'main' && !container.launched);
    if (next) {
      launch(run, next);
      return;
    }
    const init = run.containers.filter((container) => container.role !== 'main');
    const isDone = init.every((container) =>
      container.role === 'sidecar' ? container.started : container.state.terminated?.exitCode === 0,
    );
    if (!isDone) return;
    for (const container of run.containers) {
      if (container.role === 'main' && !container.launched) launch(run, container);
    }
  };

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
