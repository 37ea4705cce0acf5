import type { Rule } from '../../../simulator/api/access.ts';
import { allowAllBut } from '../../../simulator/api/access.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../../simulator/simulator.ts';
import type { ContractWorld, PodMetadata } from './world.ts';

const NAMESPACE = 'shop';
const APP = 'web';
const LOG = ['connecting to the database', 'cannot go on'] as const;
const POWERLESS: Rule = { user: 'nobody' };

/** A simulator on which the contract can be tried. */
export function simulateContract(options: SimulatorOptions = {}): Simulator {
  const sim = createSimulator({
    permissions: allowAllBut(POWERLESS),
    tokens: { 'powerless-token': 'nobody' },
    ...options,
  });
  // As many that no case has to take the successor of a pod that another one has deleted: nobody waits for it to run.
  const behaviour = { kind: 'slowToStop', stopMs: 20_000 } as const;
  sim.cluster.deploy({ namespace: NAMESPACE, name: APP, replicas: 8, behaviour });
  sim.cluster.deploy({ namespace: NAMESPACE, name: 'cart', replicas: 1 });
  sim.cluster.deploy({ namespace: NAMESPACE, name: 'crash', behaviour: { kind: 'crash', log: LOG } });
  sim.cluster.deploy({ namespace: 'other', name: 'cart', replicas: 1 });
  sim.warmUp(30_000);
  return sim;
}

/** The world of such a simulator; `transportFor` speaks with a token. */
export function contractWorldOf(
  sim: Simulator,
  transportFor: (token: string) => ContractWorld['transport'] = sim.transportFor,
): ContractWorld {
  return {
    transport: transportFor('gate-token'),
    powerless: { transport: transportFor('powerless-token'), user: 'nobody' },
    stranger: transportFor('no-such-token'),
    namespace: NAMESPACE,
    app: APP,
    victim: () => Promise.resolve(victimOf(sim)),
    crashed: () => {
      const pod = sim.cluster.pods(NAMESPACE).find(({ metadata }) => metadata.labels?.app === 'crash');
      return Promise.resolve({ pod: pod?.metadata.name ?? '', container: 'crash', log: LOG });
    },
    makePod: (name, { finalizers = [], ...metadata } = {}) => {
      sim.cluster.put('pods', {
        metadata: { name, namespace: NAMESPACE, ...metadata, ...(finalizers.length === 0 ? {} : { finalizers }) },
        spec: {
          containers: [{ name: 'app', image: 'example.com/app:1' }],
          schedulingGates: [{ name: 'example.com/gate' }],
        },
        status: { phase: 'Pending' },
      });
      return Promise.resolve();
    },
    changePod: (name, metadata) => {
      changePod(sim, name, metadata);
      return Promise.resolve();
    },
    compact: () => {
      sim.cluster.put('pods', { metadata: { name: 'compacted', namespace: 'other' }, spec: {}, status: {} });
      sim.cluster.remove('pods', 'other', 'compacted');
      sim.api.compact();
      return Promise.resolve();
    },
  };
}

function victimOf(sim: Simulator): string {
  const pod = sim.cluster
    .pods(NAMESPACE)
    .find(
      ({ metadata, status }) =>
        metadata.labels?.app === APP && !metadata.deletionTimestamp && status.phase === 'Running',
    );
  if (pod === undefined) throw new Error(`no pod of "${APP}" is running that could be deleted: give it more replicas`);
  return pod.metadata.name;
}

function changePod(sim: Simulator, name: string, { finalizers, ...metadata }: PodMetadata): void {
  const pod = sim.cluster.get('pods', NAMESPACE, name);
  if (pod === undefined) throw new Error(`the simulated cluster has no pod "${name}"`);
  if (Object.keys(metadata).length > 0) {
    const labels = { ...pod.metadata.labels, ...metadata.labels };
    const annotations = { ...pod.metadata.annotations, ...metadata.annotations };
    sim.api.store.put(sim.api.resource('pods'), { ...pod, metadata: { ...pod.metadata, labels, annotations } });
  }
  if (finalizers === undefined) return;
  for (const finalizer of pod.metadata.finalizers ?? []) {
    if (!finalizers.includes(finalizer)) sim.cluster.removeFinalizer(NAMESPACE, name, finalizer);
  }
}
