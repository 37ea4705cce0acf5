import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import type { World } from '../harness.ts';
import { aBrokenWorld, type BrokenWorld, calicoNodeOn, restartByHand, waitingOn } from '../scenarios/broken-node.ts';
import { type JudgedDelete, judgeDelete } from './delete-rules.ts';
import { demandsOf } from './demands.ts';
import type { Deleter, Sent } from './scene.ts';
import { recordTruth, type Truth } from './truth.ts';

/*
 * The judge of the random worlds, judged: DELETEs that no gate may send, and some that it may. A judge that is silent about
 * one of them would let every random world pass.
 */

const SECOND = 1_000;
const INPUTS = { namespaces: 'shop, bank', 'restart-calico-node': 'true', 'restart-timeout': '60s' };

interface Court {
  readonly world: World;
  readonly pass: (ms: number) => Promise<void>;
  /** Deletes the calico-node pod of a node, or another one, and says what is wrong with that. */
  readonly remove: (
    node: string,
    how?: { readonly pod?: Pod | undefined; readonly body?: string },
  ) => Promise<readonly string[]>;
}

/** n1 and n2 are broken, n3 is not, and a gate has looked for ten seconds. */
function aCourt(options: BrokenWorld = {}, gate: Partial<Deleter> = {}): Court {
  let truth: Truth | null = null;
  const world = aBrokenWorld({
    broken: ['n1', 'n2'],
    replicas: 6,
    ...options,
    world: { nodes: ['n1', 'n2', 'n3'], ...options.world },
    before: (early) => {
      truth = recordTruth(early);
      options.before?.(early);
    },
  });
  if (truth === null) throw new Error('nothing was recorded');
  const recorded: Truth = truth;
  const { sim, clock } = world;
  const sent: Sent[] = [];
  const deleter: Deleter = {
    demands: demandsOf(INPUTS),
    beganMs: sim.world.nowMs() - 10 * SECOND,
    cancelledMs: () => null,
    lagMs: () => 500,
    hasLooked: () => true,
    seesWitnesses: true,
    ...gate,
    sent,
  };
  let judged: JudgedDelete | null = null;
  sim.api.faults = (request) => {
    judged = judgeDelete(request, world, recorded, deleter);
    return undefined;
  };
  return {
    world,
    pass: clock.advance,
    remove: async (node, how = {}) => {
      const target = (how.pod ?? calicoNodeOn(world, node)).metadata;
      const body = how.body ?? JSON.stringify({ preconditions: { uid: target.uid } });
      const path = `/api/v1/namespaces/${target.namespace}/pods/${target.name}`;
      const signal = new AbortController().signal;
      const { status } = await clock.run(sim.transport({ method: 'DELETE', path, body, signal }));
      if (judged === null) throw new Error('no DELETE was heard');
      const { problems, uid, voices } = judged;
      const isDone = status === 200;
      const isOther = status === 404 || status === 409;
      const answered = { carriedOut: () => isDone, wasAnswered: () => isDone, elsewhere: () => isOther };
      sent.push({ atMs: sim.world.nowMs(), uid, node, voices, ...answered });
      return problems;
    },
  };
}

/** Pods of a second namespace are stuck on these nodes, too. */
function bankOn(...nodes: readonly string[]): Pick<BrokenWorld, 'after'> {
  return {
    after: ({ sim }) => {
      for (const nodeName of nodes) sim.cluster.deploy({ namespace: 'bank', name: `api-${nodeName}`, nodeName });
      sim.warmUp(60_000);
    },
  };
}

const IN_VAIN: BrokenWorld = { world: { calico: { restartCures: false } } };

