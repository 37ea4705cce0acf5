import { describe, expect, test } from '@jest/globals';
import { allowAll } from '../../simulator/api/access.ts';
import type { Fault } from '../../simulator/api/faults.ts';
import type { LoggedRequest, RequestSeen } from '../../simulator/api/request-log.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { aBrokenWorld } from './broken-node.ts';
import { aShop, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '3m', 'stable-for': '5s' };

const isPodList = ({ path }: Pick<LoggedRequest, 'path'>): boolean => /\/shop\/pods\?limit=/.test(path);

/** What goes wrong with the list of pods, from its first try on. */
function withPodList(faultOf: (nth: number) => Fault | undefined, world = aShop()): World {
  let tries = 0;
  world.sim.api.faults = (request: RequestSeen) => {
    if (!isPodList(request)) return undefined;
    tries += 1;
    return faultOf(tries);
  };
  return world;
}

function podListTimes({ sim }: World): readonly number[] {
  return sim.requests.filter(isPodList).map(({ atMs }) => atMs);
}

describe('a list that fails, and then does not', () => {
  test('429 with Retry-After: each try waits for as long as it was asked to', async () => {
    const world = withPodList((nth) =>
      nth <= 2 ? { kind: 'status', status: 429, headers: { 'retry-after': '3' } } : undefined,
    );
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    const [first = 0, second = 0, third = 0] = podListTimes(world);
    expect(second - first).toBeGreaterThanOrEqual(3 * SECOND);
    expect(third - second).toBeGreaterThanOrEqual(3 * SECOND);
    expect(third - first).toBeLessThan(9 * SECOND);
    expect(report.api.retries).toBeGreaterThanOrEqual(2);
  });

  test('429 holds back the other lists, too: the server is too busy for all of them', async () => {
    const world = aShop(2, { latencyMs: 100 });
    let refusedAtMs = Number.NaN;
    world.sim.api.faults = ({ path, nth, atMs }) => {
      if (!path.endsWith('/shop/pods?limit=500') || nth !== 1) return undefined;
      refusedAtMs = atMs;
      return { kind: 'status', status: 429, headers: { 'retry-after': '5' } };
    };
    await play(world, SHOP);
    const meanwhile = world.sim.requests.filter(
      ({ atMs, method }) => method === 'GET' && atMs > refusedAtMs + 100 && atMs < refusedAtMs + 5 * SECOND,
    );
    expect(meanwhile).toEqual([]);
    expect(refusedAtMs).not.toBeNaN();
  });

  test.each<[string, (nth: number) => Fault | undefined]>([
    ['429 without Retry-After', (nth) => (nth <= 3 ? { kind: 'status', status: 429 } : undefined)],
    [
      '500 and 503, four times',
      (nth) => (nth <= 4 ? { kind: 'status', status: nth % 2 === 0 ? 500 : 503 } : undefined),
    ],
    ['the connection is reset', (nth) => (nth <= 2 ? { kind: 'reset-before' } : undefined)],
    ['the connection is reset before the answer', (nth) => (nth <= 2 ? { kind: 'reset-after' } : undefined)],
    ['the body is cut off', (nth) => (nth <= 2 ? { kind: 'truncate', afterBytes: 900 } : undefined)],
    [
      'the body is cut off, and nobody says so',
      (nth) => (nth <= 2 ? { kind: 'truncate', afterBytes: 900, clean: true } : undefined),
    ],
    ['it is answered late', (nth) => (nth === 1 ? { kind: 'delay', delayMs: 20 * SECOND } : undefined)],
    ['it is never answered', (nth) => (nth === 1 ? { kind: 'hang' } : undefined)],
    ['something else answers', (nth) => (nth <= 2 ? { kind: 'garbage' } : undefined)],
  ])('%s: the verdict is as without it', async (_, faultOf) => {
    const { report, looks } = await play(withPodList(faultOf), SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 2, ready: 2 }, warnings: [] });
    // Never a part of the list: a look has both pods, or none.
    expect(new Set(looks.map(({ assessment }) => assessment.counts.total))).not.toContain(1);
  });

  test('is told once what cannot be seen, and once that it can', async () => {
    const { log } = await play(
      withPodList((nth) => (nth <= 6 ? { kind: 'status', status: 503 } : undefined)),
      SHOP,
    );
    expect(log.filter((line) => line.includes('cannot see yet: pods in namespace shop: '))).toHaveLength(1);
    expect(log.filter((line) => line.includes('sees pods in namespace shop now'))).toHaveLength(1);
    expect(log.join('\n')).not.toContain('0 of 0 pods ready');
  });
});

