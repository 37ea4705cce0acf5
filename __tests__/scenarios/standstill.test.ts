import { describe, expect, test } from '@jest/globals';
import type { Transport } from '../../src/cluster/transport.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld, CURE, nodesOf } from './broken-node.ts';
import { aShop, MINUTE, podOf, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', 'stable-for': '20s', timeout: '4m' };

/** More than any chain of promises here takes. */
const MICROTASKS = 200;

/**
 * A gate whose machine stands still from `fromMs` on for so long, as a runner that is suspended, while the cluster goes
 * on: clocks do, too, but nothing happens. Then first all timers fire that are due, and what has come meanwhile is read
 * after that, as Node does it.
 */
function suspended({ clock, sim }: World, fromMs: number, forMs: number): { world: World; transport: Transport } {
  const due: (() => void)[] = [];
  let isFrozen = false;
  let release = (): void => {};
  let thawed = Promise.resolve();

  const thaw = async (): Promise<void> => {
    isFrozen = false;
    for (let wake = due.shift(); wake !== undefined; wake = due.shift()) {
      wake();
      for (let count = 0; count < MICROTASKS; count += 1) await undefined;
    }
    release();
  };
  clock.after(fromMs, () => {
    isFrozen = true;
    thawed = new Promise((resolve) => {
      release = resolve;
    });
  });
  clock.after(fromMs + forMs, () => void thaw());

  const after: World['clock']['after'] = (delayMs, wake) => {
    let isCancelled = false;
    const wakeOnce = (): void => {
      if (!isCancelled) wake();
    };
    const cancel = clock.after(delayMs, () => {
      if (isFrozen) due.push(wakeOnce);
      else wakeOnce();
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  };
  async function* held(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      await thawed;
      yield chunk;
    }
  }
  return {
    world: { clock: { ...clock, after }, sim },
    transport: async (request) => {
      const response = await sim.transport(request);
      await thawed;
      return { ...response, body: held(response.body) };
    },
  };
}

function playSuspended(world: World, fromMs: number, forMs: number, inputs: Inputs): Promise<Played> {
  const { world: slow, transport } = suspended(world, fromMs, forMs);
  return play(slow, inputs, { transport });
}

describe('what was seen before the machine of the gate stood still is not what is true afterwards', () => {
  test('trouble that healed meanwhile is not said at a deadline that passed meanwhile', async () => {
    const world = aShop();
    const api = { namespace: 'shop', name: 'api' };
    world.sim.cluster.deploy({ ...api, behaviour: { kind: 'neverReady' } });
    world.clock.after(13 * SECOND, () => world.sim.cluster.deploy(api));
    const { report } = await playSuspended(world, 10 * SECOND, 80 * SECOND, { ...SHOP, timeout: '30s' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /^no verdict within 30s: pods, .* were last seen 1m2\ds ago: this machine stood still for 1m2\ds; nothing may suspend it while the gate runs; when last seen, shop\/api: /,
    );
  });

  test('a cure is not timed out that nobody looked at', async () => {
    const played = await playSuspended(aBrokenWorld(), 3 * SECOND, 2 * MINUTE, {
      ...CURE,
      'restart-timeout': '1m',
      timeout: '5m',
    });
    expect(played.report.verdict).toBe('healthy');
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.deletes).toHaveLength(1);
  });

  test('pods that were replaced meanwhile begin the window anew', async () => {
    const world = aShop();
    world.clock.after(30 * SECOND, () => {
      for (const { metadata } of world.sim.cluster.pods('shop')) world.sim.cluster.deletePod('shop', metadata.name);
    });
    const { report, elapsedMs, log } = await playSuspended(world, 10 * SECOND, 40 * SECOND, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThanOrEqual(70 * SECOND);
    expect(log.join('\n')).toMatch(/anew for shop\/web \(its pods changed while the view was lost\)/);
  });

  test('pods that are the same let it go on', async () => {
    const { report, elapsedMs } = await playSuspended(aShop(), 10 * SECOND, 40 * SECOND, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeLessThan(70 * SECOND);
  });

  test.each([
    ['ahead, as after a suspension that no other clock has noticed: everything is listed anew', MINUTE, 3],
    ['back: that says nothing', -60 * MINUTE, 2],
  ])('a clock that goes %s', async (_, byMs, lists) => {
    const { clock, sim } = aShop();
    let aheadMs = 0;
    clock.after(10 * SECOND, () => {
      aheadMs = byMs;
    });
    const jumping = { ...clock, wallMs: () => clock.wallMs() + aheadMs };
    const { report, elapsedMs } = await play({ clock: jumping, sim }, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeLessThan(23 * SECOND);
    const isOne = ({ verb, resource, namespace }: (typeof sim.requests)[number]): boolean =>
      verb === 'list' && resource === 'pods' && namespace === 'shop';
    expect(sim.requests.filter(isOne)).toHaveLength(lists);
  });

  test('a moment of it is none: a busy machine stands still for seconds', async () => {
    const world = aShop();
    const { report, log, elapsedMs } = await playSuspended(world, 10 * SECOND, 8 * SECOND, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeLessThan(23 * SECOND);
    expect(log.join('\n')).not.toMatch(/lost sight|again/);
    expect(podOf(world, 'web').status.phase).toBe('Running');
  });
});
