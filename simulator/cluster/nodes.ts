import type { Condition, NodeObject } from '../objects.ts';
import { secondsStamp } from '../timestamps.ts';
import { type Runtime, runtimeVersion, type TokenState } from './cni.ts';
import { type ClusterContext, newMetadata } from './context.ts';
import { type EventSource, NODE } from './events.ts';

export interface NodeOptions {
  readonly name: string;
  readonly runtime?: Runtime;
  /** How far the node's clock is ahead of the API server's. */
  readonly clockSkewMs?: number;
  /** Its kubelet says that a pod has its sandbox when the first image has come, as before 1.36. */
  readonly saysSandboxLate?: boolean;
  /** Default 4 CPUs; decides what `requests` still fit. */
  readonly cpus?: number;
  readonly os?: 'linux' | 'windows';
  readonly labels?: Readonly<Record<string, string>>;
}

/** A node as the model knows it: what its kubelet can do, beside its API object. */
export interface NodeModel {
  readonly name: string;
  readonly ip: string;
  readonly subnet: string;
  readonly runtime: Runtime;
  readonly clockSkewMs: number;
  readonly saysSandboxLate: boolean;
  readonly cpus: number;
  readonly os: 'linux' | 'windows';
  token: TokenState;
  /** What a new token file would hold; set when a restart cannot cure. */
  restartCures: boolean;
  /** How often install-cni has written a new token. */
  restarts: number;
  /** The kubelet lives; a lost node stands still. */
  alive: boolean;
  lastPodIp: number;
  stopHeartbeat: () => void;
}

/** `nodeStatusReportFrequency`: an unchanged status is written every five minutes. */
const HEARTBEAT_MS = 300_000;
/** node-monitor-grace-period of 1.34: 50 s after the last lease the node is unknown. */
export const NODE_MONITOR_GRACE_MS = 50_000;
/** Default toleration of not-ready and unreachable. */
export const EVICTION_MS = 300_000;

/** The node's kubelet as a writer of events. */
export function kubeletOf(node: NodeModel): EventSource {
  return { component: 'kubelet', host: node.name, clockSkewMs: node.clockSkewMs };
}

/** The present as the node's own clock shows it. */
export function nodeStamp(context: ClusterContext, node: NodeModel, atMs = context.world.nowMs()): string {
  return secondsStamp(context.world.wallMs(atMs) + node.clockSkewMs);
}

export function isReady(node: NodeObject): boolean {
  return node.status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

const CONDITIONS: readonly (readonly [string, string, string, string])[] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
];
export const NODE_READY: readonly [string, string, string, string] = [
  'Ready',
  'True',
  'KubeletReady',
  'kubelet is posting ready status',
];
const NODE_WITHOUT_CNI: readonly [string, string, string, string] = [
  'Ready',
  'False',
  'KubeletNotReady',
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
];

function conditionsAt(stamp: string, ready: readonly [string, string, string, string]): readonly Condition[] {
  return [...CONDITIONS, ready].map(([type, status, reason, message]) => ({
    type,
    status,
    lastHeartbeatTime: stamp,
    lastTransitionTime: stamp,
    reason,
    message,
  }));
}

/** Replaces conditions of a node; the transition time moves only where the status does. */
export function withNodeConditions(
  node: NodeObject,
  changes: readonly (readonly [string, string, string, string])[],
  stamp: string,
  heartbeat: boolean,
): NodeObject {
  const conditions = node.status.conditions.map((condition) => {
    const change = changes.find(([changed]) => changed === condition.type);
    const beat = heartbeat ? { lastHeartbeatTime: stamp } : {};
    if (!change) return { ...condition, ...beat };
    const [type, status, reason, message] = change;
    return {
      ...condition,
      ...beat,
      type,
      status,
      reason,
      message,
      ...(condition.status === status ? {} : { lastTransitionTime: stamp }),
    };
  });
  return { ...node, status: { ...node.status, conditions } };
}

