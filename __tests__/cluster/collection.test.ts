import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Collection, createCollection } from '../../src/cluster/collection.ts';
import { createJsonDecoder } from '../../src/cluster/json-decoder.ts';
import { record, text } from '../../src/cluster/projection/raw.ts';
import type { ApiRequest } from '../../src/cluster/transport.ts';
import { TIMING } from '../../src/timing.ts';
import {
  aServer,
  aStatus,
  aStream,
  type FakeServer,
  networkError,
  type Reply,
  type Stream,
  silence,
} from './fake-server.ts';

const PATH = '/api/v1/pods';

interface Thing {
  readonly uid: string;
  readonly version: string;
}

/** A cluster of things, and what is wrong with it. */
interface World {
  readonly server: FakeServer;
  readonly collection: Collection<Thing>;
  /** Stored things by uid. */
  readonly put: (uid: string) => void;
  readonly remove: (uid: string) => void;
  readonly stream: () => Stream;
  readonly streams: readonly Stream[];
  readonly names: () => readonly string[];
  readonly kind: () => string;
  readonly lists: () => number;
  readonly watches: () => readonly string[];
  readonly changes: () => number;
}

interface Trouble {
  list?: (() => Reply | Error | Promise<Reply | Error>) | undefined;
  watch?: ((request: ApiRequest) => Reply | Error | Promise<Reply | Error>) | undefined;
}

function rawOf(uid: string, version: number): object {
  return { metadata: { uid, name: uid, resourceVersion: String(version) } };
}

function aList(version: string, uids: readonly string[]): Reply {
  return { body: { kind: 'PodList', metadata: { resourceVersion: version }, items: uids.map((uid) => rawOf(uid, 1)) } };
}

function aWorld(
  trouble: Trouble = {},
  options: {
    readonly mode?: 'watch' | 'poll';
    readonly keepDeleted?: boolean;
    readonly silent?: boolean;
  } = {},
): World {
  const things = new Map<string, number>();
  const streams: Stream[] = [];
  let version = 1;
  let changes = 0;
  const server = aServer((request) => {
    if (!request.path.includes('watch=1')) {
      if (trouble.list !== undefined) return trouble.list();
      const items = [...things].map(([uid, at]) => rawOf(uid, at));
      return { body: { kind: 'PodList', metadata: { resourceVersion: String(version) }, items } };
    }
    if (trouble.watch !== undefined) return trouble.watch(request);
    const stream = aStream(request.signal);
    streams.push(stream);
    return { stream: stream.body };
  });
  const tell = (type: string, uid: string): void => {
    if (options.silent !== true) streams.at(-1)?.event(type, rawOf(uid, version));
  };
  const collection = createCollection<Thing>({
    api: server.api,
    clock: server.clock,
    timing: TIMING,
    signal: server.end.signal,
    random: () => 0.5,
    path: PATH,
    decoder: createJsonDecoder(
      'PodList',
      (raw) => {
        const { uid, resourceVersion } = record(raw.metadata);
        return { uid: text(uid), version: text(resourceVersion) };
      },
      () => server.api.now().atMs,
    ),
    mode: options.mode ?? 'watch',
    keepDeleted: () => options.keepDeleted ?? false,
    onChange: () => {
      changes += 1;
    },
  });
  const isWatch = ({ path }: { readonly path: string }): boolean => path.includes('watch=1');
  return {
    server,
    collection,
    put: (uid) => {
      version += 1;
      const type = things.has(uid) ? 'MODIFIED' : 'ADDED';
      things.set(uid, version);
      tell(type, uid);
    },
    remove: (uid) => {
      version += 1;
      if (things.delete(uid)) tell('DELETED', uid);
    },
    stream: () => streams.at(-1) as Stream,
    streams,
    names: () => collection.items().map(({ uid }) => uid),
    kind: () => collection.state(server.api.now()).kind,
    lists: () => server.asked.filter((asked) => !isWatch(asked)).length,
    watches: () => server.asked.filter(isWatch).map(({ path }) => path),
    changes: () => changes,
  };
}

