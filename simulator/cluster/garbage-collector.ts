import { FOREGROUND } from '../api/deletion.ts';
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

/** Deletes what a deleted owner controlled, a moment later; of an owner deleted in the foreground before it goes itself. */
export function createGarbageCollector(context: ClusterContext): void {
  const { database, world, random } = context;

  const collect = (owner: KubeObject): number => {
    let left = 0;
    for (const plural of OWNED) {
      for (const object of database.list(plural)) {
        if (controllerOf(object)?.uid !== owner.metadata.uid) continue;
        left += 1;
        if (object.metadata.deletionTimestamp === undefined) database.delete(plural, object);
      }
    }
    return left;
  };

  const collectFirst = (plural: keyof ResourceTypes, owner: KubeObject): void => {
    if (collect(owner) > 0) {
      world.after(random.between(500, 1000), () => collectFirst(plural, owner));
      return;
    }
    const current = database.get(plural, owner.metadata.namespace, owner.metadata.name);
    if (current?.metadata.uid === owner.metadata.uid) database.remove(plural, current);
  };

  for (const plural of OWNERS) {
    database.onChange(plural, (type, owner, before) => {
      if (type === 'DELETED') {
        if (context.managed.delete(owner.metadata.uid)) world.after(random.between(20, 300), () => collect(owner));
        return;
      }
      const isMarked = owner.metadata.finalizers?.includes(FOREGROUND) ?? false;
      if (isMarked && !before?.metadata.finalizers?.includes(FOREGROUND)) {
        world.after(random.between(20, 300), () => collectFirst(plural, owner));
      }
    });
  }
}
