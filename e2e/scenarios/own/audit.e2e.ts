import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { granted, withoutPlace } from '../../../__tests__/scenarios/rbac.ts';
import { auditedEver, auditGate, changesAmong, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';

/** What `npm run record` reads besides, which a scenario runs as the gate's user. */
const RECORDED = ['list replicasets.apps', 'watch replicasets.apps'];

/** Runs after all others: by itself it looks back on one run. */
describe('all gates that ran on this cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await connectCluster();
    const requests = auditGate();
    const inputs = { namespaces: cluster.calicoNamespace, 'stable-for': '1s', timeout: '1m' };
    expect((await runGate(cluster, inputs)).outputs.verdict).toBe('healthy');
    expect(requests().length).toBeGreaterThan(10);
  });

  afterAll(() => cluster.api.close());

  test('asked for nothing that rbac/ does not grant in some mode, by the API server’s audit log', () => {
    const rights = new Set(auditedEver().flatMap(({ right }) => (right === null ? [] : withoutPlace(right))));
    const grantable = new Set([...granted('restart').map(withoutPlace), ...RECORDED]);

    expect(rights.size).toBeGreaterThan(10);
    expect([...rights].filter((right) => !grantable.has(right))).toEqual([]);
  });

  test('changed nothing but by the DELETE of a pod in Calico’s namespace', () => {
    const paths = changesAmong(auditedEver()).map(({ verb, requestURI }) => `${verb} ${requestURI}`);
    const calicoNode = new RegExp(`^delete /api/v1/namespaces/${cluster.calicoNamespace}/pods/calico-node-\\w+$`);

    expect(paths.filter((path) => !calicoNode.test(path))).toEqual([]);
  });
});
