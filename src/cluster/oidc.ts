import type { RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../clock.ts';
import { isRecord, parseJson, readBody } from './body.ts';
import { ConnectError, isConnectError } from './connect-error.ts';
import { createDialer, type Dial } from './dialer.ts';
import { networkProblemOf } from './network-error.ts';
import { proxyFor } from './proxy.ts';

/** What an identity provider gave for a refresh token. */
export interface Refreshed {
  readonly idToken: string;
  /** The one to use the next time: the provider's new one, else the one that was used. */
  readonly refreshToken: string;
}

/** The part of `auth-provider.config` that a refresh needs. */
export interface OidcProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Authority of the provider's certificate; null: those that Node trusts. */
  readonly caData: string | null;
  readonly caFile: string | null;
}

export interface OidcOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Two short answers; an identity provider that needs longer is away. */
const OIDC_TIMEOUT_MS = 30_000;
const ANSWER_LIMIT_BYTES = 1024 * 1024;

/**
 * Trades a refresh token for an id-token, as kubectl does (client-go plugin/pkg/client/auth/oidc): the token endpoint of
 * the issuer's discovery document, and the client's secret first as `Basic`, then in the form. The client library's own
 * refresh takes a duration for a point in time and leaves the client's secret out (`oidc_auth.js`). Redirects are not
 * followed. Rejects with ConnectError, without the provider's words: they may repeat what was sent.
 */
export async function refreshIdToken(
  provider: OidcProvider,
  refreshToken: string,
  { env, clock, signal }: OidcOptions,
): Promise<Refreshed> {
  const { issuer, clientId, clientSecret } = provider;
  const url = issuerUrl(issuer);
  const late = new AbortController();
  const ask = await askerFor(url, provider, env, AbortSignal.any([signal, late.signal]));
  const cancelTimer = clock.after(OIDC_TIMEOUT_MS, () => late.abort());
  try {
    const discovered = await ask(new URL(`${url.href.replace(/\/$/, '')}/.well-known/openid-configuration`));
    if (discovered.status !== 200) throw failed(url, `its discovery document was answered with ${discovered.status}`);
    const endpoint = endpointOf(discovered.body, url);

    const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
    const inForm = { ...form, client_id: clientId, ...(clientSecret === '' ? {} : { client_secret: clientSecret }) };
    const byHeader = clientSecret === '' ? null : await ask(endpoint, form, basic(clientId, clientSecret));
    const answer = byHeader?.status === 200 ? byHeader : await ask(endpoint, inForm);
    if (answer.status !== 200) {
      throw failed(url, `it refused the refresh token (${answer.status}${errorCodeOf(answer.body)})`);
    }
    const { id_token: idToken, refresh_token: next } = isRecord(answer.body) ? answer.body : {};
    if (typeof idToken !== 'string' || idToken === '') throw failed(url, 'it gave no id-token for the refresh token');
    return { idToken, refreshToken: typeof next === 'string' && next !== '' ? next : refreshToken };
  } catch (error) {
    if (isConnectError(error)) throw error;
    if (signal.aborted) throw failed(url, 'the run ended before it had answered');
    if (late.signal.aborted) throw failed(url, `it did not answer within ${OIDC_TIMEOUT_MS / 1_000} s`);
    throw failed(url, networkProblemOf(error).what, error);
  } finally {
    cancelTimer();
    ask.close();
  }
}

function failed(issuer: URL, what: string, cause?: unknown): ConnectError {
  return new ConnectError(
    `the id-token could not be renewed at the identity provider ${issuer.host}: ${what}; log in again before this step`,
    { reason: 'CredentialsFailed', ...(cause === undefined ? {} : { cause }) },
  );
}

function issuerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'https:') return url;
  throw new ConnectError('the idp-issuer-url of the kubeconfig is no URL; it must begin with https://', {
    reason: 'KubeconfigInvalid',
  });
}

function endpointOf(document: unknown, issuer: URL): URL {
  const endpoint = isRecord(document) ? document.token_endpoint : null;
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url?.protocol === 'https:') return url;
  throw failed(issuer, 'its discovery document names no token endpoint with https://');
}

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
function basic(clientId: string, clientSecret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** `, invalid_grant`: one of the codes of RFC 6749 §5.2, and nothing else that stands there. */
function errorCodeOf(body: unknown): string {
  const code = isRecord(body) && typeof body.error === 'string' ? body.error : '';
  return /^(?:invalid_(?:request|client|grant|scope)|unauthorized_client|unsupported_grant_type)$/.test(code)
    ? `, ${code}`
    : '';
}

interface Answer {
  readonly status: number;
  /** null for what is no JSON. */
  readonly body: unknown;
}

interface Asker {
  (url: URL, form?: Readonly<Record<string, string>>, authorization?: string): Promise<Answer>;
  readonly close: () => void;
}

async function askerFor(
  issuer: URL,
  provider: OidcProvider,
  env: OidcOptions['env'],
  signal: AbortSignal,
): Promise<Asker> {
  const { caData, caFile } = provider;
  const cluster = {
    ...{ name: 'issuer', server: issuer.origin, caData, caFile, tlsServerName: null, skipTlsVerify: false },
    ...{ proxyUrl: null, disableCompression: true, execConfig: undefined },
  };
  const target = { cluster, user: null, context: '', source: 'kubeconfig' };
  const dialer = createDialer(target, proxyFor(issuer, null, env));
  const dial = await dialer.dial({ certificate: null, key: null });
  const ask = (url: URL, form?: Readonly<Record<string, string>>, authorization?: string): Promise<Answer> =>
    exchange(dial, url, form, authorization, signal);
  return Object.assign(ask, { close: dialer.close });
}

function exchange(
  { agent, tls }: Dial,
  url: URL,
  form: Readonly<Record<string, string>> | undefined,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const options: RequestOptions = {
    ...tls,
    agent,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    },
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, options);
    // A silent proxy gives the request no socket, and its end would be told to nobody.
    const onAbort = (): void => {
      request.destroy();
      reject(new Error('aborted'));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    let isAnswered = false;
    request.on('close', () => {
      signal.removeEventListener('abort', onAbort);
      // A switch to another protocol ends so, without an error.
      if (!isAnswered) reject(new Error('the connection was closed without an answer'));
    });
    request.on('error', reject);
    request.on('response', (message) => {
      isAnswered = true;
      const status = message.statusCode ?? 0;
      readBody(message, () => undefined, ANSWER_LIMIT_BYTES).then(
        (bytes) => resolve({ status, body: jsonOf(bytes) }),
        reject,
      );
    });
    request.end(body);
  });
}

function jsonOf(body: Buffer): unknown {
  try {
    return parseJson(body);
  } catch {
    return null;
  }
}
