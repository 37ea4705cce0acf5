/**
 * What kubelets write about sandboxes, put together from the words of every runtime, with any pod and any error. The
 * words are Go's formats of the sources named beside them, so `quoted` is Go's `%q` wherever they have it.
 */

export interface TextPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly sandbox: string;
}

export const POD: TextPod = {
  namespace: 'shop',
  name: 'web-7d4b9c6f5-x2x9z',
  uid: 'f7d7f7d3-6cf1-47b7-9d6c-0d2a7c1b6a55',
  sandbox: '0f1e2d3c'.repeat(8),
};

export const P1 = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';

/** Go's `%q`, for text of printable characters, quotes, backslashes and line breaks. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}

const RPC = 'rpc error: code = Unknown desc = ';

export function created(error: string): string {
  return `Failed to create pod sandbox: ${RPC}${error}`;
}

export function killed(error: string, pod: TextPod): string {
  return `error killing pod: failed to "KillPodSandbox" for "${pod.uid}" with KillPodSandboxError: ${quoted(RPC + error)}`;
}

export interface Wrapper {
  readonly name: string;
  readonly reason: 'FailedCreatePodSandBox' | 'FailedKillPod';
  /** Whether libcni names the plugin in front of the error. */
  readonly prefixed: boolean;
  /** The words of runtime and plugins around the error. */
  readonly words: (error: string, pod: TextPod) => string;
  /** The kubelet's event with all that. */
  readonly wrap: (error: string, pod: TextPod) => string;
}

function add(name: string, prefixed: boolean, words: Wrapper['words']): Wrapper {
  const wrap: Wrapper['wrap'] = (error, pod) => created(words(error, pod));
  return { name, reason: 'FailedCreatePodSandBox', prefixed, words, wrap };
}

function remove(name: string, prefixed: boolean, words: Wrapper['words']): Wrapper {
  const wrap: Wrapper['wrap'] = (error, pod) => killed(words(error, pod), pod);
  return { name, reason: 'FailedKillPod', prefixed, words, wrap };
}

function containerdAdd(error: string, pod: TextPod): string {
  return `failed to setup network for sandbox ${quoted(pod.sandbox)}: ${error}`;
}

function crioName({ namespace, name, uid, sandbox }: TextPod): string {
  return `k8s_${name}_${namespace}_${uid}_0(${sandbox})`;
}

export function crioAdd(error: string, pod: TextPod, network = 'k8s-pod-network'): string {
  return `failed to create pod network sandbox ${crioName(pod)}: error adding pod ${pod.namespace}_${pod.name} to CNI network ${quoted(network)}: ${error}`;
}

function dockerAdd(error: string, pod: TextPod): string {
  return `failed to set up sandbox container ${quoted(pod.sandbox)} network for pod ${quoted(pod.name)}: networkPlugin cni failed to set up pod ${quoted(`${pod.name}_${pod.namespace}`)} network: ${error}`;
}

function dockerDelete(error: string, pod: TextPod): string {
  return `networkPlugin cni failed to teardown pod ${quoted(`${pod.name}_${pod.namespace}`)} network: ${error}`;
}

function dockerBoth(error: string, pod: TextPod): string {
  return `[${dockerAdd(error, pod)}, failed to clean up sandbox container ${quoted(pod.sandbox)} network for pod ${quoted(pod.name)}: ${dockerDelete('failed to delete the veth', pod)}]`;
}

function calico(verb: 'add' | 'delete', error: string): string {
  return `plugin type="calico" failed (${verb}): ${error}`;
}

/** Multus: the error of the delegate whose network has this name. */
export function delegated(error: string, pod: TextPod, network = 'k8s-pod-network'): string {
  return `[${pod.namespace}/${pod.name}/${pod.uid}:${network}]: error adding container to network ${quoted(network)}: ${error}`;
}

export function thin(error: string): string {
  return `plugin type="multus" name="multus-cni-network" failed (add): ${error}`;
}

