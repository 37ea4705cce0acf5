/** Worlds in which the rows of the table play, and short ways to say what goes wrong there. */

import type { Fault } from '../../simulator/api/faults.ts';
import type { World, WorldOptions } from '../harness.ts';
import { aBrokenWorld, type BrokenWorld } from '../scenarios/broken-node.ts';
import { aShop, podOf } from '../scenarios/shop.ts';

/** Two pods of shop/web, ready for a minute. */
export function shop(base: WorldOptions): World {
  return aShop(2, base);
}

/** Namespace shop has so many ready pods. Most are copies without an owner: they take no time to come. */
export function crowd(count: number): (base: WorldOptions) => World {
  return (base) => {
    const world = shop(base);
    const pod = podOf(world, 'web');
    const { ownerReferences: _, ...metadata } = pod.metadata;
    for (let index = 2; index < count; index += 1) {
      const own = { ...metadata, name: `copy-${index}`, uid: `uid-${index}` };
      world.sim.cluster.put('pods', { ...pod, metadata: own });
    }
    return world;
  };
}

/** Three pages of pods. */
export const threePages = crowd(1_050);

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

/** The same of four pods whose node was cured, by this run or by somebody else. */
export const CURED = /^all 4 pods in 1 workload are ready and stayed so for 5s/;
