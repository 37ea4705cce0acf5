import { describe, expect, test } from '@jest/globals';
import type { ApiError } from '../../src/cluster/api-error.ts';
import { ConnectError } from '../../src/cluster/connect-error.ts';
import { FIRST_CONTACT_PATIENCE_MS } from '../../src/cluster/first-contact.ts';
import { aServer, aStatus, networkError, type Reply, type Script, silence } from './fake-server.ts';

const PODS = '/api/v1/pods?limit=500';
const FINE: Reply = { body: { kind: 'PodList' } };

/** Answers `replies` in turn, the last one for ever. */
function inTurn(...replies: readonly (Reply | Error)[]): Script {
  let next = 0;
  return () => replies[Math.min(next++, replies.length - 1)] ?? FINE;
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    return error as ApiError;
  }
  throw new Error('it succeeded');
}

describe('a GET', () => {
  test('gives the parsed body', async () => {
    const { api, clock } = aServer(inTurn(FINE));
    await expect(clock.run(api.getJson(PODS))).resolves.toEqual({ kind: 'PodList' });
    expect(api.stats).toMatchObject({ requests: 1, retries: 0, bytes: 18 });
  });

  test.each<[string, Reply | Error]>([
    ['429 without Retry-After', { status: 429 }],
    ['500', aStatus(500, 'InternalError')],
    ['503', { status: 503, body: 'upstream connect error' }],
    ['504', aStatus(504, 'Timeout')],
    ['a reset', networkError('ECONNRESET')],
    ['a body that is cut', { body: '{"kind":"PodList","items":[{' }],
    ['an empty body', { body: '' }],
  ])('is repeated after %s, four times', async (_, trouble) => {
    const { api, clock, told } = aServer(inTurn(trouble, trouble, trouble, trouble, FINE));
    await expect(clock.run(api.getJson(PODS))).resolves.toEqual({ kind: 'PodList' });
    expect(api.stats).toMatchObject({ requests: 5, retries: 4 });
    expect(told.filter(({ type }) => type === 'debug')).toHaveLength(4);
  });

  test('backs off from 800 ms, doubled, never longer than 30 s', async () => {
    const { api, clock, asked } = aServer(inTurn(aStatus(500, 'InternalError')), { random: () => 0.999_999 });
    const end = new AbortController();
    clock.after(300_000, () => end.abort());
    const error = await errorOf(clock.run(api.getJson(PODS, { signal: end.signal })));
    expect(error.kind).toBe('aborted');
    const waits = asked.slice(1).map(({ atMs }, index) => Math.round(atMs - (asked[index]?.atMs ?? 0)));
    expect(waits.slice(0, 8)).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  });

  test('waits as long as Retry-After says, with jitter, and so do all other GETs', async () => {
    const { api, clock, asked } = aServer((request, nth) =>
      request.path === PODS && nth <= 2 ? { status: 429, headers: { 'retry-after': '3' } } : FINE,
    );
    const first = api.getJson(PODS);
    clock.after(100, () => void api.getJson('/api/v1/nodes'));
    await clock.run(first);
    const pods = asked.filter(({ path }) => path === PODS).map(({ atMs }) => atMs);
    expect(pods).toEqual([0, 3_500, 7_000]);
    expect(asked.find(({ path }) => path === '/api/v1/nodes')?.atMs).toBeGreaterThanOrEqual(3_000);
  });

  test('understands a Retry-After that is a date on the clock of the server', async () => {
    const skewMs = 3_600_000;
    const server = aServer(
      (_, nth) => {
        const at = new Date(server.clock.wallMs() + skewMs + 5_000).toUTCString();
        return nth === 1 ? { status: 503, headers: { 'retry-after': at } } : FINE;
      },
      { skewMs, random: () => 0 },
    );
    await server.clock.run(server.api.getJson(PODS));
    expect(server.asked[1]?.atMs).toBeGreaterThanOrEqual(4_000);
    expect(server.asked[1]?.atMs).toBeLessThanOrEqual(6_000);
  });

  test('gives up a connection that says nothing for half a minute, and tries again', async () => {
    const { api, clock, asked } = aServer((request, nth) => (nth === 1 ? silence(request) : FINE));
    await clock.run(api.getJson(PODS));
    expect(asked[1]?.atMs).toBeGreaterThanOrEqual(30_000);
  });

  test('ends at once when its signal aborts, also while it waits', async () => {
    const { api, clock } = aServer(inTurn({ status: 503 }));
    const end = new AbortController();
    clock.after(10, () => end.abort());
    const error = await errorOf(clock.run(api.getJson(PODS, { signal: end.signal })));
    expect(error.kind).toBe('aborted');
    expect(clock.monotonicMs()).toBe(10);
    expect(clock.pending()).toBe(0);
  });

  test('is tried only as often as asked for', async () => {
    const { api, clock, asked } = aServer(inTurn({ status: 503 }));
    const error = await errorOf(clock.run(api.getJson(PODS, { tries: 2 })));
    expect(error).toMatchObject({ kind: 'server-error', status: 503 });
    expect(asked).toHaveLength(2);
  });

  test('leaves no timer behind', async () => {
    const { api, clock } = aServer(inTurn({ status: 503 }, FINE));
    await clock.run(api.getJson(PODS));
    expect(clock.pending()).toBe(0);
  });

  test('is one of at most four at a time', async () => {
    let open = 0;
    let most = 0;
    const { api, clock } = aServer(async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return FINE;
    });
    await clock.run(Promise.all(Array.from({ length: 20 }, (_, index) => api.getJson(`/api/v1/pods?n=${index}`))));
    expect(most).toBe(4);
  });
});

