import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyMode, GATE_ACCOUNT, kubeconfigOfAccount, removeModes } from '../../accounts.ts';
import { restartEverywhere } from '../../calico/calico-node.ts';
import { killToken } from '../../calico/failures.ts';
import { stuckOn } from '../../calico/stuck.ts';
import { until } from '../../cluster/waiting.ts';
import { type GateRun, startGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn } from '../../harness.ts';
import { bearSilentNodes, startApi, stopApi } from '../../own.ts';
import { type Switchboard, startSwitchboard } from '../../switchboard.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';
import { type Holding, playDyingTokens } from './dying-tokens.ts';
import {
  BREAKING,
  CALM,
  DEADLINE_MS,
  FATES,
  type Fate,
  FINISHING,
  namespaceOf,
  type Outage,
  playOutage,
  SWITCHES,
} from './outage.ts';

/** Breaks while the API server restarts, which takes a few seconds. */
const BLINKING = 'outage-blinking';
const NAMESPACES = [CALM, FINISHING, BREAKING, BLINKING, ...FATES.map(namespaceOf)];

/** One pod more, and one pod fewer: while a roll-out is stuck, one pod cannot start and one cannot end. */
const BOTH_WAYS = { strategy: { rollingUpdate: { maxSurge: '50%', maxUnavailable: '50%' } } };

const WITHIN_MS = 60_000;

