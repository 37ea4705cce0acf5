import type { StatusBody } from './status-errors.ts';

/** What the server says; the same for the in-process transport and for HTTPS. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** The body comes at a pace of its own: it is to be sent as it comes. */
  readonly paced?: boolean;
}

const encoder = new TextEncoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A body that is there at once. An array of parts saves building one string of a large list. */
export function bodyOf(parts: readonly string[]): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => {
      let index = 0;
      return {
        next: () => {
          const part = parts[index];
          index += 1;
          return Promise.resolve(
            part === undefined ? { done: true, value: undefined } : { done: false, value: bytesOf(part) },
          );
        },
      };
    },
  };
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return textAnswer(status, `${JSON.stringify(value)}\n`);
}

export function textAnswer(status: number, text: string | readonly string[], contentType = 'application/json'): Answer {
  return {
    status,
    headers: { 'content-type': contentType },
    body: bodyOf(typeof text === 'string' ? [text] : text),
  };
}

/** An answer that is a Status; when it says how long to wait, a header says so, too. */
export function statusAnswer(body: StatusBody): Answer {
  const answer = jsonAnswer(body.code ?? 200, body);
  const seconds = body.details?.retryAfterSeconds;
  return seconds === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } };
}
