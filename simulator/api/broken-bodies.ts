import type { WorldClock } from '../world-clock.ts';
import { type Answer, bytesOf } from './answer.ts';
import { waited } from './wait.ts';

/* What can go wrong with the body of an answer that began well. Each takes the body and gives the broken one. */

type Body = Answer['body'];

/** An error as the transport rejects with: `code` says what broke. */
export function networkError(code: string): Error {
  return Object.assign(new Error(code === 'ECONNRESET' ? 'socket hang up' : `connect ${code}`), { code });
}

async function textOf(body: Body): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function* firstBytes(body: Body, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of body) {
    if (left > 0) yield chunk.length > left ? chunk.slice(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}

/** Ends after so many bytes: with ECONNRESET, or in the regular way. */
export async function* truncated(body: Body, afterBytes: number, clean: boolean): AsyncGenerator<Uint8Array> {
  yield* firstBytes(body, afterBytes);
  if (!clean) throw networkError('ECONNRESET');
}

/** Stays open after so many bytes, and says nothing more: a connection that only one side knows to be dead. */
export async function* stalled(
  body: Body,
  afterBytes: number,
  world: WorldClock,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* firstBytes(body, afterBytes);
  await waited(world, undefined, signal);
}

/** Comes in pieces of so many bytes, with a pause before each. */
export async function* slowed(
  body: Body,
  pieceBytes: number,
  everyMs: number,
  world: WorldClock,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length; start += pieceBytes) {
      await waited(world, everyMs, signal);
      yield chunk.slice(start, start + pieceBytes);
    }
  }
}

/**
 * Never complete: the last brace is held back, and blanks come in its place, so many bytes in `everyMs`; valid JSON at any
 * moment. Of a watch the last line never ends.
 */
export async function* endless(
  body: Body,
  pieceBytes: number,
  everyMs: number,
  world: WorldClock,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  const blanks = new Uint8Array(pieceBytes).fill(0x20);
  const tick = (): Promise<null> => unheard(waited(world, everyMs, signal).then(() => null));
  let held = '';
  let next: Promise<IteratorResult<Uint8Array>> | null = unheard(chunks.next());
  let pause = tick();
  for (;;) {
    const came: IteratorResult<Uint8Array> | null = await (next === null ? pause : Promise.race([next, pause]));
    if (came === null) {
      yield blanks;
      pause = tick();
    } else if (came.done) {
      next = null;
    } else {
      const text = held + Buffer.from(came.value).toString('utf8');
      const end = text.lastIndexOf('}');
      held = end === -1 ? '' : text.slice(end);
      yield bytesOf(end === -1 ? text : text.slice(0, end));
      next = unheard(chunks.next());
    }
  }
}

/** What fails when nobody waits for it any more is of no interest. */
function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** As somebody on the way rewrites it. */
export async function* rewritten(body: Body, rewrite: (text: string) => string): AsyncGenerator<Uint8Array> {
  yield bytesOf(rewrite(await textOf(body)));
}

/** A watch whose lines somebody rewrites: each becomes none, one or several. */
export async function* relined(body: Body, rewrite: (line: string) => readonly string[]): AsyncGenerator<Uint8Array> {
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    const text = lines
      .flatMap(rewrite)
      .map((line) => `${line}\n`)
      .join('');
    if (text !== '') yield bytesOf(text);
  }
}

/** Ends so long after it began, in the regular way or broken. */
export async function* cutShort(
  body: Body,
  afterMs: number,
  clean: boolean,
  world: WorldClock,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  const timer = new AbortController();
  const end = waited(world, afterMs, AbortSignal.any([signal, timer.signal])).then(
    () => null,
    () => null,
  );
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), end]);
      if (next === null) break;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    timer.abort();
    void chunks.return?.();
  }
  if (!clean) throw networkError('ECONNRESET');
}