describe('trouble with the API server', () => {
  let cluster: Cluster;
  let switchboard: Switchboard;
  let restarted: GateRun;
  let blinked: GateRun;
  let tokens: Awaited<ReturnType<typeof playDyingTokens>>;
  let outage: Outage;

  beforeAll(async () => {
    cluster = await connectCluster();
    switchboard = await startSwitchboard(cluster);
    // Nodes cannot report either while the API server is away, and would be NotReady for half a minute after it.
    await bearSilentNodes(cluster, '50s');
    const [first = '', second = '', third = ''] = cluster.nodes;
    const nodes: Readonly<Record<Fate, string>> = { answered: first, unanswered: second, undone: third };
    await removeModes(cluster);
    await applyMode(cluster, 'restart');
    await Promise.all(NAMESPACES.map(async (namespace) => await makeNamespace(cluster, namespace)));
    await deploy(cluster, switchboard, nodes);

    for (const node of Object.values(nodes)) await killToken(cluster, node);
    for (const fate of FATES) await roll(cluster, 'deployments', namespaceOf(fate), 'web');
    const kubeconfig = await kubeconfigOfAccount(cluster, GATE_ACCOUNT);
    const gate = startGate({ kubeconfig }, { namespaces: CALM, timeout: '2m', 'stable-for': '12s' });
    await gate.said(/ all is ready; it has to stay so /);
    // All has been ready for long enough when the API server is back.
    const blinking = startGate({ kubeconfig }, { namespaces: BLINKING, timeout: '40s', 'stable-for': '3s' });
    await blinking.said(/ all is ready; it has to stay so /);
    await stopApi(cluster);
    switchboard.set(BLINKING, false);
    await startApi(cluster);
    const dying = playDyingTokens(cluster, CALM);
    await Promise.all(FATES.map(async (fate) => await stuckOn(cluster, namespaceOf(fate), [nodes[fate]])));
    [restarted, blinked, tokens, outage] = await Promise.all([
      gate.ended,
      blinking.ended,
      dying,
      playOutage(cluster, nodes, switchboard, Promise.all([gate.ended, dying])),
    ]);
  });

  afterAll(async () => {
    await startApi(cluster);
    await bearSilentNodes(cluster);
    switchboard.close();
    await restartEverywhere(cluster);
    await Promise.all([...NAMESPACES.map((namespace) => leaveNamespace(cluster, namespace)), removeModes(cluster)]);
    cluster.api.close();
  });

  describe('that restarts while a gate waits', () => {
    test('cuts its watches, and it goes on where it was', () => {
      expect(restarted.outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': '2' });
      expect(restarted.exitCode).toBe(0);
      expect(restarted.report.api.retries + restarted.report.api.watchRestarts).toBeGreaterThan(0);
      expect(restarted.report.warnings).toEqual([]);
    });

    test('keeps kubelets from reporting as well: what broke meanwhile is not passed on its picture of before', () => {
      const { outputs, exitCode, stdout } = blinked;
      expect(linesOf(stdout, / nothing is decided for 1\ds, while the kubelets report what happened/)).toHaveLength(1);
      expect(outputs).toMatchObject({ verdict: 'unhealthy', 'pods-not-ready': '1' });
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(/^outage-blinking\/web: .*readiness probe/i);
    });
  });

  describe('that rejects the token in the middle of a run', () => {
    const held = (by: Holding) => {
      const { secrets, ...run } = tokens[by];
      const shown = [run.stdout, run.stderr, run.summary, JSON.stringify(run.report), ...Object.values(run.outputs)];
      // The runner hides it in all that follows; such a line itself is never shown.
      const said = shown.join('\n').replaceAll(/^::add-mask::.*$/gm, '');
      for (const secret of secrets) expect(said).not.toContain(secret);
      return run;
    };

    test.each<Holding>(['file', 'plugin'])('is given the one that stands in the %s since', (by) => {
      const { outputs, exitCode, stdout, report } = held(by);
      expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': '2' });
      expect(exitCode).toBe(0);
      expect(linesOf(stdout, /401/)).toEqual([
        expect.stringMatching(
          /^ 0:\d\d .* rejected the credentials \(401 Unauthorized\); obtained anew, they are accepted$/,
        ),
      ]);
      expect(report.warnings).toEqual([]);
    });

    test('ends the run at once when there is no other one: blind, with what to do', () => {
      const { outputs, exitCode, stdout, report } = held('stale file');
      expect(outputs).toMatchObject({ verdict: 'inconclusive', 'pods-total': '2', 'restarted-nodes': '[]' });
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(
        /^(?:get|list|watch) \S+.*: 401 Unauthorized, also with credentials obtained anew; renew the token or client certificate/,
      );
      expect(report).toMatchObject({ verdict: 'inconclusive', reason: outputs.reason });
      expect(linesOf(stdout, /^INCONCLUSIVE: /)).toHaveLength(1);
    });
  });

  describe('that is away for more than 20 s while gates wait', () => {
    test('is told when it goes, and when it is back', () => {
      expect(outage.toMs - outage.fromMs).toBeGreaterThan(20_000);
      for (const [namespace, { stdout }] of Object.entries(outage.waits)) {
        const all = `pods, deployments, statefulsets, daemonsets, jobs and events in namespace ${namespace}, nodes`;
        const lost = ` !  lost sight of ${all}: list pods in namespace ${namespace}: the connection was refused \\(ECONNREFUSED\\); `;
        expect(linesOf(stdout, /lost sight of/)).toEqual([expect.stringMatching(lost)]);
        const back = / sees .*pods.* again; nothing is decided for 1\ds, while the kubelets report what happened/;
        expect(linesOf(stdout, back)).toHaveLength(1);
        // A list that the new API server answers late has a line of its own.
        expect(linesOf(stdout, /sees .* again/).length).toBeLessThan(4);
      }
    });

    test('what stayed as it was is healthy, not before that was seen again', () => {
      const { outputs, exitCode, report } = outage.waits[CALM];
      expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': '2' });
      expect(exitCode).toBe(0);
      expect(Date.parse(report.finishedAt)).toBeGreaterThan(outage.toMs);
    });

    test('a roll-out that got through meanwhile is healthy', () => {
      const { outputs, exitCode, report, stdout } = outage.waits[FINISHING];
      expect(stdout).toMatch(/ · {2}Deployment outage-finishing\/web .*: NotReady/);
      expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-not-ready': '0' });
      expect(exitCode).toBe(0);
      expect(report.workloads).toEqual([expect.objectContaining({ name: 'web', ready: 1, problem: null })]);
    });

    test('what broke meanwhile is unhealthy, though it had been ready for longer than it has to be', () => {
      const { outputs, exitCode, stdout } = outage.waits[BREAKING];
      expect(outputs).toMatchObject({ verdict: 'unhealthy', 'pods-not-ready': '1' });
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(/^outage-breaking\/web: .*readiness probe.* the timeout of 1m5s is over/i);
      expect(stdout).not.toContain('confirming');
    });
  });

  describe('that is away to the deadline', () => {
    test('leaves a run blind that had seen all ready: it is inconclusive, says since when, and ends in time', () => {
      const { outputs, exitCode, report, tookMs } = outage.deadlines[CALM];
      expect(outputs).toMatchObject({ verdict: 'inconclusive', 'pods-total': '2', 'restarted-nodes': '[]' });
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(
        /^no verdict within 20s: pods, deployments, .* and jobs in namespace outage-calm were last seen \d+s ago: list pods in namespace outage-calm: the connection was refused \(ECONNREFUSED\); is the API server running\?/,
      );
      expect(report.warnings).toEqual([expect.stringMatching(/^lost sight of pods, .* at \S+Z: /)]);
      expect(tookMs).toBeLessThan(DEADLINE_MS + 5_000 + SPAWN_MS);
    });

    test('leaves a run unhealthy that had seen trouble within the last minute, and both are said', () => {
      const { outputs, exitCode, tookMs } = outage.deadlines[FINISHING];
      expect(outputs).toMatchObject({ verdict: 'unhealthy', 'pods-not-ready': '1' });
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(
        /^outage-finishing\/web: .*; the timeout of 20s is over; besides, pods, .* were last seen \d+s ago: /,
      );
      expect(tookMs).toBeLessThan(DEADLINE_MS + 5_000 + SPAWN_MS);
    });
  });

  describe('that is killed while calico-node is restarted', () => {
    test.each(FATES)('and has it %s: the run goes on when it is back, and proves the cure', (fate) => {
      const { run, node, uids } = outage.restarts[fate];
      expect(run.outputs).toMatchObject({
        verdict: 'healthy',
        'calico-auth-failure': 'true',
        'affected-nodes': JSON.stringify([node]),
        'restarted-nodes': JSON.stringify([node]),
        'pods-not-ready': '0',
      });
      expect(run.exitCode).toBe(0);
      expect(run.report.calico.nodes).toEqual([
        expect.objectContaining({ node, action: 'restarted', outcome: 'cured' }),
      ]);
      expect(uids[1]).not.toBe(uids[0]);
      expect(linesOf(run.stdout, /lost sight of/)).toHaveLength(1);
      expect(linesOf(run.stdout, /sees .*pods.* again; nothing is decided for 1\ds, /)).toHaveLength(1);
    });

    test('a DELETE that was answered before the new pod was Ready is not sent again', () => {
      expect(outage.wasBack).toBe(false);
      const { run, received, answered } = outage.restarts.answered;
      expect(received).toHaveLength(1);
      expect(answered.map(({ code }) => code)).toEqual([200]);
      expect(linesOf(run.stdout, / restarting calico-node \(/)).toHaveLength(1);
      expect(linesOf(run.stdout, / was deleted: waiting for the new calico-node pod$/)).toHaveLength(1);
    });

    test('nor one that was carried out and whose answer was lost: that the pod is gone tells it', () => {
      const { run, received, answered } = outage.restarts.unanswered;
      expect(received).toHaveLength(1);
      expect(answered.map(({ code }) => code)).toEqual([200]);
      expect(linesOf(run.stdout, / restarting calico-node \(/)).toHaveLength(1);
      expect(
        linesOf(run.stdout, / the DELETE of \S+ got no answer \(.*\), and the pod could not be read$/),
      ).toHaveLength(1);
      expect(linesOf(run.stdout, / is gone: the DELETE that got no answer was carried out$/)).toHaveLength(1);
    });

    test('one that was not carried out is sent once more, when the pod is seen to be there still', () => {
      const { run, received, answered } = outage.restarts.undone;
      expect(received).toHaveLength(2);
      expect(answered.map(({ code }) => code)).toEqual([200]);
      expect(linesOf(run.stdout, / restarting calico-node \(/)).toHaveLength(2);
      expect(linesOf(run.stdout, / was not answered, and the pod is still there$/)).toHaveLength(1);
      expect(received[1]?.atMs).toBeGreaterThan(outage.toMs);
    });
  });
});

/** A process that starts on a busy machine. */
const SPAWN_MS = 10_000;

function linesOf(log: string, text: RegExp): readonly string[] {
  return log.split('\n').filter((line) => text.test(line) && !line.startsWith('::'));
}

/** What stays as it is, what is about to become ready and what is about to break, and a roll-out for each node. */
async function deploy(
  cluster: Cluster,
  switchboard: Switchboard,
  nodes: Readonly<Record<Fate, string>>,
): Promise<void> {
  const web = async (namespace: string, options: Omit<Parameters<typeof aDeployment>[0], 'name' | 'namespace'>) => {
    await cluster.api.apply(aDeployment({ name: 'web', namespace, ...options }));
  };
  const switched = (name: string) => ({ pod: { container: switchboard.readinessOf(name) } });
  switchboard.set(SWITCHES[BREAKING], true);
  switchboard.set(BLINKING, true);
  await web(CALM, { replicas: 2 });
  await web(FINISHING, {});
  await web(BREAKING, switched(SWITCHES[BREAKING]));
  await web(BLINKING, switched(BLINKING));
  for (const fate of FATES)
    await web(namespaceOf(fate), { replicas: 2, pod: { nodes: [nodes[fate]] }, spec: BOTH_WAYS });
  const ready = (namespace: string, count: number) => allReady(cluster, namespace, count);
  await Promise.all([ready(CALM, 2), ready(FINISHING, 1), ready(BREAKING, 1), ready(BLINKING, 1)]);
  await Promise.all(FATES.map(async (fate) => await ready(namespaceOf(fate), 2)));
  await web(FINISHING, switched(SWITCHES[FINISHING]));
  await until({ what: 'a pod that runs and is not ready', timeoutMs: WITHIN_MS }, async () => {
    const pods = await podsIn(cluster, FINISHING);
    return pods.length === 2 && pods.every(({ status }) => status.phase === 'Running');
  });
}
