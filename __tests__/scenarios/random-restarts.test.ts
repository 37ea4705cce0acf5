import { describe, expect, test } from '@jest/globals';
import { playMany } from '../random-worlds/play-many.ts';

/*
 * The restart, checked against a model: random clusters with Calico's failure, one or two gates that restart, people, the
 * DaemonSet controller, nodes that go away, forged events, lost answers. At most one calico-node pod is down by a run's
 * doing, no node is restarted twice, never more than the cap, never without proof, none after a cure that failed. Each
 * DELETE is judged as it arrives, by what is true in the simulator (`random-worlds/delete-rules.ts`). See
 * `random-worlds.test.ts` for the other kinds of worlds.
 */

/** A minute of work; on a machine that is busy with others, many. */
const PATIENCE_MS = 1_800_000;

const SEEDS = 320;

const WANTED = [
  'restarts',
  'restarts several nodes',
  'outcome: cured',
  'outcome: not-cured',
  'outcome: timed-out',
  'outcome: unknown',
  'action: refused',
  'action: waiting',
  'action: planned',
  'action: none',
  'refused: the cap',
  'refused: in vain',
  'refused: a restart before did not help',
  'refused: a missing right',
  'refused: too little time',
  'refused: calico-node is not Ready',
  'refused: misscheduled',
  'refused: OnDelete',
  'refused: two installations',
  'refused: policy-only',
  'two gates',
  'two gates that restart',
  'somebody else was faster',
  'somebody restarts calico-node',
  'somebody restarts calico-node as the DELETE comes',
  'calico-node is evicted',
  'calico-node loses Ready',
  'calico-node never comes back',
  'install-cni fails',
  'a token heals by itself',
  'a restart does not cure',
  'a node is removed',
  'a node is lost',
  'a node is drained',
  'pods are moved away',
  'Calico is upgraded',
  "Calico's DaemonSet stands still",
  "Calico's DaemonSet no longer wants a node",
  "Calico's DaemonSet is being deleted",
  'calico-node is gone after its restart',
  'one of two installations loses a pod',
  'a node heals unseen',
  'a network from before the failure',
  "another plugin's failure",
  'what only resembles the failure',
  'a forged event about any pod',
  'a forged event about a stuck pod',
  'all watches are silent',
  'a young cluster',
  'kubelets that say late that there is a network',
  'cancelled',
  'cancelled while a DELETE is under way',
  'a DELETE is carried out, and no answer comes',
  'a DELETE is not carried out',
  'fault of a DELETE: status',
  'fault of a DELETE: garbage',
  'fault of a DELETE: reset-before',
  'fault of a DELETE: reset-after',
  'fault of a DELETE: truncate',
  'fault of a DELETE: stall',
  'fault of a DELETE: delay',
  'fault of a DELETE: hang',
  'fault of a fresh list',
  'fault of a page',
];

describe('the restart, checked against a model', () => {
  test(
    `one at a time, never twice, within the cap, with proof, and none after a failed cure, whoever else acts (${SEEDS} seeds)`,
    async () => {
      const { problems, marks } = await playMany('restarts', SEEDS);
      expect(problems).toEqual([]);
      // Worlds in which nobody restarts, or nothing goes wrong, would show nothing.
      expect([...marks]).toEqual(expect.arrayContaining(WANTED));
    },
    PATIENCE_MS,
  );
});
