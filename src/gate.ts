import { reportCalico, restartedNodes } from './calico/calico-report.ts';
import type { Restart } from './calico/case.ts';
import { closeRestarts, needsLists } from './calico/cure.ts';
import { restartCalicoNode } from './calico/restart.ts';
import { sleep } from './clock.ts';
import type { Api } from './cluster/api.ts';
import { isApiError } from './cluster/api-error.ts';
import { ConnectError } from './cluster/connect-error.ts';
import { nodeOfOwnPod } from './cluster/own-pod.ts';
import { createView, type View } from './cluster/snapshot.ts';
import { type Cluster, dialCluster, meet } from './contact.ts';
import { withCrashLogs } from './crash-logs.ts';
import { formatSeconds } from './duration.ts';
import type { GateEvent } from './events.ts';
import { type Judgement, judge } from './health/verdict.ts';
import { EMPTY_MEMORY, type Look, lookAt } from './look.ts';
import { buildReport } from './report/json.ts';
import type { Report, Verdict } from './report/report.ts';
import { secretFreeReport } from './report/secrets.ts';
import { type Rights, reviewRights } from './rights.ts';
import { beginRun, type GateOptions, type Run, tellWhile } from './run.ts';
import type { Settings } from './settings.ts';
import { newsOf, warningsOf } from './telling.ts';
import { VERSION } from './version.ts';

export type { GateOptions } from './run.ts';

export interface GateResult {
  readonly report: Report;
  /** `namespace/name`, worst first; all of them. */
  readonly notReadyPods: readonly string[];
  /** Nodes whose calico-node pod was removed by this run's DELETE. */
  readonly restartedNodes: readonly string[];
  readonly cancelled: boolean;
}

/** How a run ended, with the last picture it had of the cluster (null: it saw nothing). */
interface Ending {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly look: Look | null;
}

/**
 * The gate's whole job: connect, look until there is a verdict, restart calico-node where the plan says so, report.
 * Always resolves with a report, at the latest `timing.shutdownMs` after `timeout` or a cancellation: what goes wrong
 * on the way is a verdict `inconclusive` that says what.
 */
export async function runGate(settings: Settings, options: GateOptions): Promise<GateResult> {
  const run = beginRun(settings, options);
  run.tell({ type: 'started', version: VERSION, settings }, run.serverClock.now());
  let cluster: Cluster | null = null;
  let kubernetesVersion = '';
  let ending: Ending;
  let seen: Look | null = null;
  try {
    cluster = await dialCluster(run, options);
    kubernetesVersion = await meet(run, cluster);
    ending = await watchUntilDecided(run, cluster, (look) => {
      seen = look;
    });
  } catch (error) {
    ending = failedRun(run, error, seen);
  }
  const result = await conclude(run, cluster, kubernetesVersion, ending);
  run.close();
  cluster?.connection.close();
  return result;
}

/**
 * The story: look, tell, judge, act, wait; until a judgement is an end. `keep` is given what is known so far, so that a
 * run which fails still reports what it did.
 */
