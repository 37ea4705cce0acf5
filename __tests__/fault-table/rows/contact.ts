import type { Fault } from '../../../simulator/api/faults.ts';
import { MINUTE, SECOND } from '../../scenarios/shop.ts';
import type { Bounds, FaultRow } from '../row.ts';
import { ALL_WELL, instead, shop, status } from '../worlds.ts';

const REFUSED: Fault = { kind: 'refuse' };
const HTML = { 'content-type': 'text/html' };

/** Everything fails from the first request on: the run ends with what to do, and how often it asked. */
function first(id: string, fault: string, what: Fault, says: RegExp, asked: Bounds, timeMs: Bounds): FaultRow {
  const reason = new RegExp(
    `^no contact with the API server https://simulator(?: within 3m)?: get /version: ${says.source}`,
  );
  const expected = { verdict: 'inconclusive', reason, requests: asked, of: { 'get version': asked }, timeMs } as const;
  return {
    id,
    fault: `everything, from the first request on: ${fault}`,
    world: shop,
    faults: [{ fault: what }],
    expected,
  };
}

export const CONTACT_ROWS: readonly FaultRow[] = [
  first('18', '401', status(401), /401 Unauthorized.*, also with credentials obtained anew; renew the token/, 2, 0),
  first(
    '18b',
    '403 with a page for people',
    { kind: 'status', status: 403, body: '<html>no</html>', headers: HTML },
    /not a Kubernetes API response \(403, text\/html\).*NO_PROXY/,
    1,
    0,
  ),
  first(
    '18c',
    '407 of a proxy',
    { kind: 'status', status: 407, body: '' },
    /407; this is a proxy's answer: give it its credentials/,
    1,
    0,
  ),
  first('8n', '200 with a login page', { kind: 'garbage' }, /not a Kubernetes API response.*NO_PROXY/, 1, 0),
  first(
    '8o',
    '200 with a text that is no JSON',
    instead('OK\n', 'text/plain'),
    /the answer is cut off, or not JSON; check that the kubeconfig's server is an API server/,
    [3, 18],
    30 * SECOND,
  ),
  first(
    '8p',
    'a redirect without a body',
    { kind: 'status', status: 302, body: '', headers: { location: '/login' } },
    /302, a redirect to \/login; redirects are never followed/,
    1,
    0,
  ),
  first(
    '8q',
    'a redirect with a Status body',
    status(307, { location: 'https://other.example/version' }),
    /307, a redirect to https:\/\/other\.example\/version; redirects are never followed/,
    1,
    0,
  ),
  first(
    '23',
    'a certificate of an unknown authority',
    { kind: 'refuse', code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    /the server's certificate is signed by an unknown authority.*certificate-authority-data/,
    1,
    0,
  ),
  first(
    '23b',
    'a certificate that has expired',
    { kind: 'refuse', code: 'CERT_HAS_EXPIRED' },
    /the server's certificate has expired.*renew it/,
    1,
    0,
  ),
  first(
    '23c',
    'a certificate for another name',
    { kind: 'refuse', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    /the server's certificate is for another name.*tls-server-name/,
    1,
    0,
  ),
  {
    id: '24',
    fault: 'everything: the name does not resolve for 20 s',
    world: shop,
    faults: [{ untilMs: 20 * SECOND, fault: { kind: 'refuse', code: 'ENOTFOUND' } }],
    expected: {
      verdict: 'healthy',
      reason: ALL_WELL,
      requests: [48, 72],
      of: { 'get version': 8 },
      timeMs: [24_400, 30_500],
      log: [/0:00 !.*does not resolve \(ENOTFOUND\).*trying for half a minute/],
    },
  },
  first(
    '24b',
    'the name does not resolve',
    { kind: 'refuse', code: 'ENOTFOUND' },
    /the host name does not resolve \(ENOTFOUND\); check the host name/,
    [3, 18],
    30 * SECOND,
  ),
  first(
    '24c',
    'the connection is refused',
    REFUSED,
    /the connection was refused \(ECONNREFUSED\); is the API server running\?/,
    [3, 18],
    30 * SECOND,
  ),
  first(
    '24d',
    'the connection is reset',
    { kind: 'reset-before' },
    /the connection was reset \(ECONNRESET\)/,
    [3, 18],
    30 * SECOND,
  ),
  first('24e', 'nothing is ever answered', { kind: 'hang' }, /nothing came for 30 s; check .*VPN, firewall/, 2, MINUTE),
  first(
    '24f',
    'the body is cut off',
    { kind: 'truncate', afterBytes: 10, clean: true },
    /the answer is cut off, or not JSON/,
    [3, 18],
    30 * SECOND,
  ),
  first(
    '24g',
    'the body never ends',
    { kind: 'endless', pieceBytes: 1, everyMs: 1_000 },
    /the answer had not ended after 120 s; check /,
    2,
    3 * MINUTE,
  ),
  first('4c', '503', status(503), /503 InternalError/, [7, 29], 3 * MINUTE),
  first(
    '2c',
    '429 with Retry-After: 10',
    status(429, { 'retry-after': '10' }),
    /429 TooManyRequests/,
    [7, 30],
    3 * MINUTE,
  ),
  first('61d', '400', status(400), /400 BadRequest/, 1, 0),
  {
    id: '18d',
    fault: '/version: 403, as hardened clusters answer',
    world: shop,
    faults: [{ resource: 'version', fault: status(403) }],
    isTraceless: true,
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [42, 64], of: { 'get version': 1 }, timeMs: 5_200 },
  },
  {
    id: '18e',
    fault: '/version: 200 with an empty object',
    world: shop,
    faults: [{ resource: 'version', fault: instead({}) }],
    isTraceless: true,
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [42, 64], of: { 'get version': 1 }, timeMs: 5_200 },
  },
];
