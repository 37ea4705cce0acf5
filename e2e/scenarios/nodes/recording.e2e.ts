import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeObject } from '../../../simulator/objects.ts';
import { restartEverywhere } from '../../calico/calico-node.ts';
import { killToken } from '../../calico/failures.ts';
import { stuckOn } from '../../calico/stuck.ts';
import { type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn } from '../../harness.ts';
import { filesOf, playRecorded, startRecorder } from '../../recorder.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll, spreadEvenly } from '../../workloads.ts';

const NAMESPACE = 'recording';
const RECORDED = ['--namespaces', NAMESPACE];
const CURE = { namespaces: NAMESPACE, timeout: '4m', 'stable-for': '5s', 'restart-calico-node': 'true' };
const UNAUTHORIZED = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';

describe('a failure that is recorded while it lasts, and while the gate cures it', () => {
  let cluster: Cluster;
  let broken: string;
  let folder: string;
  let secrets: readonly string[];
  let real: GateRun;

  beforeAll(async () => {
    cluster = await connectCluster();
    folder = await mkdtemp(join(tmpdir(), 'recording-'));
    const nodes = cluster.nodes.slice(0, 2);
    broken = nodes[0] ?? '';
    await makeNamespace(cluster, NAMESPACE);
    const password = await tokenOn(cluster, nodes[1] ?? '');
    const container = { args: ['serve'], env: [{ name: 'PASSWORD', value: password }] };
    const pod = { nodes, container, ...spreadEvenly('web') };
    await cluster.api.apply(aDeployment({ name: 'web', namespace: NAMESPACE, replicas: 4, pod }));
    await allReady(cluster, NAMESPACE, 4);

    const whole = startRecorder(cluster.kubeconfig, join(folder, 'whole'), [...RECORDED, '--watch', '8m']);
    await whole.said('watching for');
    const tokens = [password, await tokenOn(cluster, broken)];
    await killToken(cluster, broken);
    await roll(cluster, 'deployments', NAMESPACE, 'web');
    await stuckOn(cluster, NAMESPACE, [broken]);
    secrets = [...tokens, await tokenOn(cluster, broken), ...(await identifiersOf(cluster))];
    // At the same moment, with nothing to happen afterwards.
    const moment = startRecorder(cluster.kubeconfig, join(folder, 'moment'), RECORDED);
    expect((await moment.ended).exitCode).toBe(0);

    real = await runGate(cluster, CURE);
    secrets = [...new Set([...secrets, ...(await identifiersOf(cluster))])];
    whole.interrupt();
    expect((await whole.ended).exitCode).toBe(0);
  });

  afterAll(async () => {
    await restartEverywhere(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    await rm(folder, { recursive: true });
    cluster.api.close();
  });

  test('shows the gate what it saw on the cluster: the same verdict, node and cure', async () => {
    expect(real.outputs).toMatchObject({ verdict: 'healthy', 'affected-nodes': JSON.stringify([broken]) });
    const flags = Object.entries(CURE).map(([name, value]) => `--${name}=${value}`);
    const { exitCode, report } = await playRecorded(join(folder, 'whole'), flags);

    expect([report.verdict, exitCode]).toEqual(['healthy', 0]);
    expect(report.pods).toEqual(real.report.pods);
    expect(report.workloads).toEqual(real.report.workloads);
    const [node, ...others] = report.calico.nodes;
    expect(others).toEqual([]);
    const calicoNodePod = real.report.calico.nodes[0]?.before?.calicoNodePod;
    expect(calicoNodePod).toMatch(/calico-node-/);
    // Whichever of the two restarts came first, that of the gate that is played or the recorded one: of that one the gate
    // may have heard by its own DELETE, or before it sent one.
    expect([
      [broken, 'restarted', 'cured', calicoNodePod],
      [broken, 'none', null, calicoNodePod],
      [broken, 'none', null, undefined],
    ]).toContainEqual([node?.node, node?.action, node?.outcome, node?.before?.calicoNodePod]);
    expect(node?.evidence.map(({ message }) => message)).toEqual(
      expect.arrayContaining([expect.stringContaining(UNAUTHORIZED)]),
    );
  });

  test('recorded at one moment it is unhealthy in any case, with the command that would have cured it', async () => {
    const { exitCode, report } = await playRecorded(join(folder, 'moment'), [...RECORDED, '--timeout=3m']);

    expect([report.verdict, exitCode]).toEqual(['unhealthy', 1]);
    expect(report.calico.nodes).toEqual([
      expect.objectContaining({
        node: broken,
        action: 'planned',
        command: expect.stringMatching(`^kubectl delete pod -n ${cluster.calicoNamespace} `),
      }),
    ]);
    const causes = new Set(report.findings.map(({ stage, cause }) => `${stage} ${cause}`));
    expect([...causes]).toEqual(
      expect.arrayContaining(['sandbox CalicoUnauthorized', 'terminating CalicoUnauthorized']),
    );
  });

  test('holds no token, certificate, address or identifier of the cluster', () => {
    expect(secrets.length).toBeGreaterThan(20);
    for (const name of ['whole', 'moment']) {
      const files = filesOf(join(folder, name));
      expect([...files.keys()]).toEqual(expect.arrayContaining(['pods.json', 'events.json', 'nodes.json', 'now']));
      for (const [file, text] of files) {
        const leaked = secrets.filter((secret) => text.includes(secret));
        expect([name, file, leaked]).toEqual([name, file, []]);
        expect(text).not.toMatch(/eyJhbGci|BEGIN CERTIFICATE|BEGIN RSA|LS0tLS1CRUdJTi/);
      }
    }
  });
});

async function tokenOn(cluster: Cluster, node: string): Promise<string> {
  const file = await cluster.runOnNode(node, 'cat /etc/cni/net.d/calico-kubeconfig');
  const token = /(?<=token: )\S+/u.exec(file)?.[0];
  if (token === undefined) throw new Error(`the CNI kubeconfig of ${node} has no token`);
  return token;
}

/** What stands in the cluster's objects and is nobody's business: of machines, networks and containers. */
async function identifiersOf(cluster: Cluster): Promise<readonly string[]> {
  const nodes = await cluster.api.list<NodeObject & NodeIdentity>('/api/v1/nodes');
  const pods = [...(await podsIn(cluster, NAMESPACE)), ...(await podsIn(cluster, cluster.calicoNamespace))];
  const ofNodes = nodes.flatMap(({ metadata, status }) => {
    const { machineID, systemUUID, bootID } = status.nodeInfo;
    const addresses = status.addresses.map(({ address }) => address).filter((address) => address !== metadata.name);
    return [machineID, systemUUID, bootID, ...addresses];
  });
  const ofPods = pods.flatMap(({ status }) => [
    ...[status.podIP ?? '', status.hostIP ?? ''],
    ...(status.containerStatuses ?? []).map(({ containerID }) => /\w+$/.exec(containerID ?? '')?.[0] ?? ''),
  ]);
  return [...new Set([...ofNodes, ...ofPods, new URL(cluster.api.server).hostname])].filter(({ length }) => length > 6);
}

interface NodeIdentity {
  readonly status: {
    readonly addresses: readonly { readonly address: string }[];
    readonly nodeInfo: { readonly machineID: string; readonly systemUUID: string; readonly bootID: string };
  };
}
