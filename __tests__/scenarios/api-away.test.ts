import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../simulator/api/faults.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld } from './broken-node.ts';
import { aShop, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '4m', 'stable-for': '30s' };

const REFUSED: Fault = { kind: 'refuse' };
const BROKEN: Fault = { kind: 'status', status: 503 };
const HANGING: Fault = { kind: 'hang' };

/** Nothing is answered from `fromMs` of the run on, for `forMs` or to its end. */
function away({ clock, sim }: World, fault: Fault, fromMs: number, forMs = Number.POSITIVE_INFINITY): void {
  const beganMs = clock.monotonicMs();
  sim.api.faults = () => {
    const atMs = clock.monotonicMs() - beganMs;
    return atMs >= fromMs && atMs < fromMs + forMs ? fault : undefined;
  };
  clock.after(fromMs, () => sim.api.watches.reset());
}

function lines({ log }: Played, text: RegExp): readonly string[] {
  return log.filter((line) => text.test(line));
}

describe('an API server that goes away and comes back', () => {
  test.each<[string, Fault]>([
    ['refuses connections', REFUSED],
    ['answers 503', BROKEN],
    ['answers nothing', HANGING],
  ])('it %s: told in one line when it is lost, and in one when it is seen again', async (_, fault) => {
    const world = aShop();
    away(world, fault, 10 * SECOND, 40 * SECOND);
    const played = await play(world, { ...SHOP, 'stable-for': '80s' });
    expect(played.report).toMatchObject({ verdict: 'healthy', warnings: [] });
    expect(lines(played, /lost sight of/)).toHaveLength(1);
    expect(lines(played, /lost sight of pods, deployments, .*events in namespace shop, nodes: /)).toHaveLength(1);
    expect(lines(played, /sees .*pods.* in namespace shop.* again/)).toHaveLength(1);
  });

  test('for a moment: nothing is told', async () => {
    const world = aShop();
    away(world, REFUSED, 10 * SECOND, 2 * SECOND);
    const played = await play(world, SHOP);
    expect(played.report.verdict).toBe('healthy');
    expect(lines(played, /lost sight|again/)).toEqual([]);
  });

  test('before it is seen again nothing is healthy, though all was ready', async () => {
    const world = aShop();
    away(world, REFUSED, 10 * SECOND, 90 * SECOND);
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(100 * SECOND);
  });

  test('everything is seen again soon after it has answered for the first time', async () => {
    const world = aShop();
    away(world, REFUSED, 10 * SECOND, 90 * SECOND);
    await play(world, { ...SHOP, 'stable-for': '2m' });
    const lists = new Map<string, number>();
    for (const { atMs, path, status } of world.sim.requests) {
      if (status === 200 && path.includes('limit=') && !lists.has(path)) lists.set(path, Number.NaN);
      else if (status === 200 && lists.has(path) && Number.isNaN(lists.get(path))) lists.set(path, atMs);
    }
    const times = [...lists.values()].filter((atMs) => !Number.isNaN(atMs));
    expect(times.length).toBeGreaterThanOrEqual(8);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(3 * SECOND);
  });

  test('pods that were replaced meanwhile begin the window anew', async () => {
    const world = aShop();
    away(world, REFUSED, 10 * SECOND, 40 * SECOND);
    world.clock.after(20 * SECOND, () => {
      for (const pod of world.sim.cluster.pods('shop')) world.sim.cluster.deletePod('shop', pod.metadata.name);
    });
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(80 * SECOND);
  });

  test('pods that are the same let it go on', async () => {
    const world = aShop();
    away(world, REFUSED, 10 * SECOND, 40 * SECOND);
    const { elapsedMs } = await play(world, SHOP);
    expect(elapsedMs).toBeLessThan(80 * SECOND);
  });

  test('a failure that lasted through it is found when it is back', async () => {
    const world = aShop();
    world.clock.after(15 * SECOND, () =>
      world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'imageMissing' } }),
    );
    away(world, BROKEN, 10 * SECOND, 60 * SECOND);
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/api: .*not found/);
  });

  test('a cure goes on where it was', async () => {
    const world = aBrokenWorld();
    away(world, HANGING, 3_500, 25 * SECOND);
    const { report, restartedNodes } = await play(world, { ...SHOP, 'restart-calico-node': 'true', timeout: '6m' });
    expect(restartedNodes).toEqual(['n1']);
    expect(report.verdict).toBe('healthy');
    expect(report.calico.nodes).toMatchObject([{ node: 'n1', outcome: 'cured' }]);
  });

  /**
   * n1 is restarted with a minute for the cure, and the API server is away for two minutes from `afterMs` behind the DELETE
   * on: the kubelet can do nothing either.
   */
  async function awayInCure(afterMs: number, deleteFault?: Fault): Promise<Played> {
    const world = aBrokenWorld({ isFirst: true });
    const { clock, sim } = world;
    const forMs = 2 * MINUTE;
    sim.cluster.setRestartCures('n1', false);
    let fromMs = Number.POSITIVE_INFINITY;
    sim.api.faults = ({ method }) => {
      const sinceMs = clock.monotonicMs() - fromMs;
      if (sinceMs >= 0 && sinceMs < forMs) return REFUSED;
      if (method !== 'DELETE') return undefined;
      fromMs = clock.monotonicMs() + afterMs;
      clock.after(afterMs, () => sim.api.watches.reset());
      clock.after(afterMs + forMs + 5 * SECOND, () => sim.cluster.restoreToken('n1'));
      return deleteFault;
    };
    const inputs = { 'restart-calico-node': 'true', 'restart-timeout': '1m', timeout: '6m' };
    return await play(world, { ...SHOP, ...inputs });
  }

  test('a cure has its restart-timeout all the same, however long nothing could be seen', async () => {
    const { report, deletes } = await awayInCure(3 * SECOND);
    expect(deletes).toHaveLength(1);
    expect(report.calico.nodes).toMatchObject([{ node: 'n1', action: 'restarted', outcome: 'cured' }]);
    expect(report.verdict).toBe('healthy');
  });

  test('a restart whose answer went with it is this run’s, however long that could not be seen', async () => {
    const { report, deletes, restartedNodes } = await awayInCure(0, { kind: 'reset-after' });
    expect(deletes).toHaveLength(1);
    expect(restartedNodes).toEqual(['n1']);
    expect(report.calico.nodes).toMatchObject([{ node: 'n1', action: 'restarted', outcome: 'cured' }]);
  });
});

