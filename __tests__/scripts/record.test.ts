import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { Assessment } from '../../src/health/assessment.ts';
import { type aWorld, type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld } from '../scenarios/broken-node.ts';
import { contentOf, itemsIn, recordWorld, removeFolders, worldOf } from './recorder.ts';

afterAll(removeFolders);

const RECORDINGS = join(import.meta.dirname, '../recordings');
const STATES = [
  '1-healthy',
  '2-one-node-unauthorized',
  '3-restarted',
  '4-cured',
  '5-forbidden',
  '6-ordinary-failures',
] as const;

/** One look and no more. */
const ONE_LOOK: Inputs = { timeout: '2s', 'stable-for': '1s' };

/** Calico's failure on one node, and next to it every failure that the simulator makes without much ado. */
function aTroubledWorld(options: Parameters<typeof aWorld>[0] = {}): World {
  return aBrokenWorld({
    world: options,
    stuckForMs: 180_000,
    before: ({ sim: { cluster, warmUp } }) => {
      cluster.deploy({
        namespace: 'shop',
        name: 'crashes',
        behaviour: { kind: 'crash', message: 'the till is empty' },
      });
      cluster.deploy({ namespace: 'shop', name: 'no-secret', behaviour: { kind: 'missingSecret', as: 'env' } });
      cluster.deploy({ namespace: 'shop', name: 'no-image', behaviour: { kind: 'imageMissing' } });
      cluster.deploy({ namespace: 'shop', name: 'not-ready', behaviour: { kind: 'neverReady' } });
      cluster.deployStatefulSet({ namespace: 'data', name: 'db', replicas: 2 });
      cluster.runJob({ namespace: 'data', name: 'import', behaviour: { kind: 'crash' }, backoffLimit: 0 });
      warmUp(60_000);
    },
  });
}

async function firstLook(world: World, inputs: Inputs = ONE_LOOK): Promise<Assessment> {
  const [first] = (await play(world, inputs)).looks;
  if (first === undefined) throw new Error('the run ended before it had looked');
  return first.assessment;
}

/** An assessment in which nothing is left of what a recorder may replace: addresses, ids, and what programs wrote. */
function withoutIdentifiers(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, entry: unknown) => (entry instanceof Map ? [...entry] : entry));
  return JSON.parse(
    text
      .replaceAll(/\d+\.\d+\.\d+\.\d+/g, 'IP')
      .replaceAll(/[0-9a-f]{64}/g, 'ID')
      .replaceAll(/[\w.-]+\.(?:invalid|example)\b/g, 'HOST')
      .replaceAll('the till is empty', 'redacted'),
  );
}

/** What was found of each object, by uid where it is a pod's. */
function findingsOf(report: Played['report'], nameless: boolean): readonly string[] {
  return report.findings
    .map(({ uid, owner, stage, cause, fatal, since }) =>
      [uid ?? (nameless ? owner?.kind : owner?.name), stage, cause, fatal, since].join(' '),
    )
    .sort();
}

