import { conditionOf, fullName } from '../objects/metadata.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import type { Assessment } from './assessment.ts';

/** What `stable-for` runs for: a workload, or a pod whose owner is not judged. */
export interface Subject {
  readonly key: string;
  /** `namespace/name`. */
  readonly name: string;
  /** `passing`: incomplete only as after every scaling, eviction or drain (see `RollOut`). */
  readonly state: 'complete' | 'passing' | 'incomplete';
  readonly template: string;
  /** Those that count: neither ended nor terminating. */
  readonly pods: readonly Pod[];
}

/** How long a subject has been complete, as one run saw it. Elapsed times are the run's own. */
export interface Window {
  /** null: it is not complete, and the next time begins anew. */
  readonly sinceElapsedMs: number | null;
  /** What began it; of one that was broken, what broke it. */
  readonly because: string;
  /** How often it was broken after it had begun. */
  readonly begunAnew: number;
  /** Since when it is `passing`; null: it is not. */
  readonly passingSinceElapsedMs: number | null;
  readonly template: string;
  readonly pods: readonly Pod[];
}

export interface StabilityLook {
  readonly elapsedMs: number;
  /** A gap in the view was closed since the last look: something may have happened unseen. */
  readonly afterGap: boolean;
  /** Without `stuck-after`: a pod that is not Ready for a moment counts, then and afterwards. */
  readonly momentsCount: boolean;
  /** How long a passing interruption may last without beginning the window anew. */
  readonly addedPodMs: number;
}

/**
 * The windows after a look. Each subject has its own, which begins anew when it was not complete, when its pod template
 * changed, when a container of a Ready pod was restarted or its Ready flipped, unseen or not; other subjects go on.
 * After a gap in the view the window goes on only with the very same pods, restart counts and Ready transition times.
 * With `stuck-after` a pod that is not Ready for less is starting and does not count, so its moments do not either.
 *
 * What scaling, an eviction or a drain does to a workload that was complete with the same template does not begin it
 * anew: it is not complete for that moment, and then goes on. With an autoscaler at work it would never end otherwise.
 */
export function nextWindows(
  before: ReadonlyMap<string, Window>,
  subjects: readonly Subject[],
  look: StabilityLook,
): ReadonlyMap<string, Window> {
  const isFirst = before.size === 0;
  return new Map(subjects.map((subject) => [subject.key, nextWindow(before.get(subject.key), subject, look, isFirst)]));
}

function nextWindow(before: Window | undefined, subject: Subject, look: StabilityLook, isFirst: boolean): Window {
  const { template, pods, state } = subject;
  const window = (sinceElapsedMs: number | null, because: string, begunAnew: number): Window => {
    return { sinceElapsedMs, because, begunAnew, passingSinceElapsedMs: null, template, pods };
  };

  if (before === undefined) {
    if (state !== 'complete') return window(null, NOT_COMPLETE, 0);
    return window(look.elapsedMs, isFirst ? 'it was complete at the first look' : 'it came into scope', 0);
  }
  if (before.sinceElapsedMs === null) {
    if (state !== 'complete') return window(null, before.because, before.begunAnew);
    const because = before.because === NOT_COMPLETE ? 'it became complete' : before.because;
    return window(look.elapsedMs, because, before.begunAnew);
  }
  const disturbed = whatBegins(before, subject, look);
  const broken = (because: string): Window => window(null, because, before.begunAnew + 1);
  if (state === 'incomplete') return broken(disturbed ?? NOT_COMPLETE);
  if (disturbed !== null) {
    return state === 'complete' ? window(look.elapsedMs, disturbed, before.begunAnew + 1) : broken(disturbed);
  }
  if (state === 'complete') return { ...before, passingSinceElapsedMs: null, template, pods };

  const passingSinceElapsedMs = before.passingSinceElapsedMs ?? look.elapsedMs;
  if (look.elapsedMs - passingSinceElapsedMs > look.addedPodMs) return broken(NOT_COMPLETE);
  return { ...before, passingSinceElapsedMs, template, pods };
}

const NOT_COMPLETE = 'it was not complete';

function whatBegins(before: Window, subject: Subject, look: StabilityLook): string | null {
  if (before.template !== subject.template) return 'its pod template changed';
  const disturbed = look.momentsCount || look.afterGap ? disturbance(before.pods, subject.pods) : null;
  if (disturbed !== null) return disturbed;
  return look.afterGap && !hasSamePods(before.pods, subject.pods) ? 'its pods changed while the view was lost' : null;
}

/** What happened to a pod that was Ready at the look before (of several, the first by name); null: nothing. */
function disturbance(before: readonly Pod[], now: readonly Pod[]): string | null {
  // Unchanged pods are the same objects in both pictures, mostly in the same place: ten thousand cost nothing.
  let known: Map<string, Pod> | null = null;
  let first: { readonly name: string; readonly what: string } | null = null;
  for (const [index, pod] of now.entries()) {
    if (before[index] === pod) continue;
    known ??= new Map(before.map((one) => [one.uid, one]));
    const earlier = known.get(pod.uid);
    if (earlier === undefined || earlier === pod || !isReady(earlier)) continue;
    const what = changeOf(earlier, pod);
    const name = fullName(pod);
    if (what !== null && (first === null || name < first.name)) first = { name, what };
  }
  return first === null ? null : `pod ${first.name} ${first.what}`;
}

function changeOf(earlier: Pod, pod: Pod): string | null {
  if (restartsOf(pod) > restartsOf(earlier)) return 'was restarted';
  if (!isReady(pod)) return 'lost Ready';
  return readySince(pod) === readySince(earlier) ? null : 'was not Ready for a moment';
}

function hasSamePods(before: readonly Pod[], now: readonly Pod[]): boolean {
  if (before.length !== now.length) return false;
  const uids = new Set(before.map(({ uid }) => uid));
  return now.every(({ uid }) => uids.has(uid));
}

function restartsOf(pod: Pod): number {
  let sum = 0;
  for (const container of pod.containers) sum += container.restartCount;
  return sum;
}

function readySince(pod: Pod): number | null {
  return conditionOf(pod.conditions, 'Ready')?.lastTransitionAtMs ?? null;
}

/** For how long without a break it has been complete at `elapsedMs`; 0 while it is not. */
export function completeForMs(window: Window | undefined, elapsedMs: number): number {
  if (window === undefined || window.sinceElapsedMs === null || window.passingSinceElapsedMs !== null) return 0;
  return elapsedMs - window.sinceElapsedMs;
}

/** The subjects that have not been complete for `stableForMs`, shortest first. */
export function unstableOf(
  windows: ReadonlyMap<string, Window>,
  subjects: readonly Subject[],
  elapsedMs: number,
  stableForMs: number,
): Assessment['unstable'] {
  const unstable: Assessment['unstable'][number][] = [];
  for (const { key, name } of subjects) {
    const window = windows.get(key);
    const forMs = completeForMs(window, elapsedMs);
    if (forMs >= stableForMs) continue;
    const { because = '', begunAnew = 0 } = window ?? {};
    unstable.push({ name, completeForMs: forMs, because, begunAnew });
  }
  return unstable.sort((a, b) => a.completeForMs - b.completeForMs || (a.name < b.name ? -1 : 1));
}
