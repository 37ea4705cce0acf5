import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import { playRecording } from '../../simulator/recording.ts';
import { createVirtualClock } from '../../simulator/virtual-clock.ts';
import type { ReportedFinding } from '../../src/report/report.ts';
import { aWorld, type Inputs, type Played, play, type World } from '../harness.ts';
import { schemaProblems } from '../report/report-schema.ts';

/** Runs the gate, and holds its report to the schema as a file would show it. */
async function reported(world: World, inputs: Inputs): Promise<Played> {
  const played = await play(world, inputs);
  expect(schemaProblems(JSON.parse(JSON.stringify(played.report)))).toEqual([]);
  return played;
}

function aRecordedWorld(name: string): World {
  const clock = createVirtualClock();
  return { clock, sim: playRecording({ clock, folder: join(import.meta.dirname, '../recordings', name) }) };
}

/** What a finding says of a container that keeps crashing. */
async function crashOf(world: World): Promise<ReportedFinding> {
  world.sim.warmUp(120_000);
  const { report } = await reported(world, { namespaces: 'shop', timeout: '5m' });
  const finding = report.findings.find(({ stage }) => stage === 'crash');
  if (finding === undefined) throw new Error('nothing crashed');
  return finding;
}

describe('the owner of a finding is the workload that people know', () => {
  test('the Deployment, not its ReplicaSet', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'invalidImage' } });
    const { report } = await reported(world, { namespaces: 'shop' });
    expect(report.findings[0]).toMatchObject({
      pod: expect.stringMatching(/^web-/u),
      owner: { kind: 'Deployment', name: 'web' },
    });
  });

  test('the CronJob, not its Job', async () => {
    const world = aWorld();
    world.sim.cluster.runJob({
      namespace: 'shop',
      name: 'backup-28991',
      cronJob: 'backup',
      backoffLimit: 0,
      behaviour: { kind: 'crash', exitCode: 2, times: 1 },
    });
    world.sim.warmUp(300_000);
    const { report } = await reported(world, { namespaces: 'shop', 'min-pods': '0' });
    expect(report.findings).toMatchObject([{ cause: 'Failed', owner: { kind: 'CronJob', name: 'backup' } }]);
  });

  test('nobody where nobody owns the pod', async () => {
    const world = aWorld();
    world.sim.cluster.createPod({ namespace: 'shop', name: 'alone', behaviour: { kind: 'invalidImage' } });
    const { report } = await reported(world, { namespaces: 'shop' });
    expect(report.findings).toMatchObject([{ pod: 'alone', owner: null }]);
  });
});

describe('a finding', () => {
  test('about a workload has no pod and no uid, and the workload as its owner', async () => {
    const world = aWorld();
    world.sim.cluster.setQuota('shop', 1);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 3 });
    world.sim.warmUp(120_000);
    const { report } = await reported(world, { namespaces: 'shop' });
    expect(report.findings).toMatchObject([
      { cause: 'CreateRefused', pod: null, uid: null, node: null, owner: { kind: 'Deployment', name: 'web' } },
    ]);
    expect(report.workloads).toMatchObject([{ name: 'web', desired: 3, ready: 1, problem: 'CreateRefused' }]);
  });

  test('has no node until its pod is scheduled', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'big', behaviour: { kind: 'unschedulable' } });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'small', behaviour: { kind: 'invalidImage' } });
    const { report } = await reported(world, { namespaces: 'shop', 'fail-fast': 'false', timeout: '1m' });
    const nodes = report.findings.map(({ cause, node }) => [cause, node]);
    expect(nodes).toContainEqual(['Unschedulable', null]);
    expect(nodes).toContainEqual(['InvalidImage', expect.stringMatching(/^n[12]$/u)]);
  });

  test('that waits for a pod names it as namespace/name', async () => {
    const { report } = await reported(aRecordedWorld('2-one-node-unauthorized'), {
      timeout: '10s',
      'stable-for': '0s',
    });
    const waits = report.findings.filter(({ derivedFrom }) => derivedFrom !== null);
    expect(waits).toMatchObject([
      { owner: { kind: 'Deployment', name: 'ledger' }, derivedFrom: 'shop/ledger-6f98d48b7-pjtlf' },
    ]);
  });

  test('has bare names in its own two fields; everywhere else pods are namespace/name', async () => {
    const { report, notReadyPods } = await reported(aRecordedWorld('2-one-node-unauthorized'), {
      timeout: '10s',
      'stable-for': '0s',
    });
    for (const { namespace, pod } of report.findings) expect(`${namespace} ${pod}`).not.toContain('/');
    const [node] = report.calico.nodes;
    const elsewhere = [...notReadyPods, ...(node?.pods ?? []), ...(node?.evidence.map(({ pod }) => pod) ?? [])];
    expect(elsewhere.length).toBeGreaterThan(8);
    for (const name of elsewhere) expect(name).toMatch(/^shop\/[\w-]+$/u);
  });
});