describe('a recording of a simulated cluster', () => {
  test('played back, is assessed as the cluster was', async () => {
    const world = aTroubledWorld();
    const { exitCode, folder } = await recordWorld(world);
    expect(exitCode).toBe(0);
    const [before, after] = [await firstLook(world), await firstLook(worldOf(folder))];
    const causes = new Set(before.findings.map(({ cause }) => cause));
    expect([...causes].sort()).toEqual([
      'CalicoUnauthorized',
      'CrashLoop',
      'Failed',
      'ImageNotFound',
      'MissingConfig',
      'NotReady',
    ]);
    expect(withoutIdentifiers(after)).toEqual(withoutIdentifiers(before));
  });

  test('leads to the same verdict, plan and findings, also under pseudonyms', async () => {
    const world = aTroubledWorld();
    const real = await recordWorld(world);
    const pseudonymous = await recordWorld(world, ['--pseudonyms']);
    const inputs = { ...ONE_LOOK, timeout: '30s' };
    const before = await play(world, inputs);
    for (const { folder } of [real, pseudonymous]) {
      const after = await play(worldOf(folder), inputs);
      const nameless = folder === pseudonymous.folder;
      expect(after.report.verdict).toBe(before.report.verdict);
      expect(after.report.pods).toEqual(before.report.pods);
      expect(findingsOf(after.report, nameless)).toEqual(findingsOf(before.report, nameless));
      expect(after.report.calico.nodes).toMatchObject([{ action: 'planned' }]);
    }
  });

  test('can be taken over by the model: a restart cures it', async () => {
    const { folder } = await recordWorld(aBrokenWorld());
    const world = worldOf(folder, { ageMs: 60_000, takeOver: { tokens: { n1: 'unauthorized' } } });
    const { report } = await play(world, { 'restart-calico-node': 'true', 'stable-for': '5s' });
    expect(report).toMatchObject({
      verdict: 'healthy',
      calico: { nodes: [{ node: 'n1', action: 'restarted', outcome: 'cured' }] },
    });
  });

  test('keeps templates apart that differ in what was left out', async () => {
    const { folder } = await recordWorld(aBrokenWorld());
    const templates = [...itemsIn(folder, 'deployments'), ...itemsIn(folder, 'replicasets')].map(
      (item) => (item.spec as { template: { metadata: { annotations: object } } }).template.metadata.annotations,
    );
    const [deployment, ...sets] = templates;
    expect(sets.filter((annotations) => JSON.stringify(annotations) === JSON.stringify(deployment))).toHaveLength(1);
  });

  test('says how it was made', async () => {
    const { folder } = await recordWorld(aBrokenWorld(), ['--namespaces', 'shop']);
    expect(JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8'))).toEqual({
      recorder: expect.stringMatching(/^\d+\.\d+\.\d+/u),
      kubernetes: 'v1.34.4',
      namespaces: ['shop'],
      names: 'real',
      forbidden: [],
      gaps: [],
    });
  });
});

describe('a recording of a recording of a real cluster', () => {
  test.each(STATES)('%s means what the first one means', async (state) => {
    const { folder } = await recordWorld(worldOf(join(RECORDINGS, state)));
    const [before, after] = [await firstLook(worldOf(join(RECORDINGS, state))), await firstLook(worldOf(folder))];
    expect(withoutIdentifiers(after)).toEqual(withoutIdentifiers(before));
  });
});

describe('the scope', () => {
  test('is the named namespaces and Calico’s, wherever it is', async () => {
    const world = aTroubledWorld({ calico: { namespace: 'network' } });
    const { folder } = await recordWorld(world, ['--namespaces', 'data']);
    const namespaces = new Set(itemsIn<Pod>(folder, 'pods').map(({ metadata }) => metadata.namespace));
    expect([...namespaces].sort()).toEqual(['data', 'network']);
    expect(itemsIn(folder, 'nodes')).toHaveLength(2);
  });

  test('has the usual namespaces where Calico cannot be looked for, or the one that is named', async () => {
    const { sim, clock } = aBrokenWorld({ world: { calico: { namespace: 'network' } } });
    sim.api.permissions = ({ resource, namespace }) => resource !== 'daemonsets' || Boolean(namespace);
    const guessed = await recordWorld({ sim, clock }, ['--namespaces', 'shop']);
    expect(guessed.lines.join('\n')).toContain('looking for Calico in calico-system, kube-system');
    expect(itemsIn(guessed.folder, 'daemonsets')).toEqual([]);
    const named = await recordWorld({ sim, clock }, ['--namespaces', 'shop', '--calico-namespace', 'network']);
    expect(itemsIn(named.folder, 'daemonsets')).toHaveLength(1);
  });
});

