import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isApiError } from '../../src/cluster/api-error.ts';
import { createJsonDecoder } from '../../src/cluster/json-decoder.ts';
import { type Listed, PAGE_BODY_LIMIT_BYTES, readList } from '../../src/cluster/pages.ts';
import { record, text } from '../../src/cluster/projection/raw.ts';
import { aServer, aStatus, type FakeServer, networkError, type Script } from './fake-server.ts';

const PATH = '/api/v1/pods';

interface Name {
  readonly name: string;
}

function list(server: FakeServer): Promise<Listed<Name>> {
  const decoder = createJsonDecoder<Name>(
    'PodList',
    (raw) => ({ name: text(record(raw.metadata).name) }),
    () => 0,
  );
  const listing = readList({
    api: server.api,
    path: PATH,
    decoder,
    recall: () => undefined,
    signal: server.end.signal,
    onTrouble: () => undefined,
  });
  return server.clock.run(listing);
}

function namesOf({ entries }: Listed<Name>): readonly string[] {
  return entries.map(({ item }) => item?.name ?? '');
}

function page(names: readonly string[], version: string, token = ''): { readonly body: unknown } {
  const metadata = { resourceVersion: version, ...(token === '' ? {} : { continue: token }) };
  const items = names.map((name) => ({ metadata: { name, uid: `uid-${name}`, resourceVersion: '1' } }));
  return { body: { kind: 'PodList', apiVersion: 'v1', metadata, items } };
}

function queryOf(path: string): URLSearchParams {
  return new URL(path, 'http://server').searchParams;
}

/** Serves `pages` of one snapshot by tokens `t1`, `t2` … */
function pagesOf(pages: readonly (readonly string[])[]): Script {
  return ({ path }) => {
    const index = Number((queryOf(path).get('continue') ?? 't0').slice(1));
    return page(pages[index] ?? [], '7', index + 1 < pages.length ? `t${index + 1}` : '');
  };
}

function tooMuch(): Readable {
  const megabyte = Buffer.alloc(1024 * 1024, ' ');
  return Readable.from(Array.from({ length: PAGE_BODY_LIMIT_BYTES / megabyte.byteLength + 1 }, () => megabyte));
}

/** `fitting` of its objects are no more than what a page may have. */
function withLargeObjects(fitting: number, script: Script): Script {
  return (request, nth) =>
    Number(queryOf(request.path).get('limit')) > fitting ? { stream: tooMuch() } : script(request, nth);
}