describe('a list that fails to the deadline', () => {
  test.each<[string, Fault, RegExp]>([
    ['503', { kind: 'status', status: 503 }, /503 InternalError: the server answered 503; check that the API server/],
    ['a cut body', { kind: 'truncate', afterBytes: 900, clean: true }, /the answer is cut off, or not JSON; check/],
    ['no answer', { kind: 'hang' }, /nothing came for 30 s; check/],
  ])('%s: inconclusive, with the words of what failed', async (_, fault, says) => {
    const { report, elapsedMs } = await play(
      withPodList(() => fault),
      { ...SHOP, timeout: '1m' },
    );
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /^no verdict within 1m: pods in namespace shop could not be read even once: list pods in namespace shop: /,
    );
    expect(report.reason).toMatch(says);
    expect(report.pods.total).toBe(0);
    expect(elapsedMs).toBeLessThanOrEqual(MINUTE + 5 * SECOND);
  });

  test('trouble that was seen elsewhere makes the run unhealthy all the same', async () => {
    const world = aShop();
    world.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', behaviour: { kind: 'crash' }, backoffLimit: 0 });
    world.sim.warmUp(MINUTE);
    const { report } = await play(
      withPodList(() => ({ kind: 'status', status: 503 }), world),
      SHOP,
    );
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/migrate: .*; besides, pods in namespace shop could not be read even once/);
  });

  test.each<[string, RegExp, RegExp]>([
    ['events', /\/events\?/, /never saw events in namespace shop/],
    ['nodes', /\/nodes\?/, /never saw nodes/],
    ["Calico's DaemonSets", /^\/apis\/apps\/v1\/daemonsets\?/, /^$/],
  ])(
    '%s that cannot be had are missed, keep nothing from being healthy, and nobody waits for them',
    async (_, what, says) => {
      const world = aShop();
      world.sim.api.faults = ({ path }) => (what.test(path) ? { kind: 'hang' } : undefined);
      const { report, elapsedMs } = await play(world, SHOP);
      expect(report.verdict).toBe('healthy');
      expect(report.warnings.join('\n')).toMatch(says);
      expect(elapsedMs).toBeLessThan(10 * SECOND);
    },
  );
});

describe('a list in pages', () => {
  /** Namespace shop has 1,050 pods, so three pages of them. */
  function threePages(): World {
    const world = aWorld({ nodes: Array.from({ length: 24 }, (_, index) => `n${index}`) });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 1_050 });
    world.sim.warmUp(5 * MINUTE);
    return world;
  }

  test('whose snapshot expires on the third one is begun anew, and the pages are never mixed', async () => {
    const world = threePages();
    let pages = 0;
    world.sim.api.faults = ({ path }) => {
      if (!path.includes('/shop/pods?limit=500&continue=')) return undefined;
      pages += 1;
      if (pages === 2) world.sim.api.compact();
      return undefined;
    };
    const { report, looks } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 1_050, ready: 1_050 } });
    expect(new Set(looks.map(({ assessment }) => assessment.counts.total))).toEqual(new Set([1_050]));
  });

  test('whose snapshot always expires is read as a whole', async () => {
    const world = threePages();
    world.sim.api.faults = ({ path }) => {
      if (path.includes('/shop/pods?limit=500&continue=')) world.sim.api.compact();
      return undefined;
    };
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 1_050 } });
    expect(world.sim.requests.map(({ path }) => path)).toContain('/api/v1/namespaces/shop/pods');
  });

  test('with the same continue token for ever does not go on for ever, and is no view', async () => {
    const world = aShop();
    const page = JSON.stringify({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '1', continue: 'again' },
      items: [],
    });
    world.sim.api.faults = (request) =>
      isPodList(request) ? { kind: 'garbage', body: page, contentType: 'application/json' } : undefined;
    const { report } = await play(world, { ...SHOP, timeout: '1m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toContain('the list does not end: the server repeats a continue token');
    expect(world.sim.requests.filter(isPodList).length).toBeLessThan(60);
  });

  test('is aborted at the deadline in its middle, and what was seen before decides', async () => {
    const world = threePages();
    world.clock.after(12 * SECOND, () => {
      world.sim.api.faults = (request) => (request.path.includes('/shop/') ? { kind: 'hang' } : undefined);
      world.sim.api.watches.reset();
    });
    const { report, elapsedMs } = await play(world, { ...SHOP, 'stable-for': '30s', timeout: '1m' });
    expect(report).toMatchObject({ verdict: 'inconclusive', pods: { total: 1_050, ready: 1_050 } });
    expect(report.reason).toMatch(/were last seen 4\ds ago: /);
    expect(elapsedMs).toBeLessThanOrEqual(MINUTE + 5 * SECOND);
  });
});

describe('a review of rights that is refused', () => {
  test.each([403, 404, 500])('with %d leaves rights unknown, and the verdict as it is', async (status) => {
    const world = aShop();
    world.sim.api.faults = ({ method }) => (method === 'POST' ? { kind: 'status', status } : undefined);
    const { report, log } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(log.join('\n')).not.toContain('missing right');
  });

  test('lets the DELETE be tried: the first real 403 tells', async () => {
    const world = aBrokenWorld();
    world.sim.api.faults = ({ method }) => (method === 'POST' ? { kind: 'status', status: 403 } : undefined);
    world.sim.api.permissions = (asked) => allowAll(asked) && asked.verb !== 'delete';
    const { report, deletes } = await play(world, { ...SHOP, 'restart-calico-node': 'true' });
    expect(deletes).toHaveLength(1);
    expect(report.calico.nodes).toMatchObject([
      { node: 'n1', action: 'refused', why: expect.stringContaining('delete') },
    ]);
    expect(report.verdict).toBe('unhealthy');
  });

  test('or never answered does not keep a node from being cured', async () => {
    const world = aBrokenWorld();
    world.sim.api.faults = ({ method }) => (method === 'POST' ? { kind: 'hang' } : undefined);
    const { report, restartedNodes } = await play(world, { ...SHOP, 'restart-calico-node': 'true' });
    expect(restartedNodes).toEqual(['n1']);
    expect(report.verdict).toBe('healthy');
  });
});
