import type { Random } from '../random.ts';

/** What Calico's CNI plugin meets when it uses the token in a node's calico-kubeconfig. */
export type TokenState =
  | 'valid'
  | 'unauthorized'
  | 'forbidden'
  | 'connection-refused'
  | 'x509'
  | 'nodename-missing'
  | 'datastore-not-ready'
  | 'ipam-exhausted'
  /** Texts of your own; without one of them that operation works. */
  | { readonly add?: string; readonly del?: string };

/**
 * How a container runtime treats and words CNI errors. The first three keep the broken sandbox when the clean-up DEL fails
 * too, so the warning comes once and then only SandboxChanged; `containerd-2` (from 1.7.31, 2.0.8 …) drops it and warns anew
 * with a new sandbox each time. `multus` is Multus in front of Calico on containerd 1.6.
 */
export type Runtime = 'containerd-1.6' | 'cri-o' | 'multus' | 'containerd-2';

/** The API server as nodes see it. */
const SERVER = '192.168.88.1:6443';
const CLUSTER_INFORMATION = `Get "https://${SERVER}/apis/crd.projectcalico.org/v1/clusterinformations/default"`;
const GETTING = 'error getting ClusterInformation: ';

/** What the plugin prints (`cni-plugin/pkg/plugin/plugin.go`), on ADD and on DEL; `undefined` when it succeeds. */
export function pluginError(state: TokenState, operation: 'add' | 'del', calicoNamespace: string): string | undefined {
  if (typeof state === 'object') return state[operation];
  switch (state) {
    case 'valid':
      return undefined;
    case 'unauthorized':
      return `${GETTING}connection is unauthorized: Unauthorized`;
    case 'forbidden':
      return `${GETTING}connection is unauthorized: clusterinformations.crd.projectcalico.org "default" is forbidden: User "system:serviceaccount:${calicoNamespace}:calico-cni-plugin" cannot get resource "clusterinformations" in API group "crd.projectcalico.org" at the cluster scope`;
    case 'connection-refused':
      return `${GETTING}${CLUSTER_INFORMATION}: dial tcp ${SERVER}: connect: connection refused`;
    case 'x509':
      return `${GETTING}${CLUSTER_INFORMATION}: tls: failed to verify certificate: x509: certificate signed by unknown authority`;
    case 'nodename-missing':
      return 'stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/';
    case 'datastore-not-ready':
      return 'Calico is currently not ready to process requests';
    case 'ipam-exhausted':
      // Giving an address back needs none.
      return operation === 'add'
        ? 'failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No IPs available in pools: [10.244.0.0/16]'
        : undefined;
  }
}

/** What a restart of calico-node makes of a token state: a `nodename` file and, if it can cure at all, a token that works. */
export function afterRestart(state: TokenState, cures: boolean): TokenState {
  if (state === 'nodename-missing') return 'valid';
  return cures && state === 'unauthorized' ? 'valid' : state;
}

/** Whose sandbox it is. */
export interface SandboxOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The error as the runtime hands it to the kubelet. */
export function runtimeError(
  runtime: Runtime,
  operation: 'add' | 'del',
  error: string,
  sandbox: string,
  pod: SandboxOwner,
  attempt: number,
): string {
  const word = operation === 'add' ? 'add' : 'delete';
  const calico = `plugin type="calico" failed (${word}): ${error}`;
  switch (runtime) {
    case 'containerd-1.6':
    case 'containerd-2':
      return operation === 'add'
        ? `rpc error: code = Unknown desc = failed to setup network for sandbox "${sandbox}": ${calico}`
        : `rpc error: code = Unknown desc = failed to destroy network for sandbox "${sandbox}": ${calico}`;
    case 'multus': {
      const where = `[${pod.namespace}/${pod.name}/${pod.uid}:k8s-pod-network]`;
      const inner =
        operation === 'add'
          ? `error adding container to network "k8s-pod-network": ${calico}`
          : `error deleting container from network "k8s-pod-network": ${calico}`;
      const outer = `plugin type="multus" name="multus-cni-network" failed (${word}): ${where}: ${inner}`;
      return operation === 'add'
        ? `rpc error: code = Unknown desc = failed to setup network for sandbox "${sandbox}": ${outer}`
        : `rpc error: code = Unknown desc = failed to destroy network for sandbox "${sandbox}": ${outer}`;
    }
    case 'cri-o': {
      const long = `k8s_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}(${sandbox})`;
      return operation === 'add'
        ? `rpc error: code = Unknown desc = failed to create pod network sandbox ${long}: error adding pod ${pod.namespace}_${pod.name} to CNI network "k8s-pod-network": ${calico}`
        : `rpc error: code = Unknown desc = failed to destroy network for pod sandbox ${long}: error removing pod ${pod.namespace}_${pod.name} from CNI network "k8s-pod-network": ${calico}`;
    }
  }
}

/** Whether a failed ADD leaves a sandbox behind when its clean-up DEL fails as well. */
export function keepsBrokenSandbox(runtime: Runtime): boolean {
  return runtime !== 'containerd-2';
}

/** What `FailedKillPod` says; the inner error is quoted as Go quotes it. */
export function killPodMessage(uid: string, error: string): string {
  return `error killing pod: failed to "KillPodSandbox" for "${uid}" with KillPodSandboxError: ${JSON.stringify(error)}`;
}

/** How `status.nodeInfo.containerRuntimeVersion` names a runtime. */
export function runtimeVersion(runtime: Runtime): string {
  switch (runtime) {
    case 'containerd-1.6':
    case 'multus':
      return 'containerd://1.6.20';
    case 'containerd-2':
      return 'containerd://2.1.7';
    case 'cri-o':
      return 'cri-o://1.34.2';
  }
}

/** The kubelet's pause after a failed sync: 10 s and up to half as much again (`pod_workers.go: completeWork`). */
export function retryDelayMs(random: Random): number {
  return 10_000 * random.between(1, 1.5);
}