describe('a collection', () => {
  test('is what was listed, and what the watch says since', async () => {
    const { server, collection, put, remove, names, kind, lists, watches } = aWorld();
    expect(kind()).toBe('never-read');
    put('a');
    put('b');
    await server.clock.advance(0);
    expect(names()).toEqual(['a', 'b']);
    expect(kind()).toBe('live');
    const before = collection.items();
    put('c');
    remove('a');
    put('b');
    await server.clock.advance(0);
    expect(collection.items().map(({ uid, version }) => `${uid}@${version}`)).toEqual(['b@6', 'c@4']);
    expect(before.map(({ uid }) => uid)).toEqual(['a', 'b']);
    expect(lists()).toBe(1);
    expect(watches()).toEqual([`${PATH}?watch=1&allowWatchBookmarks=true&timeoutSeconds=65&resourceVersion=3`]);
    server.end.abort();
  });

  test('follows any sequence of changes, breaks and refusals to the truth', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('put' as const), uid: fc.constantFrom('a', 'b', 'c', 'd') }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('remove' as const), uid: fc.constantFrom('a', 'b', 'c', 'd') }),
      },
      fc.record({
        do: fc.constantFrom(
          'close' as const,
          'reset' as const,
          'expire' as const,
          'garble' as const,
          'refresh' as const,
          'wait' as const,
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = aWorld();
        const { server, collection, put, remove, names } = world;
        const things = new Set<string>();
        await server.clock.advance(0);
        for (const action of steps) {
          switch (action.do) {
            case 'put':
              put(action.uid);
              things.add(action.uid);
              break;
            case 'remove':
              remove(action.uid);
              things.delete(action.uid);
              break;
            case 'close':
              // A server that closes has sent what happened before; one that breaks has lost it, and expires.
              world.stream().close();
              break;
            case 'expire':
            case 'reset':
              world.stream().event('ERROR', aStatus(410, 'Expired').body);
              if (action.do === 'reset') world.stream().reset();
              break;
            case 'garble':
              world.stream().raw('{"type":"ADDED","object":{"metadata"\n');
              break;
            case 'refresh':
              void collection.refresh(server.end.signal);
              break;
            case 'wait':
              await server.clock.advance(1_000);
          }
          // Events reach the reader before the next thing happens; the fake server keeps no history.
          await server.clock.advance(action.do === 'put' || action.do === 'remove' ? 0 : 60_000);
        }
        expect([...names()].sort()).toEqual([...things].sort());
        server.end.abort();
        await server.clock.advance(0);
        expect(server.clock.pending()).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps what has not changed as the same object, and the same array, through a fresh list', async () => {
    const { server, collection, put } = aWorld();
    put('a');
    put('b');
    await server.clock.advance(0);
    const before = collection.items();
    await expect(server.clock.run(collection.refresh(server.end.signal))).resolves.toBe(true);
    expect(collection.items()).toBe(before);
    put('b');
    await server.clock.run(collection.refresh(server.end.signal));
    expect(collection.items()[0]).toBe(before[0]);
    expect(collection.items()[1]).not.toBe(before[1]);
    server.end.abort();
  });

  test('keeps deleted objects where asked, until they are not wanted', async () => {
    const { server, collection, put, remove, names } = aWorld({}, { keepDeleted: true });
    put('a');
    put('b');
    await server.clock.advance(0);
    remove('a');
    await server.clock.advance(0);
    expect([...names()].sort()).toEqual(['a', 'b']);
    await server.clock.run(collection.refresh(server.end.signal));
    expect([...names()].sort()).toEqual(['a', 'b']);
    collection.forgetDeleted(({ uid }) => uid !== 'a');
    expect(names()).toEqual(['b']);
    server.end.abort();
  });
});

