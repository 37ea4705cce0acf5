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
 * Five hundred ordinary objects have some megabytes; but whoever may write events or annotations can make one as large as
 * etcd takes (1.5 MB), and a page of those would be too much for everybody. Fifty of them fit.
 */
const SMALL_PAGE_LIMIT = 50;
export const PAGE_BODY_LIMIT_BYTES = 96 * 1024 * 1024;
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
 * way gives. Where pages of the usual size are too large, smaller ones are read.
 */
export async function readList<T>(options: ListOptions<T>): Promise<Listed<T>> {
  try {
    return await readPaged(options, PAGE_LIMIT);
  } catch (error) {
    if (!isApiError(error) || error.reason !== TOO_LONG) throw error;
    return await readPaged(options, SMALL_PAGE_LIMIT);
  }
}

async function readPaged<T>(options: ListOptions<T>, limit: number): Promise<Listed<T>> {
  for (let round = 1; round <= PAGED_ROUNDS; round += 1) {
    try {
      return await readRound(options, limit);
    } catch (error) {
      if (!isApiError(error) || error.kind !== 'expired') throw error;
    }
  }
  return readRound(options, null);
}

async function readRound<T>(options: ListOptions<T>, limit: number | null): Promise<Listed<T>> {
  const { newest = '' } = options;
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const early = new Map<string, Promise<Page<T>>>();
  const entries: Entry<T>[] = [];
  const tokens = new Set<string>();
  const firstKeys = new Set<string>();
  const mostPages = MOST_OBJECTS / (limit ?? PAGE_LIMIT);
  let resourceVersion: string | null = null;
  let emptyPages = 0;

  const fetchPage = (token: string): Promise<Page<T>> =>
    options.api.read(
      pathOf(options.path, limit, token),
      async (body) => {
        // The next page is on its way while this one is parsed; the pause lets its request be written first.
        const next = options.decoder.peekContinue(body);
        if (next !== '' && next !== token && !early.has(next)) early.set(next, startEarly(next));
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
  const startEarly = (token: string): Promise<Page<T>> => {
    const page = fetchPage(token);
    // Whoever awaits it sees the failure; nobody may, when the list ends before.
    page.catch(() => {});
    return page;
  };

  try {
    for (let token = ''; ; ) {
      const page = await (early.get(token) ?? fetchPage(token));
      early.delete(token);
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
    if (tokens.size >= mostPages) return `it has more than ${mostPages} pages`;
    emptyPages = first === undefined ? emptyPages + 1 : 0;
    if (emptyPages > MOST_EMPTY_PAGES) return 'the server sends empty pages, one after another';
    if (first === undefined) return null;
    if (firstKeys.has(first.key)) return 'the server repeats a page';
    firstKeys.add(first.key);
    return null;
  }
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
