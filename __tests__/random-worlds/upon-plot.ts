import type { World } from '../harness.ts';
import type { Chance } from './chance.ts';
import { deleteAPod, evictAPod, type Facts, healedToken, lostNode, removedNode, restartByHand } from './happenings.ts';
import type { Step, StoryKind, UponStep } from './story.ts';
import { badBehaviour, deployStep } from './workloads.ts';

/** What happens at the worst of all moments: as a DELETE arrives, or as everything is read anew for a verdict. */
export function uponSteps(facts: Facts, kind: StoryKind): readonly UponStep[] {
  const { chance } = facts;
  switch (kind) {
    case 'ordinary':
      return [];
    case 'broken':
    case 'restarts':
      return chance.of(0.25) ? [uponDelete(facts)] : [];
    case 'troubled':
      return chance.of(0.2) ? [uponConfirming(facts)] : [];
    case 'veiled':
      return chance.of(0.3) ? [uponConfirming(facts)] : [];
  }
}

/** Somebody else is a moment faster, on that node or on another one. */
function uponDelete({ chance, nodes }: Facts): UponStep {
  const other = chance.pick(nodes);
  const there = (told: string, stepOf: (node: string) => Step): Pick<UponStep, 'what' | 'act'> => ({
    what: told,
    act: (world, node) => {
      if (node !== null) stepOf(node).act(world);
    },
  });
  const { what, act } = chance.pick<() => Pick<UponStep, 'what' | 'act'>>([
    () => there('somebody restarts calico-node there', restartByHand),
    () => there('somebody restarts calico-node there', restartByHand),
    () => there('the token there heals by itself', healedToken),
    () => there('the pods there are moved away', emptied),
    () => there('the pods there are moved away', emptied),
    () => there('that node is removed', removedNode),
    () => there('that node is lost', (node) => lostNode(node, chance)),
    () => restartByHand(other),
    () => ({ what: 'all watches break', act: ({ sim }: World) => sim.api.watches.reset() }),
    () => ({ what: 'etcd is compacted', act: ({ sim }: World) => sim.api.compact() }),
  ])();
  return { what, act, moment: 'delete', nth: chance.int(1, 2) };
}

/** Nobody is left there who could show whether it got well. */
function emptied(node: string): Step {
  return {
    what: `the pods on ${node} are moved away`,
    act: ({ sim: { cluster } }) => {
      if (cluster.get('nodes', undefined, node) === undefined) return;
      cluster.cordon(node);
      for (const { metadata, spec } of cluster.onNode(node).pods) {
        if (spec.hostNetwork !== true) cluster.deletePod(metadata.namespace ?? '', metadata.name, { force: true });
      }
    },
  };
}

/** What the fresh lists have to show. */
function uponConfirming(facts: Facts): UponStep {
  const { what, act } = suddenTrouble(facts);
  return { what, act, moment: 'confirming', nth: 1 };
}

function suddenTrouble({ chance, nodes, workloads }: Facts): Step {
  const workload = chance.pick(workloads);
  const replicas = Math.max(1, workload.replicas);
  return chance.pick<(one: Chance) => Step>([
    (one) => deployStep(workload, badBehaviour(one), replicas, 400),
    () => deployStep(workload, { kind: 'neverReady' }, replicas, 400),
    (one) => deleteAPod(workload, one),
    (one) => evictAPod(workload, one),
    (one) => lostNode(one.pick(nodes), one),
  ])(chance);
}
