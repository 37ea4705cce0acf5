import { type Condition, conditionOf, fullName } from '../objects/metadata.ts';
import type { Deployment } from '../objects/workload.ts';
import { refusalOfDeployment } from './create-refused.ts';
import { oldPods } from './old-pods.ts';
import {
  availableOf,
  countOfPods,
  createRefused,
  isObserved,
  lacking,
  nothingLacks,
  notRolledOut,
  type PodTally,
  type RollOut,
  type Trouble,
  tallyPods,
  unobserved,
  type WorkloadContext,
} from './roll-out.ts';

/**
 * A Deployment is carried out when its controller has seen the present generation, all desired replicas are of the
 * present template and available, and no older pod is left without a `deletionTimestamp`: right after a deploy the old
 * pods are still Ready, and Available=True speaks of them (kubectl's rollout_status.go asks for the same). Paused: as
 * many ready pods as desired, whichever their template. Scaled to 0, or being deleted: nothing to wait for.
 */
export function judgeDeployment(deployment: Deployment, context: WorkloadContext): RollOut {
  const numbers = { desired: deployment.desired, ready: deployment.ready };
  const name = fullName(deployment);
  if (deployment.deletionAtMs !== null) {
    return nothingLacks(numbers, { notes: [`Deployment ${name} is being deleted: it is not waited for`] });
  }
  if (!isObserved(deployment)) return unobserved(deployment, numbers);
  if (deployment.desired === 0) return nothingLacks(numbers);

  const tally = tallyPods(context.pods);
  const have = availableOf(deployment.paused ? deployment.ready : deployment.available, tally, context);
  const lacks = deployment.paused ? lackOfPaused(deployment, have) : lackOf(deployment, tally, have);
  const warnings = deployment.paused && deployment.updated < deployment.replicas ? [pausedWarning(deployment)] : [];
  if (lacks === null) return nothingLacks(numbers, { warnings });
  const told = toldTroubles(deployment, context, tally, lacks);
  if (told.length > 0) return lacking(numbers, told, { warnings });
  if (isExplainedByStarting(deployment, tally, have)) return nothingLacks(numbers, { warnings });
  return lacking(numbers, countedTroubles(deployment, tally, lacks), { warnings });
}

function lackOfPaused({ desired }: Deployment, ready: number): string | null {
  return ready < desired ? `${ready} of ${desired} replicas are ready` : null;
}

/** What stands between the Deployment and its end, with have and want; null: nothing. */
function lackOf(deployment: Deployment, tally: PodTally, available: number): string | null {
  const { desired, updated, replicas } = deployment;
  if (updated < desired)
    return `${updated} of ${desired} replicas are of the new pod template, ${available} are available`;
  const old = Math.max(replicas - updated, oldPods(deployment, tally.active).length);
  if (old > 0) return `${countOfPods(old)} of an older pod template ${old === 1 ? 'is' : 'are'} still there`;
  return available < desired ? `${available} of ${desired} replicas are available` : null;
}

/**
 * A shortage that is caused only by starting pods does not count: neither what they lack themselves, nor that the
 * roll-out waits for them before it goes on to the next. (One that its controller has named the cause of is not.)
 */
function isExplainedByStarting(deployment: Deployment, tally: PodTally, have: number): boolean {
  return tally.starting > 0 && deployment.desired - have <= tally.starting;
}

/** What its own conditions say is wrong. */
function toldTroubles(
  deployment: Deployment,
  context: WorkloadContext,
  tally: PodTally,
  lacks: string,
): readonly Trouble[] {
  const troubles: Trouble[] = [];
  const refusal = refusalOfDeployment(deployment, context.nowMs);
  if (refusal !== null) {
    const have = `${deployment.replicas} of ${deployment.desired} replicas exist`;
    troubles.push(createRefused(refusal, have, tally, context));
  }
  const exceeded = exceededDeadline(deployment, context, tally);
  if (exceeded !== null) {
    const message = `${lacks}; ${exceeded.message || 'its progress deadline is exceeded'}`;
    const sinceMs = exceeded.lastTransitionAtMs ?? exceeded.lastUpdateAtMs;
    troubles.push({ stage: 'workload', cause: 'ProgressDeadline', message, sinceMs, waitsFor: null });
  }
  return troubles;
}

/** That something lacks, where neither its conditions nor its pods say why. */
function countedTroubles(deployment: Deployment, tally: PodTally, lacks: string): readonly Trouble[] {
  const missing = tally.active.length < deployment.desired && deployment.replicas < deployment.desired;
  const waitsFor = missing ? tally.overdue : null;
  if (waitsFor === null && tally.explained) return [];
  return [notRolledOut(`${lacks}${whyMissing(deployment, tally, missing)}`, lackingSince(deployment), waitsFor)];
}

function whyMissing({ strategy }: Deployment, tally: PodTally, missing: boolean): string {
  if (!missing) return '';
  const old = tally.overdue ?? tally.leaving;
  if (old === null) return '';
  return strategy === 'Recreate'
    ? `; its strategy Recreate makes no new pod before ${old} is gone`
    : `; ${old} is not gone yet`;
}

function lackingSince(deployment: Deployment): number | null {
  const available = conditionOf(deployment.conditions, 'Available');
  if (available?.status === 'False') return available.lastTransitionAtMs;
  return conditionOf(deployment.conditions, 'Progressing')?.lastUpdateAtMs ?? null;
}

/**
 * `ProgressDeadlineExceeded` of the present roll-out. The condition outlives its roll-out: going back to an older
 * template leaves it as it is until the first progress (deployment/util, DeploymentTimedOut), and no object says when
 * the generation began. It is old when this run saw the template change after it, or when every pod of the present
 * template was made after it.
 */
function exceededDeadline(deployment: Deployment, context: WorkloadContext, tally: PodTally): Condition | null {
  const condition = conditionOf(deployment.conditions, 'Progressing');
  if (condition?.status !== 'False' || condition.reason !== 'ProgressDeadlineExceeded') return null;
  const saidAtMs = condition.lastUpdateAtMs ?? condition.lastTransitionAtMs;
  if (saidAtMs === null) return condition;
  if (context.templateSeenAtMs !== null && saidAtMs < context.templateSeenAtMs) return null;
  const old = new Set(oldPods(deployment, tally.active));
  const present = tally.active.filter((pod) => !old.has(pod));
  const isOlderThanAll = present.length > 0 && present.every((pod) => pod.createdAtMs > saidAtMs);
  return isOlderThanAll ? null : condition;
}

function pausedWarning(deployment: Deployment): string {
  const old = deployment.replicas - deployment.updated;
  return `Deployment ${fullName(deployment)} is paused and its pod template is not rolled out: ${countOfPods(old)} of an older one (kubectl rollout resume deployment/${deployment.name} -n ${deployment.namespace})`;
}