describe('a crash', () => {
  const LINES = Array.from({ length: 15 }, (_, index) => `line ${index + 1}`);
  const deploy = (world: World): void =>
    world.sim.cluster.deploy({
      namespace: 'shop',
      name: 'api',
      behaviour: { kind: 'crash', exitCode: 3, message: 'no database', log: LINES },
    });

  test('carries its exit code, the number of restarts and the termination message', async () => {
    const world = aWorld();
    deploy(world);
    expect((await crashOf(world)).message).toMatch(/^container api: \d+ restarts, exit code 3.*no database/u);
  });

  test('carries the last 10 lines of its log, in their order', async () => {
    const world = aWorld();
    deploy(world);
    const { message } = await crashOf(world);
    expect(message).toContain(LINES.slice(5).join(' ⏎ '));
    expect(message).not.toContain('line 5 ');
  });

  test('carries no log where pods/log may not be read, and all else', async () => {
    const world = aWorld({ permissions: allowAllBut({ resource: 'pods', subresource: 'log' }) });
    deploy(world);
    const { message } = await crashOf(world);
    expect(message).toMatch(/exit code 3.*no database/u);
    expect(message).not.toContain('line ');
  });

  test('that a signal ended carries the signal', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'crash', exitCode: 139 } });
    expect((await crashOf(world)).message).toContain('SIGSEGV');
  });

  test('for lack of memory says so', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'oom' } });
    expect(await crashOf(world)).toMatchObject({ cause: 'OutOfMemory', message: expect.stringContaining('137') });
  });
});

describe('the times of the report', () => {
  test("are the API server's, whatever this machine's clock says", async () => {
    const aheadMs = 3_600_000;
    const world = aWorld({ serverSkewMs: aheadMs });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    world.sim.warmUp(60_000);
    const beganMs = world.clock.wallMs() + aheadMs;
    const { report } = await reported(world, { namespaces: 'shop', 'stable-for': '10s' });
    const endedMs = world.clock.wallMs() + aheadMs;
    for (const time of [report.startedAt, ...report.timeline.map(({ at }) => at), report.finishedAt]) {
      // The Date header has whole seconds.
      expect(Date.parse(time)).toBeGreaterThanOrEqual(beganMs - 1_000);
      expect(Date.parse(time)).toBeLessThanOrEqual(endedMs + 1_000);
    }
  });

  test('put the timeline in order, from the beginning to the end of the run', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    const { report } = await reported(world, { namespaces: 'shop', 'stable-for': '10s' });
    const times = [report.startedAt, ...report.timeline.map(({ at }) => at), report.finishedAt];
    expect(times.length).toBeGreaterThan(4);
    expect([...times].sort()).toEqual(times);
    expect(report.timeline[0]?.what).toMatch(/^Calico Health Gate \d+\.\d+\.\d+: all pods in namespace shop/u);
  });
});
