import type { EventObject, Pod } from '../../../simulator/objects.ts';
import type { Transport } from '../../../src/cluster/transport.ts';
import { ask, type WatchLine, watchUntil } from '../contract/world.ts';

/** A cluster in which one node's CNI token dies in the middle of a roll-out, and a restart of calico-node cures it. */
export interface StoryWorld {
  readonly transport: Transport;
  readonly namespace: string;
  readonly calicoNamespace: string;
  readonly node: string;
  /** Makes the Deployment `web` of four pods on the node, all Ready. */
  readonly deploy: () => Promise<void>;
  /** From now on the node's CNI token is rejected. */
  readonly breakToken: () => Promise<void>;
  /** Rolls `web` out anew. */
  readonly roll: () => Promise<void>;
  /** Lets time pass until it is so; rejects when that takes too long. */
  readonly until: (what: string, isSo: () => Promise<boolean>) => Promise<void>;
}

/** A pod as watches tell it, in the words of kube-apiserver. */
export interface PodLine {
  readonly type: string;
  readonly object: Pod;
}

/** What happened, as any client could see it. */
export interface Story {
  readonly node: string;
  /** Of the first version, Ready. */
  readonly before: readonly Pod[];
  /** All of the namespace, in the middle of the failure. */
  readonly stuck: readonly Pod[];
  readonly eventsWhileStuck: readonly EventObject[];
  /** The calico-node pod that was deleted. */
  readonly restarted: Pod;
  readonly after: readonly Pod[];
  readonly eventsAfter: readonly EventObject[];
  /** Everything about the pods of the namespace from the roll-out on. */
  readonly pods: readonly PodLine[];
  /** Everything about the node's calico-node pods from the restart on. */
  readonly calicoNodes: readonly PodLine[];
}

/** Kubelets try again every 10 to 16 s: twice, and nobody's first try is missing. */
const LEAST_COUNT = 2;

export async function tellStory(world: StoryWorld): Promise<Story> {
  const { transport, namespace, calicoNamespace, node } = world;
  await world.deploy();
  const { pods: before, version } = await listPods(transport, namespace);
  const watching = startWatch(transport, namespace, version);
  await world.breakToken();
  await world.roll();
  await world.until('pods that are stuck on their way in and out', async () => {
    const { pods } = await listPods(transport, namespace);
    const events = await listEvents(transport, namespace);
    const counts = (reason: string) => (pod: Pod) => countOf(events, pod, reason) >= LEAST_COUNT;
    return pods.some(counts('SandboxChanged')) && pods.some(counts('FailedKillPod'));
  });
  const { pods: stuck } = await listPods(transport, namespace);
  const eventsWhileStuck = await listEvents(transport, namespace);

  const calico = await listPods(transport, calicoNamespace);
  const restarted = calico.pods.find(({ metadata, spec }) => isCalicoNode(metadata.name) && spec.nodeName === node);
  if (restarted === undefined) throw new Error(`no calico-node on ${node}`);
  const watchingCalico = startWatch(transport, calicoNamespace, calico.version);
  const { uid, name } = restarted.metadata;
  await ask(transport, `/api/v1/namespaces/${calicoNamespace}/pods/${name}`, {
    method: 'DELETE',
    body: JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid } }),
  });
  const isOld = new Set(before.map((pod) => pod.metadata.uid));
  await world.until('the end of the roll-out', async () => {
    const { pods } = await listPods(transport, namespace);
    return pods.length === before.length && pods.every((pod) => !isOld.has(pod.metadata.uid) && isReady(pod));
  });
  const { pods: after } = await listPods(transport, namespace);
  const eventsAfter = await listEvents(transport, namespace);
  return {
    ...{ node, before, stuck, eventsWhileStuck, restarted, after, eventsAfter },
    pods: await watching(),
    calicoNodes: ofNode(await watchingCalico(), node).filter(({ object }) => isCalicoNode(object.metadata.name)),
  };
}

/** Those about pods that were bound to a node, from their beginning. */
function ofNode(lines: readonly PodLine[], node: string): readonly PodLine[] {
  const bound = lines.filter(({ object }) => object.spec.nodeName === node);
  const uids = new Set(bound.map(({ object }) => object.metadata.uid));
  return lines.filter(({ object }) => uids.has(object.metadata.uid));
}

function isCalicoNode(name: string): boolean {
  return name.startsWith('calico-node-');
}

async function listPods(
  transport: Transport,
  namespace: string,
): Promise<{ readonly pods: readonly Pod[]; readonly version: string }> {
  const { body } = await ask<{
    readonly items: readonly Pod[];
    readonly metadata: { readonly resourceVersion: string };
  }>(transport, `/api/v1/namespaces/${namespace}/pods`);
  return { pods: body.items, version: body.metadata.resourceVersion };
}

async function listEvents(transport: Transport, namespace: string): Promise<readonly EventObject[]> {
  const path = `/api/v1/namespaces/${namespace}/events`;
  return (await ask<{ readonly items: readonly EventObject[] }>(transport, path)).body.items;
}

/** Begins to listen; the function ends that and returns what was heard. */
function startWatch(transport: Transport, namespace: string, version: string): () => Promise<readonly PodLine[]> {
  let lines: readonly WatchLine[] = [];
  const end = new AbortController();
  const path = `/api/v1/namespaces/${namespace}/pods?watch=1&timeoutSeconds=600&resourceVersion=${version}`;
  const over = watchUntil(
    (request) => transport({ ...request, signal: AbortSignal.any([request.signal, end.signal]) }),
    path,
    (seen) => {
      lines = [...seen];
      return false;
    },
  ).catch((error: unknown) => {
    if (!end.signal.aborted) throw error;
  });
  return async () => {
    end.abort();
    await over;
    return lines as unknown as readonly PodLine[];
  };
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

export function eventsAbout(events: readonly EventObject[], pod: Pod, reason: string): readonly EventObject[] {
  return events.filter((event) => event.reason === reason && event.involvedObject.uid === pod.metadata.uid);
}

function countOf(events: readonly EventObject[], pod: Pod, reason: string): number {
  return eventsAbout(events, pod, reason).reduce((sum, { count = 0 }) => sum + count, 0);
}