/** Puts a node into the cluster; with `ready: false` it waits for its CNI configuration. */
export function registerNode(context: ClusterContext, options: NodeOptions, ready: boolean): NodeModel {
  const index = context.nodes.size + 1;
  const runtime = options.runtime ?? 'containerd-1.6';
  const os = options.os ?? 'linux';
  const model: NodeModel = {
    name: options.name,
    ip: `192.168.${88 + (index >> 8)}.${(10 + index) & 0xff}`,
    subnet: `10.${244 + (index >> 8)}.${index & 0xff}`,
    runtime,
    clockSkewMs: options.clockSkewMs ?? 0,
    saysSandboxLate: options.saysSandboxLate ?? false,
    cpus: options.cpus ?? 4,
    os,
    token: ready ? 'valid' : 'nodename-missing',
    restartCures: true,
    restarts: 0,
    alive: true,
    lastPodIp: 1,
    stopHeartbeat: () => {},
  };
  context.nodes.set(model.name, model);
  const stamp = nodeStamp(context, model);
  const podCIDR = `${model.subnet}.0/24`;
  const object: NodeObject = {
    metadata: newMetadata(
      context,
      {
        name: model.name,
        labels: {
          'beta.kubernetes.io/arch': 'amd64',
          'beta.kubernetes.io/os': os,
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': model.name,
          'kubernetes.io/os': os,
          ...options.labels,
        },
        annotations: {
          'node.alpha.kubernetes.io/ttl': '0',
          'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        },
      },
      false,
    ),
    spec: {
      podCIDR,
      podCIDRs: [podCIDR],
      ...(ready ? {} : { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
    },
    status: {
      capacity: { cpu: String(model.cpus), memory: '24684092Ki', pods: '110' },
      allocatable: { cpu: String(model.cpus), memory: '24581692Ki', pods: '110' },
      conditions: conditionsAt(stamp, ready ? NODE_READY : NODE_WITHOUT_CNI),
      addresses: [
        { type: 'InternalIP', address: model.ip },
        { type: 'Hostname', address: model.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: '0',
        systemUUID: '0',
        bootID: '0',
        kernelVersion: '6.1.0',
        osImage: os === 'windows' ? 'Windows Server 2022 Datacenter' : 'Debian GNU/Linux 12 (bookworm)',
        containerRuntimeVersion: runtimeVersion(runtime),
        kubeletVersion: 'v1.34.4',
        kubeProxyVersion: '',
        operatingSystem: os,
        architecture: 'amd64',
      },
    },
  };
  context.database.put('nodes', object);
  startHeartbeat(context, model);
  return model;
}

/** A node that is there already, as its object shows it. */
export function adoptNode(context: ClusterContext, node: NodeObject, token: TokenState): NodeModel {
  const status = node.status as NodeObject['status'] & {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: { readonly containerRuntimeVersion?: string; readonly operatingSystem?: string };
    readonly allocatable?: { readonly cpu?: string };
  };
  const { name } = node.metadata;
  const subnet = String(node.spec.podCIDR ?? '10.244.0.0/24')
    .split('.')
    .slice(0, 3)
    .join('.');
  const version = status.nodeInfo?.containerRuntimeVersion ?? '';
  let runtime: Runtime = 'containerd-1.6';
  if (version.startsWith('cri-o')) runtime = 'cri-o';
  else if (/containerd:\/\/[2-9]/.test(version)) runtime = 'containerd-2';
  const used = context.database
    .onNode(name)
    .map((pod) => pod.status.podIP ?? '')
    .filter((ip) => ip.startsWith(`${subnet}.`))
    .map((ip) => Number(ip.split('.')[3]));
  const model: NodeModel = {
    name,
    ip: status.addresses?.find((address) => address.type === 'InternalIP')?.address ?? '',
    subnet,
    runtime,
    clockSkewMs: 0,
    saysSandboxLate: false,
    cpus: Number(status.allocatable?.cpu ?? '4'),
    os: status.nodeInfo?.operatingSystem === 'windows' ? 'windows' : 'linux',
    token,
    restartCures: true,
    restarts: 0,
    alive: isReady(node),
    lastPodIp: Math.max(1, ...used),
    stopHeartbeat: () => {},
  };
  context.nodes.set(name, model);
  if (model.alive) startHeartbeat(context, model);
  return model;
}

/** The kubelet's regular status; a lost node sends none. */
export function startHeartbeat(context: ClusterContext, model: NodeModel): void {
  model.stopHeartbeat();
  const beat = (): void => {
    model.stopHeartbeat = context.world.after(HEARTBEAT_MS * context.random.between(1, 1.04), () => {
      const node = context.database.get('nodes', undefined, model.name);
      if (!node || !model.alive) return;
      context.database.put('nodes', withNodeConditions(node, [], nodeStamp(context, model), true));
      beat();
    });
  };
  beat();
}

/** An event about a node, of its kubelet or of a controller. */
export function noteAboutNode(
  context: ClusterContext,
  source: EventSource,
  node: NodeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): void {
  context.events.record(source, { ...NODE, about: node, type, reason, message });
}

/** A free address of the node's subnet. */
export function nextPodIp(node: NodeModel): string {
  node.lastPodIp = node.lastPodIp >= 254 ? 2 : node.lastPodIp + 1;
  return `${node.subnet}.${node.lastPodIp}`;
}
