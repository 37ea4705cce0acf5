import type { Fault } from '../../../simulator/api/faults.ts';
import type { World, WorldOptions } from '../../harness.ts';
import { MINUTE, podOf, SECOND } from '../../scenarios/shop.ts';
import type { FaultRow } from '../row.ts';
import { breakWatches, instead, shop, status, threePages } from '../worlds.ts';
import { lasting, PODS, passing, refused } from './list-row.ts';

/** A status that asks for some patience in its body, as an API server does. */
const ASKING: Fault = {
  kind: 'status',
  status: 429,
  body: JSON.stringify({ kind: 'Status', reason: 'TooManyRequests', code: 429, details: { retryAfterSeconds: 4 } }),
};

/** `Retry-After` as a date, so long after the server's present. */
function untilLater(request: { readonly at: string }, ms: number): Fault {
  return status(429, { 'retry-after': new Date(Date.parse(request.at) + ms).toUTCString() });
}

/** What a proxy in front of the API server says for it. */
function page(code: number): Fault {
  return { kind: 'status', status: code, body: '<html>not found</html>', headers: { 'content-type': 'text/html' } };
}

function words(code: number): Fault {
  return { kind: 'status', status: code, body: 'no such backend', headers: { 'content-type': 'text/plain' } };
}

/** A page of pods that promises another one. */
function pageOf(token: string, items: readonly object[] = []): Fault {
  return instead({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1', continue: token }, items });
}

const SAME_POD = {
  metadata: { namespace: 'shop', name: 'again', uid: 'u-1', resourceVersion: '1' },
  spec: {},
  status: {},
};

/** The pages of a list are of different moments. */
const OTHER_VERSION: Fault = {
  kind: 'rewrite',
  rewrite: (body) => body.replace(/"resourceVersion":"\d+"/, '"resourceVersion":"99999999"'),
};

/** From 10 s on a cache on the way answers lists as it did before, and etcd is compacted, so that lists have to tell. */
function cached(base: WorldOptions): World {
  const world = shop(base);
  const { clock, sim } = world;
  const first = new Map<string, string>();
  let isCached = false;
  sim.api.faults = ({ verb, path }) => {
    if (verb !== 'list') return undefined;
    const rewrite = (body: string): string => {
      if (!isCached) first.set(path, body);
      return first.get(path) ?? body;
    };
    return { kind: 'rewrite', rewrite };
  };
  clock.after(10 * SECOND, () => {
    isCached = true;
    sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' });
    sim.cluster.deletePod('shop', podOf(world, 'web').metadata.name);
  });
  clock.after(15 * SECOND, () => {
    sim.api.compact();
    sim.api.watches.reset();
  });
  return world;
}

export const LIST_ROWS: readonly FaultRow[] = [
  passing(
    '1',
    '429 with Retry-After: 3, twice',
    { times: 2, fault: status(429, { 'retry-after': '3' }) },
    4,
    [11_000, 14_000],
  ),
  passing(
    '1b',
    '429 with Retry-After as a date, 4 s ahead',
    { times: 1, fault: (request) => untilLater(request, 4_000) },
    3,
    [8_000, 11_000],
  ),
  passing('1c', '429 that asks for 4 s in its Status', { times: 1, fault: ASKING }, 3, [9_000, 11_000]),
  passing(
    '1d',
    '429 with Retry-After of a day',
    { times: 1, fault: status(429, { 'retry-after': '86400' }) },
    3,
    [65_000, 67_000],
  ),
  passing(
    '1e',
    '429 with a Retry-After that nobody can read',
    { times: 1, fault: status(429, { 'retry-after': 'soon' }) },
    3,
    [4_100, 7_100],
  ),
  passing(
    '1f',
    '429 with a Retry-After that has passed',
    { times: 1, fault: (request) => untilLater(request, -60_000) },
    3,
    [4_100, 7_100],
  ),
  passing('2', '429 without Retry-After, three times', { times: 3, fault: status(429) }, 5, [5_400, 8_600]),
  lasting('2b', '429', status(429, { 'retry-after': '1' }), /429 TooManyRequests/, [45, 123]),
  passing(
    '3',
    '500 and 503, four times',
    { times: 4, fault: (_, count) => status(count % 2 === 0 ? 500 : 503) },
    6,
    [9_400, 13_200],
  ),
  passing(
    '3b',
    '503 with Retry-After: 5',
    { times: 1, fault: status(503, { 'retry-after': '5' }) },
    3,
    [10_000, 12_000],
  ),
  passing(
    '3c',
    '504 of a load balancer, with a page for people',
    {
      times: 2,
      fault: {
        kind: 'status',
        status: 504,
        body: '<html>Gateway Timeout</html>',
        headers: { 'content-type': 'text/html' },
      },
    },
    4,
    [4_100, 7_100],
  ),
  lasting('4', '503', status(503), /503 InternalError: the server answered 503; check that the API server/, [3, 18]),
  {
    id: '4b',
    fault: 'everything: 503 from 20 s on, to the deadline',
    world: shop,
    faults: [{ fromMs: 20 * SECOND, fault: status(503) }],
    happens: [[20 * SECOND, breakWatches]],
    inputs: { 'stable-for': '30s' },
    expected: {
      verdict: 'inconclusive',
      reason: /^no verdict within 3m: pods, .* in namespace shop were last seen 2m(?:39|40)s ago: .*503/,
      requests: [197, 275],
      pods: { ready: 2 },
      timeMs: 3 * MINUTE,
    },
  },
  {
    id: '5',
    fault: 'list in three pages: 410 on the third',
    world: threePages,
    faults: [{ ...PODS, path: /continue=/, skip: 1, times: 1, fault: status(410) }],
    expected: {
      verdict: 'healthy',
      reason: /^all 1050 pods/,
      requests: [48, 72],
      of: { 'list shop/pods': 9 },
      pods: { total: 1_050, ready: 1_050 },
      timeMs: [4_100, 7_100],
    },
  },
  {
    id: '5b',
    fault: 'list in three pages: 410 whenever it is to be continued',
    world: threePages,
    faults: [{ ...PODS, path: /continue=/, fault: status(410) }],
    expected: {
      verdict: 'healthy',
      reason: /^all 1050 pods/,
      requests: [48, 74],
      of: { 'list shop/pods': 10 },
      pods: { total: 1_050, ready: 1_050 },
      timeMs: [4_100, 7_100],
    },
  },
  {
    id: '5c',
    fault: 'list in three pages: the second is of another snapshot, once',
    world: threePages,
    faults: [{ ...PODS, path: /continue=/, times: 1, fault: OTHER_VERSION }],
    expected: {
      verdict: 'healthy',
      reason: /^all 1050 pods/,
      requests: [48, 72],
      of: { 'list shop/pods': 9 },
      pods: { total: 1_050, ready: 1_050 },
      timeMs: [4_100, 7_100],
    },
  },
  {
    id: '5d',
    fault: 'list in three pages: those that continue it are of another snapshot, always',
    world: threePages,
    faults: [{ ...PODS, path: /continue=/, fault: OTHER_VERSION }],
    expected: {
      verdict: 'healthy',
      reason: /^all 1050 pods/,
      requests: [52, 78],
      of: { 'list shop/pods': 14 },
      pods: { total: 1_050, ready: 1_050 },
      timeMs: [4_100, 7_100],
    },
  },
  lasting('5e', '410, though nothing was continued', status(410), /410 Expired/, [15, 48]),
  {
    id: '5f',
    fault: 'lists: from 10 s on those of the beginning, by a cache, while a pod is replaced by one that fails',
    world: cached,
    inputs: { 'stable-for': '20s', timeout: '2m' },
    expected: {
      verdict: 'inconclusive',
      reason:
        /^no verdict within 2m: pods .*in namespace shop were last seen 1m4\ds ago: list pods in namespace shop: the list is of version \d+, but \d+ was seen before; a cache /,
      requests: [150, 300],
      pods: { notReady: 1 },
      timeMs: 2 * MINUTE,
    },
  },
  lasting(
    '6',
    'the same continue token for ever',
    pageOf('again'),
    /the list does not end: the server repeats a continue token/,
    [9, 33],
  ),
  {
    ...lasting('6b', 'ever new continue tokens, without items', pageOf(''), /the list does not end/, [87, 228]),
    faults: [{ ...PODS, fault: (_, count) => pageOf(`token-${count}`) }],
  },
  {
    ...lasting('6c', 'ever new continue tokens, with the same items', pageOf(''), /the list does not end/, [33, 93]),
    faults: [{ ...PODS, fault: (_, count) => pageOf(`token-${count}`, [SAME_POD]) }],
  },
  {
    ...lasting(
      '6e',
      'ever new continue tokens, with ever new items',
      pageOf(''),
      /the list does not end: it has more than 1000 pages/,
      [6021, 15063],
    ),
    faults: [
      {
        ...PODS,
        fault: (_, count) =>
          pageOf(`token-${count}`, [{ ...SAME_POD, metadata: { ...SAME_POD.metadata, uid: `u-${count}` } }]),
      },
    ],
  },
  {
    ...lasting('6d', 'two continue tokens in turn', pageOf(''), /the list does not end/, [15, 48]),
    faults: [{ ...PODS, fault: (_, count) => pageOf(`token-${count % 2}`) }],
  },
  passing(
    '12',
    'the connection is reset before the request was read, twice',
    { times: 2, fault: { kind: 'reset-before' } },
    4,
    [4_100, 7_100],
  ),
  passing(
    '12b',
    'the connection is reset after the request was carried out, twice',
    { times: 2, fault: { kind: 'reset-after' } },
    4,
    [4_100, 7_100],
  ),
  lasting(
    '12c',
    'the connection is reset',
    { kind: 'reset-before' },
    /the connection was reset \(ECONNRESET\)/,
    [10, 38],
  ),
  refused('61', 400, /400 BadRequest/),
  refused('61b', 404, /404 NotFound/),
  refused('61c', 409, /409 Conflict/),
  refused('61e', 422, /422 Invalid/),
  lasting(
    '61f',
    '404 with a page of a proxy, whose API server is away',
    page(404),
    /not a Kubernetes API response/,
    [3, 18],
  ),
  lasting('61g', '404 with words of a proxy, whose API server is away', words(404), /404; check/, [3, 18]),
  passing(
    '61h',
    '404 of the API server itself for 25 s, as one that starts may say',
    { untilMs: 25 * SECOND, fault: status(404) },
    [6, 9],
    [30_000, 36_000],
  ),
  passing(
    '61i',
    '404 of the API server itself, and 503 in between, for a minute',
    { untilMs: 60 * SECOND, fault: (_, count) => status(count % 4 === 0 ? 503 : 404) },
    [12, 18],
    [65_000, 72_000],
  ),
];