describe('a watch', () => {
  test('that the server closes is resumed from the last version, bookmarks included', async () => {
    const { server, put, stream, watches, kind, lists } = aWorld();
    await server.clock.advance(0);
    await server.clock.advance(60_000);
    put('a');
    stream().event('BOOKMARK', { metadata: { resourceVersion: '77' } });
    stream().close();
    await server.clock.advance(1_000);
    expect(watches().at(-1)).toContain('resourceVersion=77');
    expect(lists()).toBe(1);
    expect(kind()).toBe('live');
    expect(server.api.stats.watchRestarts).toBeGreaterThanOrEqual(1);
    server.end.abort();
  });

  test.each<[string, (stream: Stream) => void]>([
    ['an ERROR event 410', (stream) => stream.event('ERROR', aStatus(410, 'Expired').body)],
    ['a line that is no event', (stream) => stream.raw('<html>\n')],
    ['an ERROR event that nobody knows', (stream) => stream.event('ERROR', aStatus(418, 'Teapot').body)],
  ])('that ends with %s is followed by a fresh list', async (_, end) => {
    const { server, stream, lists, kind } = aWorld();
    await server.clock.advance(0);
    end(stream());
    await server.clock.advance(3_000);
    expect(lists()).toBe(2);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test.each<[string, readonly (readonly [type: string, uid: string, version: number])[], number]>([
    [
      'from 9 to 10',
      [
        ['ADDED', 'a', 9],
        ['MODIFIED', 'a', 10],
      ],
      1,
    ],
    [
      'that come twice',
      [
        ['ADDED', 'a', 9],
        ['ADDED', 'a', 9],
      ],
      1,
    ],
    [
      'from 10 to 9',
      [
        ['ADDED', 'a', 10],
        ['MODIFIED', 'a', 9],
      ],
      2,
    ],
    [
      'from 10 to 9 of another object',
      [
        ['ADDED', 'a', 10],
        ['ADDED', 'b', 9],
      ],
      2,
    ],
    [
      'that bring back what was deleted',
      [
        ['ADDED', 'a', 9],
        ['DELETED', 'a', 10],
        ['MODIFIED', 'a', 9],
      ],
      2,
    ],
    [
      'that go back in a bookmark',
      [
        ['ADDED', 'a', 10],
        ['BOOKMARK', '', 9],
      ],
      2,
    ],
  ])('with versions %s is listed anew only when they are out of order', async (_, events, expected) => {
    const { server, stream, lists, kind, remove } = aWorld();
    await server.clock.advance(0);
    for (const [type, uid, version] of events) stream().event(type, rawOf(uid, version));
    // The list that follows is newer.
    for (let count = 0; count < 10; count += 1) remove('nobody');
    await server.clock.advance(3_000);
    expect(lists()).toBe(expected);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('that tells of an older version keeps what it told before', async () => {
    const trouble: Trouble = {};
    const { server, stream, collection } = aWorld(trouble);
    await server.clock.advance(0);
    trouble.list = () => aStatus(500, 'InternalError');
    stream().event('MODIFIED', rawOf('a', 10));
    stream().event('MODIFIED', rawOf('a', 9));
    await server.clock.advance(3_000);
    expect(collection.items().map(({ version }) => version)).toEqual(['10']);
    server.end.abort();
  });

  test('knows more than a list that is older: that one is none, and what was seen last stays', async () => {
    const trouble: Trouble = {};
    const { server, stream, collection, kind, names } = aWorld(trouble);
    await server.clock.advance(0);
    trouble.list = () => aList('9', ['old']);
    stream().event('ADDED', rawOf('a', 10));
    await server.clock.advance(0);
    const refreshed = collection.refresh(server.end.signal);
    await server.clock.advance(10_000);
    expect(await refreshed).toBe(false);
    expect(kind()).toBe('stale');
    expect(names()).toEqual(['a']);
    expect(collection.state(server.api.now())).toMatchObject({
      message: expect.stringMatching(
        /^list pods in all namespaces: the list is of version 9, but 10 was seen before; /,
      ),
    });
    trouble.list = () => aList('10', ['new']);
    await server.clock.advance(30_000);
    expect(kind()).toBe('live');
    expect(names()).toEqual(['new']);
    server.end.abort();
  });

  test('that is never answered was a gap since it was asked for, and is a list every few seconds from then on', async () => {
    const trouble: Trouble = { watch: silence };
    const { server, collection, kind, lists, watches } = aWorld(trouble);
    await server.clock.advance(35_000);
    expect(collection.gapsClosed()).toBe(1);
    expect(kind()).toBe('live');
    await server.clock.advance(60_000);
    expect(kind()).toBe('live');
    expect(lists()).toBeGreaterThan(6);
    expect(watches()).toHaveLength(1);
    server.end.abort();
  });

  test.each<[string, Trouble['watch']]>([
    ['a reset', () => networkError('ECONNRESET')],
    ['503', () => aStatus(503, 'ServiceUnavailable')],
    ['garbage', () => ({ body: 'garbage\n' })],
    ['an end at once', () => ({ body: '' })],
  ])('that has three times in a row met %s is a list every few seconds for a minute', async (_, watch) => {
    const trouble: Trouble = { watch };
    const { server, kind, lists, watches } = aWorld(trouble);
    await server.clock.advance(10_000);
    expect(watches()).toHaveLength(3);
    const before = lists();
    for (let second = 0; second < 40; second += 1) {
      await server.clock.advance(1_000);
      expect(kind()).toBe('live');
    }
    expect(watches()).toHaveLength(3);
    expect(lists() - before).toBeGreaterThanOrEqual(4);
    trouble.watch = undefined;
    await server.clock.advance(40_000);
    expect(watches()).toHaveLength(4);
    server.end.abort();
  });

  test.each<[string, (server: FakeServer) => Trouble]>([
    ['a status', () => ({ watch: () => aStatus(410, 'Expired') })],
    [
      'an event',
      (server) => ({
        watch: () => {
          const stream = aStream(server.end.signal);
          stream.event('ERROR', aStatus(410, 'Expired').body);
          return { stream: stream.body };
        },
      }),
    ],
  ])('whose version is always too old, as %s says, does not list in a hot loop', async (_, troubleOf) => {
    const trouble: Trouble = {};
    const { server, lists, kind } = aWorld(trouble);
    Object.assign(trouble, troubleOf(server));
    await server.clock.advance(60_000);
    expect(lists()).toBeGreaterThanOrEqual(3);
    expect(lists()).toBeLessThanOrEqual(15);
    trouble.watch = undefined;
    await server.clock.advance(60_000);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('that is half-open is opened again after 90 s, and was stale since it was last heard', async () => {
    const { server, collection, streams, kind, watches } = aWorld({}, { silent: true });
    await server.clock.advance(0);
    await server.clock.advance(89_000);
    expect(streams).toHaveLength(1);
    expect(kind()).toBe('live');
    await server.clock.advance(2_000);
    expect(watches()).toHaveLength(2);
    expect(collection.gapsClosed()).toBe(1);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('that the server ends in time, having said nothing, was never stale', async () => {
    const { server, collection, stream, streams, kind, lists } = aWorld();
    await server.clock.advance(0);
    for (let watch = 1; watch <= 3; watch += 1) {
      await server.clock.advance(65_000);
      expect(kind()).toBe('live');
      stream().close();
      await server.clock.advance(1_000);
      expect([streams.length, kind()]).toEqual([watch + 1, 'live']);
    }
    expect(lists()).toBe(1);
    expect(collection.gapsClosed()).toBe(0);
    server.end.abort();
  });

  test('with bookmarks is not half-open, for as long as the server might keep it open', async () => {
    const { server, stream, watches } = aWorld();
    await server.clock.advance(0);
    for (let seconds = 0; seconds < 99; seconds += 33) {
      await server.clock.advance(33_000);
      stream().event('BOOKMARK', { metadata: { resourceVersion: '5' } });
    }
    expect(watches()).toHaveLength(1);
    server.end.abort();
  });

  test('that is closed every second gives way to lists every few seconds, and the view stays live', async () => {
    const { server, stream, lists, watches, put, names, kind } = aWorld({}, { silent: true });
    await server.clock.advance(0);
    for (let second = 0; second < 120; second += 1) {
      await server.clock.advance(1_000);
      stream().close();
      expect(kind()).toBe('live');
      if (second === 60) put('late');
    }
    expect(names()).toEqual(['late']);
    expect(lists()).toBeGreaterThanOrEqual(10);
    expect(watches().length).toBeLessThanOrEqual(40);
    server.end.abort();
  });

  test('that may not be opened gives way to lists, and is asked for again after a minute', async () => {
    const trouble: Trouble = { watch: () => aStatus(403, 'Forbidden') };
    const { server, lists, put, names, kind, watches } = aWorld(trouble);
    await server.clock.advance(0);
    put('a');
    await server.clock.advance(55_000);
    expect(names()).toEqual(['a']);
    expect(lists()).toBeGreaterThanOrEqual(6);
    expect(watches()).toHaveLength(1);
    expect(kind()).toBe('live');
    delete trouble.watch;
    await server.clock.advance(20_000);
    const listed = lists();
    await server.clock.advance(60_000);
    expect(watches()).toHaveLength(2);
    expect(lists()).toBe(listed);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('that cannot be opened is tried again with back-off, the view is stale after 5 s, and then a list closes the gap', async () => {
    const trouble: Trouble = {};
    const { server, stream, collection, kind, watches, lists } = aWorld(trouble);
    await server.clock.advance(0);
    await server.clock.advance(20_000);
    const lostAtMs = server.api.now().atMs;
    trouble.watch = () => networkError('ECONNREFUSED');
    trouble.list = () => networkError('ECONNREFUSED');
    stream().reset();
    await server.clock.advance(4_900);
    expect(kind()).toBe('live');
    await server.clock.advance(60_000);
    expect(collection.state(server.api.now())).toMatchObject({ kind: 'stale', sinceMs: lostAtMs });
    expect(watches().length + lists()).toBeLessThan(20);
    trouble.watch = undefined;
    trouble.list = undefined;
    const watched = watches().length;
    await server.clock.advance(31_000);
    expect(kind()).toBe('live');
    expect(collection.gapsClosed()).toBe(1);
    expect(watches()).toHaveLength(watched + 1);
    server.end.abort();
  });
});

describe('a list that fails', () => {
  test('keeps the collection never-read, with the words of the server, until it succeeds', async () => {
    const trouble: Trouble = { list: () => aStatus(503, 'ServiceUnavailable', 'etcd is away') };
    const { server, collection, kind } = aWorld(trouble);
    await server.clock.run(collection.settled);
    expect(collection.state(server.api.now())).toMatchObject({
      kind: 'never-read',
      message: expect.stringContaining('etcd is away'),
    });
    trouble.list = undefined;
    await server.clock.advance(60_000);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('with 403 is forbidden at once, and asked again only now and then', async () => {
    const trouble: Trouble = { list: () => aStatus(403, 'Forbidden', 'User "ci" cannot list') };
    const { server, collection, kind, lists } = aWorld(trouble);
    await server.clock.run(collection.settled);
    expect(collection.state(server.api.now())).toMatchObject({ kind: 'forbidden', wasRead: false });
    await server.clock.advance(300_000);
    expect(lists()).toBeLessThanOrEqual(12);
    trouble.list = undefined;
    await server.clock.advance(31_000);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('with 403 after it had worked is stale for 30 s, then forbidden', async () => {
    const trouble: Trouble = {};
    const { server, stream, kind, collection } = aWorld(trouble);
    await server.clock.advance(0);
    await server.clock.advance(20_000);
    const forbidden = (): Reply => aStatus(403, 'Forbidden');
    trouble.list = forbidden;
    trouble.watch = forbidden;
    stream().event('ERROR', aStatus(410, 'Expired').body);
    await server.clock.advance(10_000);
    expect(kind()).toBe('stale');
    await server.clock.advance(25_000);
    expect(collection.state(server.api.now())).toMatchObject({ kind: 'forbidden', wasRead: true });
    server.end.abort();
  });

  test.each([
    [400, 'BadRequest'],
    [404, 'NotFound'],
    [405, 'MethodNotAllowed'],
    [409, 'Conflict'],
    [422, 'Invalid'],
  ])('with %i of the API server itself is refused when it was said for 30 s', async (code, reason) => {
    const trouble: Trouble = { list: () => aStatus(code, reason, 'no such thing') };
    const { server, collection, kind, lists } = aWorld(trouble);
    await server.clock.run(collection.settled);
    await server.clock.advance(25_000);
    expect(kind()).toBe('never-read');
    await server.clock.advance(10_000);
    expect(collection.state(server.api.now())).toMatchObject({
      kind: 'refused',
      wasRead: false,
      message: expect.stringContaining('no such thing'),
    });
    await server.clock.advance(300_000);
    expect(lists()).toBeLessThanOrEqual(19);
    trouble.list = undefined;
    await server.clock.advance(31_000);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('is not refused while anything else is said in between: a server that starts says many things', async () => {
    let lists = 0;
    const trouble: Trouble = {
      list: () => {
        lists += 1;
        return lists % 5 === 0 ? aStatus(503, 'ServiceUnavailable') : aStatus(404, 'NotFound');
      },
    };
    const { server, kind } = aWorld(trouble);
    for (let second = 0; second < 120; second += 1) {
      await server.clock.advance(1_000);
      expect(kind()).toBe('never-read');
    }
    expect(lists).toBeGreaterThan(10);
    server.end.abort();
  });

  test.each([
    ['a page for people', '<html>404</html>', 'text/html'],
    ['plain words', '404 page not found', 'text/plain'],
    ['JSON that is no Status', '{"error":"no route"}', 'application/json'],
  ])(
    'with 404 and %s, which no API server says of its own resources, is asked again and again',
    async (_, body, type) => {
      const reply: Reply = { status: 404, body, headers: { 'content-type': type } };
      const { server, kind } = aWorld({ list: () => reply });
      await server.clock.advance(300_000);
      expect(kind()).toBe('never-read');
      server.end.abort();
    },
  );

  test('with 401 for good ends the collection, and nothing is asked any more', async () => {
    const { server, collection, lists } = aWorld({ list: () => aStatus(401, 'Unauthorized') });
    await server.clock.run(collection.settled);
    await server.clock.advance(600_000);
    expect(lists()).toBe(2);
    expect(server.clock.pending()).toBe(0);
    expect(server.api.failure()?.kind).toBe('unauthorized');
  });
});

describe('a refresh', () => {
  test('is a list begun after it was asked for, and the watch goes on from there', async () => {
    const { server, collection, put, names, lists, watches } = aWorld({}, { silent: true });
    await server.clock.advance(0);
    put('unheard');
    await expect(server.clock.run(collection.refresh(server.end.signal))).resolves.toBe(true);
    expect(names()).toEqual(['unheard']);
    await server.clock.advance(0);
    expect(lists()).toBe(2);
    expect(watches().at(-1)).toContain('resourceVersion=2');
    expect(collection.gapsClosed()).toBe(0);
    server.end.abort();
  });

  test('fails with the first failure of the list, which goes on being tried', async () => {
    const trouble: Trouble = {};
    const { server, collection, kind } = aWorld(trouble);
    await server.clock.advance(0);
    trouble.list = () => ({ status: 503 });
    await expect(server.clock.run(collection.refresh(server.end.signal))).resolves.toBe(false);
    await server.clock.advance(6_000);
    expect(kind()).toBe('stale');
    trouble.list = undefined;
    await server.clock.advance(60_000);
    expect(kind()).toBe('live');
    server.end.abort();
  });

  test('ends with its signal, and leaves the collection in order', async () => {
    const trouble: Trouble = {};
    const { server, collection, kind } = aWorld(trouble);
    await server.clock.advance(0);
    trouble.list = () => new Promise(() => undefined);
    const end = new AbortController();
    server.clock.after(100, () => end.abort());
    await expect(server.clock.run(collection.refresh(end.signal))).resolves.toBe(false);
    trouble.list = undefined;
    expect(kind()).toBe('live');
    server.end.abort();
  });
});

test('a polled collection lists every 5 to 10 s, and a poll that hangs makes it stale', async () => {
  const trouble: Trouble = {};
  const { server, collection, kind, lists, watches } = aWorld(trouble, { mode: 'poll' });
  await server.clock.advance(0);
  await server.clock.advance(75_000);
  expect(lists()).toBe(11);
  expect(watches()).toHaveLength(0);
  expect(kind()).toBe('live');
  expect(collection.gapsClosed()).toBeGreaterThanOrEqual(9);
  trouble.list = () => aStatus(503, 'ServiceUnavailable');
  await server.clock.advance(40_000);
  expect(kind()).toBe('stale');
  server.end.abort();
});

test('a list that is never answered is asked again', async () => {
  let isSilent = true;
  const server = aServer((request) => {
    if (isSilent) {
      isSilent = false;
      return silence(request);
    }
    return { body: { kind: 'PodList', metadata: { resourceVersion: '1' }, items: [] } };
  });
  const collection = createCollection<unknown>({
    api: server.api,
    clock: server.clock,
    timing: TIMING,
    signal: server.end.signal,
    random: () => 0.5,
    path: PATH,
    decoder: createJsonDecoder<unknown>(
      'PodList',
      (raw) => raw,
      () => 0,
    ),
    mode: 'poll',
    onChange: () => undefined,
  });
  await server.clock.advance(31_000);
  expect(collection.state(server.api.now()).kind).toBe('live');
  server.end.abort();
});
