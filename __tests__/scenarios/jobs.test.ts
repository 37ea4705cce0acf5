import { describe, expect, test } from '@jest/globals';
import type { JobOptions } from '../../simulator/cluster/workload-actions.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '3m' };
const CRASH = { kind: 'crash', message: 'migration 7 failed' } as const;

/** Beside shop/web a Job runs, begun `ageMs` ago. */
function withJob(options: Partial<JobOptions>, ageMs = 30 * SECOND): World {
  const world = aShop(1);
  world.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', ...options });
  world.sim.warmUp(ageMs);
  return world;
}

describe('what is no finding:', () => {
  test('the pods of a Job that completed', async () => {
    const { report } = await play(withJob({}), SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], pods: { total: 2, ready: 1, completed: 1 } });
  });

  test('the failed attempts before the one that completed', async () => {
    const world = withJob({ behaviour: { kind: 'crash', times: 1 } }, 2 * MINUTE);
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(report.pods.superseded).toBeGreaterThan(0);
  });

  test('the failed attempts of a Job that is still retrying', async () => {
    const { report } = await play(withJob({ behaviour: CRASH }), { ...SHOP, 'stable-for': '5s' });
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(report.pods.superseded).toBeGreaterThan(0);
  });

  test('a Job that was deleted by its TTL after it completed', async () => {
    const world = withJob({ ttlSeconds: 35 });
    const { report } = await play(world, SHOP);
    expect(world.sim.cluster.get('jobs', 'shop', 'migrate')).toBeUndefined();
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
  });
});

describe('a Job that failed', () => {
  test('is unhealthy, with one finding for all its attempts', async () => {
    const played = await play(withJob({ behaviour: CRASH, backoffLimit: 2 }, 3 * MINUTE), SHOP);
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)).toEqual(['!Failed shop/migrate']);
    expect(played.report.findings).toMatchObject([
      { pod: null, uid: null, stage: 'crash', owner: { kind: 'Job', name: 'migrate' } },
    ]);
    expect(played.report.reason).toMatch(/BackoffLimitExceeded.*exit code 1: migration 7 failed/);
  });

  describe('alone in the scope', () => {
    const alone = (jobs: readonly string[] = ['migrate'], ttlSeconds?: number): World => {
      const world = aWorld();
      for (const name of jobs) {
        const ttl = ttlSeconds === undefined ? {} : { ttlSeconds };
        world.sim.cluster.runJob({ namespace: 'shop', name, behaviour: CRASH, backoffLimit: 0, ...ttl });
      }
      world.sim.warmUp(30 * SECOND);
      return world;
    };

    test.each([
      ['its pod, which does not count,', alone()],
      ['its pod, which its TTL took with it,', alone(['migrate'], 32)],
    ])('is the one finding: %s is none too few', async (_, world) => {
      const played = await play(world, { ...SHOP, 'fail-fast': 'false', timeout: '2m' });
      expect(findings(played)).toEqual(['!Failed shop/migrate']);
      expect(played.report.reason).not.toContain('more thing');
      expect(played.looks.flatMap(({ assessment }) => assessment.findings).map(({ cause }) => cause)).not.toContain(
        'TooFewPods',
      );
    });

    test.each([
      [['migrate'], '2', true],
      [['migrate', 'seed'], '2', false],
      [['migrate', 'seed'], '3', true],
    ])('%j: of at least %s pods some lack besides: %s', async (jobs, minPods, lack) => {
      const played = await play(alone(jobs), { ...SHOP, 'min-pods': minPods });
      expect(findings(played).some((finding) => finding.includes('TooFewPods'))).toBe(lack);
    });
  });

  test('stays a finding when its TTL deletes it after this run saw it', async () => {
    const world = withJob({ behaviour: CRASH, backoffLimit: 0, ttlSeconds: 40 });
    const played = await play(world, { ...SHOP, 'fail-fast': 'false' });
    expect(world.sim.cluster.get('jobs', 'shop', 'migrate')).toBeUndefined();
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)).toEqual(['!Failed shop/migrate']);
  });

  test('is seen as soon as it fails, in the middle of the run', async () => {
    const world = withJob({ behaviour: { kind: 'crash', afterMs: 5 * SECOND }, backoffLimit: 0 }, 0);
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(elapsedMs).toBeLessThan(15 * SECOND);
  });

  test('of a CronJob carries the name of the CronJob', async () => {
    const world = withJob({ name: 'backup-1', cronJob: 'backup', behaviour: CRASH, backoffLimit: 0 }, MINUTE);
    const { report } = await play(world, SHOP);
    expect(report.findings).toMatchObject([{ cause: 'Failed', owner: { kind: 'CronJob', name: 'backup' } }]);
  });
});