function thickArguments({ namespace, name, uid, sandbox }: TextPod): string {
  const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=${sandbox};K8S_POD_UID=${uid}`;
  return `ContainerID:"${sandbox}" Netns:"/var/run/netns/cni-5d1c" IfName:"eth0" Args:"${args}" Path:""`;
}

const CONFIGURATION = '{"capabilities":{"portMappings":true},"name":"multus-cni-network","type":"multus-shim"}';

/** The thick plugin; `before` and `behind` are what some of its versions add. */
export function thick(error: string, pod: TextPod, before = '', behind = `: StdinData: ${CONFIGURATION}`): string {
  return `plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): CNI request failed with status 400: '${before}${thickArguments(pod)} ERRORED: error configuring pod [${pod.namespace}/${pod.name}] networking: ${error}\n'${behind}`;
}

function thickNumbers({ sandbox }: TextPod): string {
  const numbers = [...Buffer.from(CONFIGURATION)].join(' ');
  return `&{ContainerID:${sandbox} Netns:/var/run/netns/cni-5d1c IfName:eth0 Args:IgnoreUnknown=1 Path: StdinData:[${numbers}]} `;
}

/** Every runtime, with the plugin's name and without. */
export const WRAPPERS: readonly Wrapper[] = [
  add('containerd', true, (error, pod) => containerdAdd(calico('add', error), pod)),
  add('containerd on Windows', true, (error, pod) =>
    containerdAdd(`plugin type="calico" name="Calico" failed (add): ${error}`, pod),
  ),
  add('containerd up to 1.5', false, containerdAdd),
  add('CRI-O', true, (error, pod) => crioAdd(calico('add', error), pod)),
  add('CRI-O without the plugin', false, crioAdd),
  add('dockershim', false, dockerAdd),
  add('dockershim, cleaning up fails too', false, dockerBoth),
  add('cri-dockerd', true, (error, pod) => dockerAdd(calico('add', error), pod)),
  add('cri-dockerd, cleaning up fails too', true, (error, pod) => dockerBoth(calico('add', error), pod)),
  add('thin Multus', false, (error, pod) => containerdAdd(thin(delegated(error, pod)), pod)),
  add('thin Multus naming the delegate', true, (error, pod) =>
    crioAdd(thin(delegated(calico('add', error), pod)), pod, 'multus-cni-network'),
  ),
  add('thin Multus without a uid', true, (error, pod) =>
    containerdAdd(thin(delegated(calico('add', error), pod).replace(`/${pod.uid}:`, ':')), pod),
  ),
  add('thick Multus', true, (error, pod) => crioAdd(thick(delegated(calico('add', error), pod), pod), pod)),
  add('thick Multus, older client', false, (error, pod) =>
    containerdAdd(thick(delegated(error, pod), pod, '', ''), pod),
  ),
  add('thick Multus that prints numbers', true, (error, pod) =>
    containerdAdd(thick(delegated(calico('add', error), pod), pod, thickNumbers(pod)), pod),
  ),
  add('thick Multus on dockershim', false, (error, pod) => dockerBoth(thick(delegated(error, pod), pod), pod)),
  remove(
    'containerd',
    true,
    (error, pod) => `failed to destroy network for sandbox ${quoted(pod.sandbox)}: ${calico('delete', error)}`,
  ),
  remove(
    'containerd on Windows',
    true,
    (error, pod) =>
      `failed to destroy network for sandbox ${quoted(pod.sandbox)}: plugin type="calico"  name="Calico" failed (delete): ${error}`,
  ),
  remove(
    'containerd up to 1.5',
    false,
    (error, pod) => `failed to destroy network for sandbox ${quoted(pod.sandbox)}: ${error}`,
  ),
  remove(
    'CRI-O',
    true,
    (error, pod) =>
      `failed to destroy network for pod sandbox ${crioName(pod)}: error removing pod ${pod.namespace}_${pod.name} from CNI network "k8s-pod-network": ${calico('delete', error)}`,
  ),
  remove('dockershim', false, dockerDelete),
  remove('cri-dockerd', true, (error, pod) => dockerDelete(calico('delete', error), pod)),
];
