import type { WorldClock } from '../world-clock.ts';
import { type Answer, bodyOf, textAnswer } from './answer.ts';
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
  | { readonly kind: 'reset-after' }
  /** The body ends after so many bytes: with ECONNRESET, or in the regular way (`clean`), which only the JSON shows. */
  | { readonly kind: 'truncate'; readonly afterBytes: number; readonly clean?: boolean }
  /** Carried out, and answered so much later. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Never answered. */
  | { readonly kind: 'hang' }
  /** 200 with something that no API server says; default a login page. */
  | { readonly kind: 'garbage'; readonly body?: string; readonly contentType?: string }
  /** Carried out, but the connection is refused already at connecting. */
  | { readonly kind: 'refuse'; readonly code?: string };

const LOGIN_PAGE =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action="/login"></form></body></html>\n';

/** An error as the transport rejects with: `code` says what broke. */
export function networkError(code: string): Error {
  return Object.assign(new Error(code === 'ECONNRESET' ? 'socket hang up' : `connect ${code}`), { code });
}

async function* truncated(
  body: AsyncIterable<Uint8Array>,
  afterBytes: number,
  clean: boolean,
): AsyncGenerator<Uint8Array> {
  let left = afterBytes;
  for await (const chunk of body) {
    if (chunk.length >= left) {
      if (left > 0) yield chunk.slice(0, left);
      left = 0;
      break;
    }
    yield chunk;
    left -= chunk.length;
  }
  if (!clean) throw networkError('ECONNRESET');
}

function refusal(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const body =
    fault.body ??
    JSON.stringify({
      ...statusErrors.badRequest(`the server answered ${fault.status}`),
      reason: fault.status === 429 ? 'TooManyRequests' : 'InternalError',
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
      throw networkError('ECONNRESET');
    case 'truncate': {
      const answer = await handle();
      return { ...answer, body: truncated(answer.body, fault.afterBytes, fault.clean ?? false) };
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
}
