import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { calicoNodeUids } from '../../calico/calico-node.ts';
import { runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { aDeployment, leaveNamespace, makeNamespace } from '../../workloads.ts';

const NAMESPACE = 'healthy';

describe('a deploy with nothing wrong', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await connectCluster();
    await makeNamespace(cluster, NAMESPACE);
  });

  afterAll(async () => {
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test('is waited for until every pod was ready for a while, and Calico is left alone although it might be restarted', async () => {
    const uids = await calicoNodeUids(cluster);
    // Ready a few seconds after their start: the gate is there before them.
    const pod = { container: { args: ['serve', '--ready-after=3s'] } };
    await cluster.api.apply(aDeployment({ name: 'web', namespace: NAMESPACE, replicas: 3, pod }));

    const { exitCode, outputs, report } = await runGate(cluster, {
      namespaces: NAMESPACE,
      timeout: '2m',
      'stable-for': '5s',
      'restart-calico-node': 'true',
    });

    expect(outputs).toMatchObject({
      verdict: 'healthy',
      'pods-ready': '3',
      'calico-auth-failure': 'false',
      'restarted-nodes': '[]',
    });
    expect(exitCode).toBe(0);
    expect(report.calico).toMatchObject({
      detected: false,
      installations: [{ namespace: cluster.calicoNamespace, daemonSet: 'calico-node' }],
      nodes: [],
    });
    expect(await calicoNodeUids(cluster)).toEqual(uids);
  });
});