describe('a list', () => {
  test('asks for 500 at a time, for no version, and for each page once', async () => {
    const server = aServer(pagesOf([['a', 'b'], ['c'], ['d']]));
    const listed = await list(server);
    expect(namesOf(listed)).toEqual(['a', 'b', 'c', 'd']);
    expect(listed.resourceVersion).toBe('7');
    expect(server.asked.map(({ path }) => path)).toEqual([
      `${PATH}?limit=500`,
      `${PATH}?limit=500&continue=t1`,
      `${PATH}?limit=500&continue=t2`,
    ]);
  });

  test('whose pages are too large is read in small ones: a single tenant may write objects of 1.5 MB', async () => {
    const server = aServer(withLargeObjects(50, pagesOf([['a'], ['b']])));
    expect(namesOf(await list(server))).toEqual(['a', 'b']);
    expect(server.asked.map(({ path }) => path)).toEqual([
      `${PATH}?limit=500`,
      `${PATH}?limit=50`,
      `${PATH}?limit=500&continue=t1`,
      `${PATH}?limit=50&continue=t1`,
    ]);
  });

  test('is read in pages of five where objects have six times that: Go escapes what a tenant chose', async () => {
    const server = aServer(withLargeObjects(5, pagesOf([['a'], ['b']])));
    expect(namesOf(await list(server))).toEqual(['a', 'b']);
    expect(server.asked.map(({ path }) => path).slice(0, 3)).toEqual([
      `${PATH}?limit=500`,
      `${PATH}?limit=50`,
      `${PATH}?limit=5`,
    ]);
  });

  test('is read in larger pages only as long as these are far from too large', async () => {
    const pages = pagesOf([['a'], ['b'], ['c']]);
    const megabytes: Readonly<Record<string, number>> = { t0: 19, t1: 10, t2: 0 };
    const server = aServer(async (request, nth) => {
      const query = queryOf(request.path);
      const token = query.get('continue') ?? 't0';
      if (token === 't0' && query.get('limit') !== '5') return { stream: tooMuch() };
      const reply = await pages(request, nth);
      if (reply instanceof Error) return reply;
      return { body: `${JSON.stringify(reply.body)}${' '.repeat((megabytes[token] ?? 0) * 1024 * 1024)}` };
    });
    expect(namesOf(await list(server))).toEqual(['a', 'b', 'c']);
    expect(server.asked.map(({ path }) => path).slice(-3)).toEqual([
      `${PATH}?limit=5`,
      `${PATH}?limit=6&continue=t1`,
      `${PATH}?limit=14&continue=t2`,
    ]);
  });

  test('of which five objects are too much cannot be read', async () => {
    const server = aServer(() => ({ stream: tooMuch() }));
    await expect(list(server)).rejects.toMatchObject({ reason: 'TooLong' });
    expect(server.asked).toHaveLength(3);
  });

  test('of any size and any pages is complete and in order, whatever breaks on the way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 4 }), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.constantFrom('fine', 'fine', 'fine', 'reset', 'cut', '503', '429')),
        async (pages, luck) => {
          const good = pagesOf(pages);
          const server = aServer(async (request, nth) => {
            const what = nth > 4 ? 'fine' : luck.next().value;
            if (what === 'reset') return networkError('ECONNRESET');
            if (what === '503' || what === '429') return { status: Number(what) };
            const reply = await good(request, nth);
            if (what === 'fine' || reply instanceof Error) return reply;
            return { body: JSON.stringify(reply.body).slice(0, -3) };
          });
          expect(namesOf(await list(server))).toEqual(pages.flat());
          expect(server.clock.pending()).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('begins anew when a page has expired, and drops what it had read', async () => {
    let isOld = true;
    const server = aServer(({ path }) => {
      const token = queryOf(path).get('continue');
      if (token === null) return page([isOld ? 'old' : 'new'], isOld ? '7' : '9', isOld ? 'old-token' : '');
      isOld = false;
      return {
        ...aStatus(410, 'Expired'),
        body: { ...Object(aStatus(410, 'Expired').body), metadata: { continue: 'inconsistent' } },
      };
    });
    const listed = await list(server);
    expect(namesOf(listed)).toEqual(['new']);
    expect(listed.resourceVersion).toBe('9');
    expect(server.asked.some(({ path }) => path.includes('inconsistent'))).toBe(false);
  });

  test('whose pages expire twice is asked for as a whole', async () => {
    const server = aServer(({ path }) => {
      const query = queryOf(path);
      if (query.get('limit') === null) return page(['a', 'b', 'c'], '9');
      return query.get('continue') === null ? page(['a'], '7', 'next') : aStatus(410, 'Expired');
    });
    expect(namesOf(await list(server))).toEqual(['a', 'b', 'c']);
    expect(server.asked.map(({ path }) => path)).toEqual([
      `${PATH}?limit=500`,
      `${PATH}?limit=500&continue=next`,
      `${PATH}?limit=500`,
      `${PATH}?limit=500&continue=next`,
      PATH,
    ]);
  });

  test('never mixes the pages of two snapshots', async () => {
    let round = 0;
    const server = aServer(({ path }) => {
      if (queryOf(path).get('continue') === null) round += 1;
      if (queryOf(path).get('continue') === null) return page([`first-${round}`], `${round}`, 'next');
      return page([`second-${round}`], round === 1 ? '99' : `${round}`);
    });
    expect(namesOf(await list(server))).toEqual(['first-2', 'second-2']);
  });

  test('that repeats a continue token for ever is given up', async () => {
    const server = aServer(() => page(['a'], '7', 'again'));
    const failure = await list(server).catch((error: unknown) => error);
    expect(isApiError(failure) && failure.reason).toBe('ListEndless');
    expect(server.asked.length).toBeLessThan(5);
  });

  test.each<[string, number, Script]>([
    ['sends empty pages for ever', 11, (_, nth) => page([], '7', `t${nth}`)],
    ['sends one page for ever', 2, (_, nth) => page(['a'], '7', `t${nth}`)],
    ['has no end', 1_000, (_, nth) => page([`a${nth}`], '7', `t${nth}`)],
  ])('that %s is given up', async (_, pages, script) => {
    let asked = 0;
    const server = aServer((request) => {
      asked += 1;
      return script(request, asked);
    });
    const failure = await list(server).catch((error: unknown) => error);
    expect(isApiError(failure) && failure.reason).toBe('ListEndless');
    // Some may have been asked for early.
    expect(asked).toBeGreaterThanOrEqual(pages);
    expect(asked).toBeLessThanOrEqual(pages + 4);
  });

  test('may have empty pages: a server may filter everything out', async () => {
    const server = aServer(pagesOf([['a'], [], [], [], ['b']]));
    expect(namesOf(await list(server))).toEqual(['a', 'b']);
  });

  test('that is no list is no empty one', async () => {
    const server = aServer(() => ({ body: { kind: 'APIVersions', versions: ['v1'] } }));
    const failure = await list(server).catch((error: unknown) => error);
    expect(isApiError(failure) && failure.words).toBe('the answer is JSON, but no list');
  });

  test('without items is an empty one, as Go prints it', async () => {
    const server = aServer(() => ({ body: { kind: 'PodList', metadata: { resourceVersion: '3' }, items: null } }));
    await expect(list(server)).resolves.toEqual({ entries: [], resourceVersion: '3' });
  });

  test('that is forbidden says so', async () => {
    const server = aServer(() => aStatus(403, 'Forbidden'));
    const failure = await list(server).catch((error: unknown) => error);
    expect(isApiError(failure) && failure.kind).toBe('forbidden');
  });
});
