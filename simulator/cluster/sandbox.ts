import { keepsBrokenSandbox, killPodMessage, pluginError, retryDelayMs, runtimeError } from './cni.ts';
import type { Kubelet } from './kubelet.ts';
import { nextPodIp } from './nodes.ts';
import type { PodRun } from './pod-run.ts';

/** Where Calico's account lives; only a forbidden request names it. */
export interface SandboxOptions {
  readonly calicoNamespace: string;
}

/** kubelet `nestedpendingoperations`: 500 ms, doubled up to 2 min 2 s. */
const MOUNT_RETRY_MS = 500;
const MOUNT_RETRY_MAX_MS = 122_000;
const MARK = 'cni.projectcalico.org';

/** The pod's network, or why there is none. */
export interface Sandboxes {
  /** Mounts volumes and makes the sandbox, however long it takes; then calls `ready`. */
  readonly create: (run: PodRun, ready: () => void) => void;
  /** Takes the sandbox down, however long it takes; then calls `gone`. */
  readonly destroy: (run: PodRun, gone: () => void) => void;
}

function missingVolume(run: PodRun, kubelet: Kubelet): string | undefined {
  const { missing } = kubelet.context;
  for (const volume of kubelet.podOf(run)?.spec.volumes ?? []) {
    const secret = volume.secret?.secretName;
    if (secret !== undefined && missing.has(`secrets/${run.namespace}/${secret}`)) {
      return `MountVolume.SetUp failed for volume "${volume.name}" : secret "${secret}" not found`;
    }
    const configMap = volume.configMap?.name;
    if (configMap !== undefined && missing.has(`configmaps/${run.namespace}/${configMap}`)) {
      return `MountVolume.SetUp failed for volume "${volume.name}" : configmap "${configMap}" not found`;
    }
  }
  return undefined;
}

export function createSandboxes(kubelet: Kubelet, options: SandboxOptions): Sandboxes {
  const { random } = kubelet.context;

  const wait = (run: PodRun): number => {
    if (run.quickRetries <= 0) return retryDelayMs(random) + random.between(0, 1000);
    run.quickRetries -= 1;
    return random.between(900, 1300);
  };

  /** CNI DEL of the present sandbox; the error if it fails. */
  const del = (run: PodRun): string | undefined => {
    const error = run.hostNetwork ? undefined : pluginError(run.node.token, 'del', options.calicoNamespace);
    return error === undefined
      ? undefined
      : runtimeError(run.node.runtime, 'del', error, run.sandboxId, run, run.attempts);
  };

  const unmark = (run: PodRun): void => {
    if (!run.hostNetwork) kubelet.annotate(run, { [`${MARK}/podIP`]: '', [`${MARK}/podIPs`]: '' });
  };

  const add = (run: PodRun, ready: () => void): void => {
    run.attempts += 1;
    run.sandboxId = random.hex(64);
    const error = run.hostNetwork ? undefined : pluginError(run.node.token, 'add', options.calicoNamespace);
    if (error !== undefined) {
      const message = runtimeError(run.node.runtime, 'add', error, run.sandboxId, run, run.attempts - 1);
      kubelet.note(run, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`);
      run.sandbox = del(run) !== undefined && keepsBrokenSandbox(run.node.runtime) ? 'broken' : 'none';
      kubelet.after(run, wait(run), () => attempt(run, ready));
      return;
    }
    if (!run.hostNetwork) {
      run.podIp = nextPodIp(run.node);
      kubelet.annotate(run, {
        [`${MARK}/containerID`]: run.sandboxId,
        [`${MARK}/podIP`]: `${run.podIp}/32`,
        [`${MARK}/podIPs`]: `${run.podIp}/32`,
      });
    }
    run.sandbox = 'ready';
    ready();
  };

  const attempt = (run: PodRun, ready: () => void): void => {
    if (run.sandbox !== 'broken') {
      add(run, ready);
      return;
    }
    // Written at every attempt to replace a broken sandbox, also at the one that heals.
    kubelet.note(run, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    if (del(run) !== undefined) {
      kubelet.after(run, wait(run), () => attempt(run, ready));
      return;
    }
    unmark(run);
    run.sandbox = 'none';
    kubelet.after(run, random.between(60, 120), () => add(run, ready));
  };

  const mount = (run: PodRun, retryMs: number, ready: () => void): void => {
    const problem = missingVolume(run, kubelet);
    if (problem === undefined) {
      attempt(run, ready);
      return;
    }
    kubelet.note(run, 'Warning', 'FailedMount', problem);
    kubelet.after(run, retryMs, () => mount(run, Math.min(retryMs * 2, MOUNT_RETRY_MAX_MS), ready));
  };

  const destroy = (run: PodRun, gone: () => void): void => {
    if (run.sandbox === 'none') {
      gone();
      return;
    }
    const error = del(run);
    if (error === undefined) {
      unmark(run);
      run.sandbox = 'none';
      gone();
      return;
    }
    // Its containers are down, so it can start none, whatever its network says.
    run.sandbox = 'broken';
    kubelet.note(run, 'Warning', 'FailedKillPod', killPodMessage(run.uid, error));
    kubelet.report(run);
    kubelet.after(run, wait(run), () => destroy(run, gone));
  };

  return {
    create: (run, ready) => mount(run, MOUNT_RETRY_MS, ready),
    destroy,
  };
}
