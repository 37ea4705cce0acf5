import { type Clock, sleep } from '../clock.ts';
import type { Tell } from '../events.ts';
import type { Api, ApiStats, GetOptions, RequestOptions } from './api.ts';
import { type ApiError, isApiError } from './api-error.ts';
import { backOffMs, retryAfterWaitMs } from './back-off.ts';
import { GarbledBody, isHtml, parseJson, readBody, readRefusal } from './body.ts';
import { createCredentialRenewal } from './credential-renewal.ts';
import { aborted, garbled, notAnswered, notKubernetes, refused, silent } from './explain.ts';
import { createFirstContact } from './first-contact.ts';
import { createRequestSlots } from './request-slots.ts';
import { type RequestTarget, targetOf } from './request-target.ts';
import type { ServerClock } from './server-clock.ts';
import { guardSilence } from './silence.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

export interface ApiOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** `Connection.renewCredentials`. */
  readonly renewCredentials: () => Promise<void>;
  /** Ends every request. */
  readonly signal: AbortSignal;
  /** 0 (included) to 1 (excluded); default `Math.random`. */
  readonly random?: () => number;
  /** Told of retries (debug) and of a server that cannot be reached at first (warning). */
  readonly tell?: Tell;
}

/** GETs at a time, watches not counted: the cap that stands in for client-go's QPS of 5 (`rest/config.go`). */
const PARALLEL_GETS = 4;
/** Longest time without a byte of an answer. */
const SILENCE_LIMIT_MS = 30_000;
/** Tries of a POST or DELETE that the server turns away unread (429). */
const WRITE_TRIES = 3;

/** Reads the body of an accepted answer, and says so of every piece. */
type Consume<T> = (response: ApiResponse, onChunk: (bytes: number) => void) => Promise<T>;

