import type { NodeObject } from '../../simulator/objects.ts';
import { connectApi } from '../api.ts';
import { installCalico } from '../calico/install.ts';
import { buildComponents, buildStandIn, type Tell } from './components.ts';
import { CONTROL_PLANE, startControlPlane } from './control-plane.ts';
import { kubeconfigOf, makeCredentials } from './credentials.ts';
import { makeOlder } from './etcd.ts';
import { writeImages } from './images.ts';
import { cannotRun, hasOverlay, prepareMachine } from './machine.ts';
import { DEFAULT_SUBNET, makeBridge } from './network.ts';
import { IMAGE_ARCHIVE, makeNode, startNode } from './node.ts';
import { inCluster } from './places.ts';
import { isAlive, readState, thisRun, writeState } from './state.ts';
import { removeTraces } from './traces.ts';
import { until } from './waiting.ts';

export interface ClusterOptions {
  readonly kubernetes: string;
  /** How many nodes; they are called n1, n2 … */
  readonly nodes: number;
  readonly tell: Tell;
}

const NODES_READY_MS = 120_000;

/**
 * The gate measures DaemonSets on nodes older than 5 min, and on younger ones only where all are: scenarios would depend
 * on how long ago the cluster was made.
 */
const NODES_OLDER_BY_MS = 10 * 60_000;
const WRITTEN_WITHIN_MS = 10_000;

/**
 * Brings a cluster up with Calico's stand-in on it, after removing whatever an earlier run left.
 * @returns path of the administrator's kubeconfig
 * @throws Error if this machine cannot run one, or another run is using it
 */
export async function up({ kubernetes, nodes, tell }: ClusterOptions): Promise<string> {
  const subnet = process.env.E2E_SUBNET || DEFAULT_SUBNET;
  await prepareMachine(subnet, tell);
  refuseWhileInUse();
  const binaries = await buildComponents(kubernetes, tell);
  const standIn = await buildStandIn(tell);
  // Looked at again: another run may have begun while this one was building.
  refuseWhileInUse();
  await removeTraces();

  tell(`starting Kubernetes ${kubernetes} with ${nodes} nodes`);
  const began = { owner: thisRun(), kubernetes, subnet, binaries, overlay: false };
  writeState(began);
  const state = { ...began, overlay: await hasOverlay() };
  writeState(state);
  await makeBridge(subnet);
  await makeCredentials(subnet);
  writeImages(standIn, inCluster(IMAGE_ARCHIVE));
  const names = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
  for (const name of names) {
    await makeNode(name, state);
    startNode(name, state);
  }
  await startControlPlane(state, standIn);
  await installCalico(kubeconfigOf('admin'));
  for (const name of names) await nodeReady(name);
  for (const name of names) await nodeOld(name, subnet);
  return kubeconfigOf('admin');
}

/**
 * Resolves when a node is Ready, which needs its CNI configuration and so Calico, and takes pods: the taint of a node
 * that is not Ready goes a moment later.
 */
export async function nodeReady(name: string): Promise<void> {
  const api = connectApi(kubeconfigOf('admin'));
  const daemons = [...CONTROL_PLANE, name];
  await until({ what: `node ${name} to be Ready`, timeoutMs: NODES_READY_MS, daemons }, async () => {
    const { spec, status } = await api.get<NodeObject>(`/api/v1/nodes/${name}`);
    const isTainted = spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/')) ?? false;
    return !isTainted && status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  });
  api.close();
}

/** Makes a node as old as those of other clusters are; resolves when the API server knows. */
async function nodeOld(name: string, subnet: string): Promise<void> {
  const api = connectApi(kubeconfigOf('admin'));
  const path = `/api/v1/nodes/${name}`;
  const { creationTimestamp } = (await api.get<NodeObject>(path)).metadata;
  const waiting = { what: `node ${name} to be older`, timeoutMs: WRITTEN_WITHIN_MS };
  // The kubelet writes it, too.
  await until(waiting, async () => await makeOlder(subnet, name, creationTimestamp, NODES_OLDER_BY_MS));
  await until(waiting, async () => (await api.get(path)).metadata.creationTimestamp !== creationTimestamp);
  api.close();
}

/** Takes the cluster of this machine down and leaves nothing of it behind; the built binaries stay. */
export async function down(): Promise<void> {
  if (process.getuid?.() !== 0) throw cannotRun(['a cluster belongs to root (run it with sudo)']);
  refuseWhileInUse();
  await removeTraces();
}

/** Hands the cluster to nobody: the next run takes it down. */
export function keep(): void {
  const state = readState();
  if (state !== null) writeState({ ...state, owner: { pid: 0, began: '' } });
}

function refuseWhileInUse(): void {
  const owner = readState()?.owner;
  // A run that is cancelled starts another process that takes its cluster down.
  const own = owner === undefined || owner.pid === process.pid || owner.pid === process.ppid;
  if (own || !isAlive(owner)) return;
  throw cannotRun([`process ${owner.pid} is running one; wait for it, or end it`]);
}
