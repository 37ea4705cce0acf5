import { expect } from '@jest/globals';
import type { ApiRequest, Transport } from '../../src/cluster/transport.ts';

/**
 * What an API server must do, as cases over a `Transport`: the same run against the simulator and against a real one, so
 * that the double stays honest. They ask for little: a namespace with at least three running pods that all have the label
 * `app`, one of them deletable, on a server to which the transport's user has all rights.
 */
export interface ContractWorld {
  readonly transport: Transport;
  readonly namespace: string;
  /** A value of the label `app` that some but not all of the pods have. */
  readonly app: string;
  /** The name of a pod that may be deleted; its controller makes another. */
  readonly victim: () => Promise<string>;
}

export interface ContractCase {
  readonly name: string;
  readonly run: (world: ContractWorld) => Promise<void>;
}

export interface ObjectBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

export interface ListBody {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly ObjectBody[];
}

export interface StatusBody {
  readonly kind: string;
  readonly status: string;
  readonly message: string;
  readonly reason: string;
  readonly code: number;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly continue?: string };
}

export interface WatchLine {
  readonly type: string;
  readonly object: ObjectBody & StatusBody;
}

export interface Reply<T> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: T;
}

/** Reads an answer to its end. */
export async function ask<T>(transport: Transport, path: string, request: Partial<ApiRequest> = {}): Promise<Reply<T>> {
  const answer = await transport({ method: 'GET', path, signal: new AbortController().signal, ...request });
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = (answer.headers['content-type'] ?? '').includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: (isJson && text !== '' ? JSON.parse(text) : undefined) as T,
  };
}

/** Reads a watch until `enough`, then gives it up. */
export async function watchUntil(
  transport: Transport,
  path: string,
  enough: (lines: readonly WatchLine[]) => boolean,
): Promise<readonly WatchLine[]> {
  const abort = new AbortController();
  const answer = await transport({ method: 'GET', path, signal: abort.signal });
  const lines: WatchLine[] = [];
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body) {
    rest += decoder.decode(chunk, { stream: true });
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    lines.push(...complete.filter((line) => line !== '').map((line) => JSON.parse(line) as WatchLine));
    if (enough(lines)) break;
  }
  abort.abort();
  return lines;
}

function podsOf(world: ContractWorld): string {
  return `/api/v1/namespaces/${world.namespace}/pods`;
}

function names(list: ListBody): readonly string[] {
  return list.items.map((item) => `${item.metadata.namespace}/${item.metadata.name}`);
}

