import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultRule } from '../../../simulator/api/fault-script.ts';
import type { HttpsServer } from '../../../simulator/https-server.ts';
import type { World } from '../../harness.ts';
import { CURE } from '../../scenarios/broken-node.ts';
import { MINUTE, SECOND } from '../../scenarios/shop.ts';
import type { Bounds, Expected, FaultRow, OverHttps } from '../row.ts';
import { ALL_WELL, broken, crowd, shop, status } from '../worlds.ts';
import { PODS } from './list-row.ts';

/*
 * The same faults as they come through node:https, TLS and a TCP connection: what a transport in memory only plays. Their
 * time runs faster than the machine's, so that numbers are bounds: a busy machine makes everything slower.
 */

/** A run over HTTPS that ends well, whatever goes wrong on its way. */
function passing(
  id: string,
  fault: string,
  rule: FaultRule,
  leastLists: number,
  more: Partial<FaultRow> = {},
  expected: Partial<Expected> = {},
): FaultRow {
  return {
    id,
    fault: `over HTTPS: ${fault}`,
    world: shop,
    https: {},
    faults: [rule],
    inputs: { timeout: '10m' },
    expected: {
      verdict: 'healthy',
      reason: ALL_WELL,
      requests: [40, 200],
      of: { 'list shop/pods': [leastLists, 60] },
      timeMs: [5 * SECOND, 10 * MINUTE],
      ...expected,
    },
    ...more,
  };
}

/** A run over HTTPS that never comes to a look. */
function failing(
  id: string,
  fault: string,
  https: OverHttps,
  says: RegExp,
  requests: Bounds = 0,
  timeMs: Bounds = [0, 2 * MINUTE],
): FaultRow {
  return {
    id,
    fault: `over HTTPS: ${fault}`,
    world: shop,
    https,
    expected: { verdict: 'inconclusive', reason: says, requests, timeMs },
  };
}

function deleting(id: string, fault: string, rule: FaultRule, deletes: number): FaultRow {
  return {
    id,
    fault: `over HTTPS: DELETE: ${fault}`,
    world: broken(),
    https: {},
    faults: [{ verb: 'delete', ...rule }],
    inputs: { ...CURE, timeout: '10m' },
    expected: {
      verdict: 'healthy',
      reason: /^all 4 pods/,
      requests: [50, 250],
      deletes,
      nodes: ['n1: restarted/cured'],
      timeMs: [5 * SECOND, 10 * MINUTE],
    },
  };
}

/** A kubeconfig whose credentials a plugin gives, as this script does. */
function plugin(script: string): OverHttps {
  return {
    kubeconfig: (server) => server.writeKubeconfig('plugin', { exec: { command: '/bin/sh', args: ['-c', script] } }),
  };
}

/** A token file, which a rotation replaces 10 s after the beginning; the old token is refused from then on. */
async function rotatingToken(server: HttpsServer, { clock, sim }: World): Promise<string> {
  const folder = join(server.kubeconfig, '..');
  const file = join(folder, 'token');
  await writeFile(file, 'gate-token');
  clock.after(10 * SECOND, () => {
    void writeFile(file, 'rotated-token').then(() => {
      sim.api.tokens.add('rotated-token', 'rotated');
      sim.api.tokens.revoke('gate-token');
      sim.api.watches.close();
    });
  });
  return await server.writeKubeconfig('rotating', { tokenFile: file });
}

const FIRST = /^no contact with the API server https:\/\/127\.0\.0\.1:\d+: get \/version: /;
const first = (says: RegExp): RegExp => new RegExp(FIRST.source + says.source);

