import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FaceResult } from '../../../simulator/face-process.ts';
import type { Report, ReportedFinding, ReportedNode } from '../../../src/report/report.ts';
import { calicoNodes, calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import { killToken } from '../../calico/failures.ts';
import { until } from '../../cluster/waiting.ts';
import { auditGate, changesAmong, type GateRun, runCommandLine, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn, typeCommand } from '../../harness.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll, spreadEvenly } from '../../workloads.ts';

const NAMESPACE = 'one-node';

const STUCK_WITHIN_MS = 60_000;

describe('one node whose CNI token is rejected, in the middle of a deploy', () => {
  let cluster: Cluster;
  let broken: string;
  let uids: Readonly<Record<string, string>>;

  beforeAll(async () => {
    cluster = await connectCluster();
    const nodes = cluster.nodes.slice(0, 2);
    broken = nodes[0] ?? '';
    await makeNamespace(cluster, NAMESPACE);
    const web = { name: 'web', namespace: NAMESPACE };
    await cluster.api.apply(aDeployment({ ...web, replicas: 4, pod: { nodes, ...spreadEvenly('web') } }));
    const spec = { strategy: { type: 'Recreate' } };
    await cluster.api.apply(aDeployment({ name: 'ledger', namespace: NAMESPACE, pod: { nodes: [broken] }, spec }));
    await allReady(cluster, NAMESPACE, 5);

    await killToken(cluster, broken);
    await roll(cluster, 'deployments', NAMESPACE, 'web');
    await roll(cluster, 'deployments', NAMESPACE, 'ledger');
    await until({ what: 'stuck pods', timeoutMs: STUCK_WITHIN_MS }, async () => {
      const pods = await podsIn(cluster, NAMESPACE);
      const starting = pods.some(({ spec: { nodeName }, status }) => nodeName === broken && status.phase === 'Pending');
      const leaving = pods.some(
        ({ metadata, status }) =>
          metadata.labels?.app === 'ledger' &&
          metadata.deletionTimestamp !== undefined &&
          status.containerStatuses?.every(({ state }) => state.terminated !== undefined),
      );
      return starting && leaving;
    });
    uids = await calicoNodeUids(cluster);
  });

  afterAll(async () => {
    await restartEverywhere(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  describe('is, without a right to restart anything,', () => {
    let action: GateRun;
    let typed: FaceResult;
    let printed: Report;

    beforeAll(async () => {
      // The old pods that cannot end count half a minute after they should have.
      const timeout = '50s';
      [action, typed] = await Promise.all([
        runGate(cluster, { namespaces: NAMESPACE, timeout }),
        runCommandLine(cluster, ['--namespaces', NAMESPACE, '--timeout', timeout, '--json']),
      ]);
      printed = JSON.parse(typed.stdout) as Report;
    });

    test('named with its proof and the command that cures it, and left alone', async () => {
      const { exitCode, outputs, report } = action;
      expect(exitCode).toBe(1);
      expect(outputs).toMatchObject({
        verdict: 'unhealthy',
        'calico-auth-failure': 'true',
        'affected-nodes': JSON.stringify([broken]),
        'restarted-nodes': '[]',
      });
      expect(report.calico.nodes).toEqual([
        expect.objectContaining({ node: broken, action: 'planned', outcome: null, before: null }),
      ]);
      const [node] = report.calico.nodes;
      expect(node?.evidence.map(({ message }) => message)).toEqual(
        expect.arrayContaining([
          expect.stringContaining('error getting ClusterInformation: connection is unauthorized: Unauthorized'),
        ]),
      );
      const causes = new Set(report.findings.map(({ stage, cause }) => `${stage} ${cause}`));
      expect([...causes]).toEqual(
        expect.arrayContaining(['sandbox CalicoUnauthorized', 'terminating CalicoUnauthorized']),
      );
      expect(await calicoNodeUids(cluster)).toEqual(uids);
    });

    test('told in one sentence, with a command that kubectl takes as it stands', async () => {
      const command = action.report.calico.nodes[0]?.command ?? '';
      const name = (await calicoNodes(cluster)).get(broken)?.metadata.name;
      expect(command).toBe(`kubectl delete pod -n ${cluster.calicoNamespace} ${name}`);
      expect(action.outputs.reason).toMatch(
        /^\d pods on \S+ cannot get or give back their network: .*401 Unauthorized/u,
      );
      expect(action.outputs.reason).toContain(command);
      expect(action.stdout).toContain(`::error title=Calico Health Gate%3A unhealthy::${action.outputs.reason}`);
      expect(await typeCommand(cluster, `${command} --dry-run=server`)).toContain(`"${name}" deleted`);
    });

    test('told alike on the command line, with the exit code that its help explains', async () => {
      expect(printed.verdict).toBe('unhealthy');
      expect(printed.calico.nodes.map(shown)).toEqual(action.report.calico.nodes.map(shown));
      expect(new Set(printed.findings.map(shown))).toEqual(new Set(action.report.findings.map(shown)));
      expect(typed.stderr).toContain(`\nUNHEALTHY: ${printed.reason}\n`);
      expect(typed.stderr).not.toMatch(/^::/mu);

      const help = await runCommandLine(cluster, ['--help']);
      expect(help.exitCode).toBe(0);
      expect(help.stdout).toMatch(new RegExp(`^ +${typed.exitCode} +${printed.verdict}: `, 'mu'));
    });
  });

  test('is cured by one DELETE of its calico-node pod, and the deploy gets through', async () => {
    const requests = cluster.own ? auditGate() : null;

    const { exitCode, outputs, report } = await runGate(cluster, {
      namespaces: NAMESPACE,
      timeout: '4m',
      'stable-for': '5s',
      'restart-calico-node': 'true',
    });

    expect(outputs).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': JSON.stringify([broken]),
      'restarted-nodes': JSON.stringify([broken]),
      'pods-ready': '5',
      'pods-not-ready': '0',
    });
    expect(exitCode).toBe(0);
    expect(report.calico.nodes).toEqual([
      expect.objectContaining({ node: broken, action: 'restarted', outcome: 'cured' }),
    ]);
    const after = await calicoNodeUids(cluster);
    expect(after[broken]).not.toBe(uids[broken]);
    expect({ ...after, [broken]: uids[broken] }).toEqual(uids);
    if (requests !== null) {
      expect(changesAmong(requests())).toEqual([
        expect.objectContaining({
          verb: 'delete',
          requestURI: expect.stringMatching(/\/namespaces\/calico-system\/pods\/calico-node-/),
          code: 200,
        }),
      ]);
    }
  });
});

/** What two runs of the same moment say alike: all but ages, counts and times. */
function shown(told: ReportedNode | ReportedFinding): string {
  return 'pod' in told
    ? `${told.namespace}/${told.pod} ${told.stage} ${told.cause} ${told.derivedFrom}`
    : `${told.node}: ${told.action} ${told.command} ${[...told.pods].sort().join(' ')}`;
}
