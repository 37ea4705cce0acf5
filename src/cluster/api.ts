import { type Clock, type Now, sleep } from '../clock.ts';
import type { Tell } from '../events.ts';
import { type ApiError, isApiError } from './api-error.ts';
import { backOffMs, retryAfterWaitMs } from './back-off.ts';
import { isHtml, parseJson, readBody } from './body.ts';
import { aborted, notKubernetes } from './explain.ts';
import { createFirstContact } from './first-contact.ts';
import { createRecovery } from './recovery.ts';
import { type Consume, createRequester } from './request.ts';
import { createRequestSlots } from './request-slots.ts';
import { type RequestTarget, targetOf } from './request-target.ts';
import type { ServerClock } from './server-clock.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

/** Counters of a run, as the report shows them. */
export interface ApiStats {
  /** Exchanges begun, retries and watches included. */
  readonly requests: number;
  /** Requests that were repeated. */
  readonly retries: number;
  /** Bytes of the answers' bodies after decompression. */
  readonly bytes: number;
  /** Watches that were opened again. */
  readonly watchRestarts: number;
}

export interface RequestOptions {
  /** Ends this request only. The run's own signal always ends it. */
  readonly signal?: AbortSignal;
}

export interface GetOptions extends RequestOptions {
  /**
   * How often a GET is tried in all; default: until it succeeds, is refused for good, or its signal aborts. Whoever
   * waits without limit listens to `onTrouble`.
   */
  readonly tries?: number;
  /** Told after each failed try that will be repeated. */
  readonly onTrouble?: (error: ApiError) => void;
}

export interface ReadOptions extends GetOptions {
  /** Accept header; default `application/json`. */
  readonly accept?: string;
  /** A longer body is refused with the reason `TOO_LONG`, and not asked for again. */
  readonly limitBytes?: number;
}

/**
 * Requests to one API server with retries, credentials and errors for people. All methods reject with `ApiError`
 * (`isApiError`) and nothing else.
 *
 * GETs are repeated on 429, 5xx, resets, silence, and bodies that are cut or not JSON, with full-jitter back-off from
 * 800 ms to 30 s, which ends soon after a server that could not be reached answers again; `Retry-After` is honoured, and
 * a 429 holds back all GETs but that of a watch, which says nothing of lists. A 401 renews the credentials once and is
 * repeated; a second one in a row is final, and every later request is refused at once (`failure`). A POST is repeated
 * only where the server said that it did not carry it out (401, 429). A DELETE is never sent twice: after a 401 it
 * rejects with new credentials at hand (`credentials`), after a 429 when the time that the server asked for has passed,
 * and whoever still wants it sends it anew.
 */
export interface Api {
  /**
   * A GET whose body `decode` turns into something; what `decode` throws as `GarbledBody` counts as a cut body and is
   * repeated. It may be asynchronous, to let other requests begin before it computes.
   */
  readonly read: <T>(path: string, decode: (body: Buffer) => T | Promise<T>, options?: ReadOptions) => Promise<T>;
  /** Parsed JSON of a GET. */
  readonly getJson: (path: string, options?: GetOptions) => Promise<unknown>;
  /** Text of a GET (logs). */
  readonly getText: (path: string, options?: GetOptions) => Promise<string>;
  readonly post: (path: string, body: unknown, options?: RequestOptions) => Promise<unknown>;
  /** The answer's body, parsed: the object or a Status. */
  readonly delete: (path: string, body: unknown, options?: RequestOptions) => Promise<unknown>;
  /** Begins a GET whose body goes on (a watch): one try, no limit on its length. The caller reads the body. */
  readonly open: (path: string, options?: RequestOptions & { readonly accept?: string }) => Promise<ApiResponse>;
  /** Counts a watch that was opened again. */
  readonly countWatchRestart: () => void;
  readonly stats: ApiStats;
  readonly now: () => Now;
  /** Why no further request can succeed (401 for good; a server that could not be reached at all); null while it can. */
  readonly failure: () => ApiError | null;
  /**
   * When the server last was away, which took more than one failure: nobody answered, or it failed. In the run's elapsed
   * ms; null: never.
   */
  readonly outageElapsedMs: () => number | null;
}

