import { reportCalico, restartedNodes } from './calico/calico-report.ts';
import type { DeleteRights } from './calico/case.ts';
import { closeRestarts } from './calico/cure.ts';
import { restartCalicoNode } from './calico/restart.ts';
import { sleep } from './clock.ts';
import { type AccessReport, checkAccess, deleteRightsOf, needsOf } from './cluster/access.ts';
import { type Api, createApi } from './cluster/api.ts';
import { type Connection, connect } from './cluster/connection.ts';
import { createView, type View } from './cluster/snapshot.ts';
import { withCrashLogs } from './crash-logs.ts';
import { type Judgement, judge } from './health/verdict.ts';
import { EMPTY_MEMORY, type Look, lookAt } from './look.ts';
import { buildReport } from './report/json.ts';
import type { Report, Verdict } from './report/report.ts';
import { beginRun, type GateOptions, type Run } from './run.ts';
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

/** What a run talks to once it is connected. */
interface Cluster {
  readonly connection: Connection;
  readonly api: Api;
  readonly kubernetesVersion: string;
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
  let ending: Ending;
  try {
    cluster = await connectTo(run, options);
    ending = await watchUntilDecided(run, cluster);
  } catch (error) {
    ending = failedRun(run, error);
  }
  const result = await conclude(run, cluster, ending);
  run.close();
  cluster?.connection.close();
  return result;
}

async function connectTo(run: Run, { env, mask, connect: dial = connect }: GateOptions): Promise<Cluster> {
  const { kubeconfig, context } = run.settings;
  const connection = await dial({ kubeconfig, context, env }, run.signal);
  for (const secret of connection.secrets()) mask(secret);
  const { server, source } = connection;
  run.tell({ type: 'connecting', server, context: connection.context, source }, run.serverClock.now());
  for (const warning of connection.warnings) run.warn(warning);

  const api = createApi({
    transport: connection.transport,
    clock: run.clock,
    serverClock: run.serverClock,
    renewCredentials: async () => {
      await connection.renewCredentials();
      for (const secret of connection.secrets()) mask(secret);
    },
    signal: run.hardSignal,
    random: run.random,
    tell: run.tell,
  });
  const version = await api.getJson('/version', { signal: run.signal });
  const kubernetesVersion = (version as { readonly gitVersion?: unknown } | null)?.gitVersion;
  const cluster = { connection, api, kubernetesVersion: String(kubernetesVersion ?? 'unknown') };
  run.tell({ type: 'connected', server, kubernetesVersion: cluster.kubernetesVersion }, api.now());
  return cluster;
}

/** The story: look, tell, judge, act, wait; until a judgement is an end. */
async function watchUntilDecided(run: Run, { connection, api }: Cluster): Promise<Ending> {
  const { settings, timing } = run;
  const view = createView({ ...run, api });
  try {
    const access = reviewAccess(run, api);
    await view.start();
    let deleteRights: DeleteRights = new Map();
    void access.then((report) => {
      deleteRights = deleteRightsOf(report);
    });

    let memory = EMPTY_MEMORY;
    let last: Look | null = null;
    let confirmed = false;
    for (;;) {
      const now = api.now();
      const deadlineInMs = run.deadlineInMs();
      const { runsOnNode } = connection;
      const look = lookAt(view.snapshot(), memory, { settings, timing, now, deadlineInMs, deleteRights, runsOnNode });
      memory = look.memory;
      focus(view, look);
      for (const event of newsOf(last, look, deadlineInMs)) run.tell(event, now);
      last = look;

      const judgement = judgeLook(run, view, look, confirmed, deadlineInMs);
      if (judgement.kind === 'end') return { ...judgement, look };

      confirmed = false;
      if (look.plan.next !== null && !run.signal.aborted) {
        // The right may turn out to be missing only here; then it is asked for before anything is deleted.
        await access;
        memory = { ...memory, restarts: [...memory.restarts, await restart(run, api, look)] };
      } else if (judgement.kind === 'confirm') {
        run.tell({ type: 'confirming' }, now);
        confirmed = await view.refresh(run.signal);
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
    deadlineReached: deadlineInMs <= 0,
    cureInProgress,
    nodes: plan.nodes,
    restarts: memory.restarts,
    cancelled: run.cancelledBy(),
    apiFailure: view.failure(),
    confirmed,
  });
}

/** Rights that are missing are told at once, with the rule to add; a review that fails is no reason to stop. */
async function reviewAccess(run: Run, api: Api): Promise<AccessReport> {
  const report = await checkAccess(api, needsOf(run.settings), run.signal);
  for (const { rule, costs } of report.missing) run.tell({ type: 'missing-right', rule, costs }, api.now());
  return report;
}

/** Reads what the decisions need beyond the scope: Calico's own pods, and witnesses on affected nodes. */
function focus(view: View, { installations, cases, memory }: Look): void {
  view.watchCalico([...new Set(installations.found.map(({ daemonSet }) => daemonSet.namespace))]);
  const restarted = memory.restarts.filter(({ settled }) => settled === null).map(({ node }) => node);
  view.watchNodes([...new Set([...cases.map(({ node }) => node), ...restarted])]);
}

async function restart(run: Run, api: Api, { plan }: Look): ReturnType<typeof restartCalicoNode> {
  const next = plan.next;
  if (next === null) throw new Error('there is nothing to restart');
  const pod = `${next.target.namespace}/${next.target.pod}`;
  run.tell({ type: 'restarting', node: next.node, pod }, api.now());
  const record = await restartCalicoNode(api, next, run.hardSignal);
  run.tell({ type: 'restarted', node: next.node, pod, answer: record.why }, api.now());
  return record;
}

/** Until the picture changes, but not more often than `assessGapMs`; clocks go on by themselves, so at most a tick. */
async function waitForNews({ clock, timing, signal }: Run, view: View): Promise<void> {
  await sleep(clock, timing.assessGapMs, signal);
  const woken = new AbortController();
  const tick = sleep(clock, timing.tickMs - timing.assessGapMs, AbortSignal.any([signal, woken.signal]));
  await Promise.race([view.changed(), tick]);
  woken.abort();
}

/** Connecting failed, or something that nobody expected: never a pass, and never without a reason. */
function failedRun(run: Run, error: unknown): Ending {
  const message = error instanceof Error ? error.message : String(error);
  const by = run.cancelledBy();
  if (by !== null) return { verdict: 'inconclusive', reason: `cancelled by ${by} before anything was seen`, look: null };
  return { verdict: 'inconclusive', reason: message, look: null };
}

async function conclude(run: Run, cluster: Cluster | null, ending: Ending): Promise<GateResult> {
  const { look } = ending;
  const cancelled = run.cancelledBy() !== null;
  const restarts = closeRestarts(look?.memory.restarts ?? [], 'the run ended before the cure was proven or refuted');
  const assessment = look?.assessment ?? null;
  const findings =
    assessment === null || cluster === null || cancelled
      ? (assessment?.findings ?? [])
      : await withCrashLogs(assessment.findings, look?.observation.snapshot.pods ?? [], cluster.api, run.hardSignal);
  const finished = run.serverClock.now();
  const report = buildReport({
    verdict: ending.verdict,
    reason: ending.reason,
    startedAtMs: finished.atMs - finished.elapsedMs,
    finishedAtMs: finished.atMs,
    server: cluster?.connection.server ?? '',
    kubernetesVersion: cluster?.kubernetesVersion ?? '',
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
  run.tell({ type: 'finished', report }, finished);
  return {
    report,
    notReadyPods: assessment?.notReadyPods ?? [],
    restartedNodes: restartedNodes(restarts),
    cancelled,
  };
}
