import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { nodeReady } from './cluster/cluster.ts';
import { apiServerReady, CONTROLLERS_PORT, startApiServer, startControllerManager } from './cluster/control-plane.ts';
import { API_PORT, makeServiceAccountKey } from './cluster/credentials.ts';
import { controlPlaneAddress } from './cluster/network.ts';
import { makeNode, onNode, removeNode, startNode, stopNode } from './cluster/node.ts';
import { daemonPid, stopDaemon } from './cluster/processes.ts';
import { type ClusterState, readState } from './cluster/state.ts';
import { until } from './cluster/waiting.ts';
import type { Cluster } from './harness.ts';

/** What can be done only to the cluster that `e2e/run.ts` made: its machines and its control plane. */

function stateOf({ own }: Cluster): ClusterState {
  const state = readState();
  if (!own || state === null) throw new Error('this scenario needs the cluster of e2e/run.ts');
  return state;
}

/** A node goes down as in a power cut: everything on it ends at once, and nobody is told. */
export async function powerOff(cluster: Cluster, node: string): Promise<void> {
  stateOf(cluster);
  await stopNode(node);
}

/** The node comes up again with its disks as they were; resolves when it is Ready. */
export async function powerOn(cluster: Cluster, node: string): Promise<void> {
  startNode(node, stateOf(cluster));
  await nodeReady(node);
}

/**
 * A new node (`n4` to `n9`) starts to join; resolves at once, long before it is Ready. `files`: paths of empty files that
 * are on its disk already.
 */
export async function join(cluster: Cluster, node: string, files: readonly string[] = []): Promise<void> {
  const state = stateOf(cluster);
  await makeNode(node, state);
  for (const path of files) writeFileSync(onNode(node, path), '');
  startNode(node, state);
}

/** A node leaves for good, with its Node object and its pods, which would be there for another 40 s. */
export async function leave(cluster: Cluster, node: string): Promise<void> {
  stateOf(cluster);
  await removeNode(node);
  await cluster.api.remove(`/api/v1/nodes/${node}`);
  for (const { metadata } of await cluster.api.list(`/api/v1/pods?fieldSelector=spec.nodeName=${node}`)) {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    await cluster.api.remove(path, { gracePeriodSeconds: 0 });
  }
}

/** The API server ends; nobody can connect until `startApi`. */
export async function stopApi(cluster: Cluster): Promise<void> {
  await stopServer(stateOf(cluster), 'kube-apiserver', API_PORT);
}

/** The API server starts again, if it does not run; resolves when it is ready. */
export async function startApi(cluster: Cluster): Promise<void> {
  const state = stateOf(cluster);
  if (daemonPid('kube-apiserver') === null) startApiServer(state);
  await apiServerReady();
}

/**
 * From now on the controllers bear a node's silence for so long (`50s`), as they do elsewhere; without it for the suite's
 * own short time again. They restart; resolves when they are there.
 */
export async function bearSilentNodes(cluster: Cluster, nodeGrace?: string): Promise<void> {
  const state = stateOf(cluster);
  await stopServer(state, 'kube-controller-manager', CONTROLLERS_PORT);
  startControllerManager(state, nodeGrace);
  const daemons = ['kube-controller-manager'];
  await until({ what: 'the controllers', timeoutMs: WITHIN_MS, daemons }, () => isListening(state, CONTROLLERS_PORT));
}

const WITHIN_MS = 60_000;

/** Resolves when its port is free for the next one: a process that was killed is gone before all of its threads are. */
async function stopServer(state: ClusterState, daemon: string, port: number): Promise<void> {
  await stopDaemon(daemon);
  const waiting = { what: `the port of ${daemon} to be free`, timeoutMs: WITHIN_MS, everyMs: 20 };
  await until(waiting, async () => !(await isListening(state, port)));
}

async function isListening({ subnet }: ClusterState, port: number): Promise<boolean> {
  const socket = connect(port, controlPlaneAddress(subnet));
  const isAnswered = await new Promise<boolean>((resolve) => {
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  });
  socket.destroy();
  return isAnswered;
}

/** The API server restarts with another key for service account tokens: every token that was ever minted is rejected. */
export async function rotateServiceAccountKey(cluster: Cluster): Promise<void> {
  await stopApi(cluster);
  makeServiceAccountKey();
  await startApi(cluster);
}
