import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { playRecording, type RecordingOptions } from '../../simulator/recording.ts';
import type { Report } from '../../src/report/report.ts';
import type { Inputs } from '../harness.ts';
import { type ActionPlayed, begin, closeAll, deletesOf, playAction, type Served, serve } from './runs.ts';

/** The built action in a cluster that was recorded, and what it asked of that cluster. */
interface Replayed extends ActionPlayed {
  readonly served: Served;
  readonly report: Report;
}

interface Replay extends Pick<RecordingOptions, 'takeOver'> {
  readonly name: string;
  /** The recording's `now` is this long ago when the run starts. */
  readonly ageS: number;
  readonly inputs: Inputs;
}

async function replay({ name, ageS, inputs, ...options }: Replay): Promise<Replayed> {
  const folder = join(import.meta.dirname, '../recordings', name);
  const served = await serve(playRecording({ folder, ageMs: ageS * 1_000, ...options }));
  const played = await playAction(served, inputs);
  if (played.report === null) throw new Error('no report was written');
  return { ...played, report: played.report, served };
}

const BROKEN = '2-one-node-unauthorized';
const takeOver = { tokens: { n1: 'unauthorized' } } as const;
const QUICK = { 'stable-for': '0s' };

const runs = {
  healthy: begin(() => replay({ name: '1-healthy', ageS: 0, inputs: QUICK })),
  cured: begin(() => replay({ name: '4-cured', ageS: 0, inputs: QUICK })),
  // Its first event is 91 s old: 29 s of patience are left.
  broken: begin(() => replay({ name: BROKEN, ageS: 0, inputs: { ...QUICK, timeout: '6s' } })),
  brokenForLong: begin(() => replay({ name: BROKEN, ageS: 120, inputs: QUICK })),
  restarted: begin(() =>
    replay({ name: BROKEN, ageS: 0, takeOver, inputs: { 'stable-for': '1s', 'restart-calico-node': 'true' } }),
  ),
  forbidden: begin(() =>
    replay({ name: '5-forbidden', ageS: 60, inputs: { ...QUICK, timeout: '6s', 'restart-calico-node': 'true' } }),
  ),
  ordinary: begin(() => replay({ name: '6-ordinary-failures', ageS: 0, inputs: QUICK })),
};

afterAll(closeAll);

