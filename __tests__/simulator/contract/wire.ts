import { gunzipSync } from 'node:zlib';
import { expect } from '@jest/globals';
import { type ContractWorld, dispose, type ListBody, type ObjectBody, podsOf, type StatusBody } from './world.ts';

export interface WireRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: of the user with all rights. null: none. */
  readonly authorization?: string | null;
}

export interface WireReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** As they came, undecoded. */
  readonly bytes: Buffer;
  /** Whether it came over a connection that an earlier request has made. */
  readonly wasConnected: boolean;
}

/** The same server as HTTP shows it, one request after the other. */
export interface WireWorld extends ContractWorld {
  readonly exchange: (request: WireRequest) => Promise<WireReply>;
}

export interface WireCase {
  readonly name: string;
  readonly run: (world: WireWorld) => Promise<void>;
}

const KIB = 1024;
const WORD = 'calico ';

function bodyOf<T>({ bytes }: WireReply): T {
  return JSON.parse(bytes.toString('utf8')) as T;
}

async function makeLarge(world: WireWorld, name: string, bytes: number): Promise<void> {
  await world.makePod(name, { annotations: { 'example.com/large': WORD.repeat(bytes / WORD.length) } });
}

/** What a transport hides: encodings, connections, methods that the gate does not have. */
export const WIRE_CONTRACT: readonly WireCase[] = [
  {
    name: 'answers of more than 128 KiB are compressed for who asks for gzip, in this one word',
    run: async (world) => {
      await makeLarge(world, 'large', 160 * KIB);
      const path = `${podsOf(world)}/large`;
      const plain = await world.exchange({ path });
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(plain.bytes.length).toBeGreaterThan(160 * KIB);
      for (const encoding of ['gzip', 'deflate, gzip, br']) {
        const { status, headers, bytes } = await world.exchange({ path, headers: { 'accept-encoding': encoding } });
        expect([status, headers['content-encoding'], headers.vary, headers['content-type']]).toEqual([
          200,
          'gzip',
          'Accept-Encoding',
          'application/json',
        ]);
        expect(bytes.length).toBeLessThan(plain.bytes.length / 4);
        expect(gunzipSync(bytes).equals(plain.bytes)).toBe(true);
      }
      for (const encoding of ['identity', 'gzip;q=1.0', 'deflate', 'br']) {
        const { headers, bytes } = await world.exchange({ path, headers: { 'accept-encoding': encoding } });
        expect([encoding, headers['content-encoding'], bytes.length]).toEqual([
          encoding,
          undefined,
          plain.bytes.length,
        ]);
      }
      await dispose(world, 'large');
    },
  },
  {
    name: 'lists are compressed like objects, what is smaller is not, and a watch never',
    run: async (world) => {
      const headers = { 'accept-encoding': 'gzip' };
      await makeLarge(world, 'medium', 100 * KIB);
      const medium = await world.exchange({ path: `${podsOf(world)}/medium`, headers });
      expect(medium.headers['content-encoding']).toBeUndefined();
      await dispose(world, 'medium');
      await makeLarge(world, 'large', 160 * KIB);
      const list = await world.exchange({ path: podsOf(world), headers });
      expect(list.headers['content-encoding']).toBe('gzip');
      const { items } = JSON.parse(gunzipSync(list.bytes).toString('utf8')) as ListBody;
      expect(items.map(({ metadata }) => metadata.name)).toContain('large');
      const selector = 'fieldSelector=metadata.name%3Dlarge';
      const watch = await world.exchange({ path: `${podsOf(world)}?watch=1&timeoutSeconds=1&${selector}`, headers });
      expect([watch.status, watch.headers['content-encoding']]).toEqual([200, undefined]);
      expect(watch.bytes.length).toBeGreaterThan(160 * KIB);
      await dispose(world, 'large');
    },
  },
  {
    name: 'a connection goes on after any answer, and after the end of a watch',
    run: async (world) => {
      await world.exchange({ path: '/version' });
      for (const request of [
        { path: podsOf(world) },
        { path: `${podsOf(world)}/nosuchpod` },
        { path: podsOf(world), authorization: 'Bearer nobody' },
        { path: `${podsOf(world)}/nosuchpod`, method: 'DELETE', body: '{}', headers: { 'content-length': '2' } },
        { path: `${podsOf(world)}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone` },
        { path: '/version' },
      ]) {
        const { wasConnected, headers } = await world.exchange(request);
        expect([request.path, wasConnected, headers.connection === 'close']).toEqual([request.path, true, false]);
      }
    },
  },
  {
    name: 'answers are not to be cached, and say in whole bytes or in pieces how long they are',
    run: async (world) => {
      for (const path of ['/version', podsOf(world), `${podsOf(world)}/nosuchpod`]) {
        const { headers, bytes } = await world.exchange({ path });
        expect(headers['cache-control']).toBe('no-cache, private');
        const { 'content-length': length, 'transfer-encoding': transfer } = headers;
        expect([String(bytes.length), 'chunked']).toContain(length ?? transfer);
      }
    },
  },
  {
    name: 'methods that a collection does not have are 405',
    run: async (world) => {
      for (const method of ['PUT', 'HEAD', 'OPTIONS']) {
        const reply = await world.exchange({ method, path: podsOf(world) });
        expect([method, reply.status, reply.headers['content-type']]).toEqual([method, 405, 'application/json']);
        if (method === 'HEAD') expect(reply.bytes).toHaveLength(0);
        else expect(bodyOf<StatusBody>(reply).reason).toBe('MethodNotAllowed');
      }
    },
  },
  {
    name: 'without a bearer token one is anonymous, and may do nothing',
    run: async (world) => {
      for (const authorization of [null, 'Basic bm9ib2R5Og==']) {
        const reply = await world.exchange({ path: podsOf(world), authorization });
        expect([reply.status, bodyOf<StatusBody>(reply).message]).toEqual([
          403,
          `pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "${world.namespace}"`,
        ]);
      }
      const review = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const asked = { spec: { resourceAttributes: { verb: 'list', resource: 'pods' } } };
      const body = JSON.stringify(asked);
      const headers = { 'content-type': 'application/json' };
      const refused = await world.exchange({ method: 'POST', path: review, authorization: null, headers, body });
      expect([refused.status, bodyOf<StatusBody>(refused).message]).toEqual([
        403,
        'selfsubjectaccessreviews.authorization.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectaccessreviews" in API group "authorization.k8s.io" at the cluster scope',
      ]);
    },
  },
  {
    name: 'what a DELETE demands is heeded whether its body has a length or comes in pieces',
    run: async (world) => {
      await world.makePod('demanding');
      const path = `${podsOf(world)}/demanding`;
      const body = JSON.stringify({ preconditions: { uid: '00000000-0000-4000-8000-000000000000' } });
      for (const headers of [
        { 'content-length': String(Buffer.byteLength(body)) },
        { 'transfer-encoding': 'chunked' },
      ]) {
        expect((await world.exchange({ method: 'DELETE', path, headers, body })).status).toBe(409);
      }
      const { metadata } = bodyOf<ObjectBody>(await world.exchange({ path }));
      expect(metadata.deletionTimestamp).toBeUndefined();
      // What options a DELETE without a body has, stands in its path.
      const victim = `${podsOf(world)}/${await world.victim()}`;
      const dry = await world.exchange({ method: 'DELETE', path: `${victim}?dryRun=All&gracePeriodSeconds=7` });
      expect([dry.status, bodyOf<ObjectBody>(dry).metadata.deletionGracePeriodSeconds]).toEqual([200, 7]);
      await dispose(world, 'demanding');
    },
  },
];
