import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld } from './broken-node.ts';
import { SECOND } from './shop.ts';

const CURE: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true', timeout: '5m' };

/** Cancelled so long after the run began; `tookMs` is how long it then needed to end. */
async function cancelledAfter(
  ms: number,
  world: World,
  faultOf: (request: RequestSeen) => Fault | undefined = () => undefined,
): Promise<{ readonly played: Played; readonly tookMs: number }> {
  world.sim.api.faults = faultOf;
  const cancelling = new AbortController();
  world.clock.after(ms, () => cancelling.abort(new Error('cancelled by SIGTERM')));
  const played = await play(world, CURE, { signal: cancelling.signal });
  return { played, tookMs: played.elapsedMs - ms };
}

const hanging =
  (isHanging: (request: RequestSeen) => boolean) =>
  (request: RequestSeen): Fault | undefined =>
    isHanging(request) ? { kind: 'hang' } : undefined;

describe('a cancelled run ends within 5 s, inconclusive, with what it knows:', () => {
  test.each<[string, number, (request: RequestSeen) => Fault | undefined]>([
    ['while the server has not answered at all', 2 * SECOND, hanging(() => true)],
    ['while the first lists hang', 2 * SECOND, hanging(({ path }) => path !== '/version')],
    ['while it waits', SECOND, () => undefined],
    ['while a DELETE hangs', 3 * SECOND, hanging(({ method }) => method === 'DELETE')],
    [
      'while the pod is read after a lost answer',
      3 * SECOND,
      (request) => {
        if (request.method === 'DELETE') return { kind: 'reset-before' };
        return /pods\/calico-node-/.test(request.path) ? { kind: 'hang' } : undefined;
      },
    ],
    ['while a cure is waited for', 4 * SECOND, () => undefined],
    ['while the server is away', 8 * SECOND, (request) => (request.method === 'GET' ? { kind: 'refuse' } : undefined)],
  ])('%s', async (_, ms, faultOf) => {
    const { played, tookMs } = await cancelledAfter(ms, aBrokenWorld(), faultOf);
    expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(tookMs).toBeLessThanOrEqual(5 * SECOND);
    expect(played.cancelled).toBe(true);
    expect(played.report.verdict).toBe('inconclusive');
    expect(played.report.reason).toMatch(/^cancelled by SIGTERM/);
    expect(played.deletes.length).toBeLessThanOrEqual(1);
  });

  test('in mid-restart: the report says what was done, and that its outcome is unknown', async () => {
    const { played } = await cancelledAfter(4 * SECOND, aBrokenWorld());
    expect(played.deletes).toHaveLength(1);
    expect(played.restartedNodes).toEqual(['n1']);
    expect(played.report.calico.nodes).toMatchObject([{ node: 'n1', action: 'restarted', outcome: 'unknown' }]);
  });

  test('before a restart: nothing is deleted any more', async () => {
    const { played } = await cancelledAfter(SECOND, aBrokenWorld());
    expect(played.deletes).toEqual([]);
    expect(played.report.reason).toMatch(/^cancelled by SIGTERM after 1s: 3 of 6 pods were ready; shop\/web: /);
  });
});
