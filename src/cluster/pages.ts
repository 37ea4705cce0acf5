import type { Api } from './api.ts';
import { ApiError, isApiError } from './api-error.ts';
import { capText } from './cap-text.ts';
import type { Decoder, Entry, Page, Recall } from './decoder.ts';
import { TOO_LONG } from './explain.ts';
import { describeTarget, targetOf } from './request-target.ts';
import { isOlder } from './resource-version.ts';

/** client-go's page size (`tools/pager/pager.go`); measured as the best trade of time against memory here, too. */
const PAGE_LIMIT = 500;
/** Paged once, once more from the beginning, then as a whole (`pager.go`: full list when a continue token expired). */
const PAGED_ROUNDS = 2;
/**
 * Five hundred ordinary objects have some megabytes; but whoever may write events or pods can make one as large as etcd
 * takes (1.5 MB), six times that in JSON (Go writes `<` as `\u003c`), and a page of those would be too much for everybody.
 * Five of them fit.
 */
const LEAST_PAGE_LIMIT = 5;
const SMALLER = 10;
export const PAGE_BODY_LIMIT_BYTES = 96 * 1024 * 1024;
/** After a page like the one before so much is left for larger objects. */
const USUAL_PAGE_BYTES = PAGE_BODY_LIMIT_BYTES / 4;
/** Digits of a version that are shown; real ones have some ten. */
const SHOWN_VERSION = 40;
/** Kubernetes is built for 150,000 pods. What goes on for longer has no end. */
const MOST_OBJECTS = 500_000;
/** A server may filter all objects of a page out (api/meta/v1: `limit`), but hardly of page after page. */
const MOST_EMPTY_PAGES = 10;

export interface ListOptions<T> {
  readonly api: Api;
  /** With its query, if any: selectors only. */
  readonly path: string;
  readonly decoder: Decoder<T>;
  readonly recall: Recall<T>;
  readonly signal: AbortSignal;
  readonly onTrouble: (error: ApiError) => void;
  /** A version of this resource that was seen already; default: none was. */
  readonly newest?: string;
}

/** A complete list, as it was at one moment. */
export interface Listed<T> {
  readonly entries: readonly Entry<T>[];
  readonly resourceVersion: string;
}

/**
 * Reads a whole list in pages of one snapshot: when the snapshot expires under way (410, or a page of another version)
 * everything read so far is dropped. No resourceVersion is asked for, so that the list is never an old one. Rejects with
 * ApiError, also for a list that would go on for ever: a continue token or a page that comes twice, empty pages one after
 * another, more pages than any cluster fills; and for one that is older than what is known already, such as a cache on the
 * way gives. Where a page of the usual size is too large, smaller ones are read as long as the objects are so large.
 */
export async function readList<T>(options: ListOptions<T>): Promise<Listed<T>> {
  for (let round = 1; round <= PAGED_ROUNDS; round += 1) {
    try {
      return await readRound(options, PAGE_LIMIT);
    } catch (error) {
      if (!isApiError(error) || error.kind !== 'expired') throw error;
    }
  }
  return readRound(options, null);
}