export const CONTRACT: readonly ContractCase[] = [
  {
    name: 'a list names its kind and version, and its items do not',
    run: async (world) => {
      const { status, headers, body } = await ask<ListBody>(world.transport, podsOf(world));
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('application/json');
      expect(Date.parse(headers.date ?? '')).not.toBeNaN();
      expect(body.kind).toBe('PodList');
      expect(body.apiVersion).toBe('v1');
      expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
      expect(body.items.length).toBeGreaterThanOrEqual(3);
      for (const item of body.items) expect([item.kind, item.apiVersion]).toEqual([undefined, undefined]);
    },
  },
  {
    name: 'pages of a list show the same version, say how many are left, and make up the whole list',
    run: async (world) => {
      const whole = await ask<ListBody>(world.transport, podsOf(world));
      const seen: string[] = [];
      const versions = new Set<string>();
      let path = `${podsOf(world)}?limit=1`;
      for (let page = 0; page < 100; page += 1) {
        const { body } = await ask<ListBody>(world.transport, path);
        seen.push(...names(body));
        versions.add(body.metadata.resourceVersion);
        expect(body.items.length).toBeLessThanOrEqual(1);
        if (body.metadata.continue === undefined || body.metadata.continue === '') break;
        expect(body.metadata.remainingItemCount).toBe(whole.body.items.length - seen.length);
        path = `${podsOf(world)}?limit=1&continue=${encodeURIComponent(body.metadata.continue)}`;
      }
      expect(seen).toEqual(names(whole.body));
      expect(versions.size).toBe(1);
    },
  },
  {
    name: 'a list with a selector does not count what is left',
    run: async (world) => {
      const { body } = await ask<ListBody>(world.transport, `${podsOf(world)}?limit=1&labelSelector=app`);
      expect(body.metadata.continue).not.toBe('');
      expect(body.metadata.remainingItemCount).toBeUndefined();
    },
  },
  {
    name: 'equality- and set-based label selectors select',
    run: async (world) => {
      const all = (await ask<ListBody>(world.transport, podsOf(world))).body.items;
      const count = async (selector: string): Promise<number> =>
        (await ask<ListBody>(world.transport, `${podsOf(world)}?labelSelector=${encodeURIComponent(selector)}`)).body
          .items.length;
      const having = all.filter((item) => item.metadata.labels?.app === world.app).length;
      expect(having).toBeGreaterThan(0);
      expect(having).toBeLessThan(all.length);
      expect(await count(`app=${world.app}`)).toBe(having);
      expect(await count(`app==${world.app}`)).toBe(having);
      expect(await count(`app!=${world.app}`)).toBe(all.length - having);
      expect(await count(`app in (${world.app}, other)`)).toBe(having);
      expect(await count(`app notin (${world.app})`)).toBe(all.length - having);
      expect(await count(`app,nosuchlabel`)).toBe(0);
      expect(await count(`!nosuchlabel,app=${world.app}`)).toBe(having);
    },
  },
  {
    name: 'a label selector that does not parse is a bad request',
    run: async (world) => {
      const { status, body } = await ask<StatusBody>(
        world.transport,
        `${podsOf(world)}?labelSelector=${encodeURIComponent('a in b')}`,
      );
      expect([status, body.kind, body.reason, body.code]).toEqual([400, 'Status', 'BadRequest', 400]);
    },
  },
  {
    name: 'field selectors select by name, node and phase',
    run: async (world) => {
      const all = (await ask<ListBody>(world.transport, podsOf(world))).body.items;
      const first = all[0];
      const select = async (selector: string): Promise<readonly string[]> =>
        names(
          (await ask<ListBody>(world.transport, `${podsOf(world)}?fieldSelector=${encodeURIComponent(selector)}`)).body,
        );
      const node = first?.spec?.nodeName ?? '';
      expect(await select(`metadata.name=${first?.metadata.name}`)).toEqual([
        `${world.namespace}/${first?.metadata.name}`,
      ]);
      expect(await select(`spec.nodeName=${node}`)).toEqual(
        all.filter((item) => item.spec?.nodeName === node).map((item) => `${world.namespace}/${item.metadata.name}`),
      );
      expect(await select(`status.phase!=Running,metadata.namespace=${world.namespace}`)).toEqual(
        all
          .filter((item) => item.status?.phase !== 'Running')
          .map((item) => `${world.namespace}/${item.metadata.name}`),
      );
    },
  },
  {
    name: 'a field that is no selector is a bad request that names it',
    run: async (world) => {
      const { status, body } = await ask<StatusBody>(
        world.transport,
        `${podsOf(world)}?fieldSelector=spec.dnsPolicy=Default`,
      );
      expect([status, body.reason]).toEqual([400, 'BadRequest']);
      expect(body.message).toContain('spec.dnsPolicy');
    },
  },
  {
    name: 'events can be selected by the uid of what they are about',
    run: async (world) => {
      const events = `/api/v1/namespaces/${world.namespace}/events`;
      const all = (
        await ask<{ items: readonly { involvedObject: { uid: string; kind: string } }[] }>(world.transport, events)
      ).body.items;
      const uid = all.find((event) => event.involvedObject.kind === 'Pod')?.involvedObject.uid ?? '';
      const selected = (
        await ask<{ items: readonly { involvedObject: { uid: string } }[] }>(
          world.transport,
          `${events}?fieldSelector=involvedObject.uid=${uid},involvedObject.kind=Pod`,
        )
      ).body.items;
      expect(selected.length).toBeGreaterThan(0);
      expect(new Set(selected.map((event) => event.involvedObject.uid))).toEqual(new Set([uid]));
    },
  },
  {
    name: 'one object is answered with kind and version',
    run: async (world) => {
      const name = (await ask<ListBody>(world.transport, podsOf(world))).body.items[0]?.metadata.name;
      const { status, body } = await ask<ObjectBody>(world.transport, `${podsOf(world)}/${name}`);
      expect([status, body.kind, body.apiVersion, body.metadata.name]).toEqual([200, 'Pod', 'v1', name]);
    },
  },
  {
    name: 'what does not exist is 404, with a Status that names it',
    run: async (world) => {
      const pod = await ask<StatusBody>(world.transport, `${podsOf(world)}/nosuchpod`);
      expect([pod.status, pod.body.message, pod.body.reason]).toEqual([404, 'pods "nosuchpod" not found', 'NotFound']);
      expect(pod.body.details).toEqual({ name: 'nosuchpod', kind: 'pods' });
      const deployment = await ask<StatusBody>(
        world.transport,
        `/apis/apps/v1/namespaces/${world.namespace}/deployments/no`,
      );
      expect(deployment.body.message).toBe('deployments.apps "no" not found');
      expect(deployment.body.details).toEqual({ name: 'no', group: 'apps', kind: 'deployments' });
      const kind = await ask<StatusBody>(world.transport, '/api/v1/nosuchthings');
      expect([kind.status, kind.body.message]).toEqual([404, 'the server could not find the requested resource']);
    },
  },
  {
    name: 'a watch from a version tells what changed since, with kind and version',
    run: async (world) => {
      const { body } = await ask<ListBody>(world.transport, podsOf(world));
      const victim = await world.victim();
      await ask(world.transport, `${podsOf(world)}/${victim}`, { method: 'DELETE', body: '{"gracePeriodSeconds":0}' });
      const lines = await watchUntil(
        world.transport,
        `${podsOf(world)}?watch=1&timeoutSeconds=20&resourceVersion=${body.metadata.resourceVersion}`,
        (seen) => seen.some((line) => line.type === 'DELETED' && line.object.metadata.name === victim),
      );
      const gone = lines.find((line) => line.type === 'DELETED' && line.object.metadata.name === victim);
      expect([gone?.object.kind, gone?.object.apiVersion]).toEqual(['Pod', 'v1']);
      expect(Number(gone?.object.metadata.resourceVersion)).toBeGreaterThan(Number(body.metadata.resourceVersion));
    },
  },
  {
    name: 'a watch without a version begins with what is there',
    run: async (world) => {
      const all = (await ask<ListBody>(world.transport, podsOf(world))).body.items;
      const lines = await watchUntil(
        world.transport,
        `${podsOf(world)}?watch=true&timeoutSeconds=20`,
        (seen) => seen.length >= all.length,
      );
      expect(new Set(lines.slice(0, all.length).map((line) => line.type))).toEqual(new Set(['ADDED']));
    },
  },
  {
    name: 'a watch ends after its timeoutSeconds, in the regular way',
    run: async (world) => {
      const { body } = await ask<ListBody>(world.transport, podsOf(world));
      const { status } = await ask(
        world.transport,
        `${podsOf(world)}?watch=1&timeoutSeconds=1&resourceVersion=${body.metadata.resourceVersion}`,
      );
      expect(status).toBe(200);
    },
  },
  {
    name: 'a watch that is aborted ends with an error',
    run: async (world) => {
      const abort = new AbortController();
      const answer = await world.transport({
        method: 'GET',
        path: `${podsOf(world)}?watch=1&timeoutSeconds=30`,
        signal: abort.signal,
      });
      const reading = (async () => {
        for await (const chunk of answer.body) if (chunk.length > 0) abort.abort();
      })();
      await expect(reading).rejects.toThrow();
    },
  },
  {
    name: 'a pod that is deleted gets its deletionTimestamp first',
    run: async (world) => {
      const victim = await world.victim();
      const { status, body } = await ask<ObjectBody>(world.transport, `${podsOf(world)}/${victim}`, {
        method: 'DELETE',
        body: '{"gracePeriodSeconds":2}',
      });
      expect([status, body.kind]).toEqual([200, 'Pod']);
      expect(body.metadata.deletionGracePeriodSeconds).toBe(2);
      expect(Date.parse(body.metadata.deletionTimestamp ?? '')).not.toBeNaN();
    },
  },
  {
    name: 'a DELETE with the uid of another pod is refused as a conflict',
    run: async (world) => {
      const victim = await world.victim();
      const uid = '00000000-0000-4000-8000-000000000000';
      const { status, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}/${victim}`, {
        method: 'DELETE',
        body: JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid } }),
      });
      expect([status, body.reason, body.code]).toEqual([409, 'Conflict', 409]);
      expect(body.message).toContain(`the UID in the precondition (${uid}) does not match the UID in record`);
      expect(
        (await ask<ObjectBody>(world.transport, `${podsOf(world)}/${victim}`)).body.metadata.deletionTimestamp,
      ).toBeUndefined();
    },
  },
  {
    name: 'a DELETE of what is not there is 404',
    run: async (world) => {
      const { status, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}/nosuchpod`, {
        method: 'DELETE',
      });
      expect([status, body.reason]).toEqual([404, 'NotFound']);
    },
  },
  {
    name: 'an access review says what may be done',
    run: async (world) => {
      const { status, body } = await ask<{ kind: string; status: { allowed: boolean } }>(
        world.transport,
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          method: 'POST',
          body: JSON.stringify({
            kind: 'SelfSubjectAccessReview',
            apiVersion: 'authorization.k8s.io/v1',
            spec: { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: world.namespace } },
          }),
        },
      );
      expect([status, body.kind, body.status.allowed]).toEqual([201, 'SelfSubjectAccessReview', true]);
    },
  },
  {
    name: 'the server tells its version',
    run: async (world) => {
      const { status, body } = await ask<{ gitVersion: string; major: string }>(world.transport, '/version');
      expect(status).toBe(200);
      expect(body.gitVersion).toMatch(/^v\d+\.\d+\.\d+/);
      expect(body.major).toBe('1');
    },
  },
];