describe('an API server that stays away to the deadline', () => {
  test('leaves a run inconclusive that had seen everything ready, with the age of what it saw', async () => {
    const world = aShop();
    away(world, BROKEN, 10 * SECOND);
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /^no verdict within 4m: pods, deployments, statefulsets, daemonsets and jobs in namespace shop were last seen 3m(?:49|50)s ago: (?:list|watch) pods in namespace shop: 503 InternalError: the server answered 503; check that the API server can be reached and answers$/,
    );
    expect(report.warnings).toEqual([
      expect.stringMatching(/^lost sight of pods, .* and events in namespace shop, nodes at 20\d\d-.*: 503 /),
    ]);
  });

  async function withTrouble(kind: 'neverReady' | 'imageMissing', awayFromMs: number): Promise<Played> {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind } });
    world.sim.warmUp(20 * SECOND);
    away(world, BROKEN, awayFromMs);
    return await play(world, { ...SHOP, 'fail-fast': 'false' });
  }

  test('leaves a run unhealthy that saw trouble within the last minute, and both are said', async () => {
    const { report } = await withTrouble('neverReady', 200 * SECOND);
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(
      /^shop\/api: .*; the timeout of 4m is over; besides, pods, .* were last seen (?:39|40)s ago: /,
    );
  });

  test('leaves a run inconclusive that saw it before that', async () => {
    const { report } = await withTrouble('neverReady', 100 * SECOND);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /were last seen 2m(?:19|20)s ago: .*; when last seen, shop\/api: it runs and is not ready/,
    );
  });

  test('leaves a run unhealthy that saw a failure which was fatal, however long ago', async () => {
    const { report } = await withTrouble('imageMissing', 100 * SECOND);
    expect(report.verdict).toBe('unhealthy');
  });

  test('does not make fatal what was not when it was last seen', async () => {
    const { report } = await withTrouble('imageMissing', 5 * SECOND);
    expect(report.verdict).toBe('inconclusive');
  });

  test.each([
    ['while all is waited for', 10 * SECOND, 4 * MINUTE],
    ['while a fresh list is waited for', 29 * SECOND, 35 * SECOND],
  ])('ends the run in time, whatever hangs: %s', async (_, fromMs, timeoutMs) => {
    const world = aShop();
    away(world, HANGING, fromMs);
    const { elapsedMs, report } = await play(world, { ...SHOP, timeout: `${timeoutMs}ms` });
    expect(report.verdict).toBe('inconclusive');
    expect(elapsedMs).toBeLessThanOrEqual(timeoutMs + 5 * SECOND);
  });
});