async function readRound<T>(options: ListOptions<T>, firstLimit: number | null): Promise<Listed<T>> {
  const { newest = '' } = options;
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const early = new Map<string, Asked<T>>();
  const entries: Entry<T>[] = [];
  const tokens = new Set<string>();
  const firstKeys = new Set<string>();
  let present = firstLimit;
  let askedFor = 0;
  let resourceVersion: string | null = null;
  let emptyPages = 0;

  const fetchPage = (token: string, limit: number | null): Promise<Page<T>> =>
    options.api.read(
      pathOf(options.path, limit, token),
      async (body) => {
        // The next page is on its way while this one is parsed; the pause lets its request be written first.
        const next = options.decoder.peekContinue(body);
        if (next !== '' && next !== token && !early.has(next))
          early.set(next, startEarly(next, limit === null ? null : limitAfter(limit, body.byteLength)));
        if (next !== '') await nextRound();
        return options.decoder.decodePage(body, options.recall);
      },
      {
        signal,
        accept: options.decoder.accept,
        onTrouble: options.onTrouble,
        ...(limit === null ? {} : { limitBytes: PAGE_BODY_LIMIT_BYTES }),
      },
    );
  const startEarly = (token: string, limit: number | null): Asked<T> => {
    const page = fetchPage(token, limit);
    // Whoever awaits it sees the failure; nobody may, when the list ends before.
    page.catch(() => {});
    return { page, limit };
  };

  try {
    for (let token = ''; ; ) {
      const asked = early.get(token) ?? { page: fetchPage(token, present), limit: present };
      early.delete(token);
      present = asked.limit;
      askedFor += asked.limit ?? PAGE_LIMIT;
      const page = await unlessTooLong(asked);
      if (page === null) {
        present = smallerThan(asked.limit);
        continue;
      }
      if (isOlder(page.resourceVersion, newest)) throw outdated(options.path, page.resourceVersion, newest);
      resourceVersion ??= page.resourceVersion;
      if (page.resourceVersion !== resourceVersion) throw snapshotChanged(options.path);
      for (const entry of page.entries) entries.push(entry);
      token = page.continueToken;
      if (token === '') return { entries, resourceVersion };
      const why = whyEndless(page, token);
      if (why !== null) throw endless(options.path, why);
    }
  } finally {
    end.abort();
  }

  function whyEndless({ entries: [first] }: Page<T>, token: string): string | null {
    if (tokens.has(token)) return 'the server repeats a continue token';
    tokens.add(token);
    if (askedFor >= MOST_OBJECTS) return `it has more than ${tokens.size} pages`;
    emptyPages = first === undefined ? emptyPages + 1 : 0;
    if (emptyPages > MOST_EMPTY_PAGES) return 'the server sends empty pages, one after another';
    if (first === undefined) return null;
    if (firstKeys.has(first.key)) return 'the server repeats a page';
    firstKeys.add(first.key);
    return null;
  }
}

/** A page that was asked for, and how many objects at most; null: all. */
interface Asked<T> {
  readonly page: Promise<Page<T>>;
  readonly limit: number | null;
}

/** null: fewer objects are to be asked for. */
async function unlessTooLong<T>({ page, limit }: Asked<T>): Promise<Page<T> | null> {
  try {
    return await page;
  } catch (error) {
    if (isApiError(error) && error.reason === TOO_LONG && limit !== null && limit > LEAST_PAGE_LIMIT) return null;
    throw error;
  }
}

function smallerThan(limit: number | null): number | null {
  return limit === null ? null : Math.max(LEAST_PAGE_LIMIT, Math.floor(limit / SMALLER));
}

/** After a page of so many objects with so many bytes; objects of one namespace, and so of one writer, stand together. */
function limitAfter(limit: number, bytes: number): number {
  const fitting = Math.floor((limit * USUAL_PAGE_BYTES) / Math.max(1, bytes));
  return Math.min(PAGE_LIMIT, Math.max(LEAST_PAGE_LIMIT, limit, fitting));
}

function nextRound(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function pathOf(path: string, limit: number | null, token: string): string {
  const query: string[] = [];
  if (limit !== null) query.push(`limit=${limit}`);
  if (token !== '') query.push(`continue=${encodeURIComponent(token)}`);
  return query.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${query.join('&')}`;
}

function snapshotChanged(path: string): ApiError {
  return listError(path, 'expired', 'SnapshotChanged', 'the pages of the list are of different versions');
}

function endless(path: string, why: string): ApiError {
  return listError(path, 'server-error', 'ListEndless', `the list does not end: ${why}`);
}

/** `resourceVersion` was not asked for, and so a server has to give the newest (api-concepts: consistent read). */
function outdated(path: string, version: string, newest: string): ApiError {
  const what = `the list is of version ${capText(version, SHOWN_VERSION)}, but ${capText(newest, SHOWN_VERSION)} was seen before`;
  return listError(
    path,
    'server-error',
    'ListOutdated',
    `${what}; a cache between the gate and the API server answers in its place, or the cluster was restored from a backup`,
  );
}

function listError(path: string, kind: ApiError['kind'], reason: string, words: string): ApiError {
  const target = targetOf('GET', path);
  return new ApiError(`${describeTarget(target)}: ${words}`, {
    kind,
    status: 200,
    reason,
    words,
    verb: target.verb,
    path: target.path,
    retryAfterMs: null,
  });
}