async function watchUntilDecided(run: Run, { connection, api }: Cluster, keep: (look: Look) => void): Promise<Ending> {
  const { settings, timing } = run;
  const view = createView({ ...run, api });
  try {
    const rights = reviewRights(run, api);
    await tellWhile(run, () => 'the first complete look at the cluster', view.start());

    let memory = EMPTY_MEMORY;
    let last: Look | null = null;
    let confirmed = false;
    let confirmFromMs = 0;
    let readAnew = false;
    let readAnewFromMs = 0;
    let listFromMs = 0;
    for (;;) {
      if (run.serverClock.now().elapsedMs >= listFromMs) {
        const restarts = await listedAnew(run, api, view, memory.restarts);
        if (restarts !== memory.restarts) listFromMs = api.now().elapsedMs + timing.confirmAgainMs;
        memory = { ...memory, restarts };
      }
      const now = api.now();
      const deadlineInMs = run.deadlineInMs();
      const snapshot = view.snapshot();
      const runsOnNode = connection.runsOnNode ?? nodeOfOwnPod(connection.runsInPod, snapshot);
      const deleteRights = rights.toDelete();
      const look = lookAt(snapshot, memory, { settings, timing, now, deadlineInMs, deleteRights, runsOnNode });
      memory = look.memory;
      keep(look);
      focus(view, rights, look);
      for (const event of newsOf(last, look, deadlineInMs)) run.tell(event, now);
      last = look;

      const judgement = judgeLook(run, view, look, confirmed, deadlineInMs);
      if (judgement.kind === 'end') {
        // Whoever lacks one right often lacks others: they are named together.
        if (judgement.verdict === 'inconclusive') await rights.settle();
        rights.refused(look.observation.snapshot.coverage.gaps);
        return { ...judgement, look };
      }

      const mayRestart = readAnew;
      confirmed = false;
      readAnew = false;
      if (look.plan.next !== null && !run.signal.aborted) {
        // Nothing is deleted while it is being asked whether it may be: the next look plans with the answer.
        const review = rights.pending();
        if (review !== null) await tellWhile(run, () => 'the review of the right to delete pods', review);
        else if (mayRestart) {
          const record = await restart(run, api, look);
          memory = { ...memory, restarts: [...memory.restarts, record] };
          keep({ ...look, memory });
          run.tell(restartedEvent(record), api.now());
        } else if (now.elapsedMs < readAnewFromMs) await waitForNews(run, view);
        else {
          // Nor on a watch's word: one that has fallen silent hides what has healed, or was restarted, meanwhile.
          const lists = view.refreshForRestart(run.signal);
          readAnew = await tellWhile(run, () => 'a fresh look at the nodes that are to be restarted', lists);
          readAnewFromMs = api.now().elapsedMs + (readAnew ? timing.tickMs : timing.confirmAgainMs);
          if (!readAnew) await waitForNews(run, view);
        }
      } else if (judgement.kind === 'confirm' && now.elapsedMs >= confirmFromMs) {
        run.tell({ type: 'confirming', verdict: judgement.verdict }, now);
        const lists = view.refresh(run.signal, judgement.withEvents);
        confirmed = await tellWhile(run, () => 'a fresh look at everything', lists);
        // A list that fails now is tried again by itself; until it succeeds there is nothing to confirm with.
        confirmFromMs = api.now().elapsedMs + timing.confirmAgainMs;
        if (!confirmed) await waitForNews(run, view);
      } else await waitForNews(run, view);
    }
  } finally {
    view.close();
  }
}

function judgeLook(run: Run, view: View, look: Look, confirmed: boolean, deadlineInMs: number): Judgement {
  const { assessment, observation, plan, memory, cureInProgress } = look;
  return judge({
    assessment,
    memory: memory.health,
    coverage: observation.snapshot.coverage,
    settings: run.settings,
    timing: run.timing,
    now: observation.now,
    catchUpLeftMs: observation.catchUpLeftMs,
    deadlineReached: deadlineInMs <= 0,
    cureInProgress,
    nodes: plan.nodes,
    restarts: memory.restarts,
    cancelled: run.cancelledBy(),
    apiFailure: view.failure(),
    confirmed,
  });
}

/** Reads what the decisions need beyond the scope: Calico's own pods, and witnesses on affected nodes. */
function focus(view: View, rights: Rights, { installations, cases, memory, observation }: Look): void {
  rights.refused(observation.snapshot.coverage.gaps);
  const namespaces = [...new Set(installations.found.map(({ daemonSet }) => daemonSet.namespace))];
  view.watchCalico(namespaces);
  rights.reviewCalico(namespaces);
  const restarted = memory.restarts.filter(({ settled }) => settled === null).map(({ node }) => node);
  view.watchNodes([...new Set([...cases.map(({ node }) => node), ...restarted])]);
}

async function restart(run: Run, api: Api, { plan }: Look): Promise<Restart> {
  const next = plan.next;
  if (next === null) throw new Error('there is nothing to restart');
  const pod = `${next.target.namespace}/${next.target.pod}`;
  run.tell({ type: 'restarting', node: next.node, pod }, api.now());
  const deletion = restartCalicoNode(api, next, run.hardSignal);
  return await tellWhile(run, () => `the answer to the DELETE of pod ${pod}`, deletion);
}

