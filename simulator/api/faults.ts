import type { WorldClock } from '../world-clock.ts';
import { type Answer, bodyOf, textAnswer } from './answer.ts';
import { cutShort, endless, networkError, relined, rewritten, slowed, stalled, truncated } from './broken-bodies.ts';
import { statusErrors } from './status-errors.ts';
import { waited } from './wait.ts';

/** What goes wrong with one request. */
export type Fault =
  /** Answers this instead of handling; the body defaults to a Status of that code. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection breaks; nothing was handled. */
  | { readonly kind: 'reset-before' }
  /** The request is carried out, then the connection breaks before an answer. */
  | { readonly kind: 'reset-after'; readonly code?: string }
  /** The body ends after so many bytes: with ECONNRESET, or in the regular way (`clean`), which only the JSON shows. */
  | { readonly kind: 'truncate'; readonly afterBytes: number; readonly clean?: boolean }
  /** The body stays open after so many bytes, and nothing more comes. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** The body comes in pieces of so many bytes, one in `everyMs`. */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly everyMs: number }
  /** The body never ends: behind it blanks come, so many bytes in `everyMs`. */
  | { readonly kind: 'endless'; readonly pieceBytes: number; readonly everyMs: number }
  /** Body and headers are others than the server wrote. */
  | {
      readonly kind: 'rewrite';
      readonly rewrite: (body: string) => string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A watch says for each of its lines these instead. */
  | { readonly kind: 'lines'; readonly rewrite: (line: string) => readonly string[] }
  /** The body ends so long after it began: in the regular way (`clean`), or with ECONNRESET. */
  | { readonly kind: 'cut'; readonly afterMs: number; readonly clean?: boolean }
  /** Answered so much later. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Never answered. */
  | { readonly kind: 'hang' }
  /** 200 with something that no API server says; default a login page. */
  | { readonly kind: 'garbage'; readonly body?: string; readonly contentType?: string }
  /** Carried out, but the connection is refused already at connecting. */
  | { readonly kind: 'refuse'; readonly code?: string };

const LOGIN_PAGE =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action="/login"></form></body></html>\n';

/** apimachinery `meta/v1/types.go`: StatusReason. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
};

function refusal(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const body =
    fault.body ??
    JSON.stringify({
      ...statusErrors.badRequest(`the server answered ${fault.status}`),
      reason: REASONS[fault.status] ?? 'InternalError',
      code: fault.status,
    });
  const answer = textAnswer(fault.status, body);
  return { ...answer, headers: { ...answer.headers, ...fault.headers } };
}

/** `handle`, with `fault` on the way. Rejects with what the transport shall reject with. */
export async function withFault(
  fault: Fault | undefined,
  world: WorldClock,
  signal: AbortSignal,
  handle: () => Promise<Answer>,
): Promise<Answer> {
  if (!fault) return handle();
  switch (fault.kind) {
    case 'status':
      return refusal(fault);
    case 'reset-before':
      throw networkError('ECONNRESET');
    case 'refuse':
      throw networkError(fault.code ?? 'ECONNREFUSED');
    case 'reset-after':
      await handle();
      throw networkError(fault.code ?? 'ECONNRESET');
    case 'truncate':
      return brokenBody((body) => truncated(body, fault.afterBytes, fault.clean ?? false));
    case 'stall':
      return brokenBody((body) => stalled(body, fault.afterBytes, world, signal), true);
    case 'slow':
      return brokenBody((body) => slowed(body, fault.pieceBytes, fault.everyMs, world, signal), true);
    case 'endless':
      return brokenBody((body) => endless(body, fault.pieceBytes, fault.everyMs, world, signal), true);
    case 'lines':
      return brokenBody((body) => relined(body, fault.rewrite));
    case 'cut':
      return brokenBody((body) => cutShort(body, fault.afterMs, fault.clean ?? false, world, signal), true);
    case 'rewrite': {
      const answer = await brokenBody((body) => rewritten(body, fault.rewrite));
      return { ...answer, headers: { ...answer.headers, ...fault.headers } };
    }
    case 'delay':
      await waited(world, fault.delayMs, signal);
      return handle();
    case 'hang':
      await waited(world, undefined, signal);
      throw networkError('ECONNRESET');
    case 'garbage':
      return {
        status: 200,
        headers: { 'content-type': fault.contentType ?? 'text/html' },
        body: bodyOf([fault.body ?? LOGIN_PAGE]),
      };
  }

  async function brokenBody(broken: (body: Answer['body']) => Answer['body'], paced = false): Promise<Answer> {
    const answer = await handle();
    return { ...answer, body: broken(answer.body), ...(paced ? { paced } : {}) };
  }
}
