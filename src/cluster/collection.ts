import { type Clock, type Now, sleep } from '../clock.ts';
import { isLasting } from '../objects/snapshot.ts';
import type { Timing } from '../timing.ts';
import type { Api } from './api.ts';
import { isApiError, isRefusedForGood } from './api-error.ts';
import { backOffMs, retryAfterWaitMs } from './back-off.ts';
import type { Decoder, WatchEvent } from './decoder.ts';
import { type CollectionState, createFreshness } from './freshness.ts';
import { readList } from './pages.ts';
import { createRefreshWaiters } from './refresh-waiters.ts';
import { createStore } from './store.ts';
import { watchOnce } from './watch.ts';
import { isUseful, type WatchEnd, wordsFor } from './watch-end.ts';

export interface CollectionOptions<T> {
  readonly api: Api;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'viewGapMs' | 'forbiddenRetryMs'>;
  /** Ends everything. */
  readonly signal: AbortSignal;
  readonly random: () => number;
  /** With its query, if any: selectors only. */
  readonly path: string;
  readonly decoder: Decoder<T>;
  /** `poll`: lists only, every 5-10 s; where there would be too many watches. */
  readonly mode: 'watch' | 'poll';
  /** Deleted objects that stay in the picture (see `Store`). */
  readonly keepDeleted?: (item: T) => boolean;
  /** Told when items or state changed. */
  readonly onChange: () => void;
}

/** One resource in one scope, kept up to date by a list and a watch until the signal aborts. */
export interface Collection<T> {
  readonly items: () => readonly T[];
  readonly forgetDeleted: (isWanted: (item: T) => boolean) => void;
  /** Grows with every change of the items. */
  readonly revision: () => number;
  readonly state: (now: Now) => CollectionState;
  /** How often a gap of more than `viewGapMs` was closed again. */
  readonly gapsClosed: () => number;
  /** When it came into sight again the last time, in the run's elapsed ms (see `Freshness`); null: it was never lost. */
  readonly regainedElapsedMs: () => number | null;
  /** Resolves when it was read, or failed, for the first time; also when it ends. */
  readonly settled: Promise<void>;
  /** Nothing is known to be true since then: it is listed anew. */
  readonly distrust: (since: Now, message: string) => void;
  /** A fresh list, begun after this call: true when it succeeded, false at its first failure or when `signal` aborts. */
  readonly refresh: (signal: AbortSignal) => Promise<boolean>;
}

/** "Lists every 5-10 s", at random. */
const POLL_MS = 5_000;
/** A poll and the list that follows it: what is not listed again by then is stale. */
const POLL_GAP_MS = 20_000;
/** client-go's RetryWatcher leaves a second between restarts: no server is to be asked in a hot loop. */
const LEAST_WATCH_MS = 1_000;
/** After so many watches in a row that told nothing, lists tell more than watches. */
const MOST_FRUITLESS_WATCHES = 3;
/** A watch that was refused for good is asked for again this seldom: rights come back, proxies are mended. */
const WATCH_AGAIN_MS = 60_000;
/** The same of one that was never answered: each try is half a minute in which nothing is seen. */
const SILENT_WATCH_AGAIN_MS = 300_000;
/** Rights that were missing from the beginning may be granted under way, but hardly are; likewise what else is refused. */
const REFUSED_AGAIN_MS = 30_000;
/** Rights that are lost under way may come back within `forbiddenRetryMs` (a role that is applied anew). */
const REFUSED_RETRY_MS = 5_000;

