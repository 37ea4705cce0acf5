import type { Pod } from '../objects.ts';
import { shiftTimes } from '../timestamps.ts';
import type { ClusterContext } from './context.ts';
import { POD } from './events.ts';
import { kubeletOf, nodeStamp } from './nodes.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';
import { podStatus } from './pod-status.ts';

/** What all steps of a pod's life need of the kubelet. */
export interface Kubelet {
  readonly context: ClusterContext;
  /** Runs by pod uid. */
  readonly runs: Map<string, PodRun>;
  /** Calls `step` after a while, unless the pod is over by then; on a lost node not before it returns. */
  readonly after: (run: PodRun, delayMs: number, step: () => void) => void;
  /** Cancels all that the pod waits for. */
  readonly cancel: (run: PodRun) => void;
  /** Writes the pod's status in a moment; several changes in that time become one write. */
  readonly report: (run: PodRun, delayMs?: number) => void;
  readonly podOf: (run: PodRun) => Pod | undefined;
  readonly note: (
    run: PodRun,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    container?: ContainerRun,
  ) => void;
  /** Sets annotations, as the CNI plugin does with its token. */
  readonly annotate: (run: PodRun, annotations: Readonly<Record<string, string>>) => void;
  /** Told when a container ended by itself. */
  readonly onExit: (listener: (run: PodRun, container: ContainerRun, exitCode: number) => void) => void;
  readonly exited: (run: PodRun, container: ContainerRun, exitCode: number) => void;
  /** Ends a run: its pod is gone. */
  readonly end: (run: PodRun) => void;
  /** Lets go on what a lost node left undone. */
  readonly resume: (node: string) => void;
}

/**
 * Whether the kubelet is busy with the first image, and writes no status before it has come: it has the sandbox by then,
 * and does not say so (up to 1.35, kubernetes#134660).
 */
function isSilent({ node, sandbox, stopping, containers }: PodRun): boolean {
  if (!node.saysSandboxLate || sandbox !== 'ready' || stopping) return false;
  return containers.every(
    ({ state, last, started }) =>
      !started && state.waiting?.reason === 'ContainerCreating' && last.terminated === undefined,
  );
}

/** The kubelet writes a status soon, but not at once (its status manager and the API server's round trip). */
const REPORT_LOW_MS = 30;
const REPORT_HIGH_MS = 400;

export function createKubelet(context: ClusterContext): Kubelet {
  const runs = new Map<string, PodRun>();
  const suspended: { readonly run: PodRun; readonly step: () => void }[] = [];
  const listeners: ((run: PodRun, container: ContainerRun, exitCode: number) => void)[] = [];
  const { database, world, random } = context;
  // What a kubelet knows ages with the objects: it is written into them again at the next change.
  world.onShift((ms) => {
    for (const run of runs.values()) {
      run.startedAt = shiftTimes(run.startedAt, -ms);
      for (const container of run.containers) {
        container.state = shiftTimes(container.state, -ms);
        container.last = shiftTimes(container.last, -ms);
      }
    }
  });

  const podOf = (run: PodRun): Pod | undefined => {
    const pod = database.get('pods', run.namespace, run.name);
    return pod?.metadata.uid === run.uid ? pod : undefined;
  };

  const after = (run: PodRun, delayMs: number, step: () => void): void => {
    const cancel = world.after(delayMs, () => {
      run.timers.delete(cancel);
      if (run.over) return;
      if (run.node.alive) step();
      else suspended.push({ run, step });
    });
    run.timers.add(cancel);
  };

  const write = (run: PodRun): void => {
    const pod = podOf(run);
    if (!pod || run.over || isSilent(run)) return;
    const status = podStatus(pod, run, nodeStamp(context, run.node));
    if (JSON.stringify(status) !== JSON.stringify(pod.status)) database.put('pods', { ...pod, status });
  };

  const cancel = (run: PodRun): void => {
    for (const stop of run.timers) stop();
    run.timers.clear();
    run.reporting?.();
    run.reporting = undefined;
    for (let index = suspended.length - 1; index >= 0; index -= 1) {
      if (suspended[index]?.run === run) suspended.splice(index, 1);
    }
  };

  return {
    context,
    runs,
    after,
    cancel,
    podOf,
    report: (run, delayMs = random.between(REPORT_LOW_MS, REPORT_HIGH_MS)) => {
      if (run.reporting || run.over) return;
      run.reporting = world.after(delayMs, () => {
        run.reporting = undefined;
        if (run.node.alive) write(run);
        else suspended.push({ run, step: () => write(run) });
      });
    },
    note: (run, type, reason, message, container) => {
      const pod = podOf(run);
      if (!pod) return;
      const list = container?.role === 'main' ? 'containers' : 'initContainers';
      context.events.record(kubeletOf(run.node), {
        ...POD,
        about: pod,
        type,
        reason,
        message,
        ...(container === undefined ? {} : { fieldPath: `spec.${list}{${container.spec.name}}` }),
      });
    },
    annotate: (run, annotations) => {
      const pod = podOf(run);
      if (!pod) return;
      database.put('pods', {
        ...pod,
        metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } },
      });
    },
    onExit: (listener) => {
      listeners.push(listener);
    },
    exited: (run, container, exitCode) => {
      for (const listener of listeners) listener(run, container, exitCode);
    },
    end: (run) => {
      run.over = true;
      cancel(run);
      runs.delete(run.uid);
    },
    resume: (node) => {
      const waiting = suspended.filter((entry) => entry.run.node.name === node);
      for (const entry of waiting) {
        suspended.splice(suspended.indexOf(entry), 1);
        after(entry.run, random.between(100, 3000), entry.step);
      }
    },
  };
}
