import { describe, expect, test } from '@jest/globals';
import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import { type Inputs, play, type World } from '../harness.ts';
import { aShop, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '10m', 'stable-for': '15s' };

function every(world: World, ms: number, act: () => void): void {
  const again = (): void => {
    act();
    world.clock.after(ms, again);
  };
  world.clock.after(ms, again);
}

const isWatch = ({ path }: Pick<LoggedRequest, 'path'>): boolean => path.includes('watch=1');
const isPodList = ({ path }: Pick<LoggedRequest, 'path'>): boolean => /\/shop\/pods\?limit=/.test(path);

describe('what is listed once is watched', () => {
  test('with limit=500 and bookmarks, and without a version that may be old', async () => {
    const world = aShop();
    await play(world, SHOP);
    const lists = world.sim.requests.filter(({ path }) => path.includes('limit='));
    for (const { path } of lists) expect(path).toMatch(/limit=500(?:&|$)/);
    for (const { path } of lists) expect(path).not.toContain('resourceVersion');
    const watches = world.sim.requests.filter(isWatch);
    expect(watches.length).toBeGreaterThan(5);
    for (const { path } of watches)
      expect(path).toMatch(/allowWatchBookmarks=true&timeoutSeconds=[567]\d&resourceVersion=\d+/);
  });

  test('and hardly asked for again while nothing happens', async () => {
    const world = aShop();
    await play(world, { ...SHOP, 'stable-for': '4m' });
    // Once at the beginning, and once more to confirm.
    expect(world.sim.requests.filter(isPodList)).toHaveLength(2);
  });

  test('a pod that becomes ready is known a moment later', async () => {
    const world = aShop();
    world.sim.cluster.deploy({
      namespace: 'shop',
      name: 'api',
      behaviour: { kind: 'slow', readyAfterMs: 20 * SECOND },
    });
    const { looks } = await play(world, SHOP);
    const readyAt = world.sim.cluster.pods('shop').find(({ metadata }) => metadata.labels?.app === 'api')
      ?.status.conditions;
    const readySince = Date.parse(readyAt?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '');
    const seen = looks.find(({ assessment }) => assessment.counts.ready === 3);
    const begunMs = Date.parse(world.sim.requests[0]?.at ?? '');
    expect(begunMs + (seen?.atMs ?? 0) - readySince).toBeLessThan(2 * SECOND);
  });
});

describe('watches that end', () => {
  test('closed every second: lists tell, and nobody is asked in a hot loop', async () => {
    const world = aShop();
    every(world, SECOND, () => world.sim.api.watches.close());
    const { report, log, elapsedMs } = await play(world, { ...SHOP, 'stable-for': '2m' });
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeLessThan(3 * MINUTE);
    expect(log.join('\n')).not.toContain('lost sight');
    // Eight watches and their lists, for two minutes, at most once a second each.
    expect(report.api.requests).toBeLessThan(8 * 130);
    expect(world.sim.requests.filter(isPodList).length).toBeGreaterThan(5);
  });

  test('with ERROR 410, or refused with it: a fresh list, and nothing is missed', async () => {
    for (const goneAs of ['event', 'status'] as const) {
      const world = aShop();
      world.sim.api.watches.goneAs = goneAs;
      world.clock.after(5 * SECOND, () => {
        world.sim.api.watches.close();
        for (const pod of world.sim.cluster.pods('shop')) world.sim.cluster.deletePod('shop', pod.metadata.name);
        world.sim.api.compact();
      });
      const { report, log } = await play(world, SHOP);
      expect(report.verdict).toBe('healthy');
      expect(log.join('\n')).not.toContain('lost sight');
      expect(world.sim.requests.filter(isPodList).length).toBeGreaterThanOrEqual(3);
    }
  });

  test('silently: noticed after 90 s, stale since they were last heard, and listed anew', async () => {
    const world = aShop();
    world.clock.after(3 * SECOND, () => {
      world.sim.api.watches.silence();
      world.sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' });
      for (const pod of world.sim.cluster.pods('shop')) world.sim.cluster.deletePod('shop', pod.metadata.name);
    });
    const { report, looks, log } = await play(world, { ...SHOP, 'stable-for': '3m', timeout: '4m' });
    expect(report.verdict).toBe('unhealthy');
    const noticed = looks.find(({ assessment }) => assessment.counts.notReady > 0);
    expect(noticed?.atMs).toBeGreaterThan(80 * SECOND);
    expect(noticed?.atMs).toBeLessThan(95 * SECOND);
    expect(log).toContainEqual(expect.stringMatching(/lost sight of .*: the watch was silent for too long$/));
  });

  test('in time, having told nothing and sent no bookmark: nothing is lost sight of while nothing happens', async () => {
    const world = aShop();
    const { report, log } = await play(world, { ...SHOP, 'stable-for': '4m', timeout: '6m' });
    expect(report.verdict).toBe('healthy');
    expect(log.join('\n')).not.toContain('lost sight');
    expect(report.api.watchRestarts).toBeGreaterThan(0);
  });

  test('silently, just before the verdict: a fresh list has to confirm it', async () => {
    const world = aShop();
    world.clock.after(3 * SECOND, () => {
      world.sim.api.watches.silence();
      world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'imageMissing' } });
    });
    const { report, log } = await play(world, SHOP);
    expect(log.filter((line) => line.includes('confirming'))).toHaveLength(1);
    expect(report.verdict).toBe('unhealthy');
  });

  test('silently, with stable-for 0s: the first complete list decides and is its own confirmation', async () => {
    const world = aShop();
    const { report, log, elapsedMs } = await play(world, { ...SHOP, 'stable-for': '0s' });
    expect(report.verdict).toBe('healthy');
    expect(log.join('\n')).not.toContain('confirming');
    expect(elapsedMs).toBeLessThan(SECOND);
    expect(world.sim.requests.filter(isPodList)).toHaveLength(1);
  });

  test('and cannot be opened again, though lists can be had: the verdict comes from lists', async () => {
    const world = aShop();
    world.sim.api.faults = ({ path }) => (path.includes('watch=1') ? { kind: 'status', status: 404 } : undefined);
    const { report, log } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(log.join('\n')).not.toContain('lost sight');
  });
});

describe('a confirmation', () => {
  test('that fails once is asked for again, and not at every look', async () => {
    const world = aShop();
    const begunMs = world.clock.monotonicMs();
    world.sim.api.faults = (request) => {
      const atMs = world.clock.monotonicMs() - begunMs;
      return isPodList(request) && atMs > 10 * SECOND && atMs < 18 * SECOND
        ? { kind: 'status', status: 500 }
        : undefined;
    };
    const { report, log } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(log.filter((line) => line.includes('confirming'))).toHaveLength(2);
  });

  test('that cannot be had by the deadline leaves the run inconclusive', async () => {
    const world = aShop();
    const begunMs = world.clock.monotonicMs();
    world.sim.api.faults = (request) =>
      isPodList(request) && world.clock.monotonicMs() - begunMs > 10 * SECOND
        ? { kind: 'status', status: 500 }
        : undefined;
    const { report } = await play(world, { ...SHOP, timeout: '1m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/pods in namespace shop were last seen \d+s ago: list pods in namespace shop: 500/);
  });
});
