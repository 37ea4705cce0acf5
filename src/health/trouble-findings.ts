import type { Now } from '../clock.ts';
import type { Coverage } from '../objects/snapshot.ts';
import type { Timing } from '../timing.ts';
import type { Finding } from './assessment.ts';
import { derive } from './derived.ts';
import { isFresh, keyOf, resourceOf } from './evidence.ts';
import type { FailedJobs } from './job.ts';
import { failureOf } from './job.ts';
import type { JudgedWorkload } from './judged-workloads.ts';
import { knownAs } from './owner.ts';
import type { Trouble } from './roll-out.ts';
import type { ScopeTrouble } from './scope.ts';
import { certaintyOf, rememberTrouble, type TroubleMemory } from './trouble-memory.ts';

/** A look, as far as the patience with troubles needs it. */
export interface TroubleLook {
  readonly now: Now;
  readonly timing: Timing;
  readonly stuckAfterMs: number;
  readonly coverage: Coverage;
  readonly isFirst: boolean;
  readonly before: ReadonlyMap<string, TroubleMemory>;
}

export interface TroubleFindings {
  /** By the uid of the workload; '' for the scope and for Jobs that are gone. */
  readonly byWorkload: ReadonlyMap<string, readonly Finding[]>;
  readonly memory: ReadonlyMap<string, TroubleMemory>;
}

/**
 * The findings about workloads and the scope, with their patience applied; `podFindings` are those of pods, which a
 * workload may wait for.
 */
export function findTroubles(
  workloads: readonly JudgedWorkload[],
  failedJobs: FailedJobs,
  scope: readonly ScopeTrouble[],
  podFindings: readonly Finding[],
  look: TroubleLook,
): TroubleFindings {
  const roots = new Map(podFindings.map((finding) => [`${finding.namespace}/${finding.pod}`, finding]));
  const byWorkload = new Map<string, readonly Finding[]>();
  const memory = new Map<string, TroubleMemory>();

  const find = (subject: Subject, trouble: Trouble): Finding => {
    const draft = draftOf(subject, trouble, look.now);
    const key = `${subject.uid} ${keyOf(draft)}`;
    const fresh = isFresh(look.coverage, resourceOf(draft), subject.namespace);
    const remembered = rememberTrouble(look.before.get(key), oldestOf(trouble.sinceMs, subject.podsSinceMs), {
      ...look,
      fresh,
    });
    memory.set(key, remembered);
    const finding = {
      ...draft,
      sinceMs: remembered.sinceMs,
      ...certaintyOf(trouble.cause, remembered, look.now, look.timing),
    };
    const root = trouble.waitsFor === null ? undefined : roots.get(trouble.waitsFor);
    if (root !== undefined) return derive(finding, root);
    return { ...finding, derivedFrom: trouble.waitsFor };
  };

  const present = new Set<string>();
  for (const { workload, rollOut, pods } of workloads) {
    present.add(workload.uid);
    if (rollOut.troubles.length === 0) continue;
    const subject = {
      uid: workload.uid,
      namespace: workload.namespace,
      owner: knownAs(workload),
      podsSinceMs: oldestOf(...pods.map(({ finding }) => (finding?.holdsBack === true ? finding.sinceMs : null))),
    };
    byWorkload.set(
      workload.uid,
      rollOut.troubles.map((trouble) => find(subject, trouble)),
    );
  }

  const loose: Finding[] = [];
  for (const job of failedJobs.byUid.values()) {
    if (present.has(job.uid) || failedJobs.madeGood.has(job.uid)) continue;
    const subject = { uid: job.uid, namespace: job.namespace, owner: knownAs(job), podsSinceMs: null };
    loose.push(find(subject, failureOf(job, [])));
  }
  const failed = [...byWorkload.values(), loose].flat().filter(({ cause }) => cause === 'Failed');
  const refused = [...byWorkload.values()].flat().find(({ cause }) => cause === 'CreateRefused');
  for (const { namespace, message, isMissing, lacks } of scope) {
    // A pod that failed with its Job does not count, and the Job's failure is what to tell of it.
    if (!isMissing && failed.length >= lacks) continue;
    const subject = { uid: '', namespace, owner: null, podsSinceMs: null };
    const tooFew = find(subject, { stage: 'workload', cause: 'TooFewPods', message, sinceMs: null, waitsFor: null });
    // Where pods may not be created, that is what to tell, and not that there are none.
    loose.push(refused === undefined || isMissing ? tooFew : derive(tooFew, refused));
  }
  byWorkload.set('', loose);
  return { byWorkload, memory };
}

interface Subject {
  readonly uid: string;
  readonly namespace: string;
  readonly owner: Finding['owner'];
  readonly podsSinceMs: number | null;
}

function draftOf({ namespace, owner }: Subject, { stage, cause, message }: Trouble, now: Now): Finding {
  const nothingKnown = { sinceMs: now.atMs, fatal: false, fatalAtMs: null, derivedFrom: null };
  return {
    namespace,
    pod: null,
    uid: null,
    node: null,
    owner,
    stage,
    cause,
    message,
    holdsBack: true,
    ...nothingKnown,
  };
}

function oldestOf(...times: readonly (number | null)[]): number | null {
  let oldest: number | null = null;
  for (const time of times) if (time !== null && (oldest === null || time < oldest)) oldest = time;
  return oldest;
}
