import { formatSeconds } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import type {
  Action,
  DeleteRights,
  Installations,
  NextRestart,
  NodeCase,
  NodePlan,
  Restart,
  RestartPlan,
  RestartTarget,
} from './case.ts';
import { guardOtherInstallation, guardPlace, guardProof, guardView, type Objection, TARGET_GUARDS } from './guards.ts';
import { guardInVain, guardJustInstalled, whyUnproven } from './in-vain.ts';
import { calicoNodePodOn } from './installation.ts';
import type { CalicoMemory } from './node-memory.ts';
import { whyNotBack } from './not-back.ts';
import { namespacesOf } from './one-tenant.ts';
import { restartCommand } from './restart-command.ts';
import { isPending, stops } from './restart-state.ts';
import { byUrgency } from './urgency.ts';

export interface PlanInput {
  readonly observation: Observation;
  readonly memory: CalicoMemory;
  readonly cases: readonly NodeCase[];
  readonly installations: Installations;
  /** Of this run so far, judged at this look. */
  readonly restarts: readonly Restart[];
  readonly deleteRights: DeleteRights;
  /** Time left of `timeout`. */
  readonly deadlineInMs: number;
  /** The node that the gate itself runs on; null: outside the cluster, or not known. */
  readonly runsOnNode: string | null;
  /** The kubeconfig context that was chosen; null: none. */
  readonly context: string | null;
}

/**
 * What to do about every node on which the failure was found in this run, and the one restart that may begin now. Made
 * anew at every look: a cure lets a roll-out go on to nodes that showed nothing before. Pure, so whatever it says is a
 * function of what was seen.
 */
export function planRestarts(input: PlanInput): RestartPlan {
  const looked = [...input.cases].sort(byUrgency(input)).map((nodeCase) => look(nodeCase, input));
  const asked = looked.filter(({ settled }) => settled === null);
  const decided = restartsAreOff(input) ? asked.map((each) => planned(each, input)) : scheduled(asked, input);
  const plans = new Map(decided.map((decision) => [decision.plan.node, decision.plan]));
  const next = decided.find(({ now }) => now)?.plan ?? null;
  return {
    nodes: [
      ...looked.flatMap(({ nodeCase, settled }) => settled ?? plans.get(nodeCase.node) ?? []),
      ...withoutCase(input),
    ],
    next: next === null ? null : nextOf(next, input),
  };
}

function restartsAreOff({ observation: { settings } }: PlanInput): boolean {
  return !settings.restartCalicoNode || settings.maxNodeRestarts === 0;
}

/** A node as far as it can be judged without regard to the others. */
interface LookedAt {
  readonly nodeCase: NodeCase;
  /** Decided already: this run restarted it, or it is well. */
  readonly settled: NodePlan | null;
  readonly target: RestartTarget | null;
  readonly objection: Objection | null;
}

function look(nodeCase: NodeCase, input: PlanInput): LookedAt {
  const { observation, memory } = input;
  const record = input.restarts.findLast(({ node }) => node === nodeCase.node);
  if (record !== undefined && !mayBeginAnew(record, input.restarts)) {
    return { nodeCase, settled: planOfRestart(record, input), target: null, objection: null };
  }
  if (nodeCase.well) {
    return {
      nodeCase,
      settled: without(nodeCase.node, 'none', nodeCase.lacks ?? 'the node is well'),
      target: null,
      objection: null,
    };
  }

  const place = calicoNodePodOn(nodeCase.node, input.installations, observation.snapshot.calico.pods);
  const guarded = { nodeCase, observation, memory };
  if (place.kind !== 'one') {
    const namespaces = input.installations.found.map(({ daemonSet }) => daemonSet.namespace);
    const objections = [
      guardPlace(place, input.installations, guarded),
      guardView(guarded, namespaces),
      guardProof(guarded),
    ];
    return { nodeCase, settled: null, target: null, objection: strongest(objections) };
  }
  const { pod, installation } = place;
  const target: RestartTarget = {
    namespace: pod.namespace,
    pod: pod.name,
    uid: pod.uid,
    createdAtMs: pod.createdAtMs,
    daemonSetUid: installation.daemonSet.uid,
  };
  const guardedTarget = { ...guarded, pod, daemonSet: installation.daemonSet };
  const objections = [
    guardView(guarded, [pod.namespace]),
    guardOtherInstallation(installation, input.installations, guarded),
    ...TARGET_GUARDS.map((guard) => guard(guardedTarget)),
    guardProof(guarded),
    guardJustInstalled(guardedTarget),
    guardInVain(guardedTarget),
  ];
  return { nodeCase, settled: null, target, objection: strongest(objections) };
}

