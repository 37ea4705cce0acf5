import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../simulator/api/faults.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld, CURE, calicoNodeOn, nodeIn, nodesOf, outputsIn, restartByHand } from './broken-node.ts';

/** What becomes of the first DELETEs; the ones after that are carried out and answered. */
function deletesMeet(world: World, ...faults: readonly (Fault | undefined)[]): void {
  let nth = 0;
  world.sim.api.faults = ({ method }) => {
    if (method !== 'DELETE') return undefined;
    nth += 1;
    return faults[nth - 1];
  };
}

/** Something happens in the very moment in which the DELETE arrives; it is carried out after that, or answered otherwise. */
function whenTheDeleteArrives(world: World, happens: () => void, answer?: Fault): void {
  let isOver = false;
  world.sim.api.faults = ({ method }) => {
    if (method !== 'DELETE' || isOver) return undefined;
    isOver = true;
    happens();
    return answer;
  };
}

const bodiesOf = (world: World): readonly unknown[] =>
  world.sim.requests.filter(({ method }) => method === 'DELETE').map(({ body }) => JSON.parse(body ?? 'null'));

function expectRestarted(played: Played): void {
  expect(outputsIn(played)).toMatchObject({ verdict: 'healthy', 'restarted-nodes': '["n1"]' });
  expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
}

describe('restarted-nodes names a node', () => {
  test('whose calico-node pod was removed by this run’s DELETE, which names the uid as a precondition', async () => {
    const world = aBrokenWorld();
    const { uid, name } = calicoNodeOn(world, 'n1').metadata;
    const played = await play(world, CURE);
    expectRestarted(played);
    expect(played.deletes).toEqual([`DELETE /api/v1/namespaces/calico-system/pods/${name}`]);
    expect(bodiesOf(world)).toEqual([{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } }]);
  });

  test('also when the answer was lost and the uid is gone afterwards: the DELETE is not repeated', async () => {
    const world = aBrokenWorld();
    deletesMeet(world, { kind: 'reset-after' });
    const played = await play(world, CURE);
    expectRestarted(played);
    expect(played.deletes).toHaveLength(1);
  });

  test('also when the DELETE itself was lost: once the pod was read it is sent once more, with the same precondition', async () => {
    const world = aBrokenWorld();
    deletesMeet(world, { kind: 'reset-before' });
    const played = await play(world, CURE);
    expectRestarted(played);
    const [first, second, ...more] = bodiesOf(world);
    expect(second).toEqual(first);
    expect(more).toEqual([]);
  });

  test('also when the answer was lost and nothing could be read for a while', async () => {
    const world = aBrokenWorld();
    let lostAtMs: number | null = null;
    world.sim.api.faults = ({ method, path }) => {
      if (method === 'DELETE') lostAtMs = world.clock.monotonicMs();
      if (method === 'DELETE') return { kind: 'reset-after' };
      const isAway = lostAtMs !== null && world.clock.monotonicMs() - lostAtMs < 30_000;
      return isAway && path.includes('calico-system') ? { kind: 'status', status: 503 } : undefined;
    };
    const played = await play(world, CURE);
    expectRestarted(played);
    expect(played.deletes).toHaveLength(1);
  });

  test('also when the API server was away while the DELETE was sent: it is sent again when the pod is seen to be there', async () => {
    const world = aBrokenWorld();
    let awayFromMs = Number.POSITIVE_INFINITY;
    world.sim.api.faults = ({ method }) => {
      const nowMs = world.clock.monotonicMs();
      if (method === 'DELETE' && nowMs < awayFromMs) {
        awayFromMs = nowMs;
        world.sim.api.watches.close();
      }
      return nowMs >= awayFromMs && nowMs < awayFromMs + 40_000 ? { kind: 'reset-before' } : undefined;
    };
    const played = await play(world, CURE);
    expectRestarted(played);
  });

  /** From the first DELETE on watches say nothing, which nobody notices for a while, and the pod cannot be read by its name. */
  function blindAfterDelete(world: World, lost: Fault | undefined): void {
    world.sim.api.faults = ({ method, verb, resource }) => {
      if (method === 'DELETE') {
        world.sim.api.watches.silence();
        return lost;
      }
      return verb === 'get' && resource === 'pods' ? { kind: 'status', status: 503 } : undefined;
    };
  }
  const BRIEF: Inputs = { ...CURE, 'restart-timeout': '45s', timeout: '3m' };

  test('also while watches are silent and still show the pod that is long gone, at its restart-timeout, too', async () => {
    const world = aBrokenWorld({ world: { calico: { restartCures: false } } });
    blindAfterDelete(world, undefined);
    const played = await play(world, BRIEF);
    expect(played.restartedNodes).toEqual(['n1']);
    expect(nodesOf(played)).toEqual(['n1: restarted/not-cured']);
  });

  test('also when no answer came either: no other node is restarted beyond the cap', async () => {
    const world = aBrokenWorld({ broken: ['n1', 'n2'], world: { calico: { restartCures: false } } });
    blindAfterDelete(world, { kind: 'reset-after' });
    const played = await play(world, { ...BRIEF, 'max-node-restarts': '1' });
    expect(played.restartedNodes).toHaveLength(1);
    expect(played.deletes).toHaveLength(1);
  });

  test('not when the API server refuses to carry the DELETE out', async () => {
    const world = aBrokenWorld();
    deletesMeet(world, { kind: 'status', status: 422 });
    const played = await play(world, CURE);
    expect(outputsIn(played)).toMatchObject({ verdict: 'unhealthy', 'restarted-nodes': '[]' });
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'refused', outcome: null, before: null, after: null });
    expect(played.deletes).toHaveLength(1);
  });
});

