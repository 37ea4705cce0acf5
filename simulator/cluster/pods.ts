import type { LogReader } from '../api/logs.ts';
import type { Pod } from '../objects.ts';
import { createContainers } from './containers.ts';
import type { ClusterContext } from './context.ts';
import { createKubelet, type Kubelet } from './kubelet.ts';
import { nodeStamp } from './nodes.ts';
import { adoptedPodRun, type ContainerRun, newPodRun, type PodRun } from './pod-run.ts';
import { programFor } from './programs.ts';
import { createSandboxes } from './sandbox.ts';

/** The kubelets of all nodes: what happens to a pod once it is bound. */
export interface Pods {
  readonly kubelet: Kubelet;
  /**
   * Takes over a pod that is there already, in the state that its status shows. `sandboxBroken` says whether a failed
   * sandbox stands in its way, which no status tells.
   */
  readonly adopt: (pod: Pod, sandboxBroken: boolean) => void;
  readonly logOf: LogReader;
}

/** A container that is asked to stop and does not say otherwise. */
const STOP_LOW_MS = 200;
const STOP_HIGH_MS = 900;

/** Every container of a pod that is over has ended; of one that never ran nobody knows how (`status_manager.go: TerminatePod`). */
function settle(container: ContainerRun): void {
  if (container.state.terminated) return;
  container.ready = false;
  container.started = false;
  container.state = container.last.terminated
    ? container.last
    : {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          startedAt: null,
          finishedAt: null,
        },
      };
}

function conditionIsTrue(pod: Pod, type: string): boolean {
  return pod.status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

export function createPods(context: ClusterContext, calicoNamespace: string): Pods {
  const kubelet = createKubelet(context);
  const sandboxes = createSandboxes(kubelet, { calicoNamespace });
  const containers = createContainers(kubelet);
  const { database, random, world, managed } = context;

  const admit = (pod: Pod): void => {
    const node = context.nodes.get(pod.spec.nodeName ?? '');
    if (!node || kubelet.runs.has(pod.metadata.uid)) return;
    const run = newPodRun(pod, node, '', random.next() < 0.5 ? 1 : 2);
    kubelet.runs.set(run.uid, run);
    kubelet.after(run, random.between(20, 150), () => {
      run.startedAt = nodeStamp(context, node);
      kubelet.report(run, random.between(5, 60));
      kubelet.after(run, random.between(200, 700), () =>
        sandboxes.create(run, () => {
          kubelet.report(run, random.between(250, 1000));
          containers.start(run);
        }),
      );
    });
  };

  /** The last act: the terminal phase is written, then the object is deleted with grace 0 (`status_manager.go`). */
  const bury = (run: PodRun): void => {
    for (const container of run.containers) settle(container);
    const main = run.containers.filter((container) => container.role === 'main');
    run.finished ??= main.every((container) => (container.state.terminated?.exitCode ?? 0) === 0)
      ? 'Succeeded'
      : 'Failed';
    kubelet.report(run, random.between(20, 120));
    kubelet.after(run, random.between(200, 900), () => {
      const pod = kubelet.podOf(run);
      if (pod) database.delete('pods', pod, { gracePeriodSeconds: 0, preconditions: { uid: run.uid } });
    });
  };

  const stopContainers = (run: PodRun, graceMs: number, stopped: () => void): void => {
    const running = run.containers.filter((container) => container.state.running);
    let left = running.length;
    if (left === 0) {
      stopped();
      return;
    }
    for (const container of running) {
      kubelet.note(run, 'Normal', 'Killing', `Stopping container ${container.spec.name}`, container);
      const wantedMs = programFor(context, run, container).stopMs ?? random.between(STOP_LOW_MS, STOP_HIGH_MS);
      const killed = wantedMs > graceMs;
      kubelet.after(run, Math.min(wantedMs, graceMs), () => {
        const startedAt = container.state.running?.startedAt ?? '';
        container.state = {
          terminated: {
            exitCode: killed ? 137 : 0,
            reason: killed ? 'Error' : 'Completed',
            startedAt,
            finishedAt: nodeStamp(context, run.node),
            ...(container.containerId === undefined ? {} : { containerID: container.containerId }),
          },
        };
        container.ready = false;
        container.started = false;
        left -= 1;
        if (left === 0) stopped();
      });
    }
  };

  const terminate = (run: PodRun, pod: Pod): void => {
    if (run.stopping) return;
    run.stopping = true;
    kubelet.cancel(run);
    kubelet.after(run, random.between(10, 60), () => {
      run.observedGeneration = pod.metadata.generation ?? run.observedGeneration;
      kubelet.report(run, 5);
      const graceMs = Math.max(1, pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000;
      stopContainers(run, graceMs, () => {
        run.quickRetries = random.next() < 0.5 ? 1 : 2;
        sandboxes.destroy(run, () => bury(run));
      });
    });
  };

  containers.onFinished((run, phase) => {
    run.finished = phase;
    kubelet.report(run);
    kubelet.after(run, random.between(500, 1500), () => sandboxes.destroy(run, () => kubelet.report(run)));
  });

  database.onChange('pods', (type, pod) => {
    const { uid, deletionTimestamp } = pod.metadata;
    const run = kubelet.runs.get(uid);
    if (type === 'DELETED') {
      if (run) kubelet.end(run);
      managed.delete(uid);
      return;
    }
    if (!managed.has(uid) || (pod.spec.nodeName ?? '') === '') return;
    const isOver = pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded';
    if (!run && deletionTimestamp === undefined && !isOver) admit(pod);
    else if (run && deletionTimestamp !== undefined) terminate(run, pod);
  });

  const adopt = (pod: Pod, sandboxBroken: boolean): void => {
    const node = context.nodes.get(pod.spec.nodeName ?? '');
    managed.add(pod.metadata.uid);
    if (!node || kubelet.runs.has(pod.metadata.uid)) return;
    const hasSandbox = conditionIsTrue(pod, 'PodReadyToStartContainers');
    let sandbox: PodRun['sandbox'] = 'none';
    if (hasSandbox) sandbox = 'ready';
    else if (sandboxBroken) sandbox = 'broken';
    const run = adoptedPodRun(pod, node, sandbox, world.nowMs());
    kubelet.runs.set(run.uid, run);
    // Somewhere between two tries.
    const nextTryMs = run.hostNetwork || sandbox === 'none' ? random.between(100, 800) : random.between(1000, 15_000);
    if (pod.metadata.deletionTimestamp !== undefined) {
      run.stopping = true;
      if (run.containers.some((container) => container.state.running)) {
        run.stopping = false;
        terminate(run, pod);
      } else {
        kubelet.after(run, nextTryMs, () => sandboxes.destroy(run, () => bury(run)));
      }
    } else if (hasSandbox) {
      containers.adopt(run);
    } else if (run.finished === undefined && run.startedAt !== '') {
      kubelet.after(run, nextTryMs, () =>
        sandboxes.create(run, () => {
          kubelet.report(run, random.between(250, 1000));
          containers.start(run);
        }),
      );
    }
  };

  /** A container has a log once it ran; before a first restart it has no previous one. */
  const logOf: LogReader = (namespace, name, containerName, previous) => {
    const pod = database.get('pods', namespace, name);
    const run = pod && kubelet.runs.get(pod.metadata.uid);
    const container = run?.containers.find(
      (entry) => entry.spec.name === (containerName ?? pod?.spec.containers[0]?.name),
    );
    if (!run || !container?.containerId || (previous && !container.last.terminated)) return undefined;
    return programFor(context, run, container).log ?? [];
  };

  return { kubelet, adopt, logOf };
}
