import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/objects/pod.ts';
import type { Deployment } from '../../src/objects/workload.ts';
import {
  aContainer,
  aCoverage,
  aDaemonSet,
  aDeployment,
  ago,
  aLostNode,
  aNode,
  aNotReadyPod,
  anUnboundPod,
  aPod,
  aSandboxError,
  aStuckPod,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { agents, aHealthRun, type HealthRun, ofAgent, ofWeb, type Picture, webPods } from './health-run.ts';

const web: Picture = { workloads: [aDeployment()], pods: webPods(2) };

function seconds(run: HealthRun, from: number, to: number, picture: Picture): void {
  for (let second = from; second <= to; second += 1) run.look(second * SECOND, picture);
}

describe('the window of stable-for', () => {
  test('begins with the first look that sees a workload complete, however long its pods have been Ready', () => {
    const run = aHealthRun();
    expect(run.look(0, web).unstable).toEqual([
      { name: 'shop/web', completeForMs: 0, because: 'it was complete at the first look', begunAnew: 0 },
    ]);
    expect(run.look(14_999, web).unstable).toMatchObject([{ completeForMs: 14_999 }]);
    expect(run.look(15_000, web).unstable).toEqual([]);
    expect(run.look(20_000, web).workloads).toMatchObject([{ completeForMs: 20_000 }]);
  });

  test('with stable-for: 0s is over at once', () => {
    expect(aHealthRun({ stableForMs: 0 }).look(0, web).unstable).toEqual([]);
  });

  test('begins anew when the workload was not complete in between', () => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const broken = {
      workloads: [aDeployment({ available: 1, ready: 1 })],
      pods: [aPod(ofWeb('web-abc-0')), aNotReadyPod(ofWeb('web-abc-1'))],
    };
    expect(run.look(11_000, broken).workloads).toMatchObject([{ complete: false, completeForMs: 0 }]);
    expect(run.look(12_000, web).unstable).toEqual([
      { name: 'shop/web', completeForMs: 0, because: 'pod shop/web-abc-1 lost Ready', begunAnew: 1 },
    ]);
  });

  test('begins anew for the workload that changed, not for all', () => {
    const api = aDeployment({ name: 'api' });
    const apiPods = [0, 1].map((index) => aPod({ ...ofWeb(`api-abc-${index}`), controller: { ...controller('api') } }));
    const run = aHealthRun();
    seconds(run, 0, 10, { workloads: [aDeployment(), api], pods: [...webPods(2), ...apiPods] });
    const restarted = webPods(2, 'abc', { containers: [aContainer({ restartCount: 1 })] });
    const { unstable } = run.look(14_000, { workloads: [aDeployment(), api], pods: [...restarted, ...apiPods] });
    expect(unstable.map(({ name, completeForMs }) => [name, completeForMs])).toEqual([
      ['shop/web', 0],
      ['shop/api', 14_000],
    ]);
  });

  function controller(name: string): Pod['controller'] & object {
    return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-abc`, uid: `ReplicaSet/shop/${name}-abc` };
  }

  test.each<readonly [string, Partial<Pod>, string]>([
    [
      'a container was restarted',
      { containers: [aContainer({ restartCount: 1 })] },
      'pod shop/web-abc-0 was restarted',
    ],
    [
      'Ready flipped between two looks',
      { conditions: podConditions({ sinceMs: ago(SECOND) }) },
      'pod shop/web-abc-0 was not Ready for a moment',
    ],
  ])('begins anew when %s, although the workload is complete at every look', (_, change, because) => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const [first, second] = webPods(2);
    const changed = { ...web, pods: [{ ...first, ...change } as Pod, second as Pod] };
    expect(run.look(11_000, changed).unstable).toEqual([{ name: 'shop/web', completeForMs: 0, because, begunAnew: 1 }]);
    expect(run.look(26_000, changed).unstable).toEqual([]);
  });

  test('goes on when a pod of a DaemonSet on a lost node changes: it does not count', () => {
    const run = aHealthRun();
    const nodes = [aNode(), aLostNode({ name: 'n2' })];
    run.look(0, { workloads: [aDaemonSet()], pods: agents('n1', 'n2'), nodes });
    const lost = aNotReadyPod(ofAgent('n2'));
    const { unstable } = run.look(15_000, {
      workloads: [aDaemonSet({ ready: 1, available: 1 })],
      pods: [...agents('n1'), lost],
      nodes,
    });
    expect(unstable).toEqual([]);
  });

  test('with stuck-after goes on through moments in which a pod only starts', () => {
    const run = aHealthRun({ stuckAfterMs: 5 * MINUTE });
    seconds(run, 0, 10, web);
    const flipping = [aPod(ofWeb('web-abc-0')), aNotReadyPod(ofWeb('web-abc-1', { createdAtMs: NOW_MS }))];
    run.look(11_000, { workloads: [aDeployment({ ready: 1, available: 1 })], pods: flipping });
    const restarted = { ...web, pods: webPods(2, 'abc', { containers: [aContainer({ restartCount: 1 })] }) };
    expect(run.look(15_000, restarted).unstable).toEqual([]);
  });

  test('begins anew when another pod template was rolled out between two looks', () => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const next = {
      workloads: [aDeployment({ revision: '2', generation: 2, observedGeneration: 2 })],
      pods: webPods(2, 'def'),
    };
    expect(run.look(11_000, next).unstable).toMatchObject([{ because: 'its pod template changed' }]);
  });

  test('runs for bare pods too', () => {
    const run = aHealthRun();
    run.look(0, { pods: [aPod()] });
    expect(run.look(5_000, { pods: [aPod(), aPod({ name: 'late' })] }).unstable).toEqual([
      { name: 'shop/late', completeForMs: 0, because: 'it came into scope', begunAnew: 0 },
      { name: 'shop/web-1', completeForMs: 5_000, because: 'it was complete at the first look', begunAnew: 0 },
    ]);
  });

  test('names what is not complete first', () => {
    const run = aHealthRun();
    expect(run.look(0, { pods: [aPod(), aNotReadyPod({ name: 'bad' })] }).unstable.map(({ name }) => name)).toContain(
      'shop/bad',
    );
  });
});

describe('what scaling, an eviction or a drain does to a workload that was complete', () => {
  const scaled = (overrides: Partial<Deployment>): Picture => ({
    workloads: [aDeployment({ desired: 3, generation: 2, observedGeneration: 2, ...overrides })],
  });

  test.each<readonly [string, Picture]>([
    ['its controller has not seen the new scale', { workloads: [aDeployment({ generation: 2 })], pods: webPods(2) }],
    [
      'the new pod is not made yet',
      { ...scaled({ replicas: 2, updated: 2, ready: 2, available: 2 }), pods: webPods(2) },
    ],
    [
      'the new pod is Ready and its controller has not counted it yet',
      { ...scaled({ replicas: 3, updated: 3, ready: 2, available: 2 }), pods: webPods(3) },
    ],
  ])('is not complete for a moment, and does not begin the window anew: %s', (_, moment) => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const during = run.look(11_000, moment);
    expect(during.complete).toBe(false);
    expect(during.workloads).toMatchObject([{ complete: false, completeForMs: 0 }]);
    expect(during.unstable).toMatchObject([{ name: 'shop/web', completeForMs: 0 }]);
    expect(run.look(12_000, web).workloads).toMatchObject([{ complete: true, completeForMs: 12_000 }]);
  });

  test('begins it anew when it lasts for more than a minute', () => {
    const run = aHealthRun();
    run.look(0, web);
    const missing = { ...scaled({ replicas: 2, updated: 2, ready: 2, available: 2 }), pods: webPods(2) };
    run.look(1_000, missing);
    run.look(62_000, missing);
    expect(run.look(63_000, web).unstable).toMatchObject([{ completeForMs: 0, because: 'it became complete' }]);
  });

  test('begins it anew when what the controller then sees is another template', () => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    run.look(11_000, { workloads: [aDeployment({ generation: 2 })], pods: webPods(2) });
    const rolled = {
      workloads: [aDeployment({ generation: 2, observedGeneration: 2, revision: '2' })],
      pods: webPods(2, 'def'),
    };
    expect(run.look(12_000, rolled).unstable).toMatchObject([
      { completeForMs: 0, because: 'its pod template changed' },
    ]);
  });
});

describe('a pod that was added to a workload which this run has seen complete', () => {
  const three = { desired: 3, replicas: 3, updated: 3, ready: 2, available: 2 };
  const added = (
    ageAtMs: number,
    make: (overrides: Partial<Pod> & { name: string }) => Pod = aNotReadyPod,
  ): Picture => ({
    workloads: [aDeployment({ ...three, generation: 2, observedGeneration: 2 })],
    pods: [...webPods(2), make(ofWeb('web-abc-2', { createdAtMs: NOW_MS + ageAtMs }))],
  });

  test('has 60 s from its creation before it counts', () => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const at = (ms: number): ReturnType<HealthRun['look']> => run.look(ms, added(10_000));
    expect(at(11_000)).toMatchObject({ complete: true, findings: [], counts: { ready: 2, starting: 1, notReady: 0 } });
    expect(at(20_000).unstable).toEqual([]);
    expect(at(69_999)).toMatchObject({ complete: true });
    expect(at(70_000)).toMatchObject({ complete: false, counts: { starting: 0, notReady: 1 } });
  });

  test('counts at once when the workload was never seen complete', () => {
    const run = aHealthRun();
    run.look(0, { workloads: [aDeployment({ ready: 0, available: 0 })], pods: [] });
    expect(run.look(1_000, added(0))).toMatchObject({ complete: false, counts: { notReady: 1, starting: 0 } });
  });

  test('counts at once when its template is another one than was seen complete', () => {
    const run = aHealthRun();
    run.look(0, web);
    const { workloads, pods } = added(1_000);
    const [deployment] = workloads ?? [];
    const changed = { pods: pods ?? [], workloads: [{ ...(deployment as Deployment), revision: '2' }] };
    expect(run.look(2_000, changed)).toMatchObject({ complete: false, counts: { notReady: 1, starting: 0 } });
  });

  test('counts at once when it was there and Ready when the workload was complete: it has failed since, however young', () => {
    const run = aHealthRun();
    const young = ofWeb('web-abc-1', { createdAtMs: ago(5 * SECOND) });
    run.look(0, { workloads: [aDeployment()], pods: [aPod(ofWeb('web-abc-0')), aPod(young)] });
    const { counts, complete } = run.look(2_000, {
      workloads: [aDeployment({ ready: 1, available: 1 })],
      pods: [aPod(ofWeb('web-abc-0')), aNotReadyPod(young)],
    });
    expect(counts).toMatchObject({ notReady: 1, starting: 0 });
    expect(complete).toBe(false);
  });

  test('counts at once as long as its template has not been seen complete itself', () => {
    const run = aHealthRun();
    run.look(0, web);
    const { workloads, pods } = added(4_000);
    const changed = workloads?.map((workload) => ({ ...(workload as Deployment), revision: '2' })) ?? [];
    run.look(2_000, { workloads: changed, pods: webPods(2) });
    expect(run.look(4_000, { workloads: changed, pods: pods ?? [] }).counts).toMatchObject({
      notReady: 1,
      starting: 0,
    });
  });

  test('counts at once when it crash loops', () => {
    const run = aHealthRun();
    run.look(0, web);
    const crash = { state: waiting('CrashLoopBackOff', 'back-off'), restartCount: 4, lastEnd: terminated() };
    const loops = (overrides: Partial<Pod> & { name: string }): Pod => {
      return aNotReadyPod({ ...overrides, containers: [aContainer(crash)] });
    };
    expect(run.look(2_000, added(1_000, loops)).counts).toMatchObject({ notReady: 1, starting: 0 });
  });

  test("counts at once with Calico's failure", () => {
    const run = aHealthRun();
    run.look(0, web);
    const picture = added(1_000, aStuckPod);
    const stuck = picture.pods?.at(-1) as Pod;
    const { counts } = run.look(2_000, { ...picture, sandboxErrors: new Map([[stuck.uid, aSandboxError(stuck)]]) });
    expect(counts).toMatchObject({ notReady: 1, starting: 0 });
  });

  test('does not cover up a second pod that is missing for longer than a moment', () => {
    const run = aHealthRun();
    run.look(0, web);
    const { pods } = added(1_000, (overrides) => anUnboundPod('Unschedulable', 'Insufficient cpu', overrides));
    const workloads = [aDeployment({ ...three, desired: 4, generation: 2, observedGeneration: 2 })];
    expect(run.look(2_000, { workloads, pods: pods ?? [] })).toMatchObject({
      complete: false,
      counts: { starting: 1 },
    });
  });
});

describe('after a gap in the view', () => {
  const gap = aCoverage({ reconnections: 1 });

  test('the window goes on when restart counts and Ready transition times are unchanged', () => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    expect(run.look(30_000, { ...web, coverage: gap }).unstable).toEqual([]);
  });

  test.each<readonly [string, readonly Pod[], string]>([
    ['a pod was restarted', webPods(2, 'abc', { containers: [aContainer({ restartCount: 2 })] }), 'was restarted'],
    [
      'Ready flipped',
      webPods(2, 'abc', { conditions: podConditions({ sinceMs: ago(MINUTE) }) }),
      'was not Ready for a moment',
    ],
    [
      'a pod is another one',
      webPods(2, 'abc', { uid: 'new' }).slice(0, 1).concat(webPods(2).slice(1)),
      'changed while the view was lost',
    ],
  ])('the window begins anew when %s', (_, pods, because) => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const { unstable } = run.look(30_000, { ...web, pods, coverage: gap });
    expect(unstable).toMatchObject([{ completeForMs: 0, because: expect.stringContaining(because) }]);
  });

  test('without a gap another pod is only one that was added or replaced', () => {
    const run = aHealthRun();
    seconds(run, 0, 10, web);
    const pods = [...webPods(2).slice(1), aPod(ofWeb('web-abc-7'))];
    expect(run.look(15_000, { ...web, pods }).unstable).toEqual([]);
  });
});