/** See `Api`. */
export function createApi(options: ApiOptions): Api {
  const { transport, clock, serverClock, random = Math.random } = options;
  const stats: { -readonly [Counter in keyof ApiStats]: ApiStats[Counter] } = {
    requests: 0,
    retries: 0,
    bytes: 0,
    watchRestarts: 0,
  };
  let failure: ApiError | null = null;
  const slots = createRequestSlots(clock, PARALLEL_GETS);
  const credentials = createCredentialRenewal(options.renewCredentials);
  const tell = (type: 'debug' | 'warning', message: string): void =>
    options.tell?.({ type, message }, serverClock.now());
  const contact = createFirstContact(clock, (error) => tell('warning', `${error.message}; trying for 30 s`));
  const countBytes = (bytes: number): void => {
    stats.bytes += bytes;
  };

  const exchange = async (request: ApiRequest): Promise<ApiResponse> => {
    const sentMs = clock.monotonicMs();
    stats.requests += 1;
    const response = await transport(request);
    serverClock.observe(response.headers.date, sentMs, clock.monotonicMs());
    return response;
  };

  /** The answer of a server that accepts the request; rejects with the ApiError of any other. */
  const accepted = async (target: RequestTarget, request: ApiRequest): Promise<ApiResponse> => {
    const generation = credentials.generation();
    let response = await exchange(request);
    if (response.status === 401) {
      await readRefusal(response, countBytes);
      await credentials.renew(generation);
      stats.retries += 1;
      response = await exchange(request);
    }
    if (response.status >= 200 && response.status < 300) return response;
    const refusal = await readRefusal(response, countBytes);
    if (refusal.isStatus) contact.made();
    throw refused(target, response, refusal, serverClock.now().atMs);
  };

  /** One try; rejects with ApiError only. */
  const attempt = async <T>(
    target: RequestTarget,
    request: Omit<ApiRequest, 'signal'>,
    { signal }: RequestOptions,
    consume: Consume<T>,
  ): Promise<T> => {
    if (failure !== null) throw failure;
    const cut = new AbortController();
    const ended = AbortSignal.any(signal === undefined ? [options.signal] : [options.signal, signal]);
    const silence = guardSilence(clock, SILENCE_LIMIT_MS, () => cut.abort());
    try {
      if (ended.aborted) throw aborted(target);
      const response = await accepted(target, { ...request, signal: AbortSignal.any([ended, cut.signal]) });
      return await consume(response, (bytes) => {
        silence.touch();
        countBytes(bytes);
      });
    } catch (error) {
      // Frees the connection of a body that is not read to its end.
      cut.abort();
      if (ended.aborted) throw aborted(target);
      if (silence.tripped()) throw silent(target, SILENCE_LIMIT_MS);
      if (isApiError(error)) {
        if (error.kind === 'unauthorized') failure ??= error;
        throw error;
      }
      throw error instanceof GarbledBody ? garbled(target, 0, error) : notAnswered(target, error);
    } finally {
      silence.stop();
    }
  };

  /** Waits as the server asked for, or backs off; false when the run ended meanwhile. */
  const wait = async (error: ApiError, failures: number, signal: AbortSignal): Promise<boolean> => {
    const waitMs =
      error.retryAfterMs === null ? backOffMs(failures, random) : retryAfterWaitMs(error.retryAfterMs, random);
    if (error.kind === 'too-many-requests') slots.holdBack(waitMs);
    tell('debug', `${error.message}; again in ${Math.round(waitMs)} ms`);
    await sleep(clock, waitMs, signal);
    if (signal.aborted) return false;
    stats.retries += 1;
    return true;
  };

  const get = async <T>(
    request: Omit<ApiRequest, 'signal'>,
    getOptions: GetOptions,
    consume: Consume<T>,
  ): Promise<T> => {
    const target = targetOf(request.method, request.path);
    const signal =
      getOptions.signal === undefined ? options.signal : AbortSignal.any([options.signal, getOptions.signal]);
    for (let failures = 1; ; failures += 1) {
      const release = await slots.take(signal);
      const outcome = await attempt(target, request, getOptions, consume)
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

  const write = async (
    method: 'POST' | 'DELETE',
    path: string,
    body: unknown,
    writeOptions: RequestOptions = {},
  ): Promise<unknown> => {
    const target = targetOf(method, path);
    const consume = decoded(target, parseJson);
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt(target, { method, path, body: JSON.stringify(body) }, writeOptions, consume);
      } catch (error) {
        // A 429 was rejected before anything was done; every other failure may have been carried out.
        if (!isApiError(error) || error.kind !== 'too-many-requests' || failures >= WRITE_TRIES) throw error;
        if (!(await wait(error, failures, writeOptions.signal ?? options.signal))) throw aborted(target);
      }
    }
  };

  const decoded =
    <T>(target: RequestTarget, decode: (body: Buffer) => T | Promise<T>): Consume<T> =>
    async (response, onChunk) => {
      const body = await readBody(response.body, onChunk);
      if (isHtml(response.headers['content-type'], body)) throw notKubernetes(target, response);
      const value = await decode(body);
      contact.made();
      return value;
    };

  const read: Api['read'] = (path, decode, readOptions = {}) => {
    const { accept, ...getOptions } = readOptions;
    const request = { method: 'GET' as const, path, ...(accept === undefined ? {} : { accept }) };
    return get(request, getOptions, decoded(targetOf('GET', path), decode));
  };

  return {
    read,
    getJson: (path, getOptions) => read(path, parseJson, getOptions),
    getText: (path, getOptions = {}) =>
      get({ method: 'GET', path, accept: '*/*' }, getOptions, async (response, onChunk) =>
        (await readBody(response.body, onChunk)).toString('utf8'),
      ),
    post: (path, body, requestOptions) => write('POST', path, body, requestOptions),
    delete: (path, body, requestOptions) => write('DELETE', path, body, requestOptions),
    open: async (path, { accept, ...openOptions } = {}) => {
      const target = targetOf('GET', path);
      const signal = openOptions.signal ?? options.signal;
      const release = await slots.take(signal);
      try {
        const request = { method: 'GET' as const, path, ...(accept === undefined ? {} : { accept }) };
        return await attempt(target, request, openOptions, (response) => Promise.resolve(counted(response)));
      } catch (error) {
        if (isApiError(error) && error.kind === 'too-many-requests' && error.retryAfterMs !== null) {
          slots.holdBack(retryAfterWaitMs(error.retryAfterMs, random));
        }
        throw error;
      } finally {
        release();
      }
    },
    countWatchRestart: () => {
      stats.watchRestarts += 1;
    },
    stats,
    now: serverClock.now,
    failure: () => failure,
  };

  function counted(response: ApiResponse): ApiResponse {
    return { ...response, body: countedBody(response.body, countBytes) };
  }
}

async function* countedBody(body: ApiResponse['body'], onChunk: (bytes: number) => void): ApiResponse['body'] {
  for await (const chunk of body) {
    onChunk(chunk.byteLength);
    yield chunk;
  }
}
