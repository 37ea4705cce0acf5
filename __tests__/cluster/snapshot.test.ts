import { describe, expect, test } from '@jest/globals';
import { allowAllBut, allowOnly, type Permissions } from '../../simulator/api/access.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../simulator/simulator.ts';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { type Api, createApi } from '../../src/cluster/api.ts';
import { createServerClock } from '../../src/cluster/server-clock.ts';
import { createView, type View, type ViewOptions } from '../../src/cluster/snapshot.ts';
import { parseSelector } from '../../src/selector.ts';
import { TIMING } from '../../src/timing.ts';

interface World {
  readonly clock: VirtualClock;
  readonly sim: Simulator;
  readonly api: Api;
  readonly end: AbortController;
  readonly open: (settings?: Partial<ViewOptions['settings']>) => View;
}

function aWorld(options: Partial<SimulatorOptions> = {}): World {
  const clock = createVirtualClock();
  const sim = createSimulator({
    clock,
    seed: 7,
    nodes: ['n1', 'n2'],
    calico: { namespace: 'calico-system' },
    ...options,
  });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  sim.cluster.deploy({ namespace: 'bank', name: 'ledger', replicas: 2 });
  sim.warmUp(60_000);
  const end = new AbortController();
  const api = createApi({
    transport: sim.transport,
    clock,
    serverClock: createServerClock(clock),
    renewCredentials: () => Promise.resolve(),
    signal: end.signal,
    random: () => 0.5,
  });
  const open = (settings: Partial<ViewOptions['settings']> = {}): View => {
    const defaults = { namespaces: [], excludeNamespaces: [], selector: null, selectorText: '', calicoNamespace: null };
    return createView({
      api,
      clock,
      settings: { ...defaults, ...settings },
      timing: TIMING,
      signal: end.signal,
      random: () => 0.5,
    });
  };
  return { clock, sim, api, end, open };
}

function selecting(text: string): Pick<ViewOptions['settings'], 'selector' | 'selectorText'> {
  const parsed = parseSelector(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { selector: parsed.selector, selectorText: text };
}

function namespacesOf(objects: readonly { readonly namespace: string }[]): readonly string[] {
  return [...new Set(objects.map(({ namespace }) => namespace))].sort();
}

/** Paths without the query, of lists and of watches. */
function pathsOf(sim: Simulator, what: 'list' | 'watch'): readonly string[] {
  return sim.requests
    .filter(({ method, path }) => method === 'GET' && path.includes('watch=1') === (what === 'watch'))
    .map(({ path }) => path.split('?')[0] ?? '');
}

describe('the picture of all namespaces', () => {
  test('is one list and one watch for each kind, and complete', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    const snapshot = view.snapshot();
    expect(namespacesOf(snapshot.pods)).toEqual(['bank', 'calico-system', 'shop']);
    expect(snapshot.workloads.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'DaemonSet calico-node',
      'Deployment ledger',
      'Deployment web',
    ]);
    expect(snapshot.nodes?.map(({ name }) => name).sort()).toEqual(['n1', 'n2']);
    expect(snapshot.coverage).toMatchObject({ complete: true, gaps: [], reconnections: 0 });
    expect(snapshot.calico).toMatchObject({ searched: true, podNamespaces: [], podGaps: [] });
    expect(snapshot.calico.daemonSets.map(({ name }) => name)).toEqual(['calico-node']);
    await clock.advance(0);
    expect([...pathsOf(sim, 'list')].sort()).toEqual([
      '/api/v1/events',
      '/api/v1/events',
      '/api/v1/nodes',
      '/api/v1/pods',
      '/apis/apps/v1/daemonsets',
      '/apis/apps/v1/deployments',
      '/apis/apps/v1/statefulsets',
      '/apis/batch/v1/jobs',
    ]);
    expect(pathsOf(sim, 'watch')).toHaveLength(8);
    end.abort();
  });

  test('follows the cluster without asking again, and keeps what has not changed', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    const before = view.snapshot();
    expect(view.snapshot().pods).toBe(before.pods);
    const requests = sim.requests.length;
    await clock.advance(0);
    sim.cluster.scale('shop', 'web', 5);
    await clock.run(view.changed());
    await clock.advance(20_000);
    const after = view.snapshot();
    expect(after.pods).toHaveLength(before.pods.length + 1);
    expect(before.pods.every((pod) => after.pods.includes(pod))).toBe(true);
    expect(sim.requests.length - requests).toBeLessThanOrEqual(8);
    end.abort();
  });

  test('leaves out the excluded namespaces, and needs no second list for their pods', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open({ excludeNamespaces: ['calico-system', 'bank'] });
    await clock.run(view.start());
    view.watchCalico(['calico-system']);
    view.watchNodes(['n1']);
    await clock.advance(1_000);
    const { pods, workloads, events, calico, witnesses } = view.snapshot();
    expect(namespacesOf(pods)).toEqual(['shop']);
    expect(namespacesOf(workloads)).toEqual(['shop']);
    expect(namespacesOf(events).every((namespace) => namespace === 'shop')).toBe(true);
    expect(calico.pods).toHaveLength(2);
    expect(calico).toMatchObject({ podNamespaces: ['calico-system'], podGaps: [] });
    expect(witnesses.length).toBeGreaterThan(0);
    expect(witnesses.every(({ nodeName, namespace }) => nodeName === 'n1' && namespace !== 'shop')).toBe(true);
    expect(pathsOf(sim, 'list').filter((path) => path.endsWith('/pods'))).toEqual(['/api/v1/pods']);
    end.abort();
  });

  test('keeps an event as long as its pod is there, after the cluster forgot it', async () => {
    const { clock, sim, open, end } = aWorld({ eventTtlMs: 120_000 });
    sim.cluster.deploy({ namespace: 'shop', name: 'bad', replicas: 1, behaviour: { kind: 'imageMissing' } });
    sim.warmUp(30_000);
    const view = open();
    await clock.run(view.start());
    const isOfBad = ({ about }: { readonly about: { readonly name: string } }): boolean =>
      about.name.startsWith('bad-');
    const pod = view.snapshot().pods.find(({ name }) => name.startsWith('bad-'));
    const event = view.snapshot().events.find(isOfBad);
    expect(event?.about.uid).toBe(pod?.uid);
    sim.cluster.remove('events', 'shop', event?.name ?? '');
    await clock.advance(1_000);
    expect(view.snapshot().events).toContain(event);
    sim.cluster.scale('shop', 'bad', 0);
    await clock.advance(120_000);
    expect(view.snapshot().pods.some(({ uid }) => uid === pod?.uid)).toBe(false);
    view.snapshot();
    expect(view.snapshot().events.filter(isOfBad)).not.toContain(event);
    end.abort();
  });

  test('does not ask for events that every healthy pod causes', async () => {
    const { clock, sim, open, end } = aWorld();
    await clock.run(open().start());
    const selectors = sim.requests
      .filter(({ path }) => path.startsWith('/api/v1/events'))
      .map(({ path }) => decodeURIComponent(path));
    expect(selectors.some((path) => path.includes('involvedObject.kind=Pod,reason!=Scheduled'))).toBe(true);
    expect(selectors.some((path) => path.includes('reason=FailedCreate'))).toBe(true);
    end.abort();
  });
});