/**
 * What is stuck after somebody else's restart is judged by the guards, as if that had happened before the run. A DELETE
 * that was lost on its way is sent once more, and one that was turned away again, with the same guards as the first time.
 */
function mayBeginAnew(record: Restart, restarts: readonly Restart[]): boolean {
  if (record.answer === 'elsewhere') return !isPending(record);
  const before = restarts.filter(({ node }) => node === record.node);
  if (record.answer === 'turned-away') return before.length < MOST_TRIES;
  return record.answer === 'undone' && before.filter(({ answer }) => answer === 'undone').length === 1;
}

/** A server that turns requests away may take the next one; after so many somebody has to look. */
const MOST_TRIES = 3;

/** What does not pass by itself before what does; among those the first. */
function strongest(objections: readonly (Objection | null)[]): Objection | null {
  const raised = objections.filter((objection) => objection !== null);
  return raised.find(({ kind }) => kind === 'refuse') ?? raised[0] ?? null;
}

function without(node: string, action: Action, why: string): NodePlan {
  return { node, action, why, target: null, command: null };
}

interface Decision {
  readonly plan: NodePlan;
  /** This is the restart that may begin now. */
  readonly now: boolean;
}

function objected({ nodeCase, target }: LookedAt, objection: Objection, input: PlanInput): Decision {
  const action = objection.kind === 'wait' ? 'waiting' : 'refused';
  if (objection.byHand === true && target !== null) {
    return { plan: withCommand(nodeCase.node, action, objection.why, target, input), now: false };
  }
  return { plan: { ...without(nodeCase.node, action, objection.why), target }, now: false };
}

/** Without restarts: every node that would be restarted, whatever the cap, the time and the gate's own rights. */
function planned(looked: LookedAt, input: PlanInput): Decision {
  const { target, objection, nodeCase } = looked;
  if (objection !== null || target === null) return objected(looked, objection ?? NO_TARGET, input);
  const { settings } = input.observation;
  const because = settings.restartCalicoNode ? 'max-node-restarts is 0' : 'restart-calico-node is off';
  const why = `${target.namespace}/${target.pod} would be restarted, but ${because}`;
  return { plan: { ...withCommand(nodeCase.node, 'planned', why, target, input) }, now: false };
}

const NO_TARGET: Objection = { kind: 'refuse', why: 'no calico-node pod was found on the node' };

function withCommand(node: string, action: Action, why: string, target: RestartTarget, input: PlanInput): NodePlan {
  return { node, action, why, target, command: restartCommand(target, input.context) };
}

/** With restarts: one at a time, in their order, as far as cap, rights, time and the cures so far allow. */
function scheduled(asked: readonly LookedAt[], input: PlanInput): readonly Decision[] {
  const { maxNodeRestarts } = input.observation.settings;
  let left = maxNodeRestarts - input.restarts.filter(({ answer }) => answer === 'deleted' || answer === 'lost').length;
  let turnOf = input.restarts.find(isPending)?.node ?? null;
  const notBack = whyNotBack(input.restarts, input.observation);

  return asked.map((looked) => {
    const { nodeCase, target, objection } = looked;
    if (target === null || objection?.kind === 'refuse') return objected(looked, objection ?? NO_TARGET, input);
    const failed = afterFailure(nodeCase, input);
    const refusal =
      (failed?.kind === 'refuse' ? failed : null) ??
      (notBack?.kind === 'refuse' ? notBack : null) ??
      missingRight(target, input) ??
      (left <= 0 ? capReached(maxNodeRestarts) : null);
    if (refusal !== null)
      return { plan: withCommand(nodeCase.node, 'refused', refusal.why, target, input), now: false };
    const early = objection ?? failed ?? notBack ?? tooEarly(nodeCase.node, input);
    if (turnOf !== null) {
      // What holds it back besides, such as the pod that is just being restarted there, is looked at when its turn has come.
      left -= 1;
      const why = `its turn comes when pods get their network again on ${turnOf}`;
      return { plan: { ...without(nodeCase.node, 'waiting', why), target }, now: false };
    }
    if (early !== null) return objected(looked, early, input);
    left -= 1;
    const late = tooLate(input);
    if (late !== null) return { plan: withCommand(nodeCase.node, 'refused', late.why, target, input), now: false };
    turnOf = nodeCase.node;
    const why = `${target.namespace}/${target.pod} is to be restarted now`;
    return { plan: { ...without(nodeCase.node, 'waiting', why), target }, now: true };
  });
}

