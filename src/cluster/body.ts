import type { ApiResponse } from './transport.ts';

/** More than one page of any list needs, less than the longest string of V8 (about 512 MB). */
const BODY_LIMIT_BYTES = 400 * 1024 * 1024;
/** Enough for a Status; more of a refusal is not read. */
const REFUSAL_LIMIT_BYTES = 64 * 1024;

/** A body that came, and cannot be what it should be: cut, too long, not JSON. */
export class GarbledBody extends Error {}

/** A body that is longer than its reader wants: asking for less of it helps, asking for the same again does not. */
export class TooLongBody extends GarbledBody {}

/**
 * Reads a body to its end; `onChunk` is told the size of each piece. Rejects with `TooLongBody` beyond a limit of the
 * caller's own, and with `GarbledBody` beyond the one for all.
 */
export async function readBody(
  body: ApiResponse['body'],
  onChunk: (bytes: number) => void,
  ownLimitBytes?: number,
): Promise<Buffer> {
  const limitBytes = ownLimitBytes ?? BODY_LIMIT_BYTES;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    onChunk(chunk.byteLength);
    if (sizeBytes > limitBytes) {
      const what = `the answer is longer than ${limitBytes} bytes`;
      throw ownLimitBytes === undefined ? new GarbledBody(what) : new TooLongBody(what);
    }
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (chunks.length === 1 && Buffer.isBuffer(only)) return only;
  return Buffer.concat(chunks, sizeBytes);
}

/** What a refusal says: metav1.Status where the server sent one. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly retryAfterSeconds: number | null;
  /** Whether it was a Status: the words of an API server and of nobody else. */
  readonly isStatus: boolean;
}

/** Reads the body of a refusal; an unreadable one has no words. Never rejects but for the transport's reasons. */
export async function readRefusal(response: ApiResponse, onChunk: (bytes: number) => void): Promise<Refusal> {
  try {
    return statusOf(parseJson(await readBody(response.body, onChunk, REFUSAL_LIMIT_BYTES)));
  } catch {
    return NO_WORDS;
  }
}

const NO_WORDS: Refusal = { reason: '', message: '', retryAfterSeconds: null, isStatus: false };

/** The words of a metav1.Status (also that of a watch's ERROR event); anything else has none. */
export function statusOf(value: unknown): Refusal & { readonly code: number } {
  if (!isRecord(value) || value.kind !== 'Status') return { ...NO_WORDS, code: 0 };
  const { reason, message, code, details } = value;
  const seconds = isRecord(details) ? details.retryAfterSeconds : undefined;
  return {
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : '',
    retryAfterSeconds: typeof seconds === 'number' && seconds > 0 ? seconds : null,
    isStatus: true,
    code: typeof code === 'number' ? code : 0,
  };
}

/**
 * As `JSON.parse`, but with texts that are well formed: halves of characters can be written as escapes, and a name with one
 * cannot stand in the path of a request. No API server writes such escapes, so that they are looked for first.
 */
export function parseText(text: string): unknown {
  const mayHaveHalves = text.includes('\\ud') || text.includes('\\uD');
  return JSON.parse(text, mayHaveHalves ? wellFormed : undefined);
}

function wellFormed(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** Throws `GarbledBody` for what is not JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return parseText(body.toString('utf8'));
  } catch (cause) {
    throw new GarbledBody(body.byteLength === 0 ? 'the answer is empty' : 'the answer is cut off, or not JSON', {
      cause,
    });
  }
}

/** Whether an answer is a page for people (a proxy's login, a load balancer's error) rather than an API's. */
export function isHtml(response: Pick<ApiResponse, 'headers'>, body: Buffer = NO_BODY): boolean {
  if (/^\s*text\/html\b/i.test(response.headers['content-type'] ?? '')) return true;
  return body.subarray(0, 64).toString('latin1').trimStart().startsWith('<');
}

const NO_BODY = Buffer.alloc(0);

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