export interface ApiOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** `Connection.renewCredentials`. */
  readonly renewCredentials: () => Promise<void>;
  /** A server's words without secrets; default: as they are. */
  readonly hide?: (text: string) => string;
  /** Ends every request. */
  readonly signal: AbortSignal;
  /** 0 (included) to 1 (excluded); default `Math.random`. */
  readonly random?: () => number;
  /**
   * Told of retries (debug), of credentials that were obtained anew (note), and of a server that cannot be reached at
   * first (warning).
   */
  readonly tell?: Tell;
}

/** GETs at a time, watches not counted: stands in for client-go's limit of 5 requests a second (`rest/config.go`). */
const PARALLEL_GETS = 4;
/** Tries of a POST that the server turns away unread (429). */
const WRITE_TRIES = 3;

type Draft = Omit<ApiRequest, 'signal'>;

/** See `Api`. */
export function createApi(options: ApiOptions): Api {
  const { clock, serverClock, random = Math.random } = options;
  const stats: { -readonly [Counter in keyof ApiStats]: ApiStats[Counter] } = {
    requests: 0,
    retries: 0,
    bytes: 0,
    watchRestarts: 0,
  };
  let failure: ApiError | null = null;
  const tell = (type: 'debug' | 'note' | 'warning', message: string): void =>
    options.tell?.({ type, message }, serverClock.now());
  const slots = createRequestSlots(clock, PARALLEL_GETS);
  const contact = createFirstContact(clock, (error) => tell('warning', `${error.message}; trying for half a minute`));
  const recovery = createRecovery(serverClock.now);
  const countBytes = (bytes: number): void => {
    stats.bytes += bytes;
  };
  const send = createRequester({
    ...options,
    onExchange: (isRepeated) => {
      stats.requests += 1;
      if (isRepeated) stats.retries += 1;
    },
    onBytes: countBytes,
    onStatus: contact.made,
    onRenewed: () =>
      tell('note', 'the API server rejected the credentials (401 Unauthorized); obtained anew, they are accepted'),
  });

  const signalOf = ({ signal }: RequestOptions): AbortSignal =>
    signal === undefined ? options.signal : AbortSignal.any([options.signal, signal]);

  /** One try. What is final for the run is remembered, and ends every later request before it begins. */
  const attempt = async <T>(target: RequestTarget, request: ApiRequest, consume: Consume<T>): Promise<T> => {
    if (failure !== null) throw failure;
    try {
      const value = await send(target, request, consume);
      recovery.observe(null);
      return value;
    } catch (error) {
      if (isApiError(error)) recovery.observe(error);
      if (isApiError(error) && error.kind === 'unauthorized') failure ??= error;
      throw error;
    }
  };

  /** To its end, or until a server that could not be reached is there again: then soon, but not all at the same moment. */
  const backOff = async ({ kind }: ApiError, waitMs: number, signal: AbortSignal): Promise<void> => {
    if (kind !== 'unreachable') return sleep(clock, waitMs, signal);
    const isBack = recovery.signal();
    await sleep(clock, waitMs, AbortSignal.any([signal, isBack]));
    if (isBack.aborted) await sleep(clock, backOffMs(1, random), signal);
  };

  /** Waits as the server asked for, or backs off; false when the signal aborted meanwhile. */
  const wait = async (error: ApiError, failures: number, signal: AbortSignal): Promise<boolean> => {
    const { retryAfterMs } = error;
    const waitMs =
      retryAfterMs === null
        ? Math.min(backOffMs(failures, random), contact.longestWaitMs())
        : retryAfterWaitMs(retryAfterMs, random);
    if (error.kind === 'too-many-requests') slots.holdBack(waitMs);
    tell('debug', `${error.message}; again in ${Math.round(waitMs)} ms`);
    await backOff(error, waitMs, signal);
    if (signal.aborted) return false;
    stats.retries += 1;
    return true;
  };

  const get = async <T>(draft: Draft, getOptions: GetOptions, consume: Consume<T>): Promise<T> => {
    const target = targetOf(draft.method, draft.path);
    const signal = signalOf(getOptions);
    for (let failures = 1; ; failures += 1) {
      const release = await slots.take(signal);
      const outcome = await attempt(target, { ...draft, signal }, consume)
        .then((value) => ({ value }))
        .catch((rejection: ApiError) => ({ error: rejection }))
        .finally(release);
      if ('value' in outcome) return outcome.value;
      const { error } = outcome;
      const judgement = contact.judge(error);
      if (judgement === 'final') failure ??= error;
      if (judgement !== 'repeat' || failures >= (getOptions.tries ?? Number.POSITIVE_INFINITY)) throw error;
      getOptions.onTrouble?.(error);
      if (!(await wait(error, failures, signal))) throw aborted(target);
    }
  };

  const write = async (draft: Draft, requestOptions: RequestOptions = {}): Promise<unknown> => {
    const target = targetOf(draft.method, draft.path);
    const signal = signalOf(requestOptions);
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt(target, { ...draft, signal }, decoded(target, parseJson));
      } catch (error) {
        // A 429 was rejected before anything was done; every other failure may have been carried out.
        if (!isApiError(error) || error.kind !== 'too-many-requests' || failures >= WRITE_TRIES) throw error;
        const mayGoOn = await wait(error, failures, signal);
        if (draft.method === 'DELETE') throw error;
        if (!mayGoOn) throw aborted(target);
      }
    }
  };

  const decoded =
    <T>(target: RequestTarget, decode: (body: Buffer) => T | Promise<T>, limitBytes?: number): Consume<T> =>
    async (response, onChunk) => {
      const body = await readBody(response.body, onChunk, limitBytes);
      if (isHtml(response, body)) throw notKubernetes(target, response);
      const value = await decode(body);
      contact.made();
      return value;
    };

  const open: Api['open'] = async (path, openOptions = {}) => {
    const signal = signalOf(openOptions);
    const release = await slots.take(signal);
    try {
      return await attempt(targetOf('GET', path), { ...getDraft(path, openOptions), signal }, (response) =>
        Promise.resolve({ ...response, body: countedBody(response.body, countBytes) }),
      );
    } finally {
      release();
    }
  };

  const read: Api['read'] = (path, decode, readOptions = {}) =>
    get(getDraft(path, readOptions), readOptions, decoded(targetOf('GET', path), decode, readOptions.limitBytes));

  return {
    read,
    getJson: (path, getOptions) => read(path, parseJson, getOptions),
    getText: (path, getOptions = {}) =>
      get(getDraft(path, { accept: '*/*' }), getOptions, async (response, onChunk) =>
        (await readBody(response.body, onChunk)).toString('utf8'),
      ),
    post: (path, body, requestOptions) => write({ method: 'POST', path, body: JSON.stringify(body) }, requestOptions),
    delete: (path, body, requestOptions) =>
      write({ method: 'DELETE', path, body: JSON.stringify(body) }, requestOptions),
    open,
    countWatchRestart: () => {
      stats.watchRestarts += 1;
    },
    stats,
    now: serverClock.now,
    failure: () => failure,
    outageElapsedMs: recovery.outageElapsedMs,
  };
}

function getDraft(path: string, { accept }: { readonly accept?: string }): Draft {
  return { method: 'GET', path, ...(accept === undefined ? {} : { accept }) };
}

async function* countedBody(body: ApiResponse['body'], onChunk: (bytes: number) => void): ApiResponse['body'] {
  for await (const chunk of body) {
    onChunk(chunk.byteLength);
    yield chunk;
  }
}