describe('a DELETE is within the rules', () => {
  test('of the calico-node pod of a node on which a pod is stuck with the failure for long enough', async () => {
    const court = aCourt();
    expect(await court.remove('n1')).toEqual([]);
  });

  test('of a second node after the first is cured, and stands again', async () => {
    const court = aCourt();
    await court.remove('n1');
    await court.pass(40 * SECOND);
    expect(await court.remove('n2')).toEqual([]);
  });

  test('of a node of which others speak, after a failed one of which a single namespace had spoken', async () => {
    const court = aCourt({ ...IN_VAIN, ...bankOn('n2') });
    await court.remove('n1');
    await court.pass(62 * SECOND);
    expect(await court.remove('n2')).toEqual([]);
  });
});

describe('a DELETE breaks the rules', () => {
  test.each<readonly [string, BrokenWorld, Partial<Deleter>, string]>([
    [
      'with restarts off',
      {},
      { demands: demandsOf({ ...INPUTS, 'restart-calico-node': 'false' }) },
      'restarts are off',
    ],
    [
      'beyond the cap',
      {},
      { demands: demandsOf({ ...INPUTS, 'max-node-restarts': '0' }) },
      '0 nodes were restarted before, 0 are allowed',
    ],
    ['without time', {}, { demands: demandsOf({ ...INPUTS, timeout: '50s' }) }, 'only 40000 ms are left'],
    ['after a cancellation', {}, { cancelledMs: () => 0 }, 'the run was cancelled'],
    ['while nothing is stuck for 30 s', { stuckForMs: 10 * SECOND }, {}, 'nothing is stuck on n1 for 30 s yet'],
    [
      'for what resembles the failure',
      { state: 'forbidden' },
      {},
      'no pod of the scope is stuck on n1 with the failure',
    ],
    [
      'for pods out of its scope',
      {},
      { demands: demandsOf({ ...INPUTS, namespaces: 'bank' }) },
      'no pod of the scope is stuck on n1 with the failure',
    ],
    [
      'while the DaemonSet rolls out',
      {
        after: ({ sim }) => {
          sim.cluster.pauseController('daemonset');
          sim.cluster.upgradeCalico();
          sim.warmUp(SECOND);
        },
      },
      {},
      'the DaemonSet (RollingUpdate) has a template that is not rolled out',
    ],
    [
      'where two installations are',
      {
        before: ({ sim }) => sim.cluster.installCalico({ namespace: 'calico' }),
        world: { calico: { namespace: 'net' } },
      },
      {},
      'two installations have a pod there, and nothing says which is meant',
    ],
  ])('%s', async (_, options, gate, problem) => {
    const court = aCourt(options, gate);
    expect(await court.remove('n1')).toContain(problem);
  });

  test('at the first look', async () => {
    const court = aCourt({}, { beganMs: aCourt().world.sim.world.nowMs() });
    expect(await court.remove('n1')).toEqual(['it was decided by the first look']);
  });

  test('without the uid of the pod that it means', async () => {
    const court = aCourt();
    expect(await court.remove('n1', { body: '{}' })).toEqual(['it deletes no pod by its uid']);
  });

  test('of another pod than calico-node', async () => {
    const court = aCourt();
    const pod = waitingOn(court.world, 'n1')[0];
    expect(pod).toBeDefined();
    expect(await court.remove('n1', { pod })).toContain('it is no calico-node pod');
  });

  test('of a node that is well', async () => {
    const court = aCourt();
    expect(await court.remove('n3')).toEqual(['no pod of the scope is stuck on n3 with the failure']);
  });

  test('of a second node while the first may still get well', async () => {
    const court = aCourt(IN_VAIN);
    await court.remove('n1');
    await court.pass(4 * SECOND);
    expect(await court.remove('n2')).toEqual(['the restart of n1 may still help: one node at a time']);
  });

  test('of a second node while calico-node of the first does not stand yet', async () => {
    const court = aCourt({ before: ({ sim }) => sim.cluster.changeCalico({ readyAfterMs: 'never' }) });
    await court.remove('n1');
    await court.pass(40 * SECOND);
    const problems = await court.remove('n2');
    expect(problems).toContain('n1 has no Ready calico-node pod since this run restarted it');
    expect(problems).toContainEqual(expect.stringMatching(/^calico-node-\w+ on n1 is down as well$/));
  });

  test('of a second node after the first was not cured', async () => {
    const court = aCourt({ ...IN_VAIN, ...bankOn('n1', 'n2') });
    await court.remove('n1');
    await court.pass(62 * SECOND);
    expect(await court.remove('n2')).toEqual(['the restart of n1 before is not proven to have cured']);
  });

  test('of a second node of which the same single namespace speaks as of one that was not cured', async () => {
    const court = aCourt(IN_VAIN);
    await court.remove('n1');
    await court.pass(62 * SECOND);
    expect(await court.remove('n2')).toEqual(['the restart of n1 before is not proven to have cured']);
  });

  test('of a node that this run has restarted', async () => {
    const court = aCourt();
    await court.remove('n1');
    await court.pass(40 * SECOND);
    expect(await court.remove('n1')).toContain('n1 was restarted before in this run');
  });

  test('while somebody else restarts another node', async () => {
    const court = aCourt({ world: { calico: { readyAfterMs: 5 * SECOND } } });
    restartByHand(court.world, 'n3');
    await court.pass(3 * SECOND);
    expect(await court.remove('n1')).toContainEqual(expect.stringMatching(/^calico-node-\w+ on n3 is down as well$/));
  });

  test('of a pod that is being deleted already', async () => {
    const court = aCourt({ world: { calico: { graceSeconds: 30 } } });
    restartByHand(court.world, 'n1');
    await court.pass(SECOND);
    expect(await court.remove('n1')).toContain('the calico-node pod is being deleted already');
  });

  test('again without a look at what became of the first', async () => {
    const court = aCourt(IN_VAIN, { hasLooked: () => false });
    const body = JSON.stringify({ preconditions: { uid: 'another' } });
    await court.remove('n1', { body });
    expect(await court.remove('n1', { body })).toContain('it was sent again without a look at what became of it');
  });

  test('while a second installation has lost its pod there for a moment', async () => {
    const court = aCourt({ world: { calico: [{ namespace: 'calico-system' }, { namespace: 'kube-system' }] } });
    const { cluster } = court.world.sim;
    cluster.pauseController('daemonset');
    const other = cluster.onNode('n1').pods.find(({ metadata: { namespace } }) => namespace === 'kube-system');
    cluster.deletePod('kube-system', other?.metadata.name ?? '', { force: true });
    const pod = cluster.onNode('n1').pods.find(({ metadata: { namespace } }) => namespace === 'calico-system');
    expect(await court.remove('n1', { pod })).toEqual([
      'two installations have a pod there, and nothing says which is meant',
    ]);
  });

  test('of a node that somebody else has just restarted in vain', async () => {
    const court = aCourt(IN_VAIN);
    restartByHand(court.world, 'n1');
    await court.pass(10 * SECOND);
    expect(await court.remove('n1')).toEqual([
      'its install-cni ended less than 30 s ago',
      'a pod has been stuck since before the present calico-node pod was created',
    ]);
  });

  test('of a node that somebody else has restarted in vain long ago', async () => {
    const court = aCourt(IN_VAIN);
    restartByHand(court.world, 'n1');
    await court.pass(120 * SECOND);
    expect(await court.remove('n1')).toEqual([
      'a pod has been stuck since before the present calico-node pod was created',
    ]);
  });

  test('of a node on which another pod has just got its network', async () => {
    const court = aCourt({ isFirst: true });
    const { cluster } = court.world.sim;
    cluster.restoreToken('n1');
    cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n1' });
    await court.pass(2 * SECOND);
    cluster.breakToken('n1');
    expect(await court.remove('n1')).toContainEqual(
      expect.stringMatching(/^another pod got its network on n1 \d+ ms ago$/),
    );
  });
});