describe('a refusal', () => {
  test.each<[number, string, string]>([
    [400, 'BadRequest', 'invalid'],
    [403, 'Forbidden', 'forbidden'],
    [404, 'NotFound', 'not-found'],
    [409, 'Conflict', 'conflict'],
    [410, 'Expired', 'expired'],
    [422, 'Invalid', 'invalid'],
  ])('with %i is told at once, in the words of the server', async (status, reason, kind) => {
    const { api, clock, asked } = aServer(inTurn(aStatus(status, reason, 'because of this')));
    const error = await errorOf(clock.run(api.getJson(PODS)));
    expect(error).toMatchObject({ kind, status, reason, words: 'because of this', verb: 'list', path: '/api/v1/pods' });
    expect(error.message).toContain('because of this');
    expect(asked).toHaveLength(1);
  });

  test('for lack of a right names verb, resource, namespace and the rule to add', async () => {
    const { api, clock } = aServer(inTurn(aStatus(403, 'Forbidden', 'User "ci" cannot list')));
    const error = await errorOf(clock.run(api.getJson('/apis/apps/v1/namespaces/shop/deployments')));
    expect(error.message).toBe(
      'list deployments.apps in namespace shop: 403 Forbidden: User "ci" cannot list; allow it with apiGroups: ["apps"], resources: ["deployments"], verbs: ["list", "watch"] in a Role in namespace shop',
    );
  });

  test('by redirection is never followed, and the login page is named without its query', async () => {
    const headers = { location: 'https://login.corp/start?session=s3cr3t' };
    const { api, clock, asked } = aServer(inTurn({ status: 302, headers }));
    const error = await errorOf(clock.run(api.getJson(PODS)));
    expect(error.kind).toBe('redirect');
    expect(error.message).toContain('https://login.corp/start');
    expect(error.message).not.toContain('s3cr3t');
    expect(asked).toHaveLength(1);
  });
});

