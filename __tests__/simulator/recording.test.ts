import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { playRecording, type RecordingOptions } from '../../simulator/recording.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { ask, type ListBody } from './contract/world.ts';
import { condition, isReady, stage } from './looks.ts';

const RECORDINGS = fileURLToPath(new URL('../recordings/', import.meta.url));
const ALL = [
  '1-healthy',
  '2-one-node-unauthorized',
  '3-restarted',
  '4-cured',
  '5-forbidden',
  '6-ordinary-failures',
] as const;

function play(name: string, options: Omit<RecordingOptions, 'folder'> = {}): { sim: Simulator; clock: VirtualClock } {
  const clock = createVirtualClock();
  return { sim: playRecording({ clock, folder: RECORDINGS + name, ...options }), clock };
}

describe('a recording', () => {
  test.each(ALL)('%s is served as it was recorded, but for its times', async (name) => {
    const { sim } = play(name);
    const recorded = JSON.parse(readFileSync(`${RECORDINGS}${name}/pods.json`, 'utf8')) as ListBody;
    const { body } = await ask<ListBody>(sim.transport, '/api/v1/pods');
    const timeless = (value: unknown): string => JSON.stringify(value).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
    expect(timeless(body.items)).toBe(timeless(recorded.items));
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(recorded.metadata.resourceVersion));
  });

  test('is as old as it is said to be', () => {
    const now = Date.parse(readFileSync(`${RECORDINGS}2-one-node-unauthorized/now`, 'utf8').trim());
    const { sim, clock } = play('2-one-node-unauthorized', { ageMs: 600_000 });
    const pod = sim.cluster.get('pods', 'shop', 'web-84c5c9947d-d55q4');
    const recordedAge = now - Date.parse('2026-11-22T15:52:05Z');
    expect(clock.wallMs() - Date.parse(pod?.metadata.creationTimestamp ?? '')).toBe(recordedAge + 600_000);
  });

  test('loses its events after their hour', async () => {
    const { sim, clock } = play('2-one-node-unauthorized', { ageMs: 3_000_000 });
    expect(sim.cluster.events('shop').some((event) => event.reason === 'FailedCreatePodSandBox')).toBe(true);
    await clock.advance(700_000);
    expect(sim.cluster.events()).toEqual([]);
  });
});

describe('the model that takes over a recording', () => {
  test.each(['1-healthy', '4-cured', '5-forbidden'] as const)(
    'changes nothing in %s but what goes on anyway',
    async (name) => {
      const tokens = name === '5-forbidden' ? ({ n1: 'forbidden', n2: 'forbidden' } as const) : {};
      const { sim, clock } = play(name, { takeOver: { tokens } });
      const written = new Set<string>();
      sim.api.store.subscribe(({ resource, object }) =>
        written.add(`${resource.kind} ${object.metadata.name.split('.')[0]}`),
      );
      await clock.advance(60_000);
      const pods = [...written].filter((entry) => !entry.startsWith('Event '));
      expect(pods).toEqual([]);
    },
  );

  test('counts on where the recorded kubelet stopped', async () => {
    const { sim, clock } = play('2-one-node-unauthorized', { takeOver: { tokens: { n1: 'unauthorized' } } });
    const kills = () =>
      sim.cluster
        .events('shop')
        .filter((event) => event.reason === 'FailedKillPod' && event.involvedObject.name === 'web-899997f4b-zk598');
    expect(kills().map((event) => event.count)).toEqual([9]);
    await clock.advance(60_000);
    const [kill, ...others] = kills();
    expect(others).toEqual([]);
    expect(kill?.count).toBeGreaterThanOrEqual(12);
    expect(kill?.count).toBeLessThanOrEqual(15);
  });

  test('heals after the DELETE of calico-node, to the end of both roll-outs', async () => {
    const { sim, clock } = play('2-one-node-unauthorized', {
      ageMs: 30_000,
      takeOver: { tokens: { n1: 'unauthorized' } },
    });
    const pod = sim.cluster.onNode('n1').calicoNode;
    const answer = await ask<{ kind: string }>(
      sim.transport,
      `/api/v1/namespaces/calico-system/pods/${pod?.metadata.name}`,
      {
        method: 'DELETE',
        body: JSON.stringify({ preconditions: { uid: pod?.metadata.uid } }),
      },
    );
    expect([answer.status, answer.body.kind]).toEqual([200, 'Pod']);
    await clock.advance(60_000);
    expect(sim.cluster.pods().filter((entry) => !isReady(entry))).toEqual([]);
    const ledger = sim.cluster.get('deployments', 'shop', 'ledger');
    expect(ledger?.status).toMatchObject({ observedGeneration: 2, updatedReplicas: 1, availableReplicas: 1 });
    expect(sim.cluster.get('deployments', 'shop', 'web')?.status).toMatchObject({
      replicas: 4,
      updatedReplicas: 4,
      availableReplicas: 4,
    });
  });

  test('goes on with ordinary failures as well', async () => {
    const { sim, clock } = play('6-ordinary-failures', { takeOver: { tokens: {} } });
    const before = sim.cluster.get('pods', 'trouble', 'bad-command')?.status.containerStatuses?.[0]?.restartCount ?? 0;
    const ready = (): readonly string[] =>
      sim.cluster
        .pods('trouble')
        .filter(isReady)
        .map((pod) => pod.metadata.name);
    const readyBefore = ready();
    await clock.advance(240_000);
    expect(
      sim.cluster.get('pods', 'trouble', 'bad-command')?.status.containerStatuses?.[0]?.restartCount,
    ).toBeGreaterThan(before);
    expect(ready()).toEqual(readyBefore);
  });
});