describe('an API server that is away from the beginning', () => {
  test('for 20 s only, is waited for, and told at once', async () => {
    const world = aShop();
    away(world, { kind: 'refuse', code: 'ENOTFOUND' }, 0, 20 * SECOND);
    const { report, log } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(log[2]).toMatch(/0:00 !.*the host name does not resolve \(ENOTFOUND\).*trying for half a minute/);
  });

  test.each<[string, Fault, RegExp]>([
    ['whose name does not resolve', { kind: 'refuse', code: 'ENOTFOUND' }, /does not resolve.*check the host name/],
    ['that refuses connections', REFUSED, /connection was refused.*firewall/],
  ])('%s, is not waited for longer than half a minute', async (_, fault, says) => {
    const world = aShop();
    away(world, fault, 0);
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/^no contact with the API server https:\/\/simulator: get \/version: /);
    expect(report.reason).toMatch(says);
    expect(elapsedMs).toBeLessThanOrEqual(31 * SECOND);
  });

  test('with errors of its own is waited for to the deadline, and named with its answer', async () => {
    const world = aShop();
    away(world, BROKEN, 0);
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/^no contact with the API server https:\/\/simulator within 4m: get \/version: 503/);
    expect(report.cluster.server).toBe('https://simulator');
    expect(report.api.requests).toBeGreaterThan(5);
    expect(elapsedMs).toBe(4 * MINUTE);
  });

  test.each<[string, Fault, RegExp]>([
    [
      'whose certificate has expired',
      { kind: 'refuse', code: 'CERT_HAS_EXPIRED' },
      /certificate has expired.*renew it/,
    ],
    [
      'of an unknown CA',
      { kind: 'refuse', code: 'SELF_SIGNED_CERT_IN_CHAIN' },
      /unknown authority.*certificate-authority-data/,
    ],
    [
      'with a certificate for another host',
      { kind: 'refuse', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      /for another name.*tls-server-name/,
    ],
    ['that is a login page', { kind: 'garbage' }, /not a Kubernetes API response.*NO_PROXY/],
    [
      'that redirects',
      { kind: 'status', status: 302, body: '', headers: { location: 'https://sso.example/login' } },
      /redirects are never followed/,
    ],
  ])('%s, ends the run at once, with what to do, and is asked once', async (_, fault, says) => {
    const world = aShop();
    away(world, fault, 0);
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(says);
    expect(elapsedMs).toBe(0);
    expect(world.sim.requests).toHaveLength(1);
  });

  test('in the middle of a run, the same is an outage like any other', async () => {
    const world = aShop();
    away(world, { kind: 'garbage' }, 10 * SECOND, 30 * SECOND);
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
  });
});
