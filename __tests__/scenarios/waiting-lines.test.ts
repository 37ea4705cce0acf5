import { describe, expect, test } from '@jest/globals';
import { aWorld, type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld } from './broken-node.ts';

const LONGEST_SILENCE_S = 30;

/** Seconds since the run began at which lines were told; the first line and the closing ones have no time. */
function timesOf({ log }: Played): readonly number[] {
  return log.flatMap((line) => {
    const { minutes, seconds } = /^(?<minutes>[ \d]\d):(?<seconds>\d\d) /u.exec(line)?.groups ?? {};
    return minutes === undefined ? [] : [Number(minutes) * 60 + Number(seconds)];
  });
}

function longestSilenceS(played: Played): number {
  const times = [0, ...timesOf(played), Math.floor(played.elapsedMs / 1000)];
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}

function aShop(world: World, behaviour: Parameters<World['sim']['cluster']['deploy']>[0]['behaviour']): void {
  world.sim.cluster.deploy({
    namespace: 'shop',
    name: 'web',
    replicas: 3,
    ...(behaviour === undefined ? {} : { behaviour }),
  });
}

describe('while waiting, a line is told at least every 30 s', () => {
  test.each<[string, (world: World) => void, Inputs]>([
    ['for a probe that does not pass', (world) => aShop(world, { kind: 'neverReady' }), {}],
    ['for an image whose registry is down', (world) => aShop(world, { kind: 'registryDown' }), {}],
    ['for stable-for', (world) => aShop(world, { kind: 'healthy' }), { 'stable-for': '3m' }],
    [
      'for an API server that has gone away',
      (world) => {
        aShop(world, { kind: 'neverReady' });
        world.clock.after(20_000, () => {
          world.sim.api.faults = () => ({ kind: 'refuse' });
          world.sim.api.watches.reset();
        });
      },
      {},
    ],
    [
      'for an API server that does not answer any more',
      (world) => {
        aShop(world, { kind: 'neverReady' });
        world.clock.after(20_000, () => {
          world.sim.api.faults = () => ({ kind: 'hang' });
          world.sim.api.watches.reset();
        });
      },
      {},
    ],
    [
      'for an API server that has never answered',
      (world) => {
        world.sim.api.faults = () => ({ kind: 'hang' });
      },
      {},
    ],
    [
      'for lists that never come',
      (world) => {
        world.sim.api.faults = ({ path }) => (path === '/version' ? undefined : { kind: 'hang' });
      },
      {},
    ],
  ])('%s', async (_, prepare, inputs) => {
    const world = aWorld();
    prepare(world);
    const played = await play(world, { namespaces: 'shop', timeout: '4m', ...inputs });
    expect(played.elapsedMs).toBeGreaterThan(LONGEST_SILENCE_S * 1_000);
    expect(longestSilenceS(played)).toBeLessThanOrEqual(LONGEST_SILENCE_S);
  });
});

describe('a line that is told while waiting', () => {
  test('says what is waited for, how many pods are ready, and how much time is left', async () => {
    const world = aWorld();
    aShop(world, { kind: 'neverReady' });
    const { log } = await play(world, { namespaces: 'shop', timeout: '4m' });
    const waiting = log.filter((line) => line.includes('waiting: '));
    expect(waiting.length).toBeGreaterThan(3);
    for (const line of waiting)
      expect(line).toMatch(/waiting: Deployment shop\/web: NotReady; 0 of 3 pods ready \(3 not ready\); \S+ left$/u);
  });
});

