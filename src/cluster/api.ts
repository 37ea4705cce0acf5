import type { Now } from '../clock.ts';
import type { ApiError } from './api-error.ts';
import type { ApiResponse } from './transport.ts';

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
}

/**
 * Requests to one API server with retries, credentials and errors for people. All methods reject with `ApiError`
 * (`isApiError`) and nothing else.
 *
 * GETs are repeated on 429, 5xx, resets, silence, and bodies that are cut or not JSON, with full-jitter back-off from
 * 800 ms to 30 s; `Retry-After` is honoured, and a 429 holds back all GETs. A 401 renews the credentials once and is
 * repeated; a second one in a row is final, and every later request is refused at once (`failure`). POST and DELETE
 * are repeated only where the server said that it did not carry them out (401, 429).
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
}