describe('the picture of named namespaces', () => {
  test('is one list and watch for each kind and namespace, up to four', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open({ namespaces: ['shop', 'bank'] });
    await clock.run(view.start());
    const snapshot = view.snapshot();
    expect(namespacesOf(snapshot.pods)).toEqual(['bank', 'shop']);
    expect(snapshot.namespaces).toEqual([
      { namespace: 'shop', presence: 'exists' },
      { namespace: 'bank', presence: 'exists' },
    ]);
    expect(snapshot.coverage.complete).toBe(true);
    expect(pathsOf(sim, 'list')).toContain('/api/v1/namespaces/shop/pods');
    expect(pathsOf(sim, 'list')).not.toContain('/api/v1/pods');
    expect(snapshot.calico.daemonSets.map(({ name }) => name)).toEqual(['calico-node']);
    view.watchCalico(['calico-system']);
    await clock.advance(1_000);
    expect(view.snapshot().calico.pods).toHaveLength(2);
    view.watchCalico([]);
    expect(view.snapshot().calico.pods).toEqual([]);
    end.abort();
  });

  test('from five on is one list of all namespaces, filtered', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open({ namespaces: ['shop', 'a', 'b', 'c', 'd'] });
    await clock.run(view.start());
    expect(namespacesOf(view.snapshot().pods)).toEqual(['shop']);
    expect(pathsOf(sim, 'list').filter((path) => path.endsWith('/pods'))).toEqual(['/api/v1/pods']);
    expect(view.snapshot().namespaces.find(({ namespace }) => namespace === 'a')?.presence).toBe('missing');
    end.abort();
  });

  test('from five on, where not all may be listed, is lists every few seconds', async () => {
    const namespaces = ['shop', 'bank', 'a', 'b', 'c'];
    const { clock, sim, open, end } = aWorld({
      permissions: allowOnly({ namespace: namespaces }, { resource: 'namespaces' }),
    });
    const view = open({ namespaces });
    await clock.run(view.start());
    const { pods, coverage, nodes } = view.snapshot();
    expect(namespacesOf(pods)).toEqual(['bank', 'shop']);
    expect(coverage).toMatchObject({ complete: true });
    expect(nodes).toBeNull();
    await clock.advance(30_000);
    expect(pathsOf(sim, 'watch')).toEqual([]);
    expect(
      pathsOf(sim, 'list').filter((path) => path === '/api/v1/namespaces/shop/pods').length,
    ).toBeGreaterThanOrEqual(4);
    expect(view.snapshot().coverage.complete).toBe(true);
    end.abort();
  });

  test('knows that a namespace is missing, and when it appears', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open({ namespaces: ['soon'] });
    await clock.run(view.start());
    expect(view.snapshot().namespaces).toEqual([{ namespace: 'soon', presence: 'missing' }]);
    sim.cluster.createNamespace('soon');
    await clock.advance(6_000);
    expect(view.snapshot().namespaces).toEqual([{ namespace: 'soon', presence: 'exists' }]);
    end.abort();
  });

  test('that may not be read: what lives in them shows that they are there', async () => {
    const { clock, open, end } = aWorld({ permissions: allowAllBut({ resource: 'namespaces' }) });
    const view = open({ namespaces: ['shop', 'nowhere'] });
    await clock.run(view.start());
    expect(view.snapshot().namespaces.map(({ presence }) => presence)).toEqual(['exists', 'unknown']);
    end.abort();
  });
});

