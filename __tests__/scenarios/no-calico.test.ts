import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aShop } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true' };
const ABSENT = 'no Calico in this cluster';

function told({ log }: Played, text: string): readonly string[] {
  return log.filter((line) => line.includes(text));
}

/** Verbs and namespaces of pods that were asked for in access reviews. */
function reviewsOfPods({ sim }: World): readonly string[] {
  return sim.requests
    .filter(({ method, body }) => method === 'POST' && body !== undefined)
    .map(
      ({ body }) =>
        (JSON.parse(body ?? '') as { spec: { resourceAttributes: Record<string, string> } }).spec.resourceAttributes,
    )
    .filter(({ resource, subresource }) => resource === 'pods' && subresource === undefined)
    .map(({ verb, namespace }) => `${verb} ${namespace ?? 'everywhere'}`);
}

describe('where there is no Calico', () => {
  test('that is said once, and nothing is missing', async () => {
    const played = await play(aShop(2, { calico: false }), { ...SHOP, 'stable-for': '1m' });
    expect(told(played, ABSENT)).toHaveLength(1);
    expect(played.report).toMatchObject({
      verdict: 'healthy',
      warnings: [],
      calico: { detected: false, installations: [] },
    });
  });

  test('no rights are asked for but those to observe, though restart-calico-node is on', async () => {
    const world = aShop(2, { calico: false });
    const played = await play(world, SHOP);
    expect(reviewsOfPods(world).toSorted()).toEqual(['list shop', 'watch shop']);
    expect(told(played, 'missing right')).toEqual([]);
  });

  test('with it, the right to delete its pods is asked for, in its namespace only', async () => {
    const world = aShop(2);
    await play(world, SHOP);
    expect(reviewsOfPods(world).filter((review) => review.startsWith('delete'))).toEqual(['delete calico-system']);
  });

  test('and without restart-calico-node it is not', async () => {
    const world = aShop(2);
    await play(world, { ...SHOP, 'restart-calico-node': 'false' });
    expect(reviewsOfPods(world).filter((review) => review.startsWith('delete'))).toEqual([]);
  });
});

describe('whether there is Calico', () => {
  test('is not claimed where it could not be looked for', async () => {
    const world = aShop(2, { calico: false, permissions: allowAllBut({ resource: 'daemonsets', namespace: 'none' }) });
    world.sim.api.permissions = (asked) => asked.resource !== 'daemonsets' || asked.namespace === 'shop';
    const played = await play(world, SHOP);
    expect(told(played, ABSENT)).toEqual([]);
    expect(played.report.verdict).toBe('healthy');
  });

  test('is known from calico-namespace, where only that may be read', async () => {
    const world = aShop(2, { calico: { namespace: 'networking' } });
    world.sim.api.permissions = ({ resource, namespace }) =>
      resource !== 'daemonsets' || namespace === 'shop' || namespace === 'networking';
    const played = await play(world, { ...SHOP, 'calico-namespace': 'networking' });
    expect(played.report.calico.installations).toEqual([{ namespace: 'networking', daemonSet: 'calico-node' }]);
    expect(told(played, 'Calico: DaemonSet networking/calico-node')).toHaveLength(1);
  });

  test('is told again when it is installed in the middle of the run', async () => {
    const world = aShop(2, { calico: false });
    world.clock.after(10_000, () => world.sim.cluster.installCalico({ namespace: 'calico-system' }));
    const played = await play(world, { ...SHOP, 'stable-for': '30s' });
    expect(told(played, ABSENT)).toHaveLength(1);
    expect(told(played, 'Calico: DaemonSet calico-system/calico-node')).toHaveLength(1);
    expect(reviewsOfPods(world)).toContain('delete calico-system');
  });
});