describe('what may not be read', () => {
  test('is noted, and may not be read in the playback either', async () => {
    const world = aBrokenWorld({ world: { permissions: allowAllBut({ resource: 'events' }) } });
    const { exitCode, folder, lines } = await recordWorld(world);
    expect(exitCode).toBe(0);
    expect(lines).toContain('0 events (they may not be listed)');
    expect(JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8'))).toMatchObject({
      forbidden: [{ resource: 'events', namespace: null }],
    });
    const [before, after] = [await play(world, ONE_LOOK), await play(worldOf(folder), ONE_LOOK)];
    expect(after.report.warnings).toEqual(before.report.warnings);
    expect(after.report.warnings.join('\n')).toMatch(/events/u);
  });

  test('are pods: then there is nothing to record, and nothing is written', async () => {
    const world = aBrokenWorld({ world: { permissions: allowAllBut({ resource: 'pods' }) } });
    const { exitCode, folder, lines } = await recordWorld(world);
    expect(exitCode).toBe(2);
    expect(lines.at(-1)).toMatch(/^record: pods may not be listed in all namespaces; .*--namespaces$/u);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('watches', () => {
  const CURED: Inputs = { namespaces: 'shop', 'stable-for': '5s', timeout: '5m' };

  /** A world in which somebody restarts calico-node ten seconds from now. */
  function aWorldAboutToBeCured(): World {
    const world = aBrokenWorld();
    world.clock.after(10_000, () => {
      const pod = world.sim.cluster.onNode('n1').calicoNode;
      world.sim.cluster.deletePod('calico-system', pod?.metadata.name ?? '', { force: true });
    });
    return world;
  }

  test('record what happens, and play it back when it happened', async () => {
    const { folder, lines } = await recordWorld(aWorldAboutToBeCured(), ['--watch', '90s']);
    expect(lines).toContain('watching for 1m30s; Ctrl-C ends it early and keeps what came');
    const unchanged = await play(worldOf(folder), { ...CURED, timeout: '60s' });
    expect(unchanged.report.verdict).toBe('unhealthy');
    const { report, elapsedMs } = await play(worldOf(folder, { changes: true }), CURED);
    const live = await play(aWorldAboutToBeCured(), CURED);
    expect(report).toMatchObject({ verdict: 'healthy', calico: { detected: true } });
    expect(report.verdict).toBe(live.report.verdict);
    expect(Math.abs(elapsedMs - live.elapsedMs)).toBeLessThan(5_000);
  });

  test('hide the same secrets, and give the same pseudonyms', async () => {
    const { folder } = await recordWorld(aWorldAboutToBeCured(), ['--watch', '90s', '--pseudonyms']);
    expect(contentOf(folder)).not.toMatch(/shop|\bweb\b|\bn1\b|10\.244\./u);
    const { report } = await play(worldOf(folder, { changes: true }), { ...CURED, namespaces: '' });
    expect(report).toMatchObject({ verdict: 'healthy', calico: { detected: true } });
  });

  test('go on after a watch that was closed, and say what was lost with one that expired', async () => {
    const world = aBrokenWorld();
    world.clock.after(5_000, () => world.sim.api.watches.close());
    world.clock.after(20_000, () => {
      world.sim.api.watches.close();
      world.sim.api.compact();
    });
    world.clock.after(10_000, () => world.sim.cluster.scale('shop', 'web', 5));
    world.clock.after(20_100, () => world.sim.cluster.scale('shop', 'web', 6));
    world.clock.after(20_200, () => world.sim.api.compact());
    const { folder } = await recordWorld(world, ['--watch', '60s']);
    const about = JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8')) as {
      readonly gaps: readonly string[];
    };
    expect(about.gaps.join('\n')).toMatch(/^pods: /mu);
    expect(readFileSync(join(folder, 'deployments.watch.jsonl'), 'utf8')).toContain('"replicas":5');
  });

  test('end early when they are cancelled, and keep what came', async () => {
    const cancel = new AbortController();
    const world = aWorldAboutToBeCured();
    world.clock.after(30_000, () => cancel.abort());
    const { exitCode, folder } = await recordWorld(world, ['--watch', '10m'], { signal: cancel.signal });
    expect(exitCode).toBe(0);
    expect(readFileSync(join(folder, 'pods.watch.jsonl'), 'utf8')).toContain('"DELETED"');
    expect(world.clock.monotonicMs()).toBeLessThan(60_000);
  });

  test('are not played while the model takes over, nor where there are none', async () => {
    const { folder } = await recordWorld(aBrokenWorld());
    expect(() => worldOf(folder, { changes: true })).toThrow(/has no watches$/u);
    expect(() => worldOf(folder, { changes: true, takeOver: { tokens: {} } })).toThrow(/name one of the two$/u);
    expect(() => worldOf(RECORDINGS, { changes: true })).toThrow();
  });
});

describe('the recorder’s own credentials', () => {
  test('are hidden wherever somebody copied them to', async () => {
    const world = aBrokenWorld();
    world.sim.cluster.createEvent({
      namespace: 'shop',
      pod: world.sim.cluster.pods('shop')[0]?.metadata.name ?? '',
      reason: 'FailedSync',
      message: 'the plugin said open-sesame, twice: open-sesame',
    });
    const { folder } = await recordWorld(world, [], { secrets: ['open-sesame'] });
    expect(contentOf(folder)).not.toContain('open-sesame');
    expect(contentOf(folder)).toMatch(/the plugin said (redacted\d+), twice: \1/u);
  });
});
