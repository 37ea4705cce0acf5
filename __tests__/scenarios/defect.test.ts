import { expect, test } from '@jest/globals';
import { aWorld, play } from '../harness.ts';

test('a defect of the gate itself is never a pass, is called what it is, and loses nothing of what the run did', async () => {
  const world = aWorld();
  const { cluster, warmUp } = world.sim;
  cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  warmUp(60_000);
  cluster.breakToken('n1');
  cluster.deploy({ namespace: 'shop', name: 'web' });
  warmUp(60_000);
  const played = await play(
    world,
    { namespaces: 'shop', 'restart-calico-node': 'true' },
    {
      onEvent: ({ type }) => {
        if (type === 'installed') throw new TypeError('undefined is not a function');
      },
    },
  );
  expect(played.report.verdict).toBe('inconclusive');
  expect(played.report.reason).toMatch(/^a defect of .* ended the run: undefined is not a function; please report it$/);
  expect(played.deletes).toHaveLength(1);
  expect(played.restartedNodes).toEqual(['n1']);
  expect(played.report.calico).toMatchObject({ detected: true, nodes: [{ node: 'n1', outcome: 'unknown' }] });
  expect(played.report.pods.total).toBeGreaterThan(0);
});
