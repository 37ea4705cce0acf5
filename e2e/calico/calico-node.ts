import type { Pod } from '../../simulator/objects.ts';
import { until } from '../cluster/waiting.ts';
import { type Cluster, isReady, podsIn } from '../harness.ts';

const READY_WITHIN_MS = 300_000;

/** The calico-node pods, by node. */
export async function calicoNodes(cluster: Cluster): Promise<ReadonlyMap<string, Pod>> {
  const pods = await podsIn(cluster, cluster.calicoNamespace);
  return new Map(
    pods
      .filter(({ metadata }) => metadata.labels?.['k8s-app'] === 'calico-node')
      .map((pod) => [pod.spec.nodeName ?? '', pod]),
  );
}

/** The uids of the calico-node pods, by node: what a restart changes. */
export async function calicoNodeUids(cluster: Cluster): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries([...(await calicoNodes(cluster))].map(([node, { metadata }]) => [node, metadata.uid]));
}

/** Deletes every calico-node pod and resolves when each node has a new one that is Ready: all nodes have good tokens. */
export async function restartEverywhere(cluster: Cluster): Promise<void> {
  const before = await calicoNodes(cluster);
  for (const { metadata } of before.values()) {
    await cluster.api.remove(`/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`);
  }
  const old = new Set([...before.values()].map(({ metadata }) => metadata.uid));
  await until({ what: 'new calico-node pods', timeoutMs: READY_WITHIN_MS }, async () => {
    const now = [...(await calicoNodes(cluster)).values()];
    return now.length === before.size && now.every((pod) => isReady(pod) && !old.has(pod.metadata.uid));
  });
}
