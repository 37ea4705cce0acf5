import { allowAllBut, type Rule } from '../../../simulator/api/access.ts';
import type { FaultRule } from '../../../simulator/api/fault-script.ts';
import type { World, WorldOptions } from '../../harness.ts';
import { CURE } from '../../scenarios/broken-node.ts';
import { MINUTE, SECOND } from '../../scenarios/shop.ts';
import type { FaultRow } from '../row.ts';
import { ALL_WELL, broken, CURED, shop, status } from '../worlds.ts';

const REVIEWS: FaultRule = { resource: 'selfsubjectaccessreviews', fault: { kind: 'hang' } };

/** A world in which the gate may not do something. */
function without(world: (base: WorldOptions) => World, ...rules: readonly Rule[]): (base: WorldOptions) => World {
  return (base) => {
    const made = world(base);
    made.sim.api.permissions = allowAllBut(...rules);
    return made;
  };
}

/** shop/web and bank/ledger run well. */
function twoNamespaces(base: WorldOptions): World {
  const world = shop(base);
  world.sim.cluster.deploy({ namespace: 'bank', name: 'ledger' });
  world.sim.warmUp(MINUTE);
  return world;
}

const BOTH = { namespaces: 'shop, bank' };

/** A right is withdrawn, and perhaps given back; open watches end when a role changes. */
function withdraw(rule: Rule): (world: World) => void {
  return ({ sim }) => {
    sim.api.permissions = allowAllBut(rule);
    sim.api.watches.close();
  };
}

