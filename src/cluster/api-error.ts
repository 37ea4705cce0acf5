/** What kind of refusal or failure it was: what callers branch on. */
export type ApiErrorKind =
  /** 401 also with new credentials: the run cannot go on. */
  | 'unauthorized'
  /** 403: a right is missing. */
  | 'forbidden'
  /** 404 */
  | 'not-found'
  /** 409: a precondition did not hold. */
  | 'conflict'
  /** 410: the resourceVersion or continue token is too old. */
  | 'expired'
  /** 400, 405, 406, 415, 422: the server does not understand the request. */
  | 'invalid'
  /** 429: rejected before it was carried out. */
  | 'too-many-requests'
  /** 5xx */
  | 'server-error'
  /** 3xx: redirects are never followed. */
  | 'redirect'
  /** An answer that no API server gives: HTML, a proxy's login page, something that is not JSON. */
  | 'not-kubernetes'
  /** The server's certificate is not trusted, has expired or is for another name; or ours was refused. */
  | 'certificate'
  /** No credentials: an exec plugin or a token file failed. */
  | 'credentials'
  /** No answer, or half of one: DNS, refused, reset, cut off, silent for too long. */
  | 'unreachable'
  /** The run ended meanwhile. */
  | 'aborted';

export interface ApiErrorDetails {
  readonly kind: ApiErrorKind;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** `Status.reason` of the server (`Expired`, `Forbidden` …), else the network's code (`ECONNREFUSED` …), else ''. */
  readonly reason: string;
  /** The server's or network's own words. Untrusted. */
  readonly words: string;
  readonly verb: string;
  /** Path without the query. */
  readonly path: string;
  /** `Retry-After`, or the Status' `retryAfterSeconds`; null when the server did not say. */
  readonly retryAfterMs: number | null;
  /** Refused in a Status: the words of an API server, not those of somebody in front of it. Default false. */
  readonly isStatus?: boolean;
}

/**
 * One request that did not succeed. `message` names verb, resource, namespace, what happened and the fix where one is
 * known; it holds no credentials. Parts of it are the server's words: untrusted.
 */
export class ApiError extends Error implements ApiErrorDetails {
  readonly kind: ApiErrorKind;
  readonly status: number;
  readonly reason: string;
  readonly words: string;
  readonly verb: string;
  readonly path: string;
  readonly retryAfterMs: number | null;
  readonly isStatus: boolean;

  constructor(message: string, details: ApiErrorDetails, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ApiError';
    this.kind = details.kind;
    this.status = details.status;
    this.reason = details.reason;
    this.words = details.words;
    this.verb = details.verb;
    this.path = details.path;
    this.retryAfterMs = details.retryAfterMs;
    this.isStatus = details.isStatus ?? false;
  }
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof ApiError;
}

/**
 * Whether the API server itself will say the same again, however often it is asked: the request is wrong (400, 405, 409,
 * 422 …), or it serves no such resource (404; what it serves by itself is there before its port is open). A proxy says
 * 404 and 400, too, while the API server behind it restarts, but not in a Status.
 */
export function isRefusedForGood({ kind, isStatus }: ApiError): boolean {
  return isStatus && (kind === 'invalid' || kind === 'not-found' || kind === 'conflict');
}
