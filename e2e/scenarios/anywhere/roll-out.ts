import type { Pod } from '../../../simulator/objects.ts';
import type { Manifest } from '../../api.ts';
import { type GateRun, runGate } from '../../gate.ts';
import { type Cluster, podsIn } from '../../harness.ts';
import { allReady, forcePodsOut, leaveNamespace, makeNamespace, type PodOptions } from '../../workloads.ts';

const REVISION = 'REVISION';

/** Becomes ready while the gate looks on. */
export const SLOW = ['serve', '--ready-after=3s'];

/** A pod that says of which revision it is. */
export function revision(number: number, args: readonly string[] = ['serve']): PodOptions {
  return { container: { args, env: [{ name: REVISION, value: String(number) }] } };
}

export function revisionOf({ spec }: Pod): string | undefined {
  return spec.containers[0]?.env?.find(({ name }) => name === REVISION)?.value;
}

export const BROKEN_IMAGE = 'calico-health-gate.example/absent:2';

/** A pod that can never start. */
export const BROKEN: PodOptions = { container: { image: BROKEN_IMAGE } };

/** A roll-out that the gate has judged. */
export interface Ended extends GateRun {
  readonly desired: number;
  /** Right after the run; without those that have been deleted. */
  readonly pods: readonly Pod[];
}

/** Brings the first revision up, in a namespace of its own, rolls the second out, and runs the gate at that moment. */
export async function rollOut(
  cluster: Cluster,
  namespace: string,
  [first, second]: readonly [Manifest, Manifest],
): Promise<Ended> {
  await makeNamespace(cluster, namespace);
  await cluster.api.apply(first);
  const { replicas: desired = cluster.nodes.length } = first.spec as { readonly replicas?: number };
  await allReady(cluster, namespace, desired);

  await cluster.api.apply(second);
  const run = await runGate(cluster, { namespaces: namespace, timeout: '4m', 'stable-for': '3s' });
  const pods = await podsIn(cluster, namespace);
  return { ...run, desired, pods: pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined) };
}

/** Removes these namespaces without waiting for pods that end slowly. */
export async function removeRollOuts(cluster: Cluster, namespaces: readonly string[]): Promise<void> {
  await Promise.all(
    namespaces.map(async (namespace) => {
      await forcePodsOut(cluster, namespace);
      await leaveNamespace(cluster, namespace);
    }),
  );
}
