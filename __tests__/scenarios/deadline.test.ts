import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, outage, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

/** One of two pods of shop/web never becomes ready, or both for want of their image. */
function aTroubledShop(trouble: 'neverReady' | 'imageMissing'): World {
  const world = aWorld();
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, behaviour: { kind: trouble } });
  world.sim.warmUp(MINUTE);
  return world;
}

describe('at the timeout', () => {
  test('the run is over, whatever it waits for', async () => {
    const { report, elapsedMs } = await play(aTroubledShop('neverReady'), { ...shop, timeout: '90s' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/web: 2 of 2 pods are not ready: .*; the timeout of 1m30s is over$/);
    expect(elapsedMs).toBeGreaterThanOrEqual(90 * SECOND);
    expect(elapsedMs).toBeLessThan(91 * SECOND);
  });

  test('in the middle of the first list it ends at once, and is inconclusive', async () => {
    const world = aShop();
    world.sim.api.faults = ({ path }) => (path.includes('/pods') ? { kind: 'delay', delayMs: 5 * MINUTE } : undefined);
    const { report, elapsedMs } = await play(world, { ...shop, timeout: '20s' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/^no verdict within 20s: pods in namespace shop could not be read even once: /);
    expect(elapsedMs).toBeLessThan(25 * SECOND);
  });

  test('in the middle of the fresh lists that would have confirmed it, it decides on the last good view', async () => {
    const world = aShop();
    world.clock.after(10 * SECOND, () => {
      world.sim.api.faults = ({ path }) => (path.includes('/pods?limit') ? { kind: 'hang' } : undefined);
    });
    const { report, elapsedMs } = await play(world, { ...shop, timeout: '17s' });
    expect(report).toMatchObject({ verdict: 'inconclusive', pods: { total: 2, ready: 2 } });
    expect(elapsedMs).toBeLessThan(22 * SECOND);
  });
});

describe('when the view was lost before the timeout', () => {
  test('trouble that was seen within the last minute counts, and the blindness is said too', async () => {
    const world = aTroubledShop('neverReady');
    outage(world, 130 * SECOND);
    const played = await play(world, { ...shop, timeout: '3m' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { notReady: 2 } });
    expect(played.report.reason).toMatch(/^shop\/web: 2 of 2 pods are not ready: /);
    expect(played.report.reason).toContain('besides, pods, deployments, statefulsets, daemonsets and jobs');
  });

  test('trouble that was seen before that does not: it is inconclusive, with the age of the view and what was seen', async () => {
    const world = aTroubledShop('neverReady');
    outage(world, 110 * SECOND);
    const { report } = await play(world, { ...shop, timeout: '3m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/^no verdict within 3m: pods, .* in namespace shop were last seen 1m10s ago: /);
    expect(report.reason).toMatch(/; when last seen, shop\/web: it runs and is not ready$/);
  });

  test('trouble that was fatal already counts, however long ago it was seen', async () => {
    const world = aTroubledShop('imageMissing');
    outage(world, 40 * SECOND);
    const played = await play(world, { ...shop, timeout: '5m', 'fail-fast': 'false' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)[0]).toMatch(/^!ImageNotFound shop\/web-/);
  });

  test('trouble does not become fatal unseen', async () => {
    const world = aTroubledShop('imageMissing');
    outage(world, 20 * SECOND);
    const played = await play(world, { ...shop, timeout: '5m' });
    expect(played.report.verdict).toBe('inconclusive');
    expect(played.report.findings.map(({ fatal }) => fatal)).toEqual([false, false]);
  });

  test('it is inconclusive too when all was ready', async () => {
    const world = aShop();
    outage(world, 10 * SECOND);
    const { report } = await play(world, { ...shop, timeout: '2m' });
    expect(report).toMatchObject({ verdict: 'inconclusive', pods: { ready: 2 }, findings: [] });
    expect(report.reason).toContain('were last seen 1m50s ago');
  });

  test('nothing is decided before the timeout: the view may come back', async () => {
    const world = aShop();
    outage(world, 10 * SECOND, 4 * MINUTE);
    const { report, elapsedMs } = await play(world, shop);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(4 * MINUTE);
  });
});

describe('a run that blindness ends earlier', () => {
  const ways: readonly (readonly [string, (world: World) => void])[] = [
    ['the credentials are refused', ({ sim }) => sim.api.tokens.revoke('gate-token')],
    [
      'the right to see pods is withdrawn',
      ({ sim }) => {
        sim.api.permissions = allowAllBut({ user: 'gate', resource: 'pods' });
      },
    ],
  ];

  test.each(ways)('is inconclusive by trouble that was not fatal yet: %s', async (_, blind) => {
    const world = aTroubledShop('neverReady');
    world.clock.after(40 * SECOND, () => {
      blind(world);
      world.sim.api.watches.reset();
    });
    const { report, elapsedMs } = await play(world, shop);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/; when last seen, shop\/web: it runs and is not ready$/);
    expect(elapsedMs).toBeLessThan(2 * MINUTE);
  });

  test.each(ways)('is unhealthy by what was already fatal: %s', async (_, blind) => {
    const world = aTroubledShop('imageMissing');
    world.clock.after(40 * SECOND, () => {
      blind(world);
      world.sim.api.watches.reset();
    });
    const { report, elapsedMs } = await play(world, { ...shop, 'fail-fast': 'false' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/web: 2 of 2 pods are not ready: .*; besides, /);
    expect(elapsedMs).toBeLessThan(2 * MINUTE);
  });

  test.each(ways)('is not healthy, although all that was seen was ready: %s', async (_, blind) => {
    const world = aShop();
    world.clock.after(5 * SECOND, () => {
      blind(world);
      world.sim.api.watches.reset();
    });
    const { report, elapsedMs } = await play(world, shop);
    expect(report.verdict).toBe('inconclusive');
    expect(elapsedMs).toBeLessThan(2 * MINUTE);
  });
});
