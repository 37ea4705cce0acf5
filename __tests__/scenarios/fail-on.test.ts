import { expect, test } from '@jest/globals';
import { aWorld, play } from '../harness.ts';
import { aShop, outputs } from './shop.ts';

async function runWith(failOn: string, isHealthy: boolean): Promise<readonly unknown[]> {
  const world = isHealthy ? aShop() : aWorld();
  const played = await play(world, { namespaces: 'shop', 'fail-on': failOn });
  return [played.report, outputs(played), played.elapsedMs];
}

test.each([true, false])(
  'fail-on changes nothing about a run, its report and its outputs: only whether the step fails (healthy: %s)',
  async (isHealthy) => {
    const usual = await runWith('unhealthy, inconclusive', isHealthy);
    for (const failOn of ['none', 'unhealthy', 'inconclusive']) {
      expect(await runWith(failOn, isHealthy)).toEqual(usual);
    }
    expect(usual[0]).toMatchObject({ verdict: isHealthy ? 'healthy' : 'unhealthy' });
  },
);