describe('a failed Job of a CronJob', () => {
  function failedThen(next: Partial<JobOptions>): World {
    const world = withJob({ name: 'backup-1', cronJob: 'backup', behaviour: CRASH, backoffLimit: 0 }, MINUTE);
    world.sim.cluster.runJob({ namespace: 'shop', name: 'backup-2', cronJob: 'backup', ...next });
    world.sim.warmUp(MINUTE);
    return world;
  }

  test('is made good by a newer one that succeeded, and the log says so', async () => {
    const { report, log } = await play(failedThen({}), SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(log).toContainEqual(
      expect.stringContaining('Job shop/backup-1 failed; a newer Job of its CronJob succeeded'),
    );
  });

  test('is not made good by one that still runs', async () => {
    const { report } = await play(failedThen({ behaviour: { kind: 'completes', afterMs: 60 * MINUTE } }), SHOP);
    expect(report.verdict).toBe('unhealthy');
  });

  test('is not made good by an older one, or by one of another CronJob', async () => {
    const world = aShop(1);
    world.sim.cluster.runJob({ namespace: 'shop', name: 'backup-1', cronJob: 'backup' });
    world.sim.warmUp(MINUTE);
    world.sim.cluster.runJob({
      namespace: 'shop',
      name: 'backup-2',
      cronJob: 'backup',
      behaviour: CRASH,
      backoffLimit: 0,
    });
    world.sim.warmUp(MINUTE);
    world.sim.cluster.runJob({ namespace: 'shop', name: 'report-1', cronJob: 'report' });
    world.sim.warmUp(MINUTE);
    const played = await play(world, SHOP);
    expect(findings(played)).toEqual(['!Failed shop/backup']);
  });
});

describe('what is not waited for, and the log says so:', () => {
  test.each<[string, Partial<JobOptions>, string]>([
    ['a Job that runs', { behaviour: { kind: 'completes', afterMs: 60 * MINUTE } }, 'Job shop/migrate is running'],
    ['a Job that is suspended', { suspend: true }, 'Job shop/migrate is suspended'],
  ])('%s', async (_, options, note) => {
    const { report, log, elapsedMs } = await play(withJob(options), SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeLessThan(20 * SECOND);
    expect(log.filter((line) => line.includes(note))).toEqual([expect.stringContaining('it is not waited for')]);
  });

  test('said once for a Job of many pods, whatever it has completed meanwhile', async () => {
    const world = withJob({ completions: 200, parallelism: 5, behaviour: { kind: 'completes', afterMs: 3 * SECOND } });
    const { log, report } = await play(world, { ...SHOP, 'stable-for': '60s' });
    expect(report.verdict).toBe('healthy');
    expect(log.filter((line) => line.includes('Job shop/migrate is running'))).toHaveLength(1);
  });

  test('a scope of nothing but Jobs is watched for stable-for all the same', async () => {
    const { sim, clock } = aShop(1);
    sim.cluster.runJob({
      namespace: 'jobs',
      name: 'migrate',
      behaviour: { kind: 'crash', afterMs: 8 * SECOND },
      backoffLimit: 0,
    });
    const failing = await play({ sim, clock }, { ...SHOP, namespaces: 'jobs' });
    expect(failing.report.verdict).toBe('unhealthy');
  });
});