describe('somebody else was faster: the gate waits for that cure all the same', () => {
  const ANSWERS: readonly (readonly [string, (world: World) => void])[] = [
    ['404', (world) => whenTheDeleteArrives(world, () => restartByHand(world, 'n1'))],
    ['409', (world) => whenTheDeleteArrives(world, () => restartByHand(world, 'n1'), { kind: 'status', status: 409 })],
  ];

  test.each(ANSWERS)('DELETE answered %s: waiting, then none, and it is not this run’s restart', async (_, faster) => {
    const world = aBrokenWorld();
    faster(world);
    const played = await play(world, CURE);
    const actions = played.events.flatMap((event) => (event.type === 'assessed' ? event.nodes : []));
    expect(new Set(actions.map(({ action }) => action))).toEqual(new Set(['waiting', 'none']));
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'none', outcome: null });
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': '["n1"]',
      'restarted-nodes': '[]',
    });
    expect(played.deletes).toHaveLength(1);
  });
});

describe('the DELETE is answered 403 although the access review said otherwise', () => {
  const FORBIDDEN: Fault = {
    kind: 'status',
    status: 403,
    body: JSON.stringify({
      kind: 'Status',
      status: 'Failure',
      reason: 'Forbidden',
      code: 403,
      message: 'no, said the webhook',
    }),
  };

  test('refused, naming the missing right, with the command for somebody who has it', async () => {
    const world = aBrokenWorld();
    const { name } = calicoNodeOn(world, 'n1').metadata;
    deletesMeet(world, FORBIDDEN);
    const played = await play(world, CURE);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'refused',
      outcome: null,
      why: expect.stringMatching(
        /^the right to delete pods in namespace calico-system is missing.*no, said the webhook/,
      ),
      command: `kubectl delete pod -n calico-system ${name}`,
    });
    expect(outputsIn(played)).toMatchObject({ verdict: 'unhealthy', 'restarted-nodes': '[]' });
    expect(played.report.reason).toContain(`kubectl delete pod -n calico-system ${name}`);
  });

  test('no other node is tried, for it would be refused as well', async () => {
    const world = aBrokenWorld({ world: { nodes: ['n1', 'n2', 'n3'] }, broken: ['n1', 'n2'], replicas: 6 });
    deletesMeet(world, FORBIDDEN, FORBIDDEN);
    const played = await play(world, CURE);
    expect(nodesOf(played)).toEqual(['n1: refused/-', 'n2: refused/-']);
    expect(played.deletes).toHaveLength(1);
  });
});
