import type { RawObject } from '../../../simulator/cluster.ts';
import type { World, WorldOptions } from '../../harness.ts';
import { MINUTE } from '../../scenarios/shop.ts';
import type { Expected, FaultRow } from '../row.ts';
import { ALL_WELL, shop } from '../worlds.ts';

/** A healthy shop with one more object, as it is. */
function shopWith(plural: string, fields: Readonly<Record<string, unknown>>): (base: WorldOptions) => World {
  return (base) => {
    const world = shop(base);
    const object: RawObject = {
      metadata: { namespace: 'shop', name: 'odd', creationTimestamp: '2026-11-22T11:00:00Z' },
      ...fields,
    };
    world.sim.cluster.put(plural, object);
    return world;
  };
}

/** It holds healthy back to the deadline, and is named. */
function unhealthy(reason: RegExp, pods: Expected['pods'] = { ready: 2, notReady: 1 }): Expected {
  return {
    verdict: 'unhealthy',
    reason,
    requests: [50, 80],
    timeMs: 3 * MINUTE,
    ...(pods === undefined ? {} : { pods }),
  };
}

const NO_STATUS = { spec: { nodeName: 'n1', containers: [{ name: 'a' }] } };
const NULLS = {
  spec: { nodeName: 'n1', containers: null },
  status: { phase: 'Running', conditions: null, containerStatuses: null },
};

export const ODD_OBJECT_ROWS: readonly FaultRow[] = [
  {
    id: '57',
    fault: 'a pod in a phase that nobody knows',
    world: shopWith('pods', { spec: { nodeName: 'n1', containers: [] }, status: { phase: 'Hibernating' } }),
    expected: unhealthy(/^shop\/odd: .*its phase is Hibernating/),
  },
  {
    id: '57b',
    fault: 'an event about nothing',
    world: shopWith('events', { type: 'Rumour', reason: 'Whispered', message: null, source: null }),
    isTraceless: true,
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [42, 64], timeMs: [4_100, 7_100] },
  },
  {
    id: '58b',
    fault: 'a pod without status',
    world: shopWith('pods', NO_STATUS),
    expected: unhealthy(/^shop\/odd: the kubelet of node n1 has not reported on it/),
  },
  {
    id: '58c',
    fault: 'a pod with null for every list',
    world: shopWith('pods', NULLS),
    expected: unhealthy(/^shop\/odd: the kubelet of node n1 has not reported on it/),
  },
  {
    id: '58d',
    fault: 'a Deployment without status',
    world: shopWith('deployments', {}),
    expected: unhealthy(/^shop\/odd: its controller has not looked at it yet/, { ready: 2 }),
  },
];
