import { askEtcd } from './cluster/etcd.ts';
import { readState } from './cluster/state.ts';
import type { Cluster } from './harness.ts';

/**
 * Makes etcd forget all versions that were listed before this call. What the API server keeps in watch caches of its own,
 * which is all but events, it still knows. `namespace` is a namespace that may be written to. Only on our own cluster.
 */
export async function compactEtcd({ api, own }: Cluster, namespace: string): Promise<void> {
  const state = readState();
  if (!own || state === null) throw new Error('only the etcd of e2e/run.ts may be compacted');
  // Two, since what happened at the revision itself is kept.
  for (const part of ['once', 'twice']) {
    const labels = { 'calico-health-gate.example/compacted': `${part}-${Date.now()}` };
    await api.patch(`/api/v1/namespaces/${namespace}`, { metadata: { labels } });
  }
  const { header } = await askEtcd(state.subnet, 'maintenance/status', {});
  await askEtcd(state.subnet, 'kv/compaction', { revision: header.revision });
}
