import { describe, expect, test } from '@jest/globals';
import type { RawObject } from '../../simulator/cluster.ts';
import { type Inputs, play } from '../harness.ts';
import { aBrokenWorld, edit } from './broken-node.ts';
import { aShop, MINUTE } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '40s', 'stable-for': '5s' };

function odd(name: string, fields: Readonly<Record<string, unknown>>): RawObject {
  return { metadata: { namespace: 'shop', name, creationTimestamp: '2026-11-22T11:00:00Z' }, ...fields };
}

const RUNNING = {
  phase: 'Running',
  podIP: '10.0.0.9',
  conditions: [{ type: 'Ready', status: 'False', reason: 'Haunted', message: 'by ghosts' }],
  containerStatuses: [{ name: 'a', ready: true, started: true, state: { running: {} } }],
};

describe('objects that a server may send one day are shown as unknown, and never healthy:', () => {
  test.each<[string, RawObject]>([
    ['a pod without status', odd('odd', { spec: { nodeName: 'n1', containers: [{ name: 'a' }] } })],
    ['a pod with an empty spec and without status', odd('odd', { spec: {} })],
    [
      'a pod with null for every list',
      odd('odd', {
        spec: { nodeName: 'n1', containers: null, initContainers: null },
        status: { phase: 'Running', conditions: null, containerStatuses: null, initContainerStatuses: null },
      }),
    ],
    [
      'a pod in a phase that nobody knows',
      odd('odd', { spec: { nodeName: 'n1', containers: [] }, status: { phase: 'Hibernating' } }),
    ],
    [
      'a pod whose Ready has a reason that nobody knows',
      odd('odd', { spec: { nodeName: 'n1', containers: [{ name: 'a' }] }, status: RUNNING }),
    ],
    [
      'a pod that waits for a reason that nobody knows',
      odd('odd', {
        spec: { nodeName: 'n1', containers: [{ name: 'a' }] },
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodReadyToStartContainers', status: 'True' }],
          containerStatuses: [{ name: 'a', state: { waiting: { reason: 'ContemplatingExistence', message: 'hm' } } }],
        },
      }),
    ],
    [
      'a pod whose fields are of other types',
      odd('odd', { spec: 'none', status: { phase: 7, conditions: 'none', containerStatuses: {} } }),
    ],
  ])('%s', async (_, pod) => {
    const world = aShop();
    world.sim.cluster.put('pods', pod);
    const { report, notReadyPods } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(report.pods).toMatchObject({ total: 3, ready: 2, notReady: 1 });
    expect(notReadyPods).toEqual(['shop/odd']);
    expect(report.findings).toMatchObject([{ pod: 'odd', message: expect.stringMatching(/\S/) }]);
  });

  test.each<[string, string, RawObject]>([
    ['deployments', 'a Deployment without spec and status', odd('odd', {})],
    ['statefulsets', 'a StatefulSet without status', odd('odd', { spec: { replicas: 1, selector: {}, template: {} } })],
    ['daemonsets', 'a DaemonSet without status', odd('odd', { spec: { selector: {}, template: {} } })],
    [
      'daemonsets',
      'a DaemonSet that says nothing of how many it wants',
      odd('odd', {
        metadata: { namespace: 'shop', name: 'odd', generation: 1 },
        spec: null,
        status: { observedGeneration: 1 },
      }),
    ],
  ])('of %s: %s', async (_, __, workload) => {
    const world = aShop();
    world.sim.cluster.put(_, workload);
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(report.findings).toMatchObject([{ pod: null, cause: 'NotRolledOut', owner: { name: 'odd' } }]);
  });

  test('a raw reason stays in the message', async () => {
    const world = aShop();
    world.sim.cluster.put(
      'pods',
      odd('odd', { spec: { nodeName: 'n1', containers: [{ name: 'a' }] }, status: RUNNING }),
    );
    const { report } = await play(world, SHOP);
    expect(report.findings).toMatchObject([
      { cause: 'Unknown', message: expect.stringContaining('Haunted: by ghosts') },
    ]);
  });

  test.each<[string, string, RawObject]>([
    ['events', 'an event about nothing', odd('odd', {})],
    [
      'events',
      'an event of a type that nobody knows',
      odd('odd', {
        type: 'Rumour',
        reason: 'Whispered',
        involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web' },
        message: null,
        source: null,
        count: 'many',
      }),
    ],
    ['jobs', 'a Job without spec and status', odd('odd', {})],
    ['nodes', 'a node without status', { metadata: { name: 'odd' } }],
  ])('but what has no say keeps nothing from being healthy: of %s, %s', async (resource, _, object) => {
    const world = aShop();
    world.sim.cluster.put(resource, object);
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
  });
});

test('where kubelets write no PodReadyToStartContainers yet, the failure is found by what containers and events say', async () => {
  const world = aBrokenWorld();
  for (const { metadata } of world.sim.cluster.pods('shop')) {
    edit(world, 'pods', 'shop', metadata.name, (pod) => {
      const conditions = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodReadyToStartContainers');
      return { ...pod, status: { ...pod.status, conditions } };
    });
  }
  const { report } = await play(world, { ...SHOP, timeout: '50s' });
  expect(report.calico.nodes).toMatchObject([{ node: 'n1', action: 'planned' }]);
  expect(report.findings.map(({ cause }) => cause)).toContain('CalicoUnauthorized');
});

test('a link of seconds: few requests, and the same verdict', async () => {
  const world = aShop(50, { latencyMs: 2_000 });
  const { report, elapsedMs } = await play(world, { ...SHOP, timeout: '5m', 'stable-for': '1m' });
  expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 50 } });
  expect(report.api.requests).toBeLessThan(70);
  expect(elapsedMs).toBeLessThan(2 * MINUTE);
});

describe('half a character, which JSON can hold and no path can,', () => {
  const HALF = '\\ud800';

  test.each<[string, RegExp, string]>([
    ['in the name of a pod', /"name":"(web-[a-z0-9]+-[a-z0-9]+)"/g, `"name":"$1${HALF}"`],
    ['in its namespace', /"namespace":"shop"/g, `"namespace":"shop${HALF}"`],
    ['in the version of a list', /^(.{0,100}"resourceVersion":")/g, `$1${HALF}`],
  ])('%s ends no run without a report', async (_, what, half) => {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', message: 'no table' } });
    world.sim.warmUp(2 * MINUTE);
    const isPods = /^\/api\/v1\/pods(?:$|\?)/;
    world.sim.api.faults = ({ path }) =>
      isPods.test(path) ? { kind: 'rewrite', rewrite: (body) => body.replaceAll(what, half) } : undefined;
    const { report } = await play(world, { timeout: '2m' });
    expect([report.verdict, report.findings[0]?.cause]).toEqual(['unhealthy', 'CrashLoop']);
    expect(report.reason).toMatch(/no table(?!.*; besides)/);
  });
});
