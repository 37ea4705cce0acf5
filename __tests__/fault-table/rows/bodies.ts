import type { Fault } from '../../../simulator/api/faults.ts';
import { MINUTE, SECOND } from '../../scenarios/shop.ts';
import type { FaultRow } from '../row.ts';
import { breakWatches, instead, shop, status } from '../worlds.ts';
import { lasting, passing } from './list-row.ts';

const JSON_TYPE = 'application/json';

/** A list of something else, as a proxy's cache that mixes up paths might send it. */
const JOBS = { kind: 'JobList', apiVersion: 'batch/v1', metadata: { resourceVersion: '12' }, items: [] };
/** What `kubectl` asks for, and nobody else. */
const TABLE = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '12' }, rows: [] };

const TEXT: Fault = {
  kind: 'rewrite',
  rewrite: (body) => body,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
};
const REDIRECT = status(302, { location: 'https://sso.example/login?token=secret' });

/** Where answers are mixed up. */
const OF_ANOTHER: Fault = {
  kind: 'rewrite',
  rewrite: (body) => body.replaceAll('"namespace":"shop"', '"namespace":"web"'),
};

export const BODY_ROWS: readonly FaultRow[] = [
  passing(
    '7',
    'the body is cut off, and the connection says so, twice',
    { times: 2, fault: { kind: 'truncate', afterBytes: 900 } },
    4,
    [5_600, 8_900],
  ),
  passing(
    '7b',
    'the body is cut off, and nobody says so, twice',
    { times: 2, fault: { kind: 'truncate', afterBytes: 900, clean: true } },
    4,
    [4_700, 7_900],
  ),
  passing('7c', 'the body is empty, twice', { times: 2, fault: instead('') }, 4, [4_100, 7_100]),
  lasting(
    '7d',
    'the body is cut off',
    { kind: 'truncate', afterBytes: 900, clean: true },
    /the answer is cut off, or not JSON/,
    [11, 39],
  ),
  passing('8t', 'the pods of another namespace, twice', { times: 2, fault: OF_ANOTHER }, 4, [4_100, 7_100]),
  lasting(
    '8u',
    'the pods of another namespace',
    OF_ANOTHER,
    /an object is of namespace web, which was not asked for/,
    [10, 38],
  ),
  passing('8', '200 with a login page, twice', { times: 2, fault: { kind: 'garbage' } }, 4, [4_100, 7_100]),
  lasting(
    '8b',
    '200 with a login page',
    { kind: 'garbage' },
    /not a Kubernetes API response \(200, text\/html\).*NO_PROXY/,
    [3, 18],
  ),
  lasting(
    '8c',
    '200 with a login page that calls itself JSON',
    { kind: 'garbage', contentType: JSON_TYPE },
    /not a Kubernetes API response/,
    [3, 18],
  ),
  { ...passing('8d', 'the right body, of type text/plain', { fault: TEXT }, 2, [4_100, 7_100]), isTraceless: true },
  lasting(
    '8e',
    'protobuf that nobody asked for',
    instead('k8s\u0000\n\u000c\n\u0002v1', 'application/vnd.kubernetes.protobuf'),
    /the answer is cut off, or not JSON/,
    [10, 38],
  ),
  lasting('8f', '200 with null', instead('null'), /the answer is JSON, but no list/, [10, 38]),
  lasting('8g', '200 with an empty object', instead({}), /the answer is JSON, but no list/, [10, 38]),
  lasting(
    '8h',
    '200 with a Status',
    instead({ kind: 'Status', metadata: {}, status: 'Success' }),
    /the answer is a Status and no PodList/,
    [10, 38],
  ),
  {
    ...lasting(
      '8i',
      'an empty list of something else',
      instead(JOBS),
      /the answer is a JobList and no PodList/,
      [10, 38],
    ),
  },
  { ...lasting('8j', 'a Table', instead(TABLE), /the answer is a Table and no PodList/, [10, 38]) },
  {
    id: '8k',
    fault: 'everything: a login page for 30 s in the middle',
    world: shop,
    faults: [{ fromMs: 10 * SECOND, untilMs: 40 * SECOND, fault: { kind: 'garbage' } }],
    happens: [[10 * SECOND, breakWatches]],
    inputs: { 'stable-for': '60s' },
    expected: {
      verdict: 'healthy',
      reason: /^all 2 pods .* stayed so for 1m$/,
      requests: [127, 179],
      timeMs: [55_400, 66_200],
      log: [/lost sight of .*not a Kubernetes API response/, /sees .* again/],
    },
  },
  {
    id: '8l',
    fault: 'everything: a redirect with a Status body for 30 s in the middle',
    world: shop,
    faults: [{ fromMs: 10 * SECOND, untilMs: 40 * SECOND, fault: REDIRECT }],
    happens: [[10 * SECOND, breakWatches]],
    inputs: { 'stable-for': '60s' },
    expected: {
      verdict: 'healthy',
      reason: /^all 2 pods .* stayed so for 1m$/,
      requests: [143, 201],
      timeMs: [58_200, 69_300],
      log: [/lost sight of .*redirects are never followed/, /sees .* again/],
      never: /token=secret/,
    },
  },
  lasting(
    '8m',
    'a redirect with a Status body',
    REDIRECT,
    /302, a redirect to https:\/\/sso\.example\/login; redirects are never followed/,
    [3, 18],
  ),
  passing(
    '62',
    'answered after 20 s',
    { times: 1, fault: { kind: 'delay', delayMs: 20 * SECOND } },
    2,
    [22_700, 28_500],
  ),
  passing('62b', 'never answered, once', { times: 1, fault: { kind: 'hang' } }, 3, [32_500, 39_900]),
  lasting('62c', 'never answered', { kind: 'hang' }, /nothing came for 30 s/, [0, 9]),
  passing(
    '63',
    'the body comes in pieces of 100 bytes a second',
    { times: 1, fault: { kind: 'slow', pieceBytes: 100, everyMs: 1_000 } },
    2,
    [72_000, 85_200],
  ),
  passing(
    '64',
    'half-open: the body begins and nothing more comes, once',
    { times: 1, fault: { kind: 'stall', afterBytes: 900 } },
    3,
    [32_500, 39_900],
  ),
  lasting(
    '64b',
    'half-open: the body begins and nothing more comes',
    { kind: 'stall', afterBytes: 900 },
    /nothing came for 30 s/,
    [0, 9],
  ),
  {
    ...lasting(
      '65',
      'the body never ends, a byte a second',
      { kind: 'endless', pieceBytes: 1, everyMs: 1_000 },
      /the answer had not ended after 120 s/,
      [0, 8],
      5 * MINUTE,
    ),
  },
  lasting(
    '65b',
    'the body never ends, 4 MB every 100 ms',
    { kind: 'endless', pieceBytes: 4_000_000, everyMs: 100 },
    /the answer is longer than \d+ bytes/,
    [7, 30],
  ),
  lasting(
    '65c',
    'the body never ends, 100 kB a second',
    { kind: 'endless', pieceBytes: 100_000, everyMs: 1_000 },
    /the answer had not ended after 120 s/,
    [0, 8],
    5 * MINUTE,
  ),
  passing(
    '65d',
    'the body never ends, once',
    { times: 1, fault: { kind: 'endless', pieceBytes: 1, everyMs: 1_000 } },
    3,
    [116_600, 136_600],
  ),
];
