import type { PlayOptions, World } from '../../harness.ts';
import { CURE } from '../../scenarios/broken-node.ts';
import { SECOND } from '../../scenarios/shop.ts';
import type { FaultRow } from '../row.ts';
import { ALL_WELL, broken, CURED, shop, status } from '../worlds.ts';

/** Credentials that can be had anew, `most` times; each is another token. */
function renewable({ sim }: World, most = Number.POSITIVE_INFINITY): PlayOptions {
  let count = 0;
  const token = (): string => `token-${count}`;
  sim.api.tokens.add(token(), 'gate');
  return {
    token,
    renewCredentials: () => {
      count += 1;
      if (count <= most) sim.api.tokens.add(token(), 'gate');
      return Promise.resolve();
    },
  };
}

/** Every token that was given out so far is refused from now on. */
function revoke({ sim }: World): void {
  for (let count = 0; count < 10; count += 1) sim.api.tokens.revoke(`token-${count}`);
  sim.api.tokens.revoke('gate-token');
  sim.api.watches.close();
}

export const CREDENTIAL_ROWS: readonly FaultRow[] = [
  {
    id: '17',
    fault: 'the token expires after 10 s, and new ones can be had',
    world: shop,
    options: renewable,
    happens: [[10 * SECOND, revoke]],
    inputs: { 'stable-for': '30s' },
    expected: {
      verdict: 'healthy',
      reason: /^all 2 pods .* stayed so for 30s$/,
      requests: [53, 81],
      of: { 'answered 401': [3, 20] },
      timeMs: [30 * SECOND, 32 * SECOND],
      never: /lost sight/,
    },
  },
  {
    id: '17b',
    fault: 'the token is refused after 10 s, and so is every new one',
    world: shop,
    options: (world) => renewable(world, 0),
    happens: [[10 * SECOND, revoke]],
    inputs: { 'stable-for': '30s' },
    expected: {
      verdict: 'inconclusive',
      reason: /^(?:watch|list|get) .*: 401 Unauthorized, also with credentials obtained anew; renew the token/,
      requests: [39, 61],
      timeMs: [10 * SECOND, 11 * SECOND],
    },
  },
  {
    id: '17c',
    fault: 'each path: 401 for the first request, whatever its token',
    world: shop,
    faults: [{ fault: ({ nth }) => (nth === 1 ? status(401) : undefined) }],
    options: renewable,
    expected: {
      verdict: 'healthy',
      reason: ALL_WELL,
      requests: [52, 78],
      of: { 'answered 401': [10, 14] },
      timeMs: [5 * SECOND, 6 * SECOND],
      never: /lost sight/,
    },
  },
  {
    id: '17d',
    fault: 'the token expires as the DELETE arrives',
    world: broken(),
    inputs: CURE,
    options: renewable,
    faults: [{ verb: 'delete', times: 1, fault: status(401) }],
    expected: {
      verdict: 'healthy',
      reason: CURED,
      requests: [67, 99],
      deletes: 2,
      nodes: ['n1: restarted/cured'],
      timeMs: [20_100, 25_600],
    },
  },
  {
    id: '18f',
    fault: 'the first token is refused, and a new one is not',
    world: shop,
    options: (world) => {
      const options = renewable(world);
      revoke(world);
      return options;
    },
    expected: {
      verdict: 'healthy',
      reason: ALL_WELL,
      requests: [42, 66],
      of: { 'get version': 2 },
      timeMs: [5 * SECOND, 6 * SECOND],
    },
  },
];
