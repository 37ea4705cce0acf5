import type { Fault } from '../../../simulator/api/faults.ts';
import type { World, WorldOptions } from '../../harness.ts';
import { aShop, MINUTE, SECOND } from '../../scenarios/shop.ts';
import type { Bounds, Expected, FaultRow } from '../row.ts';
import { instead, shop, status } from '../worlds.ts';

const WATCHES = { verb: 'watch' } as const;
const POD_WATCH = { verb: 'watch', resource: 'pods', namespace: 'shop' } as const;

/** Stable for two minutes, so that watches have time to fail; all is well throughout. */
const TWO_MINUTES = /^all 2 pods in 1 workload are ready and stayed so for 2m$/;

function errorEvent(code: number, reason: string): Fault {
  const object = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code, message: reason };
  return instead(`${JSON.stringify({ type: 'ERROR', object })}\n`);
}

/** Watches that fail: lists tell, and the verdict is as without. */
function watching(
  id: string,
  fault: string,
  rule: Pick<FaultRow, 'faults' | 'happens'>,
  lists: Bounds,
  requests: Bounds,
  more: Partial<Expected> = {},
): FaultRow {
  const of = { 'list shop/pods': lists };
  return {
    id,
    fault: `watches: ${fault}`,
    world: shop,
    ...rule,
    inputs: { 'stable-for': '2m', timeout: '5m' },
    expected: { verdict: 'healthy', reason: TWO_MINUTES, requests, of, timeMs: [120_000, 150_000], ...more },
  };
}

/** shop/api rolls out while it is watched: each of its pods comes, starts and becomes ready in five events. */
function rollingOut(base: WorldOptions): World {
  const world = aShop(2, base);
  world.clock.after(3 * SECOND, () => {
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'slow', readyAfterMs: 6 * SECOND } });
  });
  return world;
}

/** A roll-out while what is told of it is disturbed. */
function rolling(
  id: string,
  fault: string,
  what: Fault | ((count: number) => Fault),
  lists: Bounds,
  timeMs: Bounds,
  more: Partial<FaultRow> = {},
): FaultRow {
  const of = { 'list shop/pods': lists };
  return {
    id,
    fault: `watch of pods in a roll-out: ${fault}`,
    world: rollingOut,
    faults: [{ ...POD_WATCH, fault: typeof what === 'function' ? (_, count) => what(count) : what }],
    inputs: { 'stable-for': '15s' },
    expected: {
      verdict: 'healthy',
      reason: /^all 2 pods in 1 workload are ready and stayed so for 15s$/,
      requests: [45, 75],
      of,
      timeMs,
    },
    ...more,
  };
}

/** Every pod is replaced by one that never becomes ready. */
function allFail({ sim }: World): void {
  sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' });
  for (const { metadata } of sim.cluster.pods('shop')) sim.cluster.deletePod('shop', metadata.name);
}

function lines(rewrite: (line: string) => readonly string[]): Fault {
  return { kind: 'lines', rewrite };
}

/** Holds every event back until the next one has passed. */
function swapped(): Fault {
  let held: string | null = null;
  return lines((line) => {
    if (held === null) {
      held = line;
      return [];
    }
    const first = held;
    held = null;
    return [line, first];
  });
}

/** Says the first event of each pod again behind every later one. */
function haunted(): Fault {
  const first = new Map<string, string>();
  return lines((line) => {
    const uid = /"uid":"([^"]+)"/.exec(line)?.[1] ?? '';
    if (!first.has(uid)) first.set(uid, line);
    return [line, first.get(uid) ?? line];
  });
}

const withoutStatus = (line: string): readonly string[] => {
  const event = JSON.parse(line) as { readonly type: string; readonly object: { readonly status?: unknown } };
  const { status: _, ...object } = event.object;
  return [JSON.stringify({ ...event, object })];
};

function firstThree(rewrite: (line: string) => readonly string[]): Fault {
  let count = 0;
  return lines((line) => {
    count += 1;
    return count <= 3 ? rewrite(line) : [line];
  });
}

