import type { NodeObject, Pod } from '../simulator/objects.ts';
import type { DaemonSet } from '../simulator/workload-objects.ts';
import { type Api, connectApi } from './api.ts';
import { kubeconfigOf } from './cluster/credentials.ts';
import { runOnNode } from './cluster/node.ts';
import { run } from './cluster/processes.ts';
import { isOwn, readState } from './cluster/state.ts';

/** The cluster that the scenarios run on. */
export interface Cluster {
  /** As its administrator. */
  readonly api: Api;
  /** For the gate: on our own cluster a user of its own with every right, elsewhere the administrator. */
  readonly kubeconfig: string;
  /** Whether `e2e/run.ts` made it: only there are the control plane and the nodes ours to stop. */
  readonly own: boolean;
  /** Names of the nodes that take pods, in order. */
  readonly nodes: readonly string[];
  /** Namespace of calico-node. */
  readonly calicoNamespace: string;
  /** Runs a shell script on a node, with `input` as its stdin; returns its stdout. */
  readonly runOnNode: (node: string, script: string, input?: string) => Promise<string>;
}

/** The cluster of `E2E_KUBECONFIG`, which `e2e/run.ts` sets to its own. */
export async function connectCluster(): Promise<Cluster> {
  const admin = process.env.E2E_KUBECONFIG;
  if (!admin) throw new Error('E2E_KUBECONFIG is not set: start the suite with npm run e2e');
  const own = isOwn(admin);
  const api = connectApi(admin);
  const nodes = await api.list<NodeObject>('/api/v1/nodes');
  const open = nodes.filter(({ spec }) => !spec.taints?.some(({ effect }) => effect !== 'PreferNoSchedule'));
  const daemonSets = await api.list<DaemonSet>('/apis/apps/v1/daemonsets');
  const calico = daemonSets.find(({ metadata }) => metadata.name === 'calico-node');
  if (calico?.metadata.namespace === undefined) throw new Error(`no DaemonSet calico-node in the cluster of ${admin}`);
  return {
    api,
    own,
    kubeconfig: own ? kubeconfigOf('gate') : admin,
    nodes: open.map(({ metadata }) => metadata.name).sort(),
    calicoNamespace: calico.metadata.namespace,
    runOnNode: own ? runOnNode : runInNodeShell,
  };
}

/** `E2E_NODE_SHELL` is a command that runs a shell script, its last argument, on `{node}`. */
async function runInNodeShell(node: string, script: string, input = ''): Promise<string> {
  const shell = process.env.E2E_NODE_SHELL;
  if (!shell) throw new Error('E2E_NODE_SHELL is not set, for example to "docker exec -i {node} sh -c"');
  const [command = '', ...args] = shell.split(' ').map((word) => word.replace('{node}', node));
  return await run(command, [...args, script], { input });
}

/** Runs a kubectl command line as an administrator types it, with the kubectl that was built with an own cluster. */
export async function typeCommand({ own }: Cluster, command: string): Promise<string> {
  const binaries = own ? (readState()?.binaries ?? '') : '';
  const env = { KUBECONFIG: process.env.E2E_KUBECONFIG ?? '', PATH: `${binaries}:${process.env.PATH}` };
  return await run('sh', ['-c', command], { env });
}

/** All pods of a namespace. */
export async function podsIn({ api }: Cluster, namespace: string): Promise<readonly Pod[]> {
  return await api.list<Pod>(`/api/v1/namespaces/${namespace}/pods`);
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}
