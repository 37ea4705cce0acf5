import type { Clock } from '../clock.ts';
import { type ApiError, isApiError } from './api-error.ts';
import { GarbledBody, isHtml, readRefusal } from './body.ts';
import { createCredentialRenewal } from './credential-renewal.ts';
import { aborted, garbled, notAnswered, notKubernetes, refused, renewed, silent, unfinished } from './explain.ts';
import type { RequestTarget } from './request-target.ts';
import type { ServerClock } from './server-clock.ts';
import { guardSilence } from './silence.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface RequesterOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly renewCredentials: () => Promise<void>;
  /** A server's words without secrets, before they are cut; default: as they are. */
  readonly hide?: ((text: string) => string) | undefined;
  /** Told of every exchange that begins, and whether it repeats one that was refused with 401. */
  readonly onExchange: (isRepeated: boolean) => void;
  readonly onBytes: (bytes: number) => void;
  /** Told when the server refused in the words of an API server. */
  readonly onStatus: () => void;
  /** Told when the server takes credentials that were obtained anew after a 401; once for all that were refused before. */
  readonly onRenewed?: () => void;
}

/** Reads the body of an accepted answer, and says so of every piece that came. */
export type Consume<T> = (response: ApiResponse, onChunk: (bytes: number) => void) => Promise<T>;

/** Longest time without a byte of an answer; a server that works on a long list still sends within seconds. */
const SILENCE_LIMIT_MS = 30_000;
/**
 * Longest time for one answer (not a watch), its body included. A page is a few MB; what takes longer has no end, and a
 * run that waits for it sees nothing.
 */
const ANSWER_LIMIT_MS = 120_000;

/**
 * One request: sends it, obtains new credentials and sends it once more (but for a DELETE) when it is refused with 401,
 * and lets `consume` read the answer of a server that accepts it. Ends when `signal` aborts, when nothing comes for
 * `SILENCE_LIMIT_MS`, and when the answer has not ended after `ANSWER_LIMIT_MS`. Rejects with ApiError and nothing else.
 */
export function createRequester(
  options: RequesterOptions,
): <T>(target: RequestTarget, request: ApiRequest, consume: Consume<T>) => Promise<T> {
  const { transport, clock, serverClock, hide = (text) => text, onExchange, onBytes, onStatus } = options;
  const credentials = createCredentialRenewal(options.renewCredentials);
  let takenGeneration = 0;

  const exchange = async (request: ApiRequest, isRepeated: boolean): Promise<ApiResponse> => {
    const sentMs = clock.monotonicMs();
    onExchange(isRepeated);
    const response = await transport(request);
    serverClock.observe(response.headers.date, sentMs, clock.monotonicMs());
    return response;
  };

  const accepted = async (target: RequestTarget, request: ApiRequest): Promise<ApiResponse> => {
    const generation = credentials.generation();
    let response = await exchange(request, false);
    if (response.status === 401) {
      // Read to its end, or its connection would be lost with it.
      await readRefusal(response, onBytes);
      await unlessAborted(credentials.renew(generation), request.signal);
      if (request.method === 'DELETE') throw renewed(target);
      response = await exchange(request, true);
      if (response.status !== 401 && takenGeneration < credentials.generation()) {
        takenGeneration = credentials.generation();
        options.onRenewed?.();
      }
    }
    if (response.status >= 200 && response.status < 300) return response;
    const refusal = await readRefusal(response, onBytes);
    // A page for people that says 403 or 404 is a proxy's: no right that could be granted would help.
    if (!refusal.isStatus && response.status < 500 && response.status !== 401 && isHtml(response))
      throw notKubernetes(target, response);
    const error = refused(target, response, { ...refusal, message: hide(refusal.message) }, serverClock.now().atMs);
    // Who redirects, or asks for a proxy's credentials, is in front of the API server, whatever its body says.
    if (refusal.isStatus && error.kind !== 'redirect' && error.kind !== 'not-kubernetes') onStatus();
    throw error;
  };

  return async (target, request, consume) => {
    const { signal } = request;
    if (signal.aborted) throw aborted(target);
    const cut = new AbortController();
    const silence = guardSilence(clock, SILENCE_LIMIT_MS, () => cut.abort());
    let isEndless = false;
    const cancelLimit = clock.after(ANSWER_LIMIT_MS, () => {
      isEndless = true;
      cut.abort();
    });
    try {
      const response = await accepted(target, { ...request, signal: AbortSignal.any([signal, cut.signal]) });
      return await consume(response, (bytes) => {
        silence.touch();
        onBytes(bytes);
      });
    } catch (error) {
      // Frees the connection of a body that was not read to its end.
      cut.abort();
      if (signal.aborted) throw aborted(target);
      if (silence.tripped()) throw silent(target, SILENCE_LIMIT_MS);
      if (isEndless) throw unfinished(target, ANSWER_LIMIT_MS);
      throw explained(target, error);
    } finally {
      silence.stop();
      cancelLimit();
    }
  };
}

function explained(target: RequestTarget, error: unknown): ApiError {
  if (isApiError(error)) return error;
  return error instanceof GarbledBody ? garbled(target, error) : notAnswered(target, error);
}
