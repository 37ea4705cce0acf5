import { describe, expect, test } from '@jest/globals';
import type { EventObject, Pod } from '../../simulator/objects.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aBrokenWorld, CURE, nodesOf, outputsIn, stampAgo, UNAUTHORIZED_ADD, waitingOn } from './broken-node.ts';
import { EVERYWHERE, failureEvent, OTHERS, TENANT } from './tenant.ts';

const MINUTE = 60_000;
const FORBIDDEN = UNAUTHORIZED_ADD.replace(
  /Unauthorized$/,
  'clusterinformations.crd.projectcalico.org "default" is forbidden: User "x" cannot get',
);

const A_POD = { kind: 'Pod', apiVersion: 'v1' } as const;

/** The pod as the tenant's event names it: in its own namespace, in that of its owner, or by its uid alone. */
const NAMINGS: readonly (readonly [string, (pod: Pod) => EventObject['involvedObject']])[] = [
  ['as it is', ({ metadata: { namespace = '', name, uid } }) => ({ ...A_POD, namespace, name, uid })],
  ['as one of the tenant’s', ({ metadata: { name, uid } }) => ({ ...A_POD, namespace: TENANT, name, uid })],
  ['without a namespace', ({ metadata: { name, uid } }) => ({ ...A_POD, namespace: '', name, uid })],
];

/** Stores an event about somebody else's pod in the tenant's namespace, every few seconds, newer than any other. */
function write(world: World, pod: Pod, fields: Partial<EventObject>): void {
  const event = failureEvent(world, pod);
  const { name, ...metadata } = event.metadata;
  const own = { ...metadata, namespace: TENANT, name: `${name}.${fields.reason}` };
  world.sim.cluster.put('events', { ...event, ...fields, metadata: own });
}

const LIES: readonly Partial<EventObject>[] = [
  { reason: 'FailedCreatePodSandBox', message: FORBIDDEN },
  { reason: 'FailedMount', message: 'MountVolume.SetUp failed for volume "v" : secret "nope" not found' },
  { reason: 'FailedAttachVolume', message: 'Multi-Attach error for volume "pvc-1"' },
  { reason: 'Failed', message: 'Failed to pull image "nope": not found' },
  { reason: 'SandboxChanged', message: 'Pod sandbox changed, it will be killed and re-created.' },
  { reason: 'FailedKillPod', message: 'error killing pod: failed to "KillContainer" for "app"' },
  { reason: 'NetworkNotReady', message: 'network is not ready' },
];

describe('an event about the pod of another namespace', () => {
  test.each(NAMINGS)(
    'hides no failure (%s): it is named from the first look, restarted and cured',
    async (_, named) => {
      const world = aBrokenWorld();
      world.sim.cluster.createPod({ namespace: TENANT, name: 'own', nodeName: 'n2' });
      world.sim.warmUp(10_000);
      for (const pod of world.sim.cluster.pods(OTHERS)) {
        for (const lie of LIES) write(world, pod, { ...lie, involvedObject: named(pod) });
      }
      const played = await play(world, { ...CURE, namespaces: `${OTHERS},${TENANT}` });
      const [first] = played.looks.filter(({ assessment }) => assessment.findings.length > 0);
      expect(new Set(first?.assessment.findings.map(({ cause }) => cause))).toEqual(new Set(['CalicoUnauthorized']));
      expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
      expect(played.report.verdict).toBe('healthy');
    },
  );

  test.each(NAMINGS)('causes no restart (%s)', async (_, named) => {
    const world = aBrokenWorld({ state: { add: 'error adding host side routes', del: 'error removing routes' } });
    world.sim.cluster.createPod({ namespace: TENANT, name: 'own', nodeName: 'n2' });
    world.sim.warmUp(10_000);
    for (const pod of waitingOn(world, 'n1')) {
      write(world, pod, { involvedObject: named(pod), firstTimestamp: stampAgo(world, MINUTE) });
    }
    const played = await play(world, { ...EVERYWHERE, namespaces: `${OTHERS},${TENANT}` });
    expect(played.deletes).toEqual([]);
    expect(outputsIn(played)).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]' });
  });

  test('makes no healthy workload of others unhealthy', async () => {
    const world = aWorld();
    const { cluster, warmUp } = world.sim;
    cluster.deploy({ namespace: OTHERS, name: 'web', replicas: 3 });
    cluster.createPod({ namespace: TENANT, name: 'own', nodeName: 'n2' });
    warmUp(2 * MINUTE);
    const refusal = { reason: 'FailedCreate', message: 'Error creating: pods "web-x" is forbidden: exceeded quota: q' };
    for (const object of [...cluster.list('replicasets', OTHERS), ...cluster.list('deployments', OTHERS)]) {
      const [pod] = cluster.pods(OTHERS);
      if (pod === undefined) throw new Error('there is no pod');
      const { name, uid } = object.metadata;
      for (const namespace of [OTHERS, TENANT]) {
        write(world, pod, {
          ...refusal,
          involvedObject: { kind: 'ReplicaSet', apiVersion: 'apps/v1', namespace, name, uid },
        });
      }
    }
    for (const pod of cluster.pods(OTHERS)) for (const lie of LIES) write(world, pod, lie);
    const played = await play(world, { ...EVERYWHERE, namespaces: `${OTHERS},${TENANT}` });
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [] });
  });
});

test('a tenant’s Job that claims somebody’s CronJob does not make its failed Job good', async () => {
  const world = aWorld();
  const { cluster, warmUp } = world.sim;
  const failing = { behaviour: { kind: 'crash' }, backoffLimit: 0 } as const;
  cluster.runJob({ namespace: OTHERS, name: 'backup-1', cronJob: 'backup', ...failing });
  warmUp(2 * MINUTE);
  cluster.runJob({ namespace: TENANT, name: 'backup-2' });
  warmUp(MINUTE);
  const failed = cluster.get('jobs', OTHERS, 'backup-1');
  const done = cluster.get('jobs', TENANT, 'backup-2');
  if (failed === undefined || done === undefined) throw new Error('there is no Job');
  const { ownerReferences = [] } = failed.metadata;
  cluster.put('jobs', { ...done, metadata: { ...done.metadata, ownerReferences } });
  const { report } = await play(world, { ...EVERYWHERE, 'min-pods': '0' });
  expect(report).toMatchObject({ verdict: 'unhealthy', findings: [{ namespace: OTHERS, cause: 'Failed' }] });
});
