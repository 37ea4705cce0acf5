import { afterEach, describe, expect, test } from '@jest/globals';
import { allowAll, allowAllBut } from '../../simulator/api/access.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../simulator/simulator.ts';
import { createVirtualClock } from '../../simulator/virtual-clock.ts';
import { contractWorldOf, simulateContract } from './contract/simulated.ts';
import { ask, type ListBody, type StatusBody, watchUntil } from './contract/world.ts';
import { CONTRACT } from './contract.ts';

const clock = createVirtualClock();
let open: Simulator | undefined;

function simulate(options: SimulatorOptions = {}): Simulator {
  const sim = createSimulator({ clock, ...options });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 3 });
  sim.cluster.deploy({ namespace: 'shop', name: 'cart', replicas: 1 });
  sim.warmUp(30_000);
  open = sim;
  return sim;
}

function victimOf(sim: Simulator): string {
  const pod = sim.cluster
    .pods('shop')
    .find((entry) => entry.metadata.labels?.app === 'web' && !entry.metadata.deletionTimestamp);
  return pod?.metadata.name ?? '';
}

afterEach(() => {
  open?.close();
  open = undefined;
});

describe('the API server keeps the contract that a real one keeps', () => {
  test.each(CONTRACT)('$name', async ({ run }) => {
    open = simulateContract({ clock });
    await clock.run(run(contractWorldOf(open)));
  });
});

describe('lists and versions', () => {
  test('a continue token expires with a 410 that offers an inconsistent rest', async () => {
    const sim = simulate();
    const first = await ask<ListBody>(sim.transport, '/api/v1/pods?limit=1');
    sim.api.compact();
    const expired = await ask<StatusBody>(
      sim.transport,
      `/api/v1/pods?limit=1&continue=${first.body.metadata.continue}`,
    );
    expect([expired.status, expired.body.reason]).toEqual([410, 'Expired']);
    const rest = await ask<ListBody>(
      sim.transport,
      `/api/v1/pods?limit=100&continue=${expired.body.metadata.continue}`,
    );
    expect(rest.body.items).toHaveLength(sim.cluster.pods().length - 1);
  });

  test('pages can be made smaller than was asked for', async () => {
    const sim = simulate({ pageLimit: 1 });
    const first = await clock.run(ask<ListBody>(sim.transport, '/api/v1/nodes?limit=500'));
    expect(first.body.items).toHaveLength(1);
    const rest = await ask<ListBody>(sim.transport, `/api/v1/nodes?limit=500&continue=${first.body.metadata.continue}`);
    expect(rest.body.items).toHaveLength(1);
    expect(rest.body.items[0]?.metadata.name).not.toBe(first.body.items[0]?.metadata.name);
    expect((await ask<ListBody>(sim.transport, '/api/v1/nodes')).body.items).toHaveLength(2);
  });

  test('continue tokens expire by themselves after five minutes', async () => {
    const sim = simulate();
    const first = await ask<ListBody>(sim.transport, '/api/v1/pods?limit=1');
    await clock.advance(301_000);
    expect((await ask(sim.transport, `/api/v1/pods?limit=1&continue=${first.body.metadata.continue}`)).status).toBe(
      410,
    );
  });

  test('ten thousand pods are listed page by page', async () => {
    const sim = simulate();
    for (let index = 0; index < 10_000; index += 1) {
      sim.cluster.put('pods', {
        metadata: { name: `pod-${index}`, namespace: 'many' },
        spec: { containers: [] },
        status: { phase: 'Running' },
      });
    }
    const seen = new Set<string>();
    let token = '';
    do {
      const { body } = await ask<ListBody>(sim.transport, `/api/v1/namespaces/many/pods?limit=500&continue=${token}`);
      for (const item of body.items) seen.add(item.metadata.name);
      token = body.metadata.continue ?? '';
    } while (token !== '');
    expect(seen.size).toBe(10_000);
  });
});

describe('watches', () => {
  const list = '/api/v1/namespaces/shop/pods';

  test('bookmarks come about once a minute and carry nothing but a version', async () => {
    const sim = simulate();
    const { body } = await ask<ListBody>(sim.transport, list);
    const path = `${list}?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${body.metadata.resourceVersion}`;
    const startMs = clock.monotonicMs();
    const lines = await clock.run(watchUntil(sim.transport, path, (seen) => seen.length >= 2));
    expect(lines.map((line) => line.type)).toEqual(['BOOKMARK', 'BOOKMARK']);
    expect(lines[0]?.object).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
      spec: { containers: null },
      status: {},
    });
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(120_000);
    expect(clock.monotonicMs() - startMs).toBeLessThanOrEqual(150_000);
  });

  test('a version that was compacted away is refused by an ERROR event, or by a status where that is wanted', async () => {
    const sim = simulate();
    const { body } = await ask<ListBody>(sim.transport, list);
    sim.cluster.scale('shop', 'web', 2);
    await clock.advance(5_000);
    sim.api.compact();
    const path = `${list}?watch=1&timeoutSeconds=60&resourceVersion=${body.metadata.resourceVersion}`;
    const [line] = await clock.run(watchUntil(sim.transport, path, (seen) => seen.length > 0));
    expect([line?.type, line?.object.code, line?.object.reason]).toEqual(['ERROR', 410, 'Expired']);
    expect(line?.object.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
    sim.api.watches.goneAs = 'status';
    expect((await ask(sim.transport, path)).status).toBe(410);
  });

  test('watches can be closed, broken and silenced', async () => {
    const sim = simulate();
    const path = `${list}?watch=1&timeoutSeconds=600`;
    const read = (): Promise<number> => watchUntil(sim.transport, path, () => false).then((lines) => lines.length);
    clock.after(1000, sim.api.watches.close);
    expect(await clock.run(read())).toBe(4);
    clock.after(1000, sim.api.watches.reset);
    await expect(clock.run(read())).rejects.toMatchObject({ code: 'ECONNRESET' });
    // Half-open: nothing is heard of its end either.
    clock.after(1000, () => {
      sim.api.watches.silence();
      sim.cluster.scale('shop', 'web', 1);
    });
    clock.after(700_000, sim.api.watches.close);
    const beforeMs = clock.monotonicMs();
    expect(await clock.run(read())).toBe(4);
    expect(clock.monotonicMs() - beforeMs).toBe(700_000);
    expect(sim.api.watches.open()).toBe(0);
  });
});

