import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import {
  distrust,
  forgetNodename,
  refuseConnections,
  setDatastoreReady,
  useOtherAccount,
} from '../../calico/failures.ts';
import { nodeReady } from '../../cluster/cluster.ts';
import { auditGate, changesAmong, type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { join, leave } from '../../own.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

/** Nodes that join for this scenario, so that all look-alikes can be met at once; elsewhere some come after others. */
const MORE_NODES = ['n4', 'n5'];

/** Enough for a gate that took a look-alike for the failure: 30 s of proof, and time left for a restart. */
const INPUTS = { timeout: '45s', 'restart-timeout': '5s', 'restart-calico-node': 'true' };

/** Its name, and how a node comes by it. */
type LookAlike = readonly [name: string, breakNode: (node: string) => Promise<void>];

interface Seen extends GateRun {
  readonly namespace: string;
}

describe('what resembles a rejected token and is cured by no restart', () => {
  let cluster: Cluster;
  let nodes: readonly string[];
  let joined: readonly string[] = [];
  const seen = new Map<string, Seen>();
  let uids: readonly [before: object, after: object][];
  let changes: readonly object[];

  /** Breaks each node in its own way, rolls out there and lets a gate of its own watch each. */
  const meet = async (lookAlikes: readonly LookAlike[]): Promise<void> => {
    const before = await calicoNodeUids(cluster);
    for (const [index, [, breakNode]] of lookAlikes.entries()) await breakNode(nodes[index] ?? '');
    await Promise.all(
      lookAlikes.map(async ([name], index) => {
        const namespace = namespaceOn(nodes[index] ?? '');
        await roll(cluster, 'deployments', namespace, 'web');
        await roll(cluster, 'deployments', namespace, 'ledger');
        seen.set(name, { namespace, ...(await runGate(cluster, { ...INPUTS, namespaces: namespace })) });
      }),
    );
    uids = [...uids, [before, await calicoNodeUids(cluster)]];
  };

  const mend = async (): Promise<void> => {
    await setDatastoreReady(cluster, true);
    await restartEverywhere(cluster);
  };

  beforeAll(async () => {
    cluster = await connectCluster();
    const lookAlikes: readonly LookAlike[] = [
      ['refused connections', async (node) => await refuseConnections(cluster, node)],
      ['an unknown certificate authority', async (node) => await distrust(cluster, node)],
      ['missing rights', async (node) => await useOtherAccount(cluster, node)],
      ['a missing nodename', async (node) => await forgetNodename(cluster, node)],
      // The last one: on every node that comes so far.
      ['a locked datastore', async () => await setDatastoreReady(cluster, false)],
    ];
    joined = cluster.own ? MORE_NODES : [];
    await Promise.all(joined.map(async (node) => await joinAndWait(cluster, node)));
    nodes = [...cluster.nodes.slice(0, 3), ...joined];
    uids = [];
    await Promise.all(nodes.map(async (node) => await makeWorkloads(cluster, node)));
    const requests = cluster.own ? auditGate() : () => [];
    for (let first = 0; first < lookAlikes.length; first += nodes.length) {
      if (first > 0) {
        await mend();
        await Promise.all(nodes.map(async (node) => await allReady(cluster, namespaceOn(node), 2)));
      }
      await meet(lookAlikes.slice(first, first + nodes.length));
    }
    changes = changesAmong(requests());
  });

  afterAll(async () => {
    await mend();
    await Promise.all(nodes.map(async (node) => await leaveNamespace(cluster, namespaceOn(node))));
    for (const node of joined) await leave(cluster, node);
    cluster.api.close();
  });

  test.each([
    {
      name: 'refused connections',
      cause: 'CniApiUnreachable',
      words:
        /: the CNI plugin cannot reach the API server: error getting ClusterInformation: .*connection refused .*; check from node \S+ that the API server answers/,
    },
    {
      name: 'an unknown certificate authority',
      cause: 'CniCertificate',
      words:
        /: the CNI plugin does not trust the API server: .*certificate signed by unknown authority .*; compare the API server's certificate/,
    },
    {
      name: 'missing rights',
      cause: 'CalicoForbidden',
      words:
        /: Calico lacks a permission: .*connection is unauthorized: .* is forbidden: User "system:serviceaccount:\S+:default" .*; restore Calico's ClusterRole/,
    },
    {
      name: 'a missing nodename',
      cause: 'CalicoNodeDown',
      words:
        /: calico-node has not come up on its node: stat \/var\/lib\/calico\/nodename: .*; find out why calico-node/,
    },
    {
      name: 'a locked datastore',
      cause: 'CalicoNotReady',
      words:
        /: Calico's datastore is locked or not set up: Calico is currently not ready .*; look at "kubectl get cluster/,
    },
  ])('$name: named on the way in and on the way out, and no rejected token', ({ name, cause, words }) => {
    const { namespace, exitCode, outputs, report } = seen.get(name) as Seen;

    expect(exitCode).toBe(1);
    expect(outputs).toMatchObject({
      verdict: 'unhealthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
      'restarted-nodes': '[]',
      'pods-total': '3',
      'pods-ready': '1',
    });
    expect(outputs.reason).toMatch(words);
    // Whichever began first: that differs by less than a second.
    expect(outputs.reason).toMatch(new RegExp(`^${namespace}/(?:web|ledger): `));
    const findings = report.findings.map(({ stage, cause: its, owner }) => `${owner?.name}: ${stage} ${its}`);
    expect(findings.sort()).toEqual([
      `ledger: terminating ${cause}`,
      'ledger: workload NotRolledOut',
      `web: sandbox ${cause}`,
    ]);
    expect(report.calico.nodes).toEqual([]);
  });

  test('nothing is changed by any of the gates, although each might restart calico-node', () => {
    expect(changes).toEqual([]);
    expect(uids.length).toBeGreaterThan(0);
    for (const [before, after] of uids) expect(after).toEqual(before);
  });
});

function namespaceOn(node: string): string {
  return `look-alikes-${node}`;
}

/** One Deployment whose new pods start beside the old ones, and one whose old pod has to end first. */
async function makeWorkloads(cluster: Cluster, node: string): Promise<void> {
  const namespace = namespaceOn(node);
  await makeNamespace(cluster, namespace);
  const pod = { nodes: [node] };
  await cluster.api.apply(aDeployment({ name: 'web', namespace, pod }));
  await cluster.api.apply(aDeployment({ name: 'ledger', namespace, pod, spec: { strategy: { type: 'Recreate' } } }));
  await allReady(cluster, namespace, 2);
}

async function joinAndWait(cluster: Cluster, node: string): Promise<void> {
  await join(cluster, node);
  await nodeReady(node);
}
