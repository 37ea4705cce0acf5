import { controllerOf, type KubeObject } from '../objects.ts';
import type { ResourceTypes } from '../workload-objects.ts';
import type { ClusterContext } from './context.ts';

const OWNED: readonly (keyof ResourceTypes)[] = ['replicasets', 'jobs', 'pods'];
const OWNERS: readonly (keyof ResourceTypes)[] = [
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'cronjobs',
];

/** Deletes what a deleted owner controlled, a moment later (background propagation). */
export function createGarbageCollector(context: ClusterContext): void {
  const { database, world, random } = context;
  const collect = (owner: KubeObject): void => {
    for (const plural of OWNED) {
      for (const object of database.list(plural)) {
        if (controllerOf(object)?.uid === owner.metadata.uid) database.delete(plural, object);
      }
    }
  };
  for (const plural of OWNERS) {
    database.onChange(plural, (type, owner) => {
      if (type === 'DELETED' && context.managed.delete(owner.metadata.uid))
        world.after(random.between(20, 300), () => collect(owner));
    });
  }
}