describe('the log', () => {
  test('does not tell what lasts only a moment of a roll-out', async () => {
    const world = aWorld();
    aShop(world, { kind: 'slow', readyAfterMs: 2_000 });
    const { log, report } = await play(world, { namespaces: 'shop' });
    expect(report.verdict).toBe('healthy');
    expect(log.filter((line) => /Deployment shop\/web/u.test(line))).toEqual([]);
  });

  test('tells a failure once, and in one more line that waiting will not heal it', async () => {
    const world = aWorld();
    aShop(world, { kind: 'imageMissing' });
    const { log } = await play(world, { namespaces: 'shop' });
    const told = log.filter((line) => line.includes('shop/web'));
    expect(told).toEqual([
      expect.stringMatching(
        /· {2}Deployment shop\/web \(3 pods, e\.g\. shop\/web-\S+\): ImageNotFound, for \S+: container web: /u,
      ),
      expect.stringMatching(/✗ {2}Deployment shop\/web: ImageNotFound: waiting will not heal it$/u),
      expect.stringMatching(/^UNHEALTHY: shop\/web: /u),
    ]);
  });

  test('tells that a failure is over', async () => {
    const world = aWorld();
    aShop(world, { kind: 'missingSecret' });
    world.clock.after(40_000, () => world.sim.cluster.setBehaviour('shop', 'web', { kind: 'healthy' }));
    const { log, report } = await play(world, { namespaces: 'shop' });
    expect(report.verdict).toBe('healthy');
    expect(log).toContainEqual(expect.stringMatching(/✓ {2}Deployment shop\/web: no longer MissingConfig$/u));
  });

  test('calls a crash loop hopeless once, though its containers run between their ends', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'crash', afterMs: 8_000 } });
    const { log } = await play(world, { namespaces: 'shop', timeout: '6m', 'fail-fast': 'false' });
    expect(log.filter((line) => line.includes('restarts')).length).toBeGreaterThan(1);
    expect(log.filter((line) => /^ \d:\d\d ✗/u.test(line))).toHaveLength(1);
  });

  test('counts what are too many failures for one look', async () => {
    const world = aWorld();
    for (let number = 1; number <= 20; number += 1) {
      world.sim.cluster.deploy({ namespace: 'shop', name: `app-${number}`, behaviour: { kind: 'missingSecret' } });
    }
    world.sim.warmUp(60_000);
    const { log } = await play(world, { namespaces: 'shop', timeout: '20s' });
    expect(log.filter((line) => /^ 0:\d\d · {2}Deployment shop\/app-/u.test(line))).toHaveLength(12);
    expect(log).toContainEqual(expect.stringMatching(/… and 8 more; /u));
  });

  test('lists at its end all that is wrong, one line for pods that suffer alike, and the verdict last', async () => {
    const world = aWorld();
    for (let number = 1; number <= 20; number += 1) {
      world.sim.cluster.deploy({
        namespace: 'shop',
        name: `app-${number}`,
        replicas: 2,
        behaviour: { kind: 'missingSecret' },
      });
    }
    const { log } = await play(world, { namespaces: 'shop', timeout: '20s' });
    const end = log.slice(log.indexOf('What is wrong (20)'));
    expect(end).toHaveLength(22);
    for (const line of end.slice(1, -1))
      expect(line).toMatch(
        /^· {2}Deployment shop\/app-\d+ \(2 pods, e\.g\. shop\/app-\S+\): MissingConfig, for \S+: container /u,
      );
    expect(end.at(-1)).toMatch(/^UNHEALTHY: /u);
  });

  test('tells the last words of a container that crashed, which came too late for the reason', async () => {
    const world = aWorld();
    aShop(world, { kind: 'crash', log: ['cannot reach the database', 'giving up'] });
    const { log } = await play(world, { namespaces: 'shop' });
    const end = log.slice(log.indexOf('What is wrong (1)'));
    expect(end[1]).toMatch(/: CrashLoop, for \S+: .*; last log lines: cannot reach the database ⏎ giving up$/u);
    expect(end[2]).toMatch(/^UNHEALTHY: /u);
  });

  test('lists nothing at its end where the reason has said it all', async () => {
    const world = aWorld();
    aShop(world, { kind: 'imageMissing' });
    const { log } = await play(world, { namespaces: 'shop' });
    expect(log.join('\n')).not.toContain('What is wrong');
  });

  test('lists at its end one thing that is wrong and was not told yet, though the run is healthy', async () => {
    const world = aWorld();
    aShop(world, { kind: 'healthy' });
    world.sim.cluster.createPod({ namespace: 'shop', name: 'kept', behaviour: { kind: 'finalizer' } });
    world.sim.warmUp(60_000);
    world.sim.cluster.deletePod('shop', 'kept');
    world.sim.warmUp(28_000);
    const { log, report } = await play(world, { namespaces: 'shop', 'stable-for': '6s' });
    expect(report.verdict).toBe('healthy');
    expect(log.filter((line) => line.includes('StuckTerminating'))).toHaveLength(1);
    expect(log.at(-2)).toMatch(/^· {2}pod shop\/kept: StuckTerminating/u);
  });

  test('does not repeat at its end the one thing that is wrong, where the reason has other words for it', async () => {
    const { log, report } = await play(aBrokenWorld({ isFirst: true }), { namespaces: 'shop', timeout: '2m' });
    expect(report.findings.map(({ cause }) => cause)).toContain('CalicoUnauthorized');
    expect(log.join('\n')).not.toContain('What is wrong');
  });

  test('does not count pods anew with every pod of a large roll-out', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({
      namespace: 'shop',
      name: 'web',
      replicas: 60,
      behaviour: ({ name }) => ({
        kind: 'slow',
        readyAfterMs: 1_000 + (name.charCodeAt(name.length - 1) % 30) * 1_000,
      }),
    });
    const { log, elapsedMs, report } = await play(world, { namespaces: 'shop' });
    expect(report.verdict).toBe('healthy');
    const counts = log.filter((line) => /of \d+ pods ready/u.test(line));
    expect(counts.length).toBeLessThanOrEqual(elapsedMs / 5_000 + 3);
    expect(counts.at(-1)).toMatch(/60 of 60 pods ready$/u);
  });
});
