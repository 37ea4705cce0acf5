import { describe, expect, test } from '@jest/globals';
import { type Played, play, type World } from '../harness.ts';
import { aShop, firstLook, MINUTE, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };
const WINDOW_MS = 15 * SECOND;
/** The last second of a window, the fresh lists that confirm it, and the gap between looks. */
const LITTLE_MS = 2 * SECOND;

function endsAfter({ report, elapsedMs }: Played, ms: number): void {
  expect(report.verdict).toBe('healthy');
  expect(elapsedMs).toBeGreaterThanOrEqual(ms);
  expect(elapsedMs).toBeLessThan(ms + LITTLE_MS);
}

/** Deployment shop/api is not Ready for three seconds, five seconds after the run began, and then for a long time no more. */
function aFlip(world: World): void {
  const behaviour = { kind: 'flips', readyMs: 50 * SECOND, notReadyMs: 3 * SECOND } as const;
  world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
  world.sim.warmUp(45 * SECOND);
}

function lists({ sim }: World, resource: string): number {
  const isList = ({ method, path }: { method: string; path: string }): boolean =>
    method === 'GET' && path.includes(`/namespaces/shop/${resource}?`) && !path.includes('watch=');
  return sim.requests.filter(isList).length;
}

describe('stable-for', () => {
  test('is how long all has to stay complete from the first look on, however long it was before', async () => {
    endsAfter(await play(aShop(), shop), WINDOW_MS);
    endsAfter(await play(aShop(), { ...shop, 'stable-for': '2m' }), 2 * MINUTE);
  });

  test('is over only when fresh lists have confirmed it', async () => {
    const world = aShop();
    await play(world, shop);
    for (const resource of ['pods', 'deployments', 'statefulsets', 'jobs']) expect(lists(world, resource)).toBe(2);
  });

  test('begins anew with a pod that loses Ready for a moment, and the log says whose', async () => {
    const world = aShop();
    aFlip(world);
    const played = await play(world, shop);
    const readyAgainMs = firstReadyAgain(played);
    endsAfter(played, readyAgainMs + WINDOW_MS);
    const pod = podOf(world, 'api').metadata.name;
    expect(played.log.join('\n')).toContain(
      `all is ready; it has to stay so for 15s, anew for shop/api (pod shop/${pod} lost Ready)`,
    );
  });

  test('begins anew for the workload that changed, not for all; at the timeout the reason says for which, and both times', async () => {
    const world = aShop();
    aFlip(world);
    const { report } = await play(world, { ...shop, timeout: '20s' });
    expect(report).toMatchObject({ verdict: 'inconclusive', findings: [], pods: { total: 3, ready: 3 } });
    const pod = podOf(world, 'api').metadata.name;
    expect(report.reason).toMatch(
      new RegExp(
        `^everything was ready at the timeout of 20s, but not yet for 15s \\(stable-for\\): shop/api for 1[01]s \\(pod shop/${pod} lost Ready\\); raise timeout$`,
      ),
    );
  });

  test('runs for bare pods too: one that appears under way has to stay Ready as long as any', async () => {
    const world = aShop();
    world.clock.after(10 * SECOND, () => world.sim.cluster.createPod({ namespace: 'shop', name: 'late' }));
    const played = await play(world, shop);
    endsAfter(played, firstLook(played, ({ counts }) => counts.ready === 3) + WINDOW_MS);
  });

  test('is not reached by a pod that appears under way and fails', async () => {
    const world = aShop();
    const behaviour = { kind: 'invalidImage' } as const;
    world.clock.after(10 * SECOND, () => world.sim.cluster.createPod({ namespace: 'shop', name: 'late', behaviour }));
    const { report } = await play(world, shop);
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/late: /);
  });

  test('begins anew with a new version, which has to be rolled out first', async () => {
    const world = aShop();
    world.clock.after(10 * SECOND, () => world.sim.cluster.deploy({ namespace: 'shop', name: 'web' }));
    const played = await play(world, shop);
    const lastIncompleteMs = Math.max(
      ...played.looks.filter(({ assessment }) => !assessment.complete).map(({ atMs }) => atMs),
    );
    expect(lastIncompleteMs).toBeGreaterThan(10 * SECOND);
    expect(played.report.verdict).toBe('healthy');
    expect(played.elapsedMs).toBeGreaterThanOrEqual(lastIncompleteMs + WINDOW_MS);
  });

  test('that never ends because a pod flaps is inconclusive, and says how often', async () => {
    const world = aShop();
    const behaviour = { kind: 'flips', readyMs: 10 * SECOND, notReadyMs: 2 * SECOND } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
    world.sim.warmUp(10 * SECOND);
    const { report } = await play(world, { ...shop, timeout: '1m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /shop\/api for \d+s \(begun anew [4-6] times, last because pod shop\/api-\S+ lost Ready\)/,
    );
    expect(report.reason).toMatch(/; find out why it does not stay ready$/);
  });
});

describe('stable-for: 0s', () => {
  test('ends with the first complete list, which is its own confirmation', async () => {
    const world = aShop();
    const { report, elapsedMs } = await play(world, { ...shop, 'stable-for': '0s' });
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeLessThan(SECOND);
    for (const resource of ['pods', 'deployments', 'statefulsets', 'jobs']) expect(lists(world, resource)).toBe(1);
  });

  test('does not end before all of it is complete', async () => {
    const world = aShop();
    const behaviour = { kind: 'slow', readyAfterMs: 20 * SECOND } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
    const played = await play(world, { ...shop, 'stable-for': '0s' });
    expect(played.report).toMatchObject({ verdict: 'healthy', pods: { ready: 3 } });
    expect(played.elapsedMs).toBeGreaterThan(20 * SECOND);
  });
});

describe('everything ready at the timeout, but not yet for stable-for', () => {
  test('is inconclusive, with both times and the workload that came last', async () => {
    const world = aShop();
    const behaviour = { kind: 'slow', readyAfterMs: 53 * SECOND } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
    const { report } = await play(world, { ...shop, timeout: '1m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /^everything was ready at the timeout of 1m, but not yet for 15s \(stable-for\): shop\/api for [4-7]s \(it became complete\); raise timeout$/,
    );
  });
});

function firstReadyAgain({ looks }: Played): number {
  const lastNotReady = looks.findLastIndex(({ assessment }) => assessment.counts.notReady > 0);
  return looks[lastNotReady + 1]?.atMs ?? Number.NaN;
}
