import { describe, expect, test } from '@jest/globals';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import { ask } from './contract/world.ts';
import { condition, isReady, stage, summary } from './looks.ts';

interface Row {
  readonly behaviour: Behaviour;
  readonly summary: string;
  readonly sandbox: string | undefined;
  readonly ready: string | undefined;
  readonly message: RegExp | undefined;
  readonly event: readonly [string, RegExp] | undefined;
}

/** What `6-ordinary-failures` shows of a real cluster, two and a half minutes after its pods were made. */
const ROWS: readonly Row[] = [
  {
    behaviour: { kind: 'imageMissing' },
    summary: 'Pending not ready ImagePullBackOff',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /^Back-off pulling image ".*": ErrImagePull: rpc error: code = NotFound .*: not found$/,
    event: ['Failed', /^Failed to pull image/],
  },
  {
    behaviour: { kind: 'imageUnauthorized' },
    summary: 'Pending not ready ImagePullBackOff',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /pull access denied/,
    event: ['BackOff', /^Back-off pulling image/],
  },
  {
    behaviour: { kind: 'registryDown' },
    summary: 'Pending not ready ImagePullBackOff',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /connection refused$/,
    event: ['Failed', /^Error: ErrImagePull$/],
  },
  {
    behaviour: { kind: 'invalidImage' },
    summary: 'Pending not ready InvalidImageName',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /^Failed to apply default image tag/,
    event: ['InspectFailed', /invalid reference format/],
  },
  {
    behaviour: { kind: 'imageNeverPull' },
    summary: 'Pending not ready ErrImageNeverPull',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /is not present with pull policy of Never$/,
    event: ['ErrImageNeverPull', /pull policy of Never/],
  },
  {
    behaviour: { kind: 'missingSecret' },
    summary: 'Pending not ready CreateContainerConfigError',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /^secret "nope" not found$/,
    event: ['Failed', /^Error: secret "nope" not found$/],
  },
  {
    behaviour: { kind: 'missingConfigMap' },
    summary: 'Pending not ready ContainerCreating',
    sandbox: 'False',
    ready: 'ContainersNotReady',
    message: undefined,
    event: ['FailedMount', /^MountVolume.SetUp failed for volume "v" : configmap "nope" not found$/],
  },
  {
    behaviour: { kind: 'crash', exitCode: 3 },
    summary: 'Running not ready CrashLoopBackOff',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /^back-off 1m20s restarting failed container=app pod=app_trouble\([0-9a-f-]{36}\)$/,
    event: ['BackOff', /^Back-off restarting failed container app in pod app_trouble\(/],
  },
  {
    behaviour: { kind: 'startError' },
    summary: 'Running not ready CrashLoopBackOff',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: /^back-off 1m20s restarting failed container=app/,
    event: ['Failed', /exec: "\/nope": stat \/nope: no such file or directory/],
  },
  {
    behaviour: { kind: 'neverReady' },
    summary: 'Running not ready',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: undefined,
    event: ['Unhealthy', /^Readiness probe failed: Get "http:\/\/10\..*connection refused$/],
  },
  {
    behaviour: { kind: 'neverStarted' },
    summary: 'Running not ready',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: undefined,
    event: ['Unhealthy', /^Startup probe failed: /],
  },
  {
    behaviour: { kind: 'initCrash' },
    summary: 'Pending not ready PodInitializing',
    sandbox: 'True',
    ready: 'ContainersNotReady',
    message: undefined,
    event: ['BackOff', /^Back-off restarting failed container prepare in pod/],
  },
  {
    behaviour: { kind: 'readinessGate' },
    summary: 'Running not ready',
    sandbox: 'True',
    ready: 'ReadinessGatesNotReady',
    message: undefined,
    event: undefined,
  },
  {
    behaviour: { kind: 'gated' },
    summary: 'Pending not ready',
    sandbox: undefined,
    ready: undefined,
    message: undefined,
    event: undefined,
  },
  {
    behaviour: { kind: 'unschedulable' },
    summary: 'Pending not ready',
    sandbox: undefined,
    ready: undefined,
    message: undefined,
    event: ['FailedScheduling', /^0\/2 nodes are available: 2 Insufficient cpu\. no new claims to deallocate/],
  },
];

describe('a pod that does not become ready looks as it does on a real cluster', () => {
  test.each(ROWS.map((row) => [row.behaviour.kind, row] as const))('%s', (_kind, row) => {
    const on = stage();
    const probe = row.behaviour.kind === 'neverReady';
    on.sim.cluster.createPod({ namespace: 'trouble', name: 'app', behaviour: row.behaviour, probe });
    on.sim.warmUp(150_000);
    const [pod] = on.sim.cluster.pods('trouble');
    if (!pod) throw new Error('the pod is gone');
    expect(summary(pod)).toBe(row.summary);
    expect(condition(pod, 'PodReadyToStartContainers')?.status).toBe(row.sandbox);
    expect(condition(pod, 'Ready')?.reason).toBe(row.ready);
    const waiting = pod.status.containerStatuses?.[0]?.state.waiting?.message;
    if (row.message) expect(waiting).toMatch(row.message);
    else expect(waiting).toBeUndefined();
    if (row.event)
      expect(on.events(row.event[0]).map((event) => event.message)).toContainEqual(expect.stringMatching(row.event[1]));
    else expect(on.sim.cluster.events('trouble').filter((event) => event.type === 'Warning')).toEqual([]);
  });

  test('a container that cannot start ended with 128 in 1970', () => {
    const on = stage();
    on.sim.cluster.createPod({ namespace: 'trouble', name: 'app', behaviour: { kind: 'startError' }, probe: false });
    on.sim.warmUp(30_000);
    const status = on.sim.cluster.pods('trouble')[0]?.status.containerStatuses?.[0];
    expect(status?.lastState.terminated).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
      startedAt: '1970-01-01T00:00:00Z',
    });
  });

  test('a failing probe is told 25 times, then its events stand still', () => {
    const on = stage();
    on.sim.cluster.createPod({ namespace: 'trouble', name: 'app', behaviour: { kind: 'neverReady' } });
    on.sim.warmUp(150_000);
    expect(on.events('Unhealthy')[0]?.count).toBe(25);
  });

  test('killed for memory is exit 137, OOMKilled', () => {
    const on = stage();
    on.sim.cluster.createPod({ namespace: 'trouble', name: 'app', behaviour: { kind: 'oom' }, probe: false });
    on.sim.warmUp(60_000);
    expect(on.sim.cluster.pods('trouble')[0]?.status.containerStatuses?.[0]?.lastState.terminated).toMatchObject({
      exitCode: 137,
      reason: 'OOMKilled',
    });
  });

  test('restarts follow at once, then after 10, 20 and 40 s', async () => {
    const on = stage();
    const starts: number[] = [];
    on.sim.cluster.createPod({ namespace: 'trouble', name: 'app', behaviour: { kind: 'crash' }, probe: false });
    on.sim.api.store.subscribe(({ object }) => {
      if (object.metadata.namespace === 'trouble' && (object as { reason?: string }).reason === 'Started')
        starts.push(on.clock.monotonicMs());
    });
    await on.pass(120_000);
    const pauses = starts.slice(1).map((at, index) => Math.round((at - (starts[index] ?? 0)) / 1000));
    expect(pauses).toHaveLength(4);
    for (const [index, [low, high]] of [
      [1, 3],
      [10, 30],
      [20, 40],
      [40, 65],
    ].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(low ?? 0);
      expect(pauses[index]).toBeLessThanOrEqual(high ?? 0);
    }
  });

  test('a bare pod that may not restart ends Failed', () => {
    const on = stage();
    on.sim.cluster.createPod({
      namespace: 'trouble',
      name: 'app',
      behaviour: { kind: 'crash' },
      restartPolicy: 'Never',
      probe: false,
    });
    on.sim.warmUp(30_000);
    const [pod] = on.sim.cluster.pods('trouble');
    expect(pod?.status.phase).toBe('Failed');
    expect(condition(pod, 'Ready')).toMatchObject({ status: 'False', reason: 'PodFailed' });
    expect(condition(pod, 'PodReadyToStartContainers')?.status).toBe('False');
    expect(pod?.metadata.annotations?.['cni.projectcalico.org/podIP']).toBe('');
  });
});

