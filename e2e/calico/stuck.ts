import type { EventObject, Pod } from '../../simulator/objects.ts';
import { until } from '../cluster/waiting.ts';
import { type Cluster, podsIn } from '../harness.ts';

const WITHIN_MS = 120_000;

const UNAUTHORIZED = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';

/** Resolves when the API server rejects the token in every node's CNI kubeconfig, from its cache as well. */
export async function tokensRejected(cluster: Cluster): Promise<void> {
  for (const node of cluster.nodes) {
    const file = await cluster.runOnNode(node, 'cat /etc/cni/net.d/calico-kubeconfig');
    const token = /(?<=token: )\S+/u.exec(file)?.[0] ?? '';
    await rejected(cluster, token, `the token of ${node}`);
  }
}

/** Resolves when the API server rejects this token, from its cache as well. */
export async function rejected(cluster: Cluster, token: string, what: string): Promise<void> {
  const waiting = { what: `${what} to be rejected`, timeoutMs: WITHIN_MS, everyMs: 500 };
  await until(waiting, async () => !(await isAccepted(cluster, token)));
}

async function isAccepted({ api }: Cluster, token: string): Promise<boolean> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const { status } = await api.create<{ readonly status: { readonly authenticated?: boolean } }>(path, review);
  return status.authenticated === true;
}

/**
 * Resolves when on each of these nodes pods of the namespace are stuck with Calico's failure: one that cannot start, and
 * one that cannot end.
 */
export async function stuckOn(cluster: Cluster, namespace: string, nodes: readonly string[]): Promise<void> {
  const waiting = { what: `stuck pods of ${namespace} on ${nodes.join(', ')}`, timeoutMs: WITHIN_MS };
  await until(waiting, async () => {
    const events = await cluster.api.list<EventObject>(`/api/v1/namespaces/${namespace}/events`);
    const failed = events.filter(({ message }) => message?.includes(UNAUTHORIZED));
    const about = new Set(failed.map(({ involvedObject: { uid } }) => uid));
    const stuck = (await podsIn(cluster, namespace)).filter(({ metadata: { uid } }) => about.has(uid));
    return nodes.every((node) => {
      const there = stuck.filter(({ spec }) => spec.nodeName === node);
      return there.some(isLeaving) && there.some((pod) => !isLeaving(pod));
    });
  });
}

function isLeaving({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}