function capReached(max: number): Objection {
  return {
    kind: 'refuse',
    why: `max-node-restarts allows ${max}: so many nodes point to a shared cause (service account keys, clock)`,
  };
}

/**
 * Why a restart of this run before keeps this node from being restarted. Others that speak of the node let it go on, but
 * only with their failure proven: whoever may write events could speak for its own pods in any state.
 */
function afterFailure({ stuckPods }: NodeCase, { restarts }: PlanInput): Objection | null {
  const proven = stuckPods.filter((stuck) => stuck.proven);
  if (!restarts.some((restart) => stops(restart, namespacesOf(proven)))) return null;
  const stopper = restarts.find((restart) => stops(restart, namespacesOf(stuckPods)));
  if (stopper === undefined) return whyUnproven(stuckPods.filter((stuck) => !stuck.proven));
  return {
    kind: 'refuse',
    why: `no further node is restarted, because the restart of ${stopper.node} was not proven to help: find out why there first`,
  };
}

/**
 * Nothing is changed by the first look at a node: only then the pods of other namespaces there are read, and one that got
 * its network would show that the node is well.
 */
function tooEarly(node: string, { memory, observation: { now, timing } }: PlanInput): Objection | null {
  const foundAtMs = memory.nodes.get(node)?.foundAtMs ?? now.atMs;
  return now.atMs - foundAtMs < timing.observationGapMs
    ? { kind: 'wait', why: 'the failure has just been found: a second look decides' }
    : null;
}

function missingRight({ namespace }: RestartTarget, { deleteRights, restarts }: PlanInput): Objection | null {
  const refused = restarts.some(({ answer, before }) => answer === 'forbidden' && before.namespace === namespace);
  return refused || deleteRights.get(namespace) === false
    ? { kind: 'refuse', why: `the right to delete pods in namespace ${namespace} is missing` }
    : null;
}

function tooLate({ deadlineInMs, observation: { settings, timing } }: PlanInput): Objection | null {
  const neededMs = Math.min(settings.restartTimeoutMs, timing.leastTimeForRestartMs);
  if (deadlineInMs >= neededMs) return null;
  return {
    kind: 'refuse',
    why: `less than ${formatSeconds(neededMs)} of timeout is left, and a restart needs that long to be proven: raise timeout`,
  };
}

/** Of a node that this run has restarted, or tried to: never twice in a run. */
function planOfRestart(record: Restart, input: PlanInput): NodePlan {
  const { node, answer, before, why } = record;
  switch (answer) {
    case 'deleted':
      return without(node, 'restarted', why);
    case 'elsewhere':
      return without(node, isPending(record) ? 'waiting' : 'none', why);
    case 'lost':
      return without(node, 'waiting', why);
    case 'forbidden':
    case 'failed':
    case 'turned-away':
    case 'undone':
      return withCommand(node, 'refused', why, before, input);
  }
}

/** Nodes on which nothing is stuck any more: restarted in this run, or healed by themselves. */
function withoutCase(input: PlanInput): readonly NodePlan[] {
  const present = new Set(input.cases.map(({ node }) => node));
  const names = new Set([...input.restarts.map(({ node }) => node), ...input.memory.nodes.keys()]);
  return [...names]
    .filter((node) => !present.has(node))
    .sort()
    .map((node) => {
      const record = input.restarts.findLast((restart) => restart.node === node);
      return record === undefined || wasNotCarriedOut(record)
        ? without(node, 'none', 'no pod is stuck with the failure there any more')
        : planOfRestart(record, input);
    });
}

function wasNotCarriedOut({ answer }: Restart): boolean {
  return answer === 'forbidden' || answer === 'failed' || answer === 'turned-away' || answer === 'undone';
}

function nextOf({ node, target }: NodePlan, { cases, restarts }: PlanInput): NextRestart | null {
  const nodeCase = cases.find((each) => each.node === node);
  if (nodeCase === undefined || target === null) return null;
  return {
    node,
    target,
    stuckUids: nodeCase.stuckPods.map(({ pod }) => pod.uid),
    namespaces: namespacesOf(nodeCase.stuckPods),
    unanswered: restarts.filter(({ answer, before }) => answer === 'undone' && before.uid === target.uid).length,
  };
}