/** See `Collection`. Begins at once. */
export function createCollection<T>(options: CollectionOptions<T>): Collection<T> {
  const { api, clock, random, signal, onChange } = options;
  const store = createStore<T>(options.keepDeleted);
  const freshness = createFreshness({
    ...options.timing,
    startedAt: api.now(),
    outageElapsedMs: api.outageElapsedMs,
  });
  let pollUntilMs = options.mode === 'poll' ? Number.POSITIVE_INFINITY : 0;
  let failedLists = 0;
  let failedWatches = 0;
  let heardAt = api.now();
  /** The newest version that was told: from there the next watch begins, and no list may be older. */
  let newest = '';
  const refreshes = createRefreshWaiters();
  let interruption = new AbortController();
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();

  const giveUp = (): void => {
    refreshes.answer(false);
    settle();
    onChange();
  };
  const trouble = (message: string, how: 'lose' | 'forbid' | 'refuse' = 'lose'): void => {
    freshness[how](api.now(), message);
    giveUp();
  };
  /** Ends early when a refresh is asked for. */
  const pause = (ms: number): Promise<void> => sleep(clock, ms, AbortSignal.any([signal, interruption.signal]));
  const pollPauseMs = (): number => POLL_MS + random() * POLL_MS;

  /** False when the list failed, after a pause. */
  const list = async (): Promise<boolean> => {
    const asked = refreshes.present();
    // A list shows how things were when it began; when it had to be tried again, that moment is not known.
    let asOf: Now | null = api.now();
    try {
      const { entries, resourceVersion } = await readList({
        ...options,
        recall: store.recall,
        newest,
        onTrouble: ({ message }) => {
          asOf = null;
          trouble(message);
        },
      });
      store.replace(entries);
      newest = resourceVersion;
      freshness.seen(asOf ?? api.now());
      failedLists = 0;
      refreshes.answer(true, asked);
      settle();
      onChange();
      return true;
    } catch (error) {
      if (!isApiError(error)) throw error;
      const isForbidden = error.kind === 'forbidden';
      const isRefused = isForbidden || isRefusedForGood(error);
      // That the run ends says nothing of the view: what was wrong with it before is what counts.
      if (error.kind === 'aborted') giveUp();
      else if (isRefused) trouble(error.message, isForbidden ? 'forbid' : 'refuse');
      else trouble(error.message);
      if (signal.aborted || api.failure() !== null) return false;
      failedLists += 1;
      if (!isRefused) await pause(backOffMs(failedLists, random));
      else await pause(isRefusedForLong(freshness.state(api.now())) ? REFUSED_AGAIN_MS : REFUSED_RETRY_MS);
      return false;
    }
  };

  const apply = (events: readonly WatchEvent<T>[]): void => {
    if (events.length > 0) heardAt = api.now();
    const before = store.revision();
    for (const event of events) {
      if (event.type === 'put') store.put(event.entry);
      else if (event.type === 'deleted') store.remove(event.key);
    }
    if (store.revision() !== before) onChange();
  };

  /** Watches, again and again, until a list is needed. */
  const watch = async (): Promise<void> => {
    for (;;) {
      const askedAt = api.now();
      const end = await watchOnce(
        {
          ...options,
          recall: store.recall,
          signal: AbortSignal.any([signal, interruption.signal]),
          onOpen: () => {
            heardAt = api.now();
            freshness.seen(heardAt);
            onChange();
          },
          onEvents: apply,
        },
        newest,
      );
      if (end.why !== 'refused') newest = end.version;
      if (signal.aborted || api.failure() !== null) return;
      if (interruption.signal.aborted) {
        freshness.lose(api.now(), 'a newer list is not complete yet');
        return;
      }
      if (isUseful(end)) failedWatches = 0;
      freshness.lose(seenUntil(end, askedAt), wordsFor(end));
      onChange();
      if ((await after(end)) === 'list') return;
      if (signal.aborted || interruption.signal.aborted) return;
      // What a resumed watch has missed comes piece by piece, and nobody says when that was all: a list says it at once.
      if (freshness.lostForMs(api.now()) > options.timing.viewGapMs) return;
      api.countWatchRestart();
    }
  };

  /** A refusal may take long, and nothing was seen meanwhile. */
  const seenUntil = ({ why }: WatchEnd, askedAt: Now): Now => {
    if (why === 'refused') return askedAt;
    return why === 'silent' || why === 'overdue' ? heardAt : api.now();
  };

  /** Waits as the end of a watch asks for, and says whether it can be resumed. */
  const after = async (end: WatchEnd): Promise<'resume' | 'list'> => {
    switch (end.why) {
      case 'refused': {
        const { kind, retryAfterMs } = end.error;
        if (kind === 'expired') return await afterExpiry(end);
        // Lists may be allowed where watches are not; if they are not, the list will say so.
        if (kind === 'forbidden' || kind === 'not-found' || kind === 'invalid') return pollFor(WATCH_AGAIN_MS);
        if (end.error.reason === 'Silent') return pollFor(SILENT_WATCH_AGAIN_MS);
        return await afterFailure('resume', retryAfterMs);
      }
      case 'error': {
        if (end.code === 410) return await afterExpiry(end);
        // Of these a server may recover without forgetting (retrywatcher.go: 500, 504); what others mean is not known.
        return await afterFailure([429, 500, 503, 504].includes(end.code) ? 'resume' : 'list', end.retryAfterMs);
      }
      case 'garbled':
      case 'disordered':
        return await afterFailure('list');
      case 'silent':
      case 'overdue':
        return 'resume';
      case 'closed':
        return await afterClose(end);
    }
  };

  /** A version that was fresh a moment ago and is too old already, is no reason to list in a hot loop. */
  const afterExpiry = (end: WatchEnd): Promise<'resume' | 'list'> =>
    isUseful(end) ? Promise.resolve('list') : afterFailure('list');

  const afterClose = async (end: Extract<WatchEnd, { readonly why: 'closed' }>): Promise<'resume' | 'list'> => {
    if (!isUseful(end)) return await afterFailure('resume');
    freshness.allowGap(options.timing.viewGapMs);
    if (end.openForMs < LEAST_WATCH_MS) await pause(backOffMs(1, random));
    return 'resume';
  };

  /** Backs off; where watches keep failing, lists tell for a while what they do not. */
  const afterFailure = async (
    next: 'resume' | 'list',
    retryAfterMs: number | null = null,
  ): Promise<'resume' | 'list'> => {
    failedWatches += 1;
    if (failedWatches >= MOST_FRUITLESS_WATCHES) return pollFor(WATCH_AGAIN_MS);
    await pause(retryAfterMs === null ? backOffMs(failedWatches, random) : retryAfterWaitMs(retryAfterMs, random));
    return next;
  };

  const pollFor = (ms: number): 'list' => {
    pollUntilMs = Math.max(pollUntilMs, clock.monotonicMs() + ms);
    return 'list';
  };

  const keepUp = async (): Promise<void> => {
    while (!signal.aborted && api.failure() === null) {
      interruption = new AbortController();
      if (!(await list()) || interruption.signal.aborted) continue;
      if (clock.monotonicMs() < pollUntilMs) {
        freshness.allowGap(POLL_GAP_MS);
        freshness.lose(api.now(), 'a newer list is not complete yet');
        await pause(pollPauseMs());
      } else {
        if (pollUntilMs > 0) freshness.allowGap(options.timing.viewGapMs);
        pollUntilMs = 0;
        await watch();
      }
    }
  };
  const run = async (): Promise<void> => {
    try {
      await keepUp();
      const failure = api.failure();
      if (failure === null) giveUp();
      else trouble(failure.message);
    } catch (error) {
      // A mistake in this program: without its loop the collection must not pass for a live one.
      trouble(`the view ended with an error of its own: ${String(error)}`);
      throw error;
    }
  };
  const ended = run();

  return {
    items: store.items,
    forgetDeleted: store.forgetDeleted,
    revision: store.revision,
    state: freshness.state,
    gapsClosed: freshness.gapsClosed,
    regainedElapsedMs: freshness.regainedElapsedMs,
    settled: Promise.race([settled, ended]),
    distrust: (since, message) => {
      freshness.lose(since, message);
      interruption.abort();
    },
    refresh: async (refreshSignal) => {
      if (signal.aborted || refreshSignal.aborted || api.failure() !== null) return false;
      const isFresh = refreshes.wait(refreshSignal);
      interruption.abort();
      return await isFresh;
    },
  };
}

function isRefusedForLong({ kind }: CollectionState): boolean {
  return kind !== 'live' && isLasting(kind);
}
