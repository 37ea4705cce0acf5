/** One HTTP exchange with an API server, without retries or meaning: what tests replace and `connection.ts` makes real. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Absolute path with query, e.g. `/api/v1/pods?limit=500`. */
  readonly path: string;
  /** Accept header; default `application/json`. */
  readonly accept?: string;
  /** JSON body; `Content-Length` is always sent with it (Node leaves a DELETE's body out otherwise). */
  readonly body?: string;
  /** Aborts the exchange, also while the body is read. */
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded of any Content-Encoding. Ends early with an error when the connection breaks or `signal` aborts. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Rejects with an `Error` that has a string `code` (`ECONNREFUSED`, `ECONNRESET`, `ENOTFOUND`, `CERT_HAS_EXPIRED` …)
 * when no answer came. Never follows redirects.
 */
export type Transport = (request: ApiRequest) => Promise<ApiResponse>;