describe('401', () => {
  test('obtains credentials anew, once for all requests that were refused with the same', async () => {
    const server = aServer(() => (server.renewals() === 0 ? aStatus(401, 'Unauthorized') : FINE));
    const all = ['pods', 'nodes', 'events'].map((resource) => server.api.getJson(`/api/v1/${resource}`));
    await server.clock.run(Promise.all(all));
    expect(server.renewals()).toBe(1);
    expect(server.api.stats).toMatchObject({ requests: 6, retries: 3 });
    expect(server.api.failure()).toBeNull();
  });

  test('with new credentials is final for the run, and nothing more is asked', async () => {
    const { api, clock, asked, renewals } = aServer(inTurn(aStatus(401, 'Unauthorized')));
    const error = await errorOf(clock.run(api.getJson(PODS)));
    expect(error.kind).toBe('unauthorized');
    expect(renewals()).toBe(1);
    expect(asked).toHaveLength(2);
    expect(api.failure()).toBe(error);
    await expect(errorOf(clock.run(api.getJson('/version')))).resolves.toBe(error);
    expect(asked).toHaveLength(2);
  });

  test('in the middle of a run is renewed as often as it comes', async () => {
    let isGood = true;
    const server = aServer(() => (isGood ? FINE : aStatus(401, 'Unauthorized')), {
      renewCredentials: () => {
        isGood = true;
        return Promise.resolve();
      },
    });
    for (let round = 0; round < 3; round += 1) {
      isGood = false;
      await server.clock.run(server.api.getJson(PODS));
    }
    expect(server.renewals()).toBe(3);
  });

  test.each([new Error('STS said token=abc'), new ConnectError('the plugin hung', { reason: 'CredentialsFailed' })])(
    'without new credentials ends a run that had no contact yet: %s',
    async (cause) => {
      const { api, clock } = aServer(inTurn(aStatus(401, 'Unauthorized')), {
        renewCredentials: () => Promise.reject(cause),
      });
      const error = await errorOf(clock.run(api.getJson(PODS)));
      expect(error.kind).toBe('credentials');
      expect(error.message).not.toContain('token=abc');
      expect(api.failure()).toBe(error);
    },
  );

  test('without new credentials is an outage once there was contact', async () => {
    let failing = 0;
    const server = aServer(
      () => (server.clock.monotonicMs() > 0 && failing < 3 ? aStatus(401, 'Unauthorized') : FINE),
      {
        renewCredentials: () => {
          failing += 1;
          return Promise.reject(new Error('the token service is away'));
        },
      },
    );
    await server.clock.run(server.api.getJson('/version'));
    await server.clock.advance(1);
    await expect(server.clock.run(server.api.getJson(PODS))).resolves.toEqual({ kind: 'PodList' });
    expect(server.renewals()).toBe(3);
  });

  test('does not keep a request that is given up while the credentials never come', async () => {
    const { api, clock } = aServer(inTurn(aStatus(401, 'Unauthorized')), {
      renewCredentials: () => new Promise(() => {}),
    });
    const cancelling = new AbortController();
    clock.after(5_000, () => cancelling.abort());
    const error = await errorOf(clock.run(api.getJson(PODS, { signal: cancelling.signal })));
    expect(error.kind).toBe('aborted');
    expect(clock.monotonicMs()).toBe(5_000);
  });

  test('is told in words without secrets, where the server repeats them', async () => {
    const { api, clock } = aServer(inTurn(aStatus(401, 'Unauthorized', `bad token ${'s3cr3t'.repeat(1_000)}`)), {
      hide: (text) => text.replaceAll('s3cr3t'.repeat(1_000), '***'),
    });
    const { message, words } = await errorOf(clock.run(api.getJson(PODS)));
    expect(words).toBe('bad token ***');
    expect(message).toContain('401 Unauthorized: bad token ***');
  });

  test('on a DELETE renews the credentials and leaves it to who asked whether to send it again', async () => {
    const server = aServer(inTurn(aStatus(401, 'Unauthorized'), { body: { kind: 'Status' } }));
    const error = await errorOf(server.clock.run(server.api.delete('/api/v1/namespaces/a/pods/b', {})));
    expect(error).toMatchObject({ kind: 'credentials', message: expect.stringContaining('obtained anew') });
    expect(server.asked.map(({ method }) => method)).toEqual(['DELETE']);
    expect(server.renewals()).toBe(1);
    expect(server.api.failure()).toBeNull();
  });
});

describe('a write', () => {
  test.each<[string, Reply | Error]>([
    ['500', aStatus(500, 'InternalError')],
    ['a reset', networkError('ECONNRESET')],
    ['an answer that is cut', { body: '{"kind":' }],
  ])('is not repeated after %s: it may have been carried out', async (_, trouble) => {
    const { api, clock, asked } = aServer(inTurn(trouble, FINE));
    await errorOf(clock.run(api.delete('/api/v1/namespaces/a/pods/b', {})));
    expect(asked).toHaveLength(1);
  });

  test('that deletes is not repeated after 429 either, but rejects when the server would take another one', async () => {
    const trouble: Reply = { status: 429, headers: { 'retry-after': '7' } };
    const { api, clock, asked } = aServer(inTurn(trouble, FINE));
    const error = await errorOf(clock.run(api.delete('/api/v1/namespaces/a/pods/b', {})));
    expect(error.kind).toBe('too-many-requests');
    expect(asked).toHaveLength(1);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(7_000);
  });

  test('is repeated after 429, which turned it away unread', async () => {
    const { api, clock, asked } = aServer(inTurn({ status: 429 }, { status: 429 }, { body: { kind: 'Status' } }));
    await clock.run(api.post('/apis/x/v1/y', { some: 'thing' }));
    expect(asked.map(({ body }) => body)).toEqual(Array(3).fill('{"some":"thing"}'));
  });
});