describe('the picture of a selector', () => {
  test('has the pods that match, all workloads, and reads Calico and witnesses by themselves', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open(selecting('app=web'));
    await clock.run(view.start());
    expect(view.snapshot().pods).toHaveLength(4);
    expect(view.snapshot().workloads).toHaveLength(3);
    expect(sim.requests.find(({ path }) => path.startsWith('/api/v1/pods'))?.path).toContain('labelSelector=app%3Dweb');
    view.watchCalico(['calico-system']);
    view.watchNodes(['n2']);
    await clock.advance(1_000);
    const { calico, witnesses, pods } = view.snapshot();
    expect(calico.pods).toHaveLength(2);
    expect(calico).toMatchObject({ podNamespaces: ['calico-system'], podGaps: [] });
    expect(witnesses.every(({ nodeName }) => nodeName === 'n2')).toBe(true);
    expect(namespacesOf(witnesses)).toContain('calico-system');
    expect(witnesses.some((witness) => pods.some(({ uid }) => uid === witness.uid))).toBe(false);
    end.abort();
  });
});

describe('what may not be seen', () => {
  test.each(['pods', 'deployments', 'statefulsets', 'daemonsets', 'jobs'] as const)(
    'makes the picture incomplete when it is %s',
    async (resource) => {
      const { clock, open, end } = aWorld({ permissions: allowAllBut({ resource }) });
      const view = open();
      await clock.run(view.start());
      const { coverage } = view.snapshot();
      expect(coverage).toMatchObject({ complete: false, freshAtMs: null });
      expect(coverage.gaps).toEqual([expect.objectContaining({ resource, namespace: null, why: 'forbidden' })]);
      end.abort();
    },
  );

  test.each(['events', 'nodes'] as const)('is only a gap when it is %s', async (resource) => {
    const { clock, open, end } = aWorld({ permissions: allowAllBut({ resource }) });
    const view = open();
    await clock.run(view.start());
    const { coverage, nodes } = view.snapshot();
    expect(coverage.complete).toBe(true);
    expect(new Set(coverage.gaps.map((gap) => gap.resource))).toEqual(new Set([resource]));
    expect(nodes === null).toBe(resource === 'nodes');
    end.abort();
  });

  test('in one of several namespaces is that namespace', async () => {
    const { clock, open, end } = aWorld({ permissions: allowAllBut({ resource: 'pods', namespace: 'bank' }) });
    const view = open({ namespaces: ['shop', 'bank'] });
    await clock.run(view.start());
    const { coverage, pods } = view.snapshot();
    expect(namespacesOf(pods)).toEqual(['shop']);
    expect(coverage.gaps).toEqual([expect.objectContaining({ resource: 'pods', namespace: 'bank', why: 'forbidden' })]);
    end.abort();
  });

  test('for good ends the view', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    expect(view.failure()).toBeNull();
    sim.api.tokens.revoke('gate-token');
    sim.api.watches.close();
    await clock.advance(10_000);
    expect(view.failure()?.kind).toBe('unauthorized');
    expect(view.snapshot().coverage.complete).toBe(false);
    end.abort();
  });
});

describe('Calico, where DaemonSets may not be listed everywhere', () => {
  const onlyNamespaced: Permissions = (asked) =>
    asked.user === 'gate' && !(asked.resource === 'daemonsets' && asked.namespace === undefined);

  test('is looked for in the usual namespaces, and its absence proves nothing', async () => {
    const { clock, open, end } = aWorld({ permissions: onlyNamespaced });
    const view = open({ namespaces: ['shop'] });
    await clock.run(view.start());
    const { calico, coverage } = view.snapshot();
    expect(calico.daemonSets.map(({ name }) => name)).toEqual(['calico-node']);
    expect(calico.searched).toBe(false);
    expect(coverage.gaps).toEqual([]);
    end.abort();
  });

  test('is looked for in calico-namespace, and then its absence counts', async () => {
    const { clock, open, end } = aWorld({ permissions: onlyNamespaced });
    const view = open({ namespaces: ['shop'], calicoNamespace: 'elsewhere' });
    await clock.run(view.start());
    expect(view.snapshot().calico).toMatchObject({ daemonSets: [], searched: true });
    end.abort();
  });
});

