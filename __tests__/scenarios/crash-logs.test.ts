import { describe, expect, test } from '@jest/globals';
import { aWorld, play } from '../harness.ts';

async function messageWith(log: readonly string[]): Promise<string> {
  const world = aWorld();
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', log } });
  const { report } = await play(world, { namespaces: 'shop' });
  const [finding, ...others] = report.findings;
  expect([finding?.cause, others]).toEqual(['CrashLoop', []]);
  return finding?.message ?? '';
}

describe('the last log lines of a container that crashed', () => {
  test('are what the program wrote', async () => {
    expect(await messageWith(['unable to retrieve the price list'])).toMatch(
      /; last log lines: unable to retrieve the price list$/,
    );
  });

  test('are marked where the kubelet has cut them', async () => {
    const message = await messageWith(['a'.repeat(1_000), 'b'.repeat(1_000), 'c'.repeat(1_000)]);
    expect(message).toMatch(/ a{1000} ⏎ b{1000} ⏎ c{40,50}…$/u);
  });

  // A kubelet answers 200 before it looks for the file.
  test.each([
    'unable to retrieve container logs for containerd://6fce4441af8a0fd3f25a14cd8e095805e5cf1a9810a43b972de192ffeee40616',
    'failed to try resolving symlinks in path "/var/log/pods/shop_web_1/web/3.log": lstat /var/log/pods/shop_web_1/web/3.log: no such file or directory',
  ])('are not what a kubelet says where there is no log any more: %s', async (words) => {
    expect(await messageWith([words])).not.toContain('last log lines');
  });

  test('that never come do not keep the run for longer than five seconds after its deadline', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', log: ['never read'] } });
    world.sim.api.faults = ({ path }) => (path.includes('/log?') ? { kind: 'hang' } : undefined);
    const { report, elapsedMs } = await play(world, { namespaces: 'shop', timeout: '2m', 'fail-fast': 'false' });
    expect(report.findings.map(({ cause, message }) => [cause, message.includes('log lines')])).toEqual([
      ['CrashLoop', false],
    ]);
    expect(elapsedMs).toBeGreaterThan(120_000);
    expect(elapsedMs).toBeLessThanOrEqual(125_000);
  });
});