describe('a server that was never reached', () => {
  const html: Reply = { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' };
  test.each<[string, Reply | Error, string, RegExp]>([
    ['an unknown CA', networkError('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'certificate', /certificate-authority-data/],
    ['an expired certificate', networkError('CERT_HAS_EXPIRED'), 'certificate', /expired.*renew/],
    ['a certificate for another host', networkError('ERR_TLS_CERT_ALTNAME_INVALID'), 'certificate', /tls-server-name/],
    ['no TLS at all', networkError('ERR_SSL_WRONG_VERSION_NUMBER'), 'certificate', /does not speak TLS/],
    ['a login page', html, 'not-kubernetes', /not a Kubernetes API response/],
    ['a redirect', { status: 302 }, 'redirect', /never followed/],
    [
      'a page that forbids',
      { ...html, status: 403 },
      'not-kubernetes',
      /not a Kubernetes API response \(403, text\/html\)/,
    ],
    ['a page that is not found', { ...html, status: 404 }, 'not-kubernetes', /NO_PROXY/],
    ['a proxy that wants a password', { status: 407 }, 'not-kubernetes', /NO_PROXY/],
  ])('is given up at once for %s, with the fix', async (_, trouble, kind, words) => {
    const { api, clock, asked } = aServer(inTurn(trouble));
    const error = await errorOf(clock.run(api.getJson('/version')));
    expect(error.kind).toBe(kind);
    expect(error.message).toMatch(words);
    expect(asked).toHaveLength(1);
    expect(api.failure()).toBe(error);
  });

  test.each(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED'])(
    'is tried for half a minute after %s, and told at once',
    async (code) => {
      const { api, clock, told } = aServer(inTurn(networkError(code)));
      const error = await errorOf(clock.run(api.getJson('/version')));
      expect(error).toMatchObject({ kind: 'unreachable', reason: code });
      expect(told.filter(({ type }) => type === 'warning')).toHaveLength(1);
      expect(clock.monotonicMs()).toBeGreaterThanOrEqual(FIRST_CONTACT_PATIENCE_MS);
      expect(clock.monotonicMs()).toBeLessThan(FIRST_CONTACT_PATIENCE_MS + 1_000);
      expect(api.failure()).toBe(error);
    },
  );

  test('is reached when the DNS fails for 20 s and then answers', async () => {
    const server = aServer(() => (server.clock.monotonicMs() < 20_000 ? networkError('ENOTFOUND') : FINE));
    await expect(server.clock.run(server.api.getJson('/version'))).resolves.toEqual({ kind: 'PodList' });
    expect(server.api.failure()).toBeNull();
  });

  test('is not given up for 503: somebody is there', async () => {
    const server = aServer(() => (server.clock.monotonicMs() < 120_000 ? { status: 503 } : FINE));
    await expect(server.clock.run(server.api.getJson('/version'))).resolves.toEqual({ kind: 'PodList' });
  });
});

test.each<[string, Reply | Error]>([
  ['refused connections', networkError('ECONNREFUSED')],
  ['a certificate that nobody knows', networkError('SELF_SIGNED_CERT_IN_CHAIN')],
  ['a login page', { headers: { 'content-type': 'text/html' }, body: '<html>' }],
])('once reached, %s are an outage like any other', async (_, trouble) => {
  const server = aServer(() => {
    const atMs = server.clock.monotonicMs();
    return atMs > 0 && atMs < 200_000 ? trouble : FINE;
  });
  await server.clock.run(server.api.getJson('/version'));
  await server.clock.advance(1);
  await expect(server.clock.run(server.api.getJson(PODS))).resolves.toEqual({ kind: 'PodList' });
  expect(server.clock.monotonicMs()).toBeGreaterThanOrEqual(200_000);
  expect(server.asked.length).toBeLessThan(30);
});

test('a watch that is refused tells why, and its body is left to the caller when it is not', async () => {
  const { api, clock } = aServer(inTurn(aStatus(410, 'Expired', 'too old'), { body: 'line 1\nline 2\n' }));
  const error = await errorOf(clock.run(api.open('/api/v1/pods?watch=1')));
  expect(error).toMatchObject({ kind: 'expired', verb: 'watch' });
  const response = await clock.run(api.open('/api/v1/pods?watch=1'));
  let text = '';
  for await (const chunk of response.body) text += Buffer.from(chunk).toString();
  expect(text).toBe('line 1\nline 2\n');
  expect(clock.pending()).toBe(0);
});

test('a log is given as text, whatever it looks like', async () => {
  const { api, clock, asked } = aServer(inTurn({ headers: { 'content-type': 'text/plain' }, body: '<html>{"a"\n' }));
  await expect(clock.run(api.getText('/api/v1/namespaces/a/pods/b/log'))).resolves.toBe('<html>{"a"\n');
  expect(asked[0]?.accept).toBe('*/*');
});