/** What a watch says of the pods that were deleted may be old: where that decides, lists are read. */
async function listedAnew(run: Run, api: Api, view: View, restarts: readonly Restart[]): Promise<readonly Restart[]> {
  const asked = new Set(restarts.filter((each) => needsLists(each, api.now(), run.settings)));
  if (asked.size === 0 || run.signal.aborted) return restarts;
  const lists = view.refreshForRestart(run.signal);
  const areFresh = await tellWhile(run, () => 'a fresh look at what became of the restart', lists);
  return restarts.map((each) => (areFresh && asked.has(each) ? { ...each, seenBy: 'listed' } : each));
}

function restartedEvent({ node, before, why }: Restart): GateEvent {
  return { type: 'restarted', node, pod: `${before.namespace}/${before.pod}`, answer: why };
}

/** Until the picture changes, but not more often than `assessGapMs`; clocks go on by themselves, so at most a tick. */
async function waitForNews({ clock, serverClock, timing, signal }: Run, view: View): Promise<void> {
  const since = serverClock.now();
  const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
  await sleep(clock, timing.assessGapMs, signal);
  const woken = new AbortController();
  const tick = sleep(clock, timing.tickMs - timing.assessGapMs, AbortSignal.any([signal, woken.signal]));
  await Promise.race([view.changed(), tick]);
  woken.abort();
  const limitMs = timing.tickMs + timing.standstillMs;
  const stoodForMs = clock.monotonicMs() - monotonicMs;
  // A suspended machine may stop its monotonic clock as well (Linux: CLOCK_MONOTONIC).
  const aheadMs = clock.wallMs() - wallMs;
  const advice = 'nothing may suspend it while the gate runs';
  if (stoodForMs > limitMs)
    view.distrust(since, `this machine stood still for ${formatSeconds(stoodForMs)}; ${advice}`);
  else if (aheadMs > limitMs) {
    view.distrust(since, `the clock of this machine went ahead by ${formatSeconds(aheadMs)}; ${advice}`);
  }
}

/** Connecting failed, or something that nobody expected: never a pass, and never without a reason. */
function failedRun(run: Run, error: unknown, look: Look | null): Ending {
  const message = error instanceof Error ? error.message : String(error);
  const by = run.cancelledBy();
  const verdict = 'inconclusive';
  if (by !== null) return { verdict, reason: `cancelled by ${by} before anything was decided`, look };
  if (isExpected(error)) return { verdict, reason: message, look };
  return { verdict, reason: `a defect of Calico Health Gate itself ended the run: ${message}; please report it`, look };
}

/** What a cluster, a network or a kubeconfig may do to a run, perhaps in words of its own. */
function isExpected(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  return error instanceof ConnectError || isApiError(error) || isApiError(cause);
}

async function conclude(
  run: Run,
  cluster: Cluster | null,
  kubernetesVersion: string,
  ending: Ending,
): Promise<GateResult> {
  const { look } = ending;
  const cancelled = run.cancelledBy() !== null;
  const restarts = closeRestarts(look?.memory.restarts ?? []);
  const assessment = look?.assessment ?? null;
  const findings =
    assessment === null || cluster === null || cancelled
      ? (assessment?.findings ?? [])
      : await withCrashLogs(assessment.findings, look?.observation.snapshot.pods ?? [], cluster.api, run.hardSignal);
  const finished = run.serverClock.now();
  const built = buildReport({
    verdict: ending.verdict,
    reason: ending.reason,
    startedAtMs: finished.atMs - finished.elapsedMs,
    finishedAtMs: finished.atMs,
    server: cluster?.connection.server ?? '',
    kubernetesVersion,
    settings: run.settings,
    assessment: assessment === null ? null : { ...assessment, findings },
    calico:
      look === null
        ? { detected: false, installations: [], nodes: [] }
        : reportCalico({
            memory: look.memory.calico,
            nodes: look.plan.nodes,
            restarts,
            installations: look.installations,
          }),
    timeline: run.timeline(),
    api: cluster?.api.stats ?? { requests: 0, retries: 0, bytes: 0, watchRestarts: 0 },
    warnings: look === null ? run.warnings() : warningsOf(run.warnings(), look),
  });
  const report = secretFreeReport(built, run.hide);
  run.tell({ type: 'finished', report }, finished);
  return {
    report,
    notReadyPods: assessment?.notReadyPods ?? [],
    restartedNodes: restartedNodes(restarts),
    cancelled,
  };
}