export const ACCESS_ROWS: readonly FaultRow[] = [
  {
    id: '19',
    fault: 'events may not be read, while all is well',
    world: without(shop, { resource: 'events' }),
    expected: {
      verdict: 'healthy',
      reason: ALL_WELL,
      requests: [40, 62],
      of: { 'list shop/events': 2 },
      timeMs: 5_200,
      log: [/missing right: .*"events".*; Calico's failure is not diagnosed and nothing is restarted/],
      never: /may not be read/,
    },
  },
  {
    id: '19b',
    fault: "events may not be read, while a node has Calico's failure",
    world: without(broken(), { resource: 'events' }),
    inputs: CURE,
    expected: {
      verdict: 'unhealthy',
      reason: /besides, events in namespace shop may not be read, which would tell why/,
      requests: [56, 84],
      timeMs: 3 * MINUTE,
      log: [/missing right: .*"events"/],
    },
  },
  {
    id: '20',
    fault: 'pods of one of two namespaces may not be read',
    world: without(twoNamespaces, { resource: 'pods', namespace: 'bank' }),
    inputs: BOTH,
    expected: {
      verdict: 'inconclusive',
      reason: /^pods in namespace bank may not be read: .*resources: \["pods"\].* in a Role in namespace bank$/,
      requests: [56, 84],
      timeMs: 0,
      log: [/missing right: .*"pods".*in a Role in namespace bank/],
    },
  },
  {
    id: '20b',
    fault: 'pods of one of two namespaces may not be read, and the other has trouble',
    world: (base) => {
      const world = without(twoNamespaces, { resource: 'pods', namespace: 'bank' })(base);
      world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'imageMissing' } });
      return world;
    },
    inputs: BOTH,
    expected: {
      verdict: 'unhealthy',
      reason: /^shop\/api: .*not found.*; besides, pods in namespace bank may not be read/,
      requests: [57, 85],
      timeMs: [29_000, 35_800],
    },
  },
  {
    id: '20c',
    fault: 'pods may not be read for 20 s in the middle',
    world: shop,
    happens: [
      [5 * SECOND, withdraw({ resource: 'pods' })],
      [25 * SECOND, withdraw({ resource: 'none' })],
    ],
    inputs: { 'stable-for': '10s' },
    expected: {
      verdict: 'healthy',
      reason: /^all 2 pods .* for 10s$/,
      requests: [64, 94],
      // What became of the pods meanwhile is waited for.
      timeMs: [40 * SECOND, 50 * SECOND],
      log: [/lost sight of pods in namespace shop: .*403 Forbidden/, /sees pods in namespace shop again/],
    },
  },
  {
    id: '20d',
    fault: 'pods may not be read any more after 5 s',
    world: shop,
    happens: [[5 * SECOND, withdraw({ resource: 'pods' })]],
    inputs: { 'stable-for': '10s' },
    expected: {
      verdict: 'inconclusive',
      reason: /^pods in namespace shop may not be read: /,
      requests: [52, 78],
      timeMs: [35 * SECOND, 45 * SECOND],
    },
  },
  {
    id: '20e',
    fault: 'Deployments may not be read',
    world: without(shop, { resource: 'deployments' }),
    expected: {
      verdict: 'inconclusive',
      reason: /^deployments in namespace shop may not be read: .*resources: \["deployments"\]/,
      requests: [31, 51],
      timeMs: 0,
      log: [/missing right: .*"deployments"/],
    },
  },
  {
    id: '21',
    fault: "nodes may not be read, while one has Calico's failure",
    world: without(broken(), { resource: 'nodes' }),
    inputs: CURE,
    expected: {
      verdict: 'healthy',
      reason: CURED,
      requests: [55, 83],
      deletes: 1,
      nodes: ['n1: restarted/cured'],
      timeMs: [17_200, 22_200],
      log: [/missing right: .*"nodes"/],
    },
  },
  ...[403, 404, 500].map(
    (code, index): FaultRow => ({
      id: `22${['', 'b', 'c'][index]}`,
      fault: `reviews of rights are refused with ${code}`,
      world: shop,
      faults: [{ ...REVIEWS, fault: status(code) }],
      expected: {
        verdict: 'healthy',
        reason: ALL_WELL,
        requests: [35, 50],
        of: { 'create selfsubjectaccessreviews': [5, 11] },
        timeMs: 5_200,
        never: /missing right/,
      },
    }),
  ),
  {
    id: '22d',
    fault: 'reviews of rights are refused with 403, and so are pods, events and nodes',
    world: without(shop, { resource: ['pods', 'events', 'nodes'] }),
    faults: [{ ...REVIEWS, fault: status(403) }],
    expected: {
      verdict: 'inconclusive',
      reason: /^pods in namespace shop may not be read/,
      requests: [15, 29],
      timeMs: 0,
      log: [/missing right: .*"pods"/, /missing right: .*"events"/, /missing right: .*"nodes"/],
    },
  },
  {
    id: '22e',
    fault: 'reviews of rights are refused with 403, and so is the DELETE',
    world: without(broken(), { verb: 'delete' }),
    inputs: CURE,
    faults: [{ ...REVIEWS, fault: status(403) }],
    expected: {
      verdict: 'unhealthy',
      reason: /the right to delete pods in namespace calico-system is missing: .*verbs: \["delete"\]/,
      requests: [45, 69],
      deletes: 1,
      nodes: ['n1: refused/-'],
      timeMs: [55_200, 66_000],
    },
  },
  {
    id: '22f',
    fault: 'reviews of rights are never answered, while a node is to be cured',
    world: broken(),
    inputs: CURE,
    faults: [REVIEWS],
    expected: {
      verdict: 'healthy',
      reason: CURED,
      requests: [58, 86],
      deletes: 1,
      nodes: ['n1: restarted/cured'],
      timeMs: [101_800, 119_500],
    },
  },
  {
    id: '22g',
    fault: 'reviews of rights are answered with a login page',
    world: broken(),
    inputs: CURE,
    faults: [{ ...REVIEWS, fault: { kind: 'garbage' } }],
    expected: {
      verdict: 'healthy',
      reason: CURED,
      requests: [48, 72],
      deletes: 1,
      nodes: ['n1: restarted/cured'],
      timeMs: [16_800, 21_700],
    },
  },
];
