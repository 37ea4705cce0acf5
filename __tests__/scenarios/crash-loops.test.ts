import { describe, expect, test } from '@jest/globals';
import type { BehaviourSource } from '../../simulator/cluster/programs.ts';
import { aWorld, type Played, play, type World } from '../harness.ts';
import { findings, firstLook, MINUTE, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

/** Deployment shop/web with one pod, since then. */
function aCrashing(behaviour: BehaviourSource, sinceMs: number): World {
  const world = aWorld();
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour });
  world.sim.warmUp(sinceMs);
  return world;
}

/** When the pod became Ready for good, as the run counts time. */
function readyAtMs({ sim, clock }: World): number {
  const [pod] = sim.cluster.pods('shop');
  const ready = pod?.status.conditions?.find(({ type }) => type === 'Ready');
  return Date.parse(ready?.lastTransitionTime ?? '') - (clock.wallMs() - clock.monotonicMs());
}

describe('a pod that ended abnormally three times, the last time within ten minutes,', () => {
  const threeTimes = { kind: 'crash', afterMs: 5 * SECOND, times: 3 } as const;

  test('counts as CrashLoop even while Ready, until it has stayed Ready for a minute', async () => {
    const world = aCrashing(threeTimes, 90 * SECOND);
    const readyMs = readyAtMs(world);
    const played = await play(world, shop);
    const [first] = played.looks;
    expect(first?.assessment).toMatchObject({ counts: { ready: 0, notReady: 1 } });
    expect(first?.assessment.findings).toMatchObject([{ cause: 'CrashLoop', fatal: false, holdsBack: true }]);
    expect(first?.assessment.findings[0]?.message).toContain('3 restarts, exit code 1 (ready again, not yet for long)');

    const countsReadyMs = firstLook(played, ({ counts }) => counts.ready === 1);
    expect(countsReadyMs - readyMs).toBeGreaterThanOrEqual(MINUTE);
    expect(countsReadyMs - readyMs).toBeLessThan(MINUTE + 2 * SECOND);
    expect(played.report.verdict).toBe('healthy');
    expect(played.elapsedMs).toBeGreaterThanOrEqual(countsReadyMs + 15 * SECOND);
  });

  test('counts as ready when the last time was longer ago', async () => {
    const played = await play(aCrashing(threeTimes, 12 * MINUTE), shop);
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(played.elapsedMs).toBeLessThan(17 * SECOND);
  });

  test('is not counted so at two times', async () => {
    const played = await play(aCrashing({ ...threeTimes, times: 2 }, 50 * SECOND), shop);
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(played.elapsedMs).toBeLessThan(17 * SECOND);
  });

  test('is fatal as soon as it is down again', async () => {
    const played = await play(aCrashing({ kind: 'crash', afterMs: 20 * SECOND }, 3 * MINUTE), shop);
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)[0]).toMatch(/^!CrashLoop shop\/web-/);
    expect(played.report.reason).toMatch(/^shop\/web: container web: \d+ restarts, exit code 1 .* --previous"$/);
    expect(played.elapsedMs).toBeLessThan(MINUTE);
  });

  test('is unhealthy at the timeout when it was Ready again, but not yet for a minute', async () => {
    const { report } = await play(aCrashing(threeTimes, 90 * SECOND), { ...shop, timeout: '20s' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toContain('ready again, not yet for long');
  });
});

test('a workload that is Ready for some seconds and then crashes is never taken for healthy', async () => {
  const world = aWorld();
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', afterMs: 10 * SECOND } });
  const played = await play(world, shop);
  expect(played.looks.some(({ assessment }) => assessment.complete)).toBe(true);
  expect(played.report).toMatchObject({ verdict: 'unhealthy', findings: [{ cause: 'CrashLoop', fatal: true }] });
});

test('a crash loop from before the run counts: whatever is in scope must be ready', async () => {
  const played = await play(aCrashing({ kind: 'crash' }, 30 * MINUTE), shop);
  expect(played.report.verdict).toBe('unhealthy');
  expect(findings(played)[0]).toMatch(/^!CrashLoop shop\/web-/);
  expect(played.elapsedMs).toBeLessThan(5 * SECOND);
});

test('a StatefulSet pod that was made anew under its name is judged by its own restarts and events', async () => {
  const world = aWorld();
  const { cluster } = world.sim;
  cluster.deployStatefulSet({ namespace: 'shop', name: 'db', behaviour: { kind: 'crash', afterMs: 5 * SECOND } });
  world.sim.warmUp(5 * MINUTE);
  world.clock.after(SECOND, () => {
    const behaviour = { kind: 'slow', readyAfterMs: 20 * SECOND } as const;
    cluster.deployStatefulSet({ namespace: 'shop', name: 'db', behaviour });
    cluster.deletePod('shop', 'db-0', { force: true });
  });
  const { report, looks } = await play(world, shop);
  expect(report).toMatchObject({ verdict: 'healthy', findings: [], pods: { total: 1, ready: 1 } });
  const causes = looks
    .filter(({ atMs }) => atMs > 5 * SECOND)
    .flatMap(({ assessment }) => assessment.findings.map(({ cause }) => cause));
  expect(new Set(causes)).toEqual(new Set(['NotReady']));
});

describe('what was told of a crash', () => {
  const patient = { ...shop, 'fail-fast': 'false', timeout: '5m' };

  function told({ log }: Played): readonly string[] {
    return log.filter(
      (line) => /: (?:no longer )?(?:CrashLoop|InitCrash|OutOfMemory)/u.test(line) && !/waiting:/u.test(line),
    );
  }

  test.each<[string, BehaviourSource]>([
    ['CrashLoop', { kind: 'crash' }],
    ['CrashLoop', { kind: 'crash', afterMs: 2 * SECOND }],
    ['InitCrash', { kind: 'initCrash' }],
  ])('stays told between two ends of the container: %s %j', async (cause, behaviour) => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour });
    const played = await play(world, patient);
    expect(told(played).filter((line) => line.includes('no longer'))).toEqual([]);
    expect(told(played)[0]).toContain(`: ${cause}, for `);
    expect(played.report.findings[0]?.cause).toBe(cause);
  });

  test('is over when the pod has been Ready for ten seconds', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', times: 2 } });
    const played = await play(world, { ...patient, 'stable-for': '15s' });
    expect(played.report.verdict).toBe('healthy');
    const over = firstLook(played, ({ counts }) => counts.ready === 1) + 10 * SECOND;
    expect(told(played).slice(1)).toEqual([
      expect.stringMatching(
        new RegExp(` 0:${Math.floor(over / SECOND)} ✓ {2}Deployment shop/web: no longer CrashLoop$`, 'u'),
      ),
    ]);
  });

  test('is over when everything is stable, however short that takes', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', times: 2 } });
    const played = await play(world, { ...patient, 'stable-for': '2s' });
    expect(played.report.verdict).toBe('healthy');
    expect(told(played).at(-1)).toMatch(/✓ {2}Deployment shop\/web: no longer CrashLoop$/u);
  });

  test('is over when the container has run for a minute, though it is not ready', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash' } });
    world.clock.after(10 * SECOND, () => world.sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' }));
    const played = await play(world, patient);
    expect(told(played).slice(1)).toEqual([
      expect.stringMatching(/1:1\d ✓ {2}Deployment shop\/web: no longer CrashLoop$/u),
    ]);
    expect(played.report.findings).toMatchObject([{ cause: 'NotReady' }]);
  });
});