describe('access', () => {
  test('a token that was revoked is refused like one that is unknown', async () => {
    const sim = simulate();
    const refused = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    };
    expect((await ask(sim.transportFor('nobody'), '/api/v1/pods')).body).toEqual(refused);
    sim.api.tokens.revoke('gate-token');
    const { status, body } = await ask(sim.transport, '/api/v1/pods');
    expect([status, body]).toEqual([401, refused]);
  });

  test('rights can change at run time, and the access review follows', async () => {
    const sim = simulate();
    const review = async (verb: string): Promise<boolean> => {
      const body = JSON.stringify({ spec: { resourceAttributes: { verb, resource: 'pods', namespace: 'shop' } } });
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      return (await ask<{ status: { allowed: boolean } }>(sim.transport, path, { method: 'POST', body })).body.status
        .allowed;
    };
    expect(await review('delete')).toBe(true);
    sim.api.permissions = allowAllBut({ verb: 'delete', resource: 'pods' });
    expect([await review('delete'), await review('list')]).toEqual([false, true]);
    sim.api.permissions = allowAll;
    expect(await review('delete')).toBe(true);
  });
});

describe('deletion', () => {
  test('a finalizer keeps a pod until it is taken off', async () => {
    const sim = simulate();
    sim.cluster.createPod({ namespace: 'shop', name: 'kept', behaviour: { kind: 'finalizer' } });
    await clock.advance(5_000);
    sim.cluster.deletePod('shop', 'kept');
    await clock.advance(60_000);
    expect(sim.cluster.get('pods', 'shop', 'kept')?.metadata.deletionTimestamp).toBeDefined();
    sim.cluster.removeFinalizer('shop', 'kept', 'example.com/keep');
    expect(sim.cluster.get('pods', 'shop', 'kept')).toBeUndefined();
  });

  test('what a Deployment controls goes with it', async () => {
    const sim = simulate();
    const { status, body } = await ask<StatusBody>(sim.transport, '/apis/apps/v1/namespaces/shop/deployments/web', {
      method: 'DELETE',
    });
    expect([status, body.kind, body.status]).toEqual([200, 'Status', 'Success']);
    await clock.advance(10_000);
    expect(sim.cluster.list('replicasets', 'shop').map((set) => set.metadata.labels?.app)).toEqual(['cart']);
    expect(sim.cluster.pods('shop').map((pod) => pod.metadata.labels?.app)).toEqual(['cart']);
  });
});

describe('faults', () => {
  test('each fault hits only the requests it is meant for, and all are logged', async () => {
    const sim = simulate();
    sim.api.faults = ({ nth }) => {
      switch (nth) {
        case 1:
          return { kind: 'status', status: 429, headers: { 'retry-after': '3' } };
        case 2:
          return { kind: 'reset-before' };
        case 3:
          return { kind: 'truncate', afterBytes: 10 };
        case 4:
          return { kind: 'truncate', afterBytes: 10, clean: true };
        case 5:
          return { kind: 'garbage' };
        case 6:
          return { kind: 'delay', delayMs: 5000 };
        default:
          return undefined;
      }
    };
    const get = (): Promise<{ status: number; headers: Readonly<Record<string, string>>; text: string }> =>
      clock.run(
        (async () => {
          const answer = await sim.transport({ method: 'GET', path: '/version', signal: new AbortController().signal });
          let text = '';
          for await (const chunk of answer.body) text += new TextDecoder().decode(chunk);
          return { status: answer.status, headers: answer.headers, text };
        })(),
      );
    expect(await get()).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await get()).text).toHaveLength(10);
    expect(await get()).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
    const beforeMs = clock.monotonicMs();
    expect((await get()).status).toBe(200);
    expect(clock.monotonicMs() - beforeMs).toBe(5000);
    expect(sim.requests.map((request) => request.status)).toEqual([429, undefined, 200, 200, 200, 200]);
  });

  test('requests can take their time', async () => {
    const sim = simulate({ latencyMs: 40 });
    const beforeMs = clock.monotonicMs();
    await clock.run(ask(sim.transport, '/version'));
    expect(clock.monotonicMs() - beforeMs).toBe(40);
  });

  test('a request that hangs can be given up', async () => {
    const sim = simulate();
    sim.api.faults = () => ({ kind: 'hang' });
    const abort = new AbortController();
    clock.after(30_000, () => abort.abort());
    await expect(clock.run(sim.transport({ method: 'GET', path: '/version', signal: abort.signal }))).rejects.toThrow(
      /aborted/,
    );
  });

  test('a DELETE whose answer is lost was carried out', async () => {
    const sim = simulate();
    const name = victimOf(sim);
    sim.api.faults = ({ method }) => (method === 'DELETE' ? { kind: 'reset-after' } : undefined);
    const path = `/api/v1/namespaces/shop/pods/${name}`;
    await expect(sim.transport({ method: 'DELETE', path, signal: new AbortController().signal })).rejects.toMatchObject(
      { code: 'ECONNRESET' },
    );
    expect(sim.cluster.get('pods', 'shop', name)?.metadata.deletionTimestamp).toBeDefined();
  });
});
