import { conditionOf, fullName } from '../objects/metadata.ts';
import type { Pod, Terminated } from '../objects/pod.ts';
import type { Job } from '../objects/workload.ts';
import { refusalInEvents } from './create-refused.ts';
import { isTrue } from './owner.ts';
import {
  createRefused,
  lacking,
  nothingLacks,
  type RollOut,
  type Trouble,
  tallyPods,
  type WorkloadContext,
} from './roll-out.ts';

/**
 * A Job is not waited for: it does not hold back healthy while it runs or is suspended (a note says so), and its failed
 * attempts are its own affair. Only `Failed=True` counts, and pods that it may not create.
 */
export function judgeJob(job: Job, context: WorkloadContext): RollOut {
  const numbers = { desired: job.completions ?? job.parallelism, ready: job.succeeded };
  const name = fullName(job);
  if (hasFailed(job)) {
    if (context.madeGood) {
      return nothingLacks(numbers, { notes: [`Job ${name} failed; a newer Job of its CronJob succeeded since`] });
    }
    const pods = context.pods.map(({ pod }) => pod);
    return lacking(numbers, [failureOf(job, pods)]);
  }
  if (isTrue(conditionOf(job.conditions, 'Complete')) || job.deletionAtMs !== null) return nothingLacks(numbers);
  if (job.suspended) return nothingLacks(numbers, { notes: [`Job ${name} is suspended: it is not waited for`] });

  const tally = tallyPods(context.pods);
  const refusal =
    tally.active.length > 0 || job.active > 0 ? null : refusalInEvents(context.events, podsOf(context), context.nowMs);
  if (refusal !== null) {
    const troubles = [createRefused(refusal, `0 of ${job.parallelism} pods exist`, tally, context)];
    return lacking(numbers, troubles);
  }
  const progress = `${job.succeeded} of ${numbers.desired} completions`;
  return nothingLacks(numbers, { notes: [`Job ${name} is running (${progress}): it is not waited for`] });
}

function hasFailed(job: Job): boolean {
  return isTrue(conditionOf(job.conditions, 'Failed'));
}

/** One finding for the whole Job, whatever the number of its attempts; `pods` may be gone already. */
export function failureOf(job: Job, pods: readonly Pod[]): Trouble {
  const failed = conditionOf(job.conditions, 'Failed');
  const why = [failed?.reason, failed?.message].filter((text) => text !== undefined && text !== '').join(': ');
  const message = `Job ${job.name} failed${why === '' ? '' : `: ${why}`}${lastAttempt(pods)}`;
  return { stage: 'crash', cause: 'Failed', message, sinceMs: failed?.lastTransitionAtMs ?? null, waitsFor: null };
}

function lastAttempt(pods: readonly Pod[]): string {
  const [last] = pods
    .flatMap((pod) => {
      const end = pod.phase === 'Failed' ? abnormalEndOf(pod) : undefined;
      return end === undefined ? [] : [{ pod, end }];
    })
    .sort((a, b) => b.pod.createdAtMs - a.pod.createdAtMs || (a.pod.name < b.pod.name ? -1 : 1));
  if (last === undefined) return '';
  const how = last.end.signal === null ? `exit code ${last.end.exitCode}` : `signal ${last.end.signal}`;
  const said = last.end.message.trim();
  return `; its last pod ${fullName(last.pod)} ended with ${how}${said === '' ? '' : `: ${said}`}`;
}

function abnormalEndOf(pod: Pod): Terminated | undefined {
  return pod.containers
    .map(({ state }) => state)
    .filter((state) => state.kind === 'terminated')
    .find(({ exitCode }) => exitCode !== 0);
}

function podsOf(context: WorkloadContext): readonly Pod[] {
  return context.pods.map(({ pod }) => pod);
}

/** The failed Jobs that a run has seen. A Job's TTL may delete it, with the only trace of its failure. */
export interface FailedJobs {
  readonly byUid: ReadonlyMap<string, Job>;
  /** Uids whose CronJob succeeded later; the history limit may delete that proof again. */
  readonly madeGood: ReadonlySet<string>;
}

export const NO_FAILED_JOBS: FailedJobs = { byUid: new Map(), madeGood: new Set() };

/**
 * What is known after a look at `jobs` (those in scope). A failed Job is forgotten when a younger Job took its name:
 * then that one decides.
 */
export function rememberFailedJobs(before: FailedJobs, jobs: readonly Job[]): FailedJobs {
  const failed = jobs.filter(hasFailed);
  if (failed.length === 0 && before.byUid.size === 0) return before;

  const byName = new Map(jobs.map((job) => [fullName(job), job]));
  const byUid = new Map<string, Job>();
  for (const job of [...before.byUid.values(), ...failed]) {
    const namesake = byName.get(fullName(job));
    if (namesake === undefined || namesake.uid === job.uid) byUid.set(job.uid, job);
  }

  const succeededAtMs = new Map<string, number>();
  for (const job of jobs) {
    if (job.controller === null || !isTrue(conditionOf(job.conditions, 'Complete'))) continue;
    const key = cronJobOf(job.namespace, job.controller);
    succeededAtMs.set(key, Math.max(succeededAtMs.get(key) ?? -Infinity, job.createdAtMs));
  }
  const madeGood = new Set<string>();
  for (const { uid, namespace, controller, createdAtMs } of byUid.values()) {
    const later = controller === null ? undefined : succeededAtMs.get(cronJobOf(namespace, controller));
    if (before.madeGood.has(uid) || (later !== undefined && later > createdAtMs)) madeGood.add(uid);
  }
  return { byUid, madeGood };
}

/** Owners are of the same namespace: a Job elsewhere that claims this CronJob makes nothing good. */
function cronJobOf(namespace: string, { uid }: { readonly uid: string }): string {
  return `${namespace} ${uid}`;
}