export const NETWORK_ROWS: readonly FaultRow[] = [
  passing('7p', 'a list is cut off, twice', { ...PODS, times: 2, fault: { kind: 'truncate', afterBytes: 900 } }, 4),
  passing(
    '7q',
    'a list is cut off, with a length as if it were whole, twice',
    { ...PODS, times: 2, fault: { kind: 'truncate', afterBytes: 900, clean: true } },
    4,
  ),
  passing(
    '7r',
    'a compressed list is cut off, twice',
    { ...PODS, times: 2, fault: { kind: 'truncate', afterBytes: 400_000 } },
    4,
    { world: crowd(300) },
    { reason: /^all 300 pods/, pods: { total: 300, ready: 300 } },
  ),
  passing(
    '7s',
    'an answer switches to another protocol, twice',
    { ...PODS, times: 2, fault: status(101, { connection: 'Upgrade', upgrade: 'websocket' }) },
    4,
  ),
  passing('8r', '200 with a login page, twice', { ...PODS, times: 2, fault: { kind: 'garbage' } }, 4),
  passing(
    '10p',
    'watches are reset after a second, each time',
    { verb: 'watch', fault: { kind: 'cut', afterMs: SECOND } },
    3,
    { inputs: { timeout: '10m', 'stable-for': '60s' } },
    { reason: /^all 2 pods/, requests: [50, 500] },
  ),
  passing(
    '11p',
    'watches are half-open from 3 s on',
    { verb: 'watch', fault: { kind: 'stall', afterBytes: 0 } },
    3,
    { inputs: { timeout: '10m', 'stable-for': '2m' } },
    { reason: /^all 2 pods/, timeMs: [2 * MINUTE, 10 * MINUTE] },
  ),
  passing(
    '11q',
    'watches are never answered',
    { verb: 'watch', fault: { kind: 'hang' } },
    3,
    { inputs: { timeout: '10m', 'stable-for': '60s' } },
    { reason: /^all 2 pods/, requests: [50, 500], timeMs: [MINUTE, 10 * MINUTE] },
  ),
  passing(
    '12p',
    'the connection is reset before the request was answered, twice',
    { ...PODS, times: 2, fault: { kind: 'reset-before' } },
    4,
  ),
  passing(
    '12q',
    'the connection is reset after the request was carried out, twice',
    { ...PODS, times: 2, fault: { kind: 'reset-after' } },
    4,
  ),
  deleting('13p', 'the connection is reset after it was carried out', { times: 1, fault: { kind: 'reset-after' } }, 1),
  deleting(
    '13q',
    'the connection is reset before it was carried out',
    { times: 1, fault: { kind: 'reset-before' } },
    2,
  ),
  deleting('13r', 'the answer is cut off', { times: 1, fault: { kind: 'truncate', afterBytes: 100 } }, 1),
  deleting('13s', 'the answer is half-open', { times: 1, fault: { kind: 'stall', afterBytes: 100 } }, 1),
  {
    id: '17p',
    fault: 'over HTTPS: the token file is rotated after 10 s, and the old token refused',
    world: shop,
    https: { kubeconfig: rotatingToken },
    inputs: { timeout: '10m', 'stable-for': '30s' },
    expected: {
      verdict: 'healthy',
      reason: /^all 2 pods/,
      requests: [40, 200],
      timeMs: [30 * SECOND, 10 * MINUTE],
    },
    check: (_, { sim }) =>
      sim.requests.some(({ user }) => user === 'rotated') ? [] : ['the new token was never used'],
  },
  failing(
    '23p',
    'the authority of the certificate is unknown',
    { kubeconfig: (server) => server.writeKubeconfig('other', { withoutCa: true }) },
    first(/the server's certificate is signed by an unknown authority .*certificate-authority-data/),
  ),
  failing(
    '23q',
    'the certificate has expired',
    { certificate: { expired: true } },
    first(/the server's certificate has expired \(CERT_HAS_EXPIRED\); renew it/),
  ),
  failing(
    '23r',
    'the certificate is for another name',
    { certificate: { hosts: ['elsewhere.example'] } },
    first(/the server's certificate is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\).*tls-server-name/),
  ),
  failing(
    '24p',
    'nobody listens there',
    { kubeconfig: (server) => server.writeKubeconfig('closed', { server: 'https://127.0.0.1:1' }) },
    first(/the connection was refused \(ECONNREFUSED\); is the API server running\?/),
    0,
    [28 * SECOND, 150 * SECOND],
  ),
  failing(
    '24q',
    'the name does not resolve',
    { kubeconfig: (server) => server.writeKubeconfig('nowhere', { server: 'https://nowhere.invalid:6443' }) },
    /the host name (?:does not resolve|cannot be resolved)/,
    0,
    [28 * SECOND, 150 * SECOND],
  ),
  {
    ...failing(
      '8s',
      'a redirect with a Status body',
      {},
      first(/302, a redirect to \/login; redirects are never followed/),
      1,
    ),
    faults: [{ fault: status(302, { location: '/login' }) }],
  },
  failing('60', 'the credential plugin hangs', plugin('sleep 600'), /exec plugin .*30 s/, 0, [
    29 * SECOND,
    150 * SECOND,
  ]),
  failing('60b', 'the credential plugin prints garbage', plugin('echo this is no ExecCredential'), /exec plugin/),
  failing(
    '60c',
    'the credential plugin asks somebody',
    plugin('read -r answer < /dev/tty; test -n "$answer"'),
    /exec plugin/,
  ),
  failing('60d', 'the credential plugin does not stop printing', plugin('yes'), /exec plugin/, 0, [0, 150 * SECOND]),
  passing(
    '63p',
    'a list comes in pieces of 100 bytes',
    { ...PODS, times: 1, fault: { kind: 'slow', pieceBytes: 100, everyMs: SECOND } },
    2,
    {},
    { timeMs: [MINUTE, 10 * MINUTE] },
  ),
  passing(
    '64p',
    'half-open: a list begins and nothing more comes, once',
    { ...PODS, times: 1, fault: { kind: 'stall', afterBytes: 900 } },
    3,
  ),
  passing(
    '65p',
    'a list that never ends, once',
    { ...PODS, times: 1, fault: { kind: 'endless', pieceBytes: 1, everyMs: SECOND } },
    3,
  ),
];
