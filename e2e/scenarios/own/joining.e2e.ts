import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventObject } from '../../../simulator/objects.ts';
import { calicoNodes } from '../../calico/calico-node.ts';
import { CRASH, mendCalicoNode } from '../../calico/failures.ts';
import { until } from '../../cluster/waiting.ts';
import { auditGate, changesAmong, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { join, leave } from '../../own.ts';
import { aDaemonSet, aDeployment, allReady, leaveNamespace, makeNamespace } from '../../workloads.ts';

const NAMESPACE = 'joining';
const NEW = 'n4';

const WITHIN_MS = 120_000;

/** A node whose calico-node takes long to start, as a real one does. */
describe('a node that is just joining', () => {
  let cluster: Cluster;
  let hasJoined = false;

  beforeAll(async () => {
    cluster = await connectCluster();
    await makeNamespace(cluster, NAMESPACE);
    await cluster.api.apply(aDaemonSet({ name: 'agent', namespace: NAMESPACE }));
    await allReady(cluster, NAMESPACE, cluster.nodes.length);
  });

  afterAll(async () => {
    if (hasJoined) await leave(cluster, NEW);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test('is waited for: its pods fail until calico-node has come up, and nothing is restarted', async () => {
    await cluster.api.apply(aDeployment({ name: 'web', namespace: NAMESPACE, replicas: 2, pod: { nodes: [NEW] } }));
    const requests = auditGate();
    const gate = runGate(cluster, {
      namespaces: NAMESPACE,
      timeout: '4m',
      'stable-for': '5s',
      'restart-calico-node': 'true',
    });
    hasJoined = true;
    await join(cluster, NEW, [CRASH]);
    await until({ what: 'a pod that misses the nodename', timeoutMs: WITHIN_MS }, async () => {
      const events = await cluster.api.list<EventObject>(`/api/v1/namespaces/${NAMESPACE}/events`);
      return events.some(({ message }) => message?.includes('/var/lib/calico/nodename: no such file'));
    });
    // From now on the kubelet waits 10 s before it starts calico-node again.
    await until({ what: 'calico-node to crash', timeoutMs: WITHIN_MS }, async () => {
      const pod = (await calicoNodes(cluster)).get(NEW);
      return pod?.status.containerStatuses?.some(({ state }) => state.waiting?.reason === 'CrashLoopBackOff') ?? false;
    });
    await mendCalicoNode(cluster, NEW);

    const { stdout, outputs, exitCode, report } = await gate;
    // The log is there to show that the pods did fail while the gate looked.
    expect(stdout).toMatch(
      / · {2}Deployment joining\/web \(.*\): CalicoNodeDown, .*: stat \/var\/lib\/calico\/nodename: /,
    );
    expect(stdout).toMatch(/ Deployment joining\/web: no longer CalicoNodeDown/);
    expect(stdout).toMatch(
      /DaemonSets are not measured on nodes that are younger than 5m.* \(n4\): 1 of their pods is in the total only/,
    );
    expect(outputs).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
      'restarted-nodes': '[]',
      'pods-total': String(cluster.nodes.length + 3),
      'pods-not-ready': '0',
    });
    expect(exitCode).toBe(0);
    expect(report.workloads).toContainEqual(expect.objectContaining({ kind: 'Deployment', name: 'web', ready: 2 }));
    expect(changesAmong(requests())).toEqual([]);
  });
});
