import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import { type Played, play, type World } from '../harness.ts';
import { aBrokenWorld, CURE } from './broken-node.ts';
import { aShop, MINUTE, outage, podOf, SECOND } from './shop.ts';

/** A kubelet that could not report for a while does so some seconds after the API server is there again. */
const BACK_MS = 50 * SECOND;
const REPORTED_MS = BACK_MS + 8 * SECOND;

const SHOP = { namespaces: 'shop', timeout: '2m', 'stable-for': '30s' };

/** What a kubelet says of a pod whose readiness probe has failed since the outage. */
function turnsNotReady(world: World, pod: Pod): void {
  const conditions = pod.status.conditions?.map((each) =>
    each.type === 'Ready' || each.type === 'ContainersReady' ? { ...each, status: 'False' as const } : each,
  );
  const containerStatuses = pod.status.containerStatuses?.map((each) => ({ ...each, ready: false }));
  const status = { ...pod.status, ...(conditions && { conditions }), ...(containerStatuses && { containerStatuses }) };
  world.sim.cluster.put('pods', { ...pod, status });
}

function lines({ log }: Played, text: RegExp): readonly string[] {
  return log.filter((line) => text.test(line));
}

/** When the run's first request was received, by the simulator's clock. */
function beginningOf({ sim }: World): number {
  return sim.requests[0]?.atMs ?? Number.NaN;
}

/** When the DELETEs were received, since the beginning. */
function deletesOf(world: World): readonly number[] {
  const deletes = world.sim.requests.filter(({ method }) => method === 'DELETE');
  return deletes.map(({ atMs }) => atMs - beginningOf(world));
}

describe('right after an outage of the API server its picture is that of before', () => {
  test('a pod that broke meanwhile is not passed, though a fresh list still calls it Ready', async () => {
    const world = aShop();
    outage(world, 10 * SECOND, BACK_MS);
    world.clock.after(REPORTED_MS, () => turnsNotReady(world, podOf(world, 'web')));
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'unhealthy', pods: { total: 2, notReady: 1 } });
  });

  test('nor may it pass at the deadline, and the reason says why', async () => {
    const world = aShop();
    outage(world, 10 * SECOND, BACK_MS);
    const { report } = await play(world, { ...SHOP, timeout: '1m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toBe(
      'everything was ready at the timeout of 1m, but the API server had just come back into sight, and kubelets need up to 15s to report what happened meanwhile; raise timeout',
    );
  });

  test('what healed meanwhile is not called fatal', async () => {
    const world = aShop();
    const api = { namespace: 'shop', name: 'api' };
    world.clock.after(5 * SECOND, () => world.sim.cluster.deploy({ ...api, behaviour: { kind: 'imageMissing' } }));
    outage(world, 10 * SECOND, BACK_MS);
    world.clock.after(REPORTED_MS, () => world.sim.cluster.deploy(api));
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
  });

  test('no calico-node is restarted on it', async () => {
    const world = aBrokenWorld();
    outage(world, SECOND, 30 * SECOND);
    const { restartedNodes, log } = await play(world, { ...CURE, timeout: '5m' });
    expect(restartedNodes).toEqual(['n1']);
    const [deletedAtMs = 0, ...others] = deletesOf(world);
    expect(deletedAtMs).toBeGreaterThanOrEqual(45 * SECOND);
    expect(others).toEqual([]);
    expect(log).toContainEqual(
      expect.stringMatching(/node n1: waiting: kubelets have 15s to report what happened while nothing could be seen$/),
    );
  });

  test('nor is it forgotten that there was one while the gate waited for something else', async () => {
    const world = aBrokenWorld();
    let awayFromMs = Number.POSITIVE_INFINITY;
    let deletes = 0;
    world.sim.api.faults = ({ method }) => {
      if (method === 'DELETE') {
        deletes += 1;
        if (deletes > 1) return undefined;
        awayFromMs = world.clock.monotonicMs();
        world.sim.api.watches.reset();
        return { kind: 'reset-before' };
      }
      // Nobody looks while the pod is read again: each try hangs for half a minute.
      const awayMs = world.clock.monotonicMs() - awayFromMs;
      return awayMs >= 0 && awayMs < 20 * SECOND ? { kind: 'hang' } : undefined;
    };
    const { report } = await play(world, { ...CURE, timeout: '8m' });
    expect(report).toMatchObject({ verdict: 'healthy', calico: { nodes: [{ outcome: 'cured' }] } });
    const [firstMs = Number.NaN, secondMs = Number.NaN] = deletesOf(world);
    const seen = world.sim.requests.filter(({ path, status, atMs }) => {
      return status === 200 && path.includes('/namespaces/shop/pods?') && atMs - beginningOf(world) > firstMs;
    });
    const backMs = (seen[0]?.atMs ?? Number.NaN) - beginningOf(world);
    expect(backMs - firstMs).toBeGreaterThan(20 * SECOND);
    expect(secondMs - backMs).toBeGreaterThanOrEqual(14 * SECOND);
  });

  test('it is told in one line when that is over, and a run with all else in order ends then', async () => {
    const world = aShop();
    outage(world, 10 * SECOND, BACK_MS);
    const played = await play(world, SHOP);
    expect(played.report.verdict).toBe('healthy');
    expect(played.elapsedMs).toBeLessThan(BACK_MS + 30 * SECOND);
    expect(lines(played, /lost sight/)).toHaveLength(1);
    expect(lines(played, /again/)).toEqual([
      expect.stringMatching(
        / sees pods, .* nodes again; nothing is decided for 1[45]s, while the kubelets report what/,
      ),
    ]);
  });
});