/** Every field of `value`, by path; arrays by what their entries are called. */
function fieldsOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value))
    return value.flatMap((entry: { type?: string }) => fieldsOf(entry, `${path}[${entry?.type ?? ''}]`));
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, entry]) => fieldsOf(entry, `${path}.${key}`));
}

describe('what the model makes has the shape of what was recorded', () => {
  const recorded = (list: string, name: string): Record<string, unknown> => {
    const { items } = JSON.parse(readFileSync(`${RECORDINGS}2-one-node-unauthorized/${list}.json`, 'utf8')) as {
      items: { metadata: { name: string } }[];
    };
    const found = items.find((item) => item.metadata.name === name);
    if (!found) throw new Error(`no ${name} in the recording`);
    const { managedFields: _managed, ...metadata } = found.metadata as Record<string, unknown> & {
      annotations?: Record<string, unknown>;
    };
    if (metadata.annotations) delete metadata.annotations['kubectl.kubernetes.io/last-applied-configuration'];
    return { ...found, metadata };
  };
  const on = stage();
  on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  on.sim.warmUp(60_000);
  on.sim.cluster.breakToken('n1');
  on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
  on.sim.warmUp(90_000);
  const web = on.pods('web');
  const stuck = web.find((pod) => pod.status.phase === 'Pending');
  const running = web.find((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
  const leaving = web.find((pod) => pod.metadata.deletionTimestamp !== undefined);

  test.each([
    ['a pod without a sandbox', 'pods', 'web-84c5c9947d-d55q4', stuck],
    ['a ready pod', 'pods', 'web-84c5c9947d-sf2mm', running],
    ['a stuck Terminating pod', 'pods', 'web-899997f4b-zk598', leaving],
    ['a Deployment', 'deployments', 'web', on.sim.cluster.get('deployments', 'shop', 'web')],
    ['a DaemonSet', 'daemonsets', 'calico-node', on.sim.cluster.get('daemonsets', 'calico-system', 'calico-node')],
  ] as const)('%s', (_what, list, name, made) => {
    const of = (value: unknown): ReadonlySet<string> => {
      const { status, metadata } = value as { status: unknown; metadata: unknown };
      return new Set([...fieldsOf(status, 'status'), ...fieldsOf(metadata, 'metadata')]);
    };
    expect(made).toBeDefined();
    expect([...of(made)].sort()).toEqual([...of(recorded(list, name))].sort());
  });

  test.each([
    'FailedCreatePodSandBox',
    'SandboxChanged',
    'FailedKillPod',
    'Scheduled',
    'Killing',
    'ScalingReplicaSet',
    'SuccessfulCreate',
  ])('an event %s', (reason) => {
    const { items } = JSON.parse(readFileSync(`${RECORDINGS}2-one-node-unauthorized/events.json`, 'utf8')) as {
      items: { reason: string; metadata: Record<string, unknown> }[];
    };
    const real = items.find((item) => item.reason === reason);
    const made = on.sim.cluster.events().find((event) => event.reason === reason);
    const { managedFields: _managed, ...metadata } = real?.metadata ?? {};
    expect(fieldsOf(made).toSorted()).toEqual(fieldsOf({ ...real, metadata }).toSorted());
  });

  test('a healed pod', async () => {
    on.sim.cluster.restoreToken('n1');
    await on.pass(40_000);
    const healed = on.sim.cluster.get('pods', 'shop', stuck?.metadata.name ?? '');
    expect(condition(healed, 'PodReadyToStartContainers')?.status).toBe('True');
    expect(fieldsOf(healed?.status).toSorted()).toEqual(fieldsOf(running?.status).toSorted());
  });
});
