/** Worlds in which the rows of the table play, and short ways to say what goes wrong there. */

import type { Fault } from '../../simulator/api/faults.ts';
import { aWorld, type World, type WorldOptions } from '../harness.ts';
import { type BrokenWorld, aBrokenWorld } from '../scenarios/broken-node.ts';
import { aShop, MINUTE } from '../scenarios/shop.ts';

/** Two pods of shop/web, ready for a minute. */
export function shop(base: WorldOptions): World {
  return aShop(2, base);
}

/** Namespace shop has 1,050 pods: three pages of them. */
export function threePages(base: WorldOptions): World {
  const world = aWorld({ ...base, nodes: Array.from({ length: 24 }, (_, index) => `n${index}`) });
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 1_050 });
  world.sim.warmUp(5 * MINUTE);
  return world;
}

/** shop/web has rolled into a node whose CNI token is dead. */
export function broken(options: Omit<BrokenWorld, 'world'> = {}): (base: WorldOptions) => World {
  return (base) => aBrokenWorld({ ...options, world: base });
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Fault {
  return { kind: 'status', status: code, headers };
}

/** 200 with something else than was asked for. */
export function instead(body: unknown, contentType = 'application/json'): Fault {
  return { kind: 'garbage', body: typeof body === 'string' ? body : JSON.stringify(body), contentType };
}

/** All watches end, as they do when a server goes away. */
export function breakWatches({ sim }: World): void {
  sim.api.watches.reset();
}

/** What every run says that ends well, with two pods. */
export const ALL_WELL = /^all 2 pods in 1 workload are ready and stayed so for 5s$/;
