import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registryOf } from './control-plane.ts';
import { kubeconfigOf } from './credentials.ts';
import { PAUSE_IMAGE } from './images.ts';
import { PLUGIN_FOLDER } from './machine.ts';
import { networkNamespace, nodeAddress, plugIn } from './network.ts';
import { inCluster, sourceOf } from './places.ts';
import { daemonPid, run, startDaemon, stopDaemon } from './processes.ts';
import type { ClusterState } from './state.ts';
import { makeMountPoint, recordTrace, removeCgroups } from './traces.ts';

/** Folders of the machine that each node has for itself, as mounted over by `node.sh`. */
const OWN_FOLDERS = [
  '/etc/cni/net.d',
  '/opt/cni/bin',
  '/var/lib/kubelet',
  '/var/lib/containerd',
  '/var/lib/cni',
  '/var/lib/calico',
  '/var/log/pods',
  '/var/log/containers',
];

const CGROUP = 'chg';

/** The images of the suite, as every node imports them. */
export const IMAGE_ARCHIVE = 'images.tar';

/** Where `path` of a node's own folders lies on the machine. */
export function onNode(node: string, path: string): string {
  return inCluster('nodes', node, 'root', path);
}

/** Makes a node's network and files. */
export async function makeNode(node: string, state: ClusterState): Promise<void> {
  await plugIn(node, state.subnet, numberOf(node));
  recordTrace({ kind: 'cgroup', name: CGROUP });
  for (const folder of OWN_FOLDERS) {
    makeMountPoint(folder);
    mkdirSync(onNode(node, folder), { recursive: true });
  }
  for (const plugin of readdirSync(PLUGIN_FOLDER)) {
    copyFileSync(join(PLUGIN_FOLDER, plugin), onNode(node, join('/opt/cni/bin', plugin)));
  }
  const folder = inCluster('nodes', node);
  writeFileSync(join(folder, 'containerd.toml'), containerdConfig(state));
  writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletConfig(node)));
  // No name is ever looked up.
  writeFileSync(join(folder, 'resolv.conf'), '');
}

/** Starts containerd and kubelet of a node in namespaces of their own; also again, which is a reboot. */
export function startNode(node: string, { subnet, binaries }: ClusterState): void {
  // A machine that boots has none of before; the kubelet asks for each of them for three seconds.
  removeCgroups(cgroupOf(node));
  const ownNamespaces = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
  startDaemon(node, 'nsenter', [
    `--net=/run/netns/${networkNamespace(node)}`,
    'unshare',
    ...ownNamespaces,
    'sh',
    sourceOf('cluster', 'node.sh'),
    node,
    inCluster('nodes', node),
    inCluster(IMAGE_ARCHIVE),
    join(binaries, 'kubelet'),
    kubeconfigOf(node),
    nodeAddress(subnet, numberOf(node)),
    cgroupOf(node),
    ...OWN_FOLDERS,
  ]);
}

/** Takes a node away as a power cut does: kubelet, containerd and all containers at once. */
export async function stopNode(node: string): Promise<void> {
  await stopDaemon(node);
}

/** Runs a shell script on a node, among its processes and mounts. */
export async function runOnNode(node: string, script: string, input = ''): Promise<string> {
  const outer = daemonPid(node);
  if (outer === null) throw new Error(`node ${node} does not run`);
  const inner = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim();
  return await run('nsenter', ['-t', inner, '-m', '-u', '-i', '-p', '-n', 'sh', '-c', script], { input });
}

/** Forgets a node's files and network, so that it may be made anew. */
export async function removeNode(node: string): Promise<void> {
  await stopNode(node);
  const namespace = networkNamespace(node);
  if (existsSync(`/sys/class/net/${namespace}`)) await run('ip', ['link', 'del', namespace]);
  if (existsSync(`/run/netns/${namespace}`)) await run('ip', ['netns', 'del', namespace]);
  rmSync(inCluster('nodes', node), { recursive: true, force: true });
}

function cgroupOf(node: string): string {
  return `${CGROUP}/${node}`;
}

function numberOf(node: string): number {
  const number = Number(/^n(?<number>[1-9])$/u.exec(node)?.groups?.number);
  if (Number.isNaN(number)) throw new Error(`nodes are named n1 to n9, not ${node}`);
  return number;
}

function containerdConfig({ overlay, subnet }: ClusterState): string {
  const registry = registryOf(subnet);
  return `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${overlay ? 'overlayfs' : 'native'}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."${registry}"]
    endpoint = ["http://${registry}"]
`;
}

/** What differs from a node's usual configuration is what one machine with several nodes needs, and short waits. */
function kubeletConfig(node: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupOf(node)}`,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    localStorageCapacityIsolation: false,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    readOnlyPort: 0,
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    resolvConf: inCluster('nodes', node, 'resolv.conf'),
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    nodeStatusUpdateFrequency: '2s',
    nodeLeaseDurationSeconds: 10,
  };
}
