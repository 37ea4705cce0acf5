import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clusterWide, faultsOf, granted, neededBy } from '../../../__tests__/scenarios/rbac.ts';
import {
  applyMode,
  GATE_ACCOUNT,
  kubeconfigOfAccount,
  makeAccount,
  removeModes,
  removeRoles,
  userOf,
} from '../../accounts.ts';
import { calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import { killToken } from '../../calico/failures.ts';
import { stuckOn } from '../../calico/stuck.ts';
import { auditGate, changesAmong, type GateRun, rightsUsed, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

const NAMESPACE = 'rights-to-restart';
/** The mode restart without the right to delete. */
const NO_DELETE = 'no-delete';

describe('a node whose CNI token is rejected, with the least privilege of a mode', () => {
  let cluster: Cluster;
  let broken: string;
  let uids: Readonly<Record<string, string>>;
  let diagnosed: GateRun;
  let refused: GateRun;

  beforeAll(async () => {
    cluster = await connectCluster();
    broken = cluster.nodes[0] ?? '';
    uids = await calicoNodeUids(cluster);
    await removeModes(cluster);
    await applyMode(cluster, 'diagnose');
    const rights = granted('restart').filter(({ verb }) => verb !== 'delete');
    await makeAccount(cluster, NO_DELETE, rights);
    await makeNamespace(cluster, NAMESPACE);
    const web = { name: 'web', namespace: NAMESPACE, pod: { nodes: [broken] } };
    await cluster.api.apply(aDeployment(web));
    await cluster.api.apply(aDeployment({ ...web, name: 'ledger', spec: { strategy: { type: 'Recreate' } } }));
    await allReady(cluster, NAMESPACE, 2);
    await killToken(cluster, broken);
    await roll(cluster, 'deployments', NAMESPACE, 'web');
    await roll(cluster, 'deployments', NAMESPACE, 'ledger');
    await stuckOn(cluster, NAMESPACE, [broken]);

    const inputs = { namespaces: NAMESPACE, timeout: '45s' };
    [diagnosed, refused] = await Promise.all([
      kubeconfigOfAccount(cluster, GATE_ACCOUNT).then(async (kubeconfig) => await runGate({ kubeconfig }, inputs)),
      kubeconfigOfAccount(cluster, NO_DELETE).then(
        async (kubeconfig) => await runGate({ kubeconfig }, { ...inputs, 'restart-calico-node': 'true' }),
      ),
    ]);
  });

  afterAll(async () => {
    await restartEverywhere(cluster);
    await removeRoles(cluster, NO_DELETE);
    await removeModes(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test('is recognised in the mode diagnose, with the command that cures it', () => {
    const { exitCode, outputs, report } = diagnosed;

    expect(exitCode).toBe(1);
    expect(outputs).toMatchObject({
      verdict: 'unhealthy',
      'calico-auth-failure': 'true',
      'affected-nodes': JSON.stringify([broken]),
    });
    expect(report.calico.nodes).toEqual([expect.objectContaining({ node: broken, action: 'planned' })]);
    expect(outputs.reason).toContain(`kubectl delete pod -n ${cluster.calicoNamespace} calico-node-`);
    expect(report.warnings).toEqual([]);
  });

  test('is not restarted without the right to delete its pod, which is named together with the command', () => {
    const { exitCode, outputs, report } = refused;

    expect(exitCode).toBe(1);
    expect(outputs).toMatchObject({ 'calico-auth-failure': 'true', 'restarted-nodes': '[]' });
    expect(report.calico.nodes).toEqual([expect.objectContaining({ node: broken, action: 'refused', outcome: null })]);
    const rule = `the right to delete pods in namespace ${cluster.calicoNamespace} is missing`;
    expect(report.calico.nodes[0]?.why).toContain(rule);
    expect(outputs.reason).toContain(rule);
    expect(outputs.reason).toContain(`kubectl delete pod -n ${cluster.calicoNamespace} calico-node-`);
  });

  test('is cured in the mode restart, which is refused nothing', async () => {
    expect(await calicoNodeUids(cluster)).toEqual(uids);
    await applyMode(cluster, 'restart');
    const kubeconfig = await kubeconfigOfAccount(cluster, GATE_ACCOUNT);
    const requests = cluster.own ? auditGate(userOf(GATE_ACCOUNT)) : null;

    const { exitCode, outputs, report, stdout } = await runGate(
      { kubeconfig },
      { namespaces: NAMESPACE, timeout: '4m', 'stable-for': '5s', 'restart-calico-node': 'true' },
    );

    expect(outputs).toMatchObject({ verdict: 'healthy', 'restarted-nodes': JSON.stringify([broken]) });
    expect(exitCode).toBe(0);
    expect(report.calico.nodes).toEqual([
      expect.objectContaining({ node: broken, action: 'restarted', outcome: 'cured' }),
    ]);
    expect(report.warnings).toEqual([]);
    expect(stdout).not.toContain('missing right');
    const after = await calicoNodeUids(cluster);
    expect(after[broken]).not.toBe(uids[broken]);
    expect({ ...after, [broken]: uids[broken] }).toEqual(uids);
    if (requests === null) return;
    expect(requests().filter(({ code }) => code === 403)).toEqual([]);
    expect(changesAmong(requests())).toEqual([expect.objectContaining({ verb: 'delete', code: 200 })]);
    // No container crashed, so no log was read.
    const used = [...neededBy(rightsUsed(requests()), true), 'get pods/log everywhere'];
    expect(faultsOf(clusterWide('restart'), used)).toEqual([]);
  });
});