describe('a pod changes with what happens to it', () => {
  test('it goes through Pending, sandbox, Running and Ready, each told once', async () => {
    const on = stage();
    const seen: string[] = [];
    on.sim.api.store.subscribe(({ resource, object }) => {
      if (resource.plural !== 'pods') return;
      const pod = object as Parameters<typeof summary>[0];
      const line = `${summary(pod)} scheduled=${condition(pod, 'PodScheduled')?.status} sandbox=${condition(pod, 'PodReadyToStartContainers')?.status}`;
      if (seen.at(-1) !== line) seen.push(line);
    });
    on.sim.cluster.createPod({ namespace: 'shop', name: 'one', behaviour: { kind: 'slow', readyAfterMs: 5000 } });
    await on.pass(20_000);
    expect(seen).toEqual([
      'Pending not ready scheduled=undefined sandbox=undefined',
      'Pending not ready scheduled=True sandbox=undefined',
      'Pending not ready ContainerCreating scheduled=True sandbox=False',
      'Running not ready scheduled=True sandbox=True',
      'Running ready scheduled=True sandbox=True',
    ]);
  });

  test.each([
    ['a registry that is back', { kind: 'registryDown' }],
    ['a secret that appears', { kind: 'missingSecret' }],
    ['a config map that appears', { kind: 'missingConfigMap' }],
    ['a program that is mended', { kind: 'crash' }],
  ] as const)('%s lets it become ready at its next try', async (_what, behaviour) => {
    const on = stage();
    on.sim.cluster.createPod({ namespace: 'shop', name: 'one', behaviour, probe: false });
    on.sim.warmUp(40_000);
    expect(isReady(on.sim.cluster.pods('shop')[0])).toBe(false);
    on.sim.cluster.setBehaviour('shop', 'one', { kind: 'healthy' });
    await on.pass(130_000);
    expect(isReady(on.sim.cluster.pods('shop')[0])).toBe(true);
  });

  test('it can flip between ready and not ready', async () => {
    const on = stage();
    on.sim.cluster.createPod({
      namespace: 'shop',
      name: 'one',
      behaviour: { kind: 'flips', readyMs: 20_000, notReadyMs: 5_000 },
    });
    const changes: boolean[] = [];
    on.sim.api.store.subscribe(({ resource, object }) => {
      if (resource.plural !== 'pods') return;
      const ready = isReady(object as Parameters<typeof isReady>[0]);
      if (changes.at(-1) !== ready) changes.push(ready);
    });
    await on.pass(60_000);
    expect(changes).toEqual([false, true, false, true, false, true]);
  });

  test('a readiness gate opens, a scheduling gate opens', async () => {
    const on = stage();
    on.sim.cluster.createPod({ namespace: 'shop', name: 'one', behaviour: { kind: 'readinessGate' } });
    on.sim.cluster.createPod({ namespace: 'shop', name: 'two', behaviour: { kind: 'gated' } });
    await on.pass(10_000);
    on.sim.cluster.setPodCondition('shop', 'one', 'example.com/lb', 'True');
    on.sim.cluster.openGate('shop', 'two', 'example.com/wait');
    await on.pass(10_000);
    expect(on.sim.cluster.pods('shop').map(isReady)).toEqual([true, true]);
  });

  test('an evicted pod stays Failed, and its owner makes another', async () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    on.sim.warmUp(30_000);
    on.sim.cluster.evict('shop', on.pods('web')[0]?.metadata.name ?? '');
    await on.pass(10_000);
    expect(on.pods('web').map((pod) => [pod.status.phase, pod.status.reason, isReady(pod)])).toEqual(
      expect.arrayContaining([
        ['Failed', 'Evicted', false],
        ['Running', undefined, true],
      ]),
    );
  });

  test('a pod that does not listen to SIGTERM is killed when its grace is over', async () => {
    const on = stage();
    on.sim.cluster.createPod({
      namespace: 'shop',
      name: 'one',
      behaviour: { kind: 'slowToStop', stopMs: 60_000 },
      graceSeconds: 20,
    });
    on.sim.warmUp(10_000);
    on.sim.cluster.deletePod('shop', 'one');
    await on.pass(18_000);
    expect(on.sim.cluster.pods('shop')).toHaveLength(1);
    await on.pass(6_000);
    expect(on.sim.cluster.pods('shop')).toHaveLength(0);
  });

  test('different pods of one workload can behave differently', () => {
    const on = stage();
    on.sim.cluster.deploy({
      namespace: 'shop',
      name: 'web',
      replicas: 4,
      probe: false,
      behaviour: ({ node }) => (node === 'n2' ? { kind: 'crash' } : { kind: 'healthy' }),
    });
    on.sim.warmUp(60_000);
    expect(on.pods('web').map((pod) => [pod.spec.nodeName, isReady(pod)])).toEqual(
      on.pods('web').map((pod) => [pod.spec.nodeName, pod.spec.nodeName === 'n1']),
    );
  });

  test('a crashed container’s log can be read', async () => {
    const on = stage();
    on.sim.cluster.createPod({
      namespace: 'shop',
      name: 'one',
      behaviour: { kind: 'crash', log: ['a', 'b', 'c'] },
      probe: false,
    });
    on.sim.warmUp(60_000);
    const { text, headers } = await ask(
      on.sim.transport,
      '/api/v1/namespaces/shop/pods/one/log?container=one&tailLines=2&previous=true',
    );
    expect([text, headers['content-type']]).toEqual(['b\nc\n', 'text/plain']);
  });

  test('what a kubelet writes of the past has aged with it', () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    on.sim.warmUp(60_000);
    on.sim.cluster.breakToken('n1');
    on.sim.cluster.breakToken('n2');
    on.sim.warmUp(100_000);
    const [pod] = on.pods('web');
    on.sim.cluster.deletePod('shop', pod?.metadata.name ?? '');
    on.sim.warmUp(20_000);

    const [{ metadata, status } = { metadata: null, status: null }] = on
      .pods('web')
      .filter(({ metadata: { deletionTimestamp } }) => deletionTimestamp !== undefined);
    const bornMs = Date.parse(metadata?.creationTimestamp ?? '');
    const startedMs = Date.parse(status?.containerStatuses?.[0]?.state.terminated?.startedAt ?? '');
    expect(startedMs - bornMs).toBeGreaterThanOrEqual(0);
    expect(startedMs - bornMs).toBeLessThan(5_000);
    expect(Date.parse(status?.startTime ?? '') - bornMs).toBeLessThan(5_000);
  });

  test('the same seed makes the same world, another seed another', () => {
    const names = (seed: number): readonly string[] => {
      const on = stage({ seed });
      on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 3 });
      on.sim.warmUp(30_000);
      return on.sim.cluster
        .pods()
        .map((pod) => `${pod.metadata.name} ${pod.metadata.uid} ${JSON.stringify(pod.status)}`);
    };
    expect(names(5)).toEqual(names(5));
    expect(names(5)).not.toEqual(names(6));
  });
});