describe('an API server that was away for 3 s', () => {
  /** Begins so that all has been ready for long enough when it is over. */
  const AWAY_MS = 27 * SECOND;

  test('was away for the kubelets, too: a pod that broke meanwhile is not passed', async () => {
    const world = aShop();
    outage(world, AWAY_MS, AWAY_MS + 3 * SECOND);
    world.clock.after(AWAY_MS + 11 * SECOND, () => turnsNotReady(world, podOf(world, 'web')));
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'unhealthy', pods: { total: 2, notReady: 1 } });
  });

  test('is told in one line when it is back, and a run with all in order ends when the kubelets had their time', async () => {
    const world = aShop();
    outage(world, AWAY_MS, AWAY_MS + 3 * SECOND);
    const played = await play(world, SHOP);
    expect(played.report).toMatchObject({ verdict: 'healthy', warnings: [] });
    expect(played.elapsedMs).toBeGreaterThanOrEqual(AWAY_MS + 18 * SECOND);
    expect(played.elapsedMs).toBeLessThan(AWAY_MS + 30 * SECOND);
    expect(lines(played, /lost sight|sees .* again/)).toEqual([]);
    expect(lines(played, /away/)).toEqual([
      expect.stringMatching(
        / the API server was away, and is back; nothing is decided for 1[45]s, while the kubelets report what happened/,
      ),
    ]);
  });

  test('had no calico-node restarted on its picture of before', async () => {
    const world = aBrokenWorld();
    outage(world, SECOND, 4 * SECOND);
    const { restartedNodes } = await play(world, { ...CURE, timeout: '5m' });
    expect(restartedNodes).toEqual(['n1']);
    const [deletedAtMs = 0, ...others] = deletesOf(world);
    expect(deletedAtMs).toBeGreaterThanOrEqual(19 * SECOND);
    expect(others).toEqual([]);
  });
});

test('one request that fails, and succeeds at its next try, is no outage', async () => {
  const world = aShop();
  let failures = 0;
  world.clock.after(20 * SECOND, () => {
    world.sim.api.faults = ({ path }) => {
      if (failures > 0 || !path.includes('/pods')) return undefined;
      failures += 1;
      return { kind: 'reset-before' };
    };
    world.sim.api.watches.reset();
  });
  const played = await play(world, SHOP);
  expect(failures).toBe(1);
  expect(played.report.verdict).toBe('healthy');
  expect(played.elapsedMs).toBeLessThan(33 * SECOND);
  expect(lines(played, /away/)).toEqual([]);
});

test('a DELETE whose answer was lost is told to be carried out when the view shows it', async () => {
  const world = aBrokenWorld();
  let isAway = false;
  world.sim.api.faults = ({ method }) => {
    if (isAway) return { kind: 'refuse' };
    if (method !== 'DELETE') return undefined;
    isAway = true;
    world.sim.api.watches.reset();
    world.clock.after(20 * SECOND, () => {
      world.sim.api.faults = () => undefined;
    });
    return { kind: 'reset-after' };
  };
  const played = await play(world, { ...CURE, timeout: `${5 * MINUTE}ms` });
  expect(played.report).toMatchObject({ verdict: 'healthy', calico: { nodes: [{ outcome: 'cured' }] } });
  expect(world.sim.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
  expect(lines(played, /the DELETE of \S+ got no answer .* the pod could not be read$/)).toHaveLength(1);
  expect(lines(played, /calico-node-\w+ is gone: the DELETE that got no answer was carried out$/)).toHaveLength(1);
});
