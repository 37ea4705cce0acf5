import type { EventObject } from '../../simulator/objects.ts';
import type { World } from '../harness.ts';
import { UNAUTHORIZED_ADD } from '../scenarios/broken-node.ts';
import type { Chance } from './chance.ts';
import type { Step } from './story.ts';
import { podsOf, type WorkloadPlot } from './workloads.ts';

export const FORGERIES = ['another host', 'another writer', 'another uid', 'another recorder'] as const;

type Forgery = (typeof FORGERIES)[number];

/** An event with the failure's text that the pod's kubelet cannot have written; null: right in all but its type. */
export function forge({ sim }: World, namespace: string, name: string, forgery: Forgery | null): void {
  const pod = sim.cluster.get('pods', namespace, name);
  if (pod === undefined) return;
  const eventTime = new Date(sim.world.wallMs()).toISOString().replace('Z', '000Z');
  const involvedObject = { kind: 'Pod', namespace, name, apiVersion: 'v1' };
  const overrides: Readonly<Record<Forgery, Partial<EventObject>>> = {
    'another host': { source: { component: 'kubelet', host: 'elsewhere' } },
    'another writer': { source: { component: 'tenant', host: pod.spec.nodeName ?? '' } },
    'another uid': { involvedObject: { ...involvedObject, uid: '00000000-0000-4000-8000-000000000000' } },
    'another recorder': { eventTime, source: {} },
  };
  const how = forgery === null ? ({ type: 'Normal' } as const) : { overrides: overrides[forgery] };
  const message = UNAUTHORIZED_ADD;
  sim.cluster.createEvent({ namespace, pod: name, reason: 'FailedCreatePodSandBox', message, ...how });
}

/** A forged event about a pod that has its network, more often than not. */
export function forgedEvent(workload: WorkloadPlot, chance: Chance): Step {
  const forgery = chance.pick(FORGERIES);
  const pick = chance.int(0, 100);
  return {
    what: `a forged event about a pod of ${workload.namespace}/${workload.name}: ${forgery}`,
    act: (world) => {
      const pods = podsOf(world, workload);
      const pod = pods[pick % Math.max(1, pods.length)];
      if (pod !== undefined) forge(world, workload.namespace, pod.metadata.name, forgery);
    },
  };
}