describe('a view', () => {
  test('that is lost says since when, and is whole again after a fresh list', async () => {
    const { clock, sim, api, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    await clock.advance(30_000);
    const lostAtMs = api.now().atMs;
    sim.api.faults = () => ({ kind: 'refuse' });
    sim.api.watches.reset();
    await clock.advance(60_000);
    const { coverage } = view.snapshot();
    expect(coverage.complete).toBe(false);
    expect(coverage.gaps.filter(({ resource }) => resource === 'pods')).toEqual([
      expect.objectContaining({ why: 'stale', message: expect.stringContaining('refused') }),
    ]);
    expect(Math.abs((coverage.freshAtMs ?? 0) - lostAtMs)).toBeLessThanOrEqual(1_000);
    sim.api.faults = () => undefined;
    await clock.advance(60_000);
    expect(view.snapshot().coverage).toMatchObject({ complete: true, gaps: [] });
    expect(view.snapshot().coverage.reconnections).toBeGreaterThanOrEqual(5);
    end.abort();
  });

  test('is confirmed by fresh lists of what the verdict needs', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open({ namespaces: ['shop'] });
    await clock.run(view.start());
    await clock.advance(0);
    sim.api.watches.silence();
    sim.cluster.deletePod('shop', view.snapshot().pods[0]?.name ?? '', { force: true });
    await clock.advance(100);
    const before = sim.requests.length;
    await expect(clock.run(view.refresh(end.signal, false))).resolves.toBe(true);
    const asked = sim.requests
      .slice(before)
      .filter(({ path }) => !path.includes('watch=1'))
      .map(({ path }) => path.split('?')[0] ?? '');
    expect([...asked].sort()).toEqual([
      '/api/v1/namespaces/shop',
      '/api/v1/namespaces/shop/pods',
      '/apis/apps/v1/namespaces/shop/daemonsets',
      '/apis/apps/v1/namespaces/shop/deployments',
      '/apis/apps/v1/namespaces/shop/statefulsets',
      '/apis/batch/v1/namespaces/shop/jobs',
    ]);
    expect(view.snapshot().coverage).toMatchObject({ complete: true, reconnections: 0 });
    end.abort();
  });

  test('is confirmed with events where it hangs on them, and without where they fail', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open({ namespaces: ['shop'] });
    await clock.run(view.start());
    await clock.advance(0);
    const eventLists = (): number =>
      sim.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'events').length;
    const before = eventLists();
    await expect(clock.run(view.refresh(end.signal, true))).resolves.toBe(true);
    expect(eventLists()).toBe(before + 2);
    sim.api.faults = ({ resource }) => (resource === 'events' ? { kind: 'status', status: 503 } : undefined);
    await expect(clock.run(view.refresh(end.signal, true))).resolves.toBe(true);
    end.abort();
  });

  test('is not confirmed when one of the lists fails', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    sim.api.faults = ({ path }) => (path.startsWith('/apis/batch') ? { kind: 'status', status: 503 } : undefined);
    await expect(clock.run(view.refresh(end.signal, false))).resolves.toBe(false);
    end.abort();
  });

  test('ends with its signal: nothing is left that could wake up', async () => {
    const { clock, sim, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    view.watchCalico(['calico-system']);
    view.watchNodes(['n1']);
    await clock.advance(10_000);
    end.abort();
    await clock.advance(0);
    sim.close();
    expect(sim.api.watches.open()).toBe(0);
    expect(clock.pending()).toBe(0);
    await clock.run(view.changed());
  });

  test('that is closed resolves what waits for it', async () => {
    const { clock, open, end } = aWorld();
    const view = open();
    await clock.run(view.start());
    view.snapshot();
    const changed = view.changed();
    view.close();
    await clock.run(changed);
    expect(end.signal.aborted).toBe(false);
  });

  test('starts although the server is away, and says what it lacks', async () => {
    const { clock, sim, open, end } = aWorld();
    sim.api.faults = () => ({ kind: 'status', status: 503 });
    const view = open();
    await clock.run(view.start());
    const { coverage, pods } = view.snapshot();
    expect(pods).toEqual([]);
    expect(coverage.gaps.every(({ why }) => why === 'never-read')).toBe(true);
    expect(coverage.complete).toBe(false);
    end.abort();
  });
});