export const WATCH_ROWS: readonly FaultRow[] = [
  watching(
    '9',
    'an ERROR event with 410, each time',
    { faults: [{ ...WATCHES, fault: errorEvent(410, 'Expired') }] },
    [11, 33],
    [229, 319],
  ),
  watching('9b', '410 as a status, each time', { faults: [{ ...WATCHES, fault: status(410) }] }, [11, 33], [229, 319]),
  watching(
    '9c',
    'an ERROR event with 500, each time',
    { faults: [{ ...WATCHES, fault: errorEvent(500, 'InternalError') }] },
    [10, 30],
    [212, 296],
  ),
  watching(
    '9d',
    'an ERROR event that says nothing',
    { faults: [{ ...WATCHES, fault: instead('{"type":"ERROR","object":{}}\n') }] },
    [11, 33],
    [229, 319],
  ),
  watching(
    '10',
    'closed after a second, each time',
    { faults: [{ ...WATCHES, fault: { kind: 'cut', afterMs: SECOND, clean: true } }] },
    [11, 31],
    [208, 290],
  ),
  watching(
    '10b',
    'reset after a second, each time',
    { faults: [{ ...WATCHES, fault: { kind: 'cut', afterMs: SECOND } }] },
    [11, 31],
    [208, 290],
  ),
  watching('10c', 'closed at once, each time', { faults: [{ ...WATCHES, fault: instead('') }] }, [10, 30], [212, 296]),
  watching(
    '10d',
    'reset instead of an answer, each time',
    { faults: [{ ...WATCHES, fault: { kind: 'reset-before' } }] },
    [10, 30],
    [212, 296],
  ),
  watching(
    '11',
    'half-open: from 3 s on nothing comes, no end either',
    { happens: [[3 * SECOND, ({ sim }) => sim.api.watches.silence()]] },
    [0, 8],
    [60, 90],
    { log: [/lost sight of .*: the watch was silent for too long/] },
  ),
  {
    id: '11b',
    fault: 'watches: half-open, but for a blank a second; pods fail from 5 s on',
    world: shop,
    faults: [{ ...WATCHES, fault: { kind: 'endless', pieceBytes: 1, everyMs: SECOND } }],
    happens: [[5 * SECOND, allFail]],
    inputs: { 'stable-for': '3m', timeout: '4m' },
    expected: {
      verdict: 'unhealthy',
      reason: /^shop\/web: 2 of 2 pods are not ready: .*; the timeout of 4m is over$/,
      requests: [60, 120],
      timeMs: 4 * MINUTE,
      log: [/lost sight of .*: the watch did not end when it should/],
    },
  },
  watching('11c', 'never answered', { faults: [{ ...WATCHES, fault: { kind: 'hang' } }] }, [4, 19], [107, 153]),
  watching(
    '66',
    'garbage in place of the first event',
    { faults: [{ ...WATCHES, times: 20, fault: instead('\u0000\u0001not an event\n') }] },
    [6, 23],
    [95, 137],
  ),
  watching(
    '66b',
    'garbage, each time',
    { faults: [{ ...WATCHES, fault: instead('{"type":"ADDED"}\nnull\n[]\n') }] },
    [11, 33],
    [229, 319],
  ),
  watching(
    '66c',
    '200 with a login page',
    { faults: [{ ...WATCHES, fault: { kind: 'garbage' } }] },
    [11, 33],
    [229, 319],
  ),
  watching(
    '66d',
    'a list in place of a watch',
    { faults: [{ ...WATCHES, fault: instead({ kind: 'PodList', metadata: { resourceVersion: '1' }, items: [] }) }] },
    [10, 30],
    [212, 296],
  ),
  watching('67', 'refused with 403', { faults: [{ ...WATCHES, fault: status(403) }] }, [10, 30], [195, 273]),
  watching('67b', 'refused with 404', { faults: [{ ...WATCHES, fault: status(404) }] }, [10, 30], [195, 273]),
  watching(
    '67c',
    'refused with 429 and Retry-After: 20',
    { faults: [{ ...WATCHES, fault: status(429, { 'retry-after': '20' }) }] },
    [8, 27],
    [186, 260],
  ),
  watching('67d', 'refused with 503', { faults: [{ ...WATCHES, fault: status(503) }] }, [10, 30], [212, 296]),
  watching(
    '67e',
    'redirected',
    { faults: [{ ...WATCHES, fault: status(302, { location: '/login' }) }] },
    [10, 30],
    [212, 296],
  ),
  rolling('68', 'every event comes after the next one', () => swapped(), 8, [30_000, 36_900]),
  rolling('68b', 'the first event of each pod comes again behind every other', () => haunted(), 8, [29_100, 35_800]),
  rolling(
    '69',
    'every event comes twice',
    lines((line) => [line, line]),
    2,
    [29_100, 35_800],
  ),
  rolling(
    '69b',
    'an event of unknown type before each',
    lines((line) => ['{"type":"RUMOUR","object":{"metadata":{}}}', line]),
    2,
    [29_100, 35_800],
  ),
  rolling(
    '69c',
    'an event without object in the middle',
    (count) => lines((line) => (count === 1 ? [line, '{"type":"MODIFIED"}'] : [line])),
    3,
    [29_100, 35_800],
  ),
  rolling('69d', 'events come in no order', (count) => lines((line) => [line, String(count)]), 7, [30_000, 36_900]),
  rolling(
    '70',
    'every event is lost',
    lines(() => []),
    2,
    [29_100, 35_800],
  ),
  rolling('58', 'the first three objects come without status', () => firstThree(withoutStatus), 2, [29_100, 35_800]),
];