describe('the action in a recorded cluster', () => {
  test.each(['healthy', 'cured'] as const)('passes where all is well: %s', async (name) => {
    const { exitCode, outputs, served } = await runs[name];
    expect({ exitCode, ...outputs }).toMatchObject({
      exitCode: 0,
      verdict: 'healthy',
      'pods-not-ready': '0',
      'not-ready-pods': '[]',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
      'restarted-nodes': '[]',
    });
    expect(deletesOf(served)).toEqual([]);
  });

  test('finds the node whose token is rejected, and plans to restart calico-node there', async () => {
    const { exitCode, outputs, report, served } = await runs.broken;
    expect({ exitCode, ...outputs }).toMatchObject({
      exitCode: 1,
      verdict: 'unhealthy',
      'pods-not-ready': '4',
      'calico-auth-failure': 'true',
      'affected-nodes': '["n1"]',
      'restarted-nodes': '[]',
    });
    expect(report.calico).toMatchObject({
      detected: true,
      installations: [{ namespace: 'calico-system', daemonSet: 'calico-node' }],
      nodes: [
        {
          node: 'n1',
          action: 'planned',
          command: 'kubectl delete pod -n calico-system calico-node-nmdv4',
          outcome: null,
        },
      ],
    });
    expect([...(report.calico.nodes[0]?.pods ?? [])].sort()).toEqual([
      'shop/ledger-6f98d48b7-pjtlf',
      'shop/web-84c5c9947d-d55q4',
      'shop/web-84c5c9947d-tbm6n',
      'shop/web-899997f4b-zk598',
    ]);
    expect(deletesOf(served)).toEqual([]);
  });

  test('waits while the failure may still heal by itself', async () => {
    const { report, outputs } = await runs.broken;
    expect(report.findings.map(({ fatal }) => fatal)).toEqual([false, false, false, false, false]);
    expect(outputs.reason).toMatch(/the timeout of 6s is over$/u);
  });

  test('fails as soon as the failure is two minutes old and has been seen twice', async () => {
    const { exitCode, report, outputs, served } = await runs.brokenForLong;
    expect({ exitCode, ...outputs }).toMatchObject({
      exitCode: 1,
      verdict: 'unhealthy',
      'affected-nodes': '["n1"]',
      reason: expect.stringMatching(
        /^4 pods on n1 cannot .*401 Unauthorized.*kubectl delete pod -n calico-system calico-node-nmdv4, or let the gate do it with restart-calico-node$/u,
      ),
    });
    expect(report.findings.filter(({ cause }) => cause === 'CalicoUnauthorized').map(({ fatal }) => fatal)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(deletesOf(served)).toEqual([]);
  });

  test('restarts exactly the calico-node pod of that node, once, and passes when pods get their network', async () => {
    const { exitCode, outputs, report, served } = await runs.restarted;
    expect(deletesOf(served)).toEqual(['DELETE /api/v1/namespaces/calico-system/pods/calico-node-nmdv4']);
    const [{ body = '' } = {}] = served.sim.requests.filter(({ method }) => method === 'DELETE');
    expect(JSON.parse(body)).toMatchObject({ preconditions: { uid: '0184be03-7142-4874-8019-97debf388d92' } });
    expect({ exitCode, ...outputs }).toMatchObject({
      exitCode: 0,
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': '["n1"]',
      'restarted-nodes': '["n1"]',
      'not-ready-pods': '[]',
    });
    expect(report.calico.nodes).toMatchObject([
      {
        node: 'n1',
        action: 'restarted',
        outcome: 'cured',
        before: { calicoNodePod: 'calico-system/calico-node-nmdv4' },
        after: {
          calicoNodePod: expect.stringMatching(/^calico-system\/calico-node-/u),
          installedAt: expect.any(String),
        },
      },
    ]);
  }, 90_000);

  test('takes a 403 for what it is, whatever old 401 events lie around, and restarts nothing', async () => {
    const { exitCode, outputs, report, served } = await runs.forbidden;
    expect({ exitCode, ...outputs }).toMatchObject({
      exitCode: 1,
      verdict: 'unhealthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
    });
    expect([...new Set(report.findings.map(({ cause }) => cause))]).toEqual(['CalicoForbidden']);
    expect(report.calico).toMatchObject({ detected: false, nodes: [] });
    const old = served.sim.cluster
      .events('shop')
      .filter(({ message }) => message.endsWith('unauthorized: Unauthorized'));
    expect(old.length).toBeGreaterThan(0);
    expect(deletesOf(served)).toEqual([]);
  });

  test('names stage and cause of every pod that is not ready for an ordinary reason, and never Calico', async () => {
    const { exitCode, outputs, report } = await runs.ordinary;
    expect({ exitCode, ...outputs }).toMatchObject({
      exitCode: 1,
      verdict: 'unhealthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
    });
    expect(report.calico).toMatchObject({ detected: false, nodes: [] });
    const table = report.findings.map(({ namespace, pod, owner, stage, cause }) => {
      const subject = pod ?? `${owner?.kind} ${owner?.name}`;
      return `${namespace}/${subject} ${stage}/${cause}`;
    });
    expect(table.sort()).toEqual([
      'quota/Deployment over workload/CreateRefused',
      'trouble/Deployment crash workload/ProgressDeadline',
      'trouble/Job job-fails crash/Failed',
      'trouble/bad-command start/StartError',
      'trouble/bad-image image/RegistryUnavailable',
      'trouble/bad-name image/InvalidImage',
      'trouble/bare-failed crash/Failed',
      'trouble/crash-77cc5f6c7d-6pndb crash/CrashLoop',
      'trouble/crash-77cc5f6c7d-wmpjn crash/CrashLoop',
      'trouble/gated scheduling/SchedulingGated',
      'trouble/init-crash crash/InitCrash',
      'trouble/never-image image/ImageNotFound',
      'trouble/never-ready probe/NotReady',
      'trouble/never-started probe/NotStarted',
      'trouble/no-configmap-volume volumes/VolumeMissing',
      'trouble/no-secret config/MissingConfig',
      'trouble/readiness-gate gate/ReadinessGate',
      'trouble/too-big-7f7d9cc5c-dc9zw scheduling/Unschedulable',
    ]);
  });

  test('counts each of those pods once, and lists the worst first', async () => {
    const { report, outputs } = await runs.ordinary;
    expect(report.pods).toMatchObject({ notReady: 15, superseded: 2 });
    const named = JSON.parse(outputs['not-ready-pods'] ?? '') as readonly string[];
    const withPods = report.findings
      .filter(({ pod }) => pod !== null)
      .map(({ namespace, pod }) => `${namespace}/${pod}`);
    expect([...named].sort()).toEqual(withPods.sort());
    expect(named[0]).toMatch(/^trouble\/crash-/u);
  });

  test('says which Deployment a quota holds back, and that its pods may not be created', async () => {
    const { report } = await runs.ordinary;
    expect(report.findings.find(({ cause }) => cause === 'CreateRefused')).toMatchObject({
      namespace: 'quota',
      pod: null,
      uid: null,
      owner: { kind: 'Deployment', name: 'over' },
      message: expect.stringContaining('exceeded quota: q'),
    });
    expect(report.workloads.find(({ name }) => name === 'over')).toMatchObject({
      desired: 3,
      ready: 1,
      problem: 'CreateRefused',
    });
  });
});
