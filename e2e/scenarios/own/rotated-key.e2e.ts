import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import { stuckOn } from '../../calico/stuck.ts';
import { auditGate, changesAmong, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { rotateServiceAccountKey } from '../../own.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

const NAMESPACE = 'rotated-key';

/** One pod more, and one pod fewer: while a roll-out is stuck, one pod cannot start and one cannot end. */
const BOTH_WAYS = { strategy: { rollingUpdate: { maxSurge: '50%', maxUnavailable: '50%' } } };

describe("a service account key that was rotated: every token is rejected, calico-node's own and the controllers' as well", () => {
  let cluster: Cluster;
  let node: string;
  let uids: Readonly<Record<string, string>>;

  beforeAll(async () => {
    cluster = await connectCluster();
    node = cluster.nodes[1] ?? '';
    await makeNamespace(cluster, NAMESPACE);
    const web = { name: 'web', namespace: NAMESPACE };
    await cluster.api.apply(aDeployment({ ...web, replicas: 2, pod: { nodes: [node] }, spec: BOTH_WAYS }));
    await allReady(cluster, NAMESPACE, 2);
    await rotateServiceAccountKey(cluster);
    await roll(cluster, 'deployments', NAMESPACE, 'web');
    await stuckOn(cluster, NAMESPACE, [node]);
    uids = await calicoNodeUids(cluster);
  });

  afterAll(async () => {
    await restartEverywhere(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test('is cured by a restart, because the kubelet gets a new calico-node pod a new token; on the node that has stuck pods', async () => {
    const requests = auditGate();

    const { exitCode, outputs, report } = await runGate(cluster, {
      namespaces: NAMESPACE,
      timeout: '4m',
      'stable-for': '5s',
      'restart-calico-node': 'true',
    });

    expect(outputs).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': JSON.stringify([node]),
      'restarted-nodes': JSON.stringify([node]),
    });
    expect(exitCode).toBe(0);
    expect(report.calico.nodes).toEqual([expect.objectContaining({ node, action: 'restarted', outcome: 'cured' })]);
    expect(changesAmong(requests())).toHaveLength(1);
    const after = await calicoNodeUids(cluster);
    expect(after[node]).not.toBe(uids[node]);
    expect({ ...after, [node]: uids[node] }).toEqual(uids);
  });
});
