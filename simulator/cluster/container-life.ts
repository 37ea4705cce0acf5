import type { Kubelet } from './kubelet.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';
import type { Program } from './programs.ts';

/** A failing probe writes an event a period until the recorder drops them anyway; then nobody sees more than one in a while. */
const PROBE_EVENTS = 30;
const PROBE_IDLE_MS = 60_000;

/** How a container ended. */
export interface ContainerEnd {
  readonly code: number;
  readonly reason: string;
  readonly message?: string;
}

/** What a running container brings about by itself: it starts, becomes ready or not, and ends. */
export interface ContainerLife {
  readonly live: (run: PodRun, container: ContainerRun, program: Program, startedAt: string) => void;
}

export function createContainerLife(
  kubelet: Kubelet,
  hooks: {
    readonly ended: (run: PodRun, container: ContainerRun, end: ContainerEnd, startedAt: string) => void;
    /** A sidecar has started, so that the next container may. */
    readonly sidecarStarted: (run: PodRun) => void;
  },
): ContainerLife {
  const { random } = kubelet.context;

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
        hooks.ended(
          run,
          container,
          { code: exits.code, reason, ...(exits.message === undefined ? {} : { message: exits.message }) },
          container.state.running?.startedAt ?? startedAt,
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
          if (container.role === 'sidecar') hooks.sidecarStarted(run);
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

  return { live };
}
