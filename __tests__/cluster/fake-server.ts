import { Readable } from 'node:stream';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { type Api, createApi } from '../../src/cluster/api.ts';
import { createServerClock, type ServerClock } from '../../src/cluster/server-clock.ts';
import type { ApiRequest, ApiResponse } from '../../src/cluster/transport.ts';
import type { GateEvent } from '../../src/events.ts';

/** An answer of the fake server; an object is sent as JSON. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of a body that is there at once: pieces as they come. */
  readonly stream?: AsyncIterable<Uint8Array>;
}

export interface Asked {
  readonly method: ApiRequest['method'];
  readonly path: string;
  readonly body: string | undefined;
  readonly accept: string | undefined;
  readonly atMs: number;
}

/** What a test decides: the answer to the `nth` request (from 1) of that very path; an Error breaks the connection. */
export type Script = (request: ApiRequest, nth: number) => Reply | Error | Promise<Reply | Error>;

export interface FakeServer {
  readonly clock: VirtualClock;
  readonly serverClock: ServerClock;
  readonly api: Api;
  readonly asked: readonly Asked[];
  readonly told: readonly GateEvent[];
  readonly end: AbortController;
  readonly renewals: () => number;
}

export interface FakeOptions {
  readonly random?: () => number;
  readonly renewCredentials?: () => Promise<void>;
  readonly hide?: (text: string) => string;
  /** How far the server's clock is ahead. */
  readonly skewMs?: number;
}

/** An API in front of a scripted transport on a virtual clock. */
export function aServer(script: Script, options: FakeOptions = {}): FakeServer {
  const clock = createVirtualClock();
  const serverClock = createServerClock(clock);
  const asked: Asked[] = [];
  const told: GateEvent[] = [];
  const end = new AbortController();
  const counts = new Map<string, number>();
  let renewals = 0;
  const transport = async (request: ApiRequest): Promise<ApiResponse> => {
    const { method, path, body, accept } = request;
    asked.push({ method, path, body, accept, atMs: clock.monotonicMs() });
    const key = `${method} ${path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=…')}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    const reply = await script(request, nth);
    if (reply instanceof Error) throw reply;
    const date = new Date(clock.wallMs() + (options.skewMs ?? 0)).toUTCString();
    return {
      status: reply.status ?? 200,
      headers: { date, 'content-type': 'application/json', ...reply.headers },
      body: reply.stream ?? bodyOf(reply.body),
    };
  };
  const api = createApi({
    transport,
    clock,
    serverClock,
    signal: end.signal,
    random: options.random ?? (() => 0.5),
    renewCredentials: async () => {
      renewals += 1;
      await options.renewCredentials?.();
    },
    tell: (event) => told.push(event),
    ...(options.hide === undefined ? {} : { hide: options.hide }),
  });
  return { clock, serverClock, api, asked, told, end, renewals: () => renewals };
}

function bodyOf(body: unknown): AsyncIterable<Uint8Array> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return Readable.from(body === undefined ? [] : [Buffer.from(text)]);
}

/** A network error as node:https gives it. */
export function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

export function aStatus(code: number, reason: string, message = reason, details: unknown = undefined): Reply {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code, details };
  return { status: code, body };
}

/** Never answers; ends when the request is aborted. */
export function silence(request: ApiRequest): Promise<Error> {
  return new Promise((resolve) => {
    if (request.signal.aborted) resolve(networkError('ABORTED'));
    request.signal.addEventListener('abort', () => resolve(networkError('ABORTED')), { once: true });
  });
}

/** The body of a watch, written by a test. */
export interface Stream {
  readonly body: AsyncIterable<Uint8Array>;
  readonly event: (type: string, object: unknown) => void;
  readonly raw: (text: string) => void;
  readonly close: () => void;
  readonly reset: () => void;
}

export function aStream(signal: AbortSignal): Stream {
  const pieces: Uint8Array[] = [];
  let end: Error | 'closed' | null = null;
  let wake = (): void => {};
  const finish = (how: Error | 'closed'): void => {
    end ??= how;
    wake();
  };
  signal.addEventListener('abort', () => finish(networkError('ABORTED')), { once: true });
  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = pieces.shift();
      if (piece !== undefined) yield piece;
      else if (end === 'closed') return;
      else if (end !== null) throw end;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  const raw = (text: string): void => {
    pieces.push(Buffer.from(text));
    wake();
  };
  return {
    body: read(),
    raw,
    event: (type, object) => raw(`${JSON.stringify({ type, object })}\n`),
    close: () => finish('closed'),
    reset: () => finish(networkError('ECONNRESET')),
  };
}
