import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { isConnectError } from '../../src/cluster/connect-error.ts';
import { type CredentialSource, createCredentialSource } from '../../src/cluster/credentials.ts';
import { findTarget } from '../../src/cluster/kubeconfig-source.ts';
import { aFolder, aKubeconfig, anHttpsServer, aProxy, base64, type Folder, type Loopback } from './loopback.ts';
import { aToken } from './tokens.ts';

const HOUR_MS = 3_600_000;
const CLIENT_SECRET = 'the-client+secret';

let folder: Folder;
let clock: VirtualClock;
let end: AbortController;
let masked: Set<string>;
let closing: (() => Promise<void>)[];
beforeEach(() => {
  folder = aFolder();
  clock = createVirtualClock();
  end = new AbortController();
  masked = new Set();
  closing = [];
});
afterEach(async () => {
  end.abort();
  for (const close of closing) await close();
  folder.remove();
});

/** What an identity provider was asked at its token endpoint. */
interface Asked {
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

interface Answer {
  readonly status?: number;
  /** JSON, or a text. */
  readonly body: unknown;
}

interface Issuer {
  readonly server: Loopback;
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** An identity provider that answers the `nth` refresh (from 1) as told; `discovery` stands in for its document. */
async function anIssuer(
  answer: (asked: Asked, nth: number) => Answer,
  discovery: (url: string) => Answer = (url) => ({ body: { token_endpoint: `${url}/token` } }),
): Promise<Issuer> {
  const asked: Asked[] = [];
  let url = '';
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let given: Answer;
    if (request.url === '/realm/.well-known/openid-configuration') given = discovery(url);
    else {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      asked.push({
        form: Object.fromEntries(new URLSearchParams(text)),
        authorization: request.headers.authorization,
      });
      given = answer(asked.at(-1) as Asked, asked.length);
    }
    const { status = 200, body } = given;
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = await anHttpsServer((request, response) => void respond(request, response));
  closing.push(server.close);
  url = `${server.url}/realm`;
  return { server, url, asked };
}

async function credentialsOf(provider: object, env: Record<string, string> = {}): Promise<CredentialSource> {
  const kubeconfig = folder.write(
    'config',
    aKubeconfig({ server: 'https://api.example' }, { 'auth-provider': provider }),
  );
  const target = await findTarget({ kubeconfig, context: null, env: {} });
  const mask = (secret: string): unknown => masked.add(secret);
  return createCredentialSource({ target, env, clock, mask, signal: end.signal });
}

function oidc(
  { url, server }: Issuer,
  config: object = {},
  env: Record<string, string> = {},
): Promise<CredentialSource> {
  const given = {
    ...{ 'idp-issuer-url': url, 'idp-certificate-authority-data': base64(server.ca), 'client-id': 'kubernetes' },
    ...{ 'client-secret': CLIENT_SECRET, 'refresh-token': 'refresh-0', 'id-token': tokenFor(-1) },
  };
  return credentialsOf({ name: 'oidc', config: { ...given, ...config } }, env);
}

/** A token that expires so long from now. */
function tokenFor(ms: number): string {
  return aToken(clock.wallMs() + ms);
}

async function authorizationOf(source: CredentialSource): Promise<unknown> {
  return (await source.current()).headers.Authorization;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((rejection: unknown) => rejection);
  if (!isConnectError(error)) throw new Error(`no ConnectError: ${String(error)}`);
  return error.message;
}

const gives = (idToken: string, refreshToken?: string): Answer => ({
  body: {
    id_token: idToken,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    expires_in: 3_600,
  },
});

describe('an OIDC token', () => {
  test('is used while it lasts, and nobody is asked', async () => {
    const issuer = await anIssuer(() => gives('never'));
    const token = tokenFor(HOUR_MS);
    const source = await oidc(issuer, { 'id-token': token });
    expect(await authorizationOf(source)).toBe(`Bearer ${token}`);
    expect(issuer.asked).toEqual([]);
  });

  test('that has expired is renewed, once for parallel requests, and used until it expires by itself', async () => {
    const [first, second] = [tokenFor(HOUR_MS), tokenFor(3 * HOUR_MS)];
    const issuer = await anIssuer((_, nth) => (nth === 1 ? gives(first, 'refresh-1') : gives(second)));
    const source = await oidc(issuer);
    const all = await Promise.all([1, 2, 3].map(() => authorizationOf(source)));
    expect(all).toEqual(Array(3).fill(`Bearer ${first}`));
    await clock.advance(HOUR_MS / 2);
    expect(await authorizationOf(source)).toBe(`Bearer ${first}`);
    expect(issuer.asked).toHaveLength(1);

    await clock.advance(HOUR_MS);
    expect(await authorizationOf(source)).toBe(`Bearer ${second}`);
    expect(issuer.asked.map(({ form }) => form.refresh_token)).toEqual(['refresh-0', 'refresh-1']);
    expect([...masked]).toEqual(expect.arrayContaining([CLIENT_SECRET, 'refresh-0', 'refresh-1', first, second]));
  });

  test('that was renewed with a new refresh token is warned of: the next run may not have it', async () => {
    const issuer = await anIssuer((_, nth) => gives(tokenFor(HOUR_MS), nth === 1 ? undefined : 'refresh-1'));
    const source = await oidc(issuer);
    await source.current();
    expect(source.warnings()).toEqual([]);
    await source.renew();
    expect(source.warnings()).toEqual([
      expect.stringMatching(/^the auth provider "oidc" of user "test" was given a new refresh token, .*log in again$/),
    ]);
  });

  test('that the server refuses is renewed, though it has not expired on this clock', async () => {
    const renewed = tokenFor(2 * HOUR_MS);
    const issuer = await anIssuer(() => gives(renewed));
    const source = await oidc(issuer, { 'id-token': tokenFor(HOUR_MS) });
    await source.current();
    await source.renew();
    expect(await authorizationOf(source)).toBe(`Bearer ${renewed}`);
  });

  test('is asked for with the name and secret of the client, encoded as RFC 6749 says', async () => {
    const issuer = await anIssuer(() => gives(tokenFor(HOUR_MS)));
    await (await oidc(issuer)).current();
    expect(issuer.asked).toEqual([
      {
        authorization: `Basic ${base64('kubernetes:the-client%2Bsecret')}`,
        form: { grant_type: 'refresh_token', refresh_token: 'refresh-0' },
      },
    ]);
  });

  test('is asked for with the secret in the form, where the provider wants it there', async () => {
    const issuer = await anIssuer(({ authorization }) =>
      authorization === undefined
        ? gives(tokenFor(HOUR_MS))
        : { status: 401, body: { error: 'invalid_client', error_description: CLIENT_SECRET } },
    );
    await (await oidc(issuer)).current();
    expect(issuer.asked[1]?.form).toMatchObject({ client_id: 'kubernetes', client_secret: CLIENT_SECRET });
  });

  test('of a client without a secret is asked for by its name', async () => {
    const issuer = await anIssuer(() => gives(tokenFor(HOUR_MS)));
    await (await oidc(issuer, { 'client-secret': '' })).current();
    expect(issuer.asked).toEqual([
      {
        authorization: undefined,
        form: { grant_type: 'refresh_token', refresh_token: 'refresh-0', client_id: 'kubernetes' },
      },
    ]);
  });

  test('is asked for through the proxy of the environment', async () => {
    const token = tokenFor(HOUR_MS);
    const issuer = await anIssuer(() => gives(token));
    const proxy = await aProxy(() => issuer.server.port);
    closing.push(proxy.close);
    // This machine itself is never behind a proxy.
    const url = issuer.url.replace('127.0.0.1', 'issuer.example');
    const source = await oidc(issuer, { 'idp-issuer-url': url }, { HTTPS_PROXY: proxy.url });
    await expect(failureOf(source.current())).resolves.toMatch(/certificate is for another name/);
    expect(proxy.tunnels[0]).toMatch(/^issuer\.example:\d+ /);
  });

  test.each<[string, object]>([
    ['a refresh token', { 'refresh-token': '' }],
    ['an issuer', { 'idp-issuer-url': '' }],
    ['a client', { 'client-id': '' }],
  ])('that has expired, without %s, is explained', async (_, lacking) => {
    const issuer = await anIssuer(() => gives('never'));
    const message = await failureOf((await oidc(issuer, lacking)).current());
    expect(message).toMatch(
      /^the auth provider "oidc" of user "test" has an id-token that expired at 20.*, and lacks what a new one takes .*log in again/,
    );
    expect(issuer.asked).toEqual([]);
  });

  test.each<[string, (asked: Asked) => Answer, ((url: string) => Answer) | undefined, RegExp]>([
    [
      'refuses the refresh token',
      () => ({ status: 400, body: { error: 'invalid_grant', error_description: 'refresh-0' } }),
      undefined,
      /it refused the refresh token \(400, invalid_grant\); log in again/,
    ],
    [
      'refuses in words of its own',
      () => ({ status: 403, body: { error: 'refresh-0' } }),
      undefined,
      /it refused the refresh token \(403\)/,
    ],
    ['answers with a page', () => ({ body: '<html>refresh-0</html>' }), undefined, /it gave no id-token/],
    ['gives no id-token', () => ({ body: { access_token: 'refresh-0' } }), undefined, /it gave no id-token/],
    ['has moved', () => gives('never'), () => ({ status: 302, body: '' }), /discovery document was answered with 302/],
    ['is none', () => gives('never'), () => ({ status: 404, body: '' }), /discovery document was answered with 404/],
    ['has no endpoint', () => gives('never'), () => ({ body: {} }), /names no token endpoint/],
    [
      'wants the secret without TLS',
      () => gives('never'),
      () => ({ body: { token_endpoint: 'http://127.0.0.1:1/token' } }),
      /names no token endpoint with https/,
    ],
  ])('of a provider that %s is explained, without its words', async (_, answer, discovery, words) => {
    const issuer = await anIssuer(answer, discovery);
    const message = await failureOf((await oidc(issuer)).current());
    expect(message).toMatch(words);
    expect(message).toContain(`the identity provider 127.0.0.1:${issuer.server.port}`);
    expect(message).not.toContain('refresh-0');
  });

  test('of a provider with an unknown authority is explained', async () => {
    const issuer = await anIssuer(() => gives('never'));
    const message = await failureOf((await oidc(issuer, { 'idp-certificate-authority-data': '' })).current());
    expect(message).toContain("the server's certificate is signed by an unknown authority");
  });

  test('of a provider without TLS is not asked for', async () => {
    const issuer = await anIssuer(() => gives('never'));
    const source = await oidc(issuer, { 'idp-issuer-url': 'http://issuer.example' });
    await expect(failureOf(source.current())).resolves.toContain('idp-issuer-url of the kubeconfig is no URL');
  });

  describe('of a provider that is silent', () => {
    /** Asks a provider that takes requests and never answers; resolves when it was asked. */
    async function askSilentOne(): Promise<{ readonly failing: Promise<string> }> {
      let wasAsked = (): void => undefined;
      const arrived = new Promise<void>((resolve) => {
        wasAsked = resolve;
      });
      const server = await anHttpsServer(() => wasAsked());
      closing.push(server.close);
      const source = await oidc({ server, url: server.url, asked: [] });
      const failing = failureOf(source.current());
      await arrived;
      return { failing };
    }

    test('is given up after 30 s', async () => {
      const { failing } = await askSilentOne();
      await clock.advance(30_000);
      await expect(failing).resolves.toContain('it did not answer within 30 s; log in again');
      expect(clock.pending()).toBe(0);
    });

    test('is given up when the run ends', async () => {
      const { failing } = await askSilentOne();
      end.abort();
      await expect(failing).resolves.toContain('the run ended before it had answered');
    });
  });
});

describe('a token of a provider that kubectl had', () => {
  test.each(['gcp', 'azure'])('%s is used while it lasts', async (name) => {
    const expiry = new Date(clock.wallMs() + HOUR_MS).toISOString();
    const source = await credentialsOf({ name, config: { 'access-token': 'of-the-cloud', expiry } });
    expect(await authorizationOf(source)).toBe('Bearer of-the-cloud');
    expect([...masked]).toEqual(['of-the-cloud']);
  });

  test.each<[string, object, RegExp]>([
    [
      'gcp',
      { 'access-token': 'of-the-cloud', expiry: '2001-01-01T00:00:00Z' },
      /has a token that expired at 2001-01-01T.*gke-gcloud-auth-plugin$/,
    ],
    [
      'azure',
      { 'access-token': 'of-the-cloud', 'expires-on': '978307200' },
      /has a token that expired at 2001-01-01T.*kubelogin$/,
    ],
    ['azure', { 'cmd-path': '/bin/echo' }, /has no token, and kubectl has had no such provider since 1\.26/],
  ])('%s %j: none is obtained, and what took its place is named', async (name, config, words) => {
    const marker = `${folder.path}/ran`;
    const source = await credentialsOf({ name, config: { ...config, 'cmd-path': `touch ${marker}` } });
    const message = await failureOf(source.current());
    expect(message).toMatch(words);
    expect(message).not.toContain('of-the-cloud');
    expect(existsSync(marker)).toBe(false);
  });

  test('that nobody knows is explained', async () => {
    const source = await credentialsOf({ name: 'keystone' });
    await expect(failureOf(source.current())).resolves.toBe(
      'the auth provider "keystone" of user "test" is not known: use a token, a client certificate or an exec plugin',
    );
  });
});
