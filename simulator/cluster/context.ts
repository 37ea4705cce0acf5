import type { KubeObject, ObjectMeta, OwnerReference } from '../objects.ts';
import type { Random } from '../random.ts';
import { secondsStamp } from '../timestamps.ts';
import type { WorldClock } from '../world-clock.ts';
import type { Database } from './database.ts';
import type { EventWriter } from './events.ts';
import type { NodeModel } from './nodes.ts';
import type { Program } from './programs.ts';

/** What the parts of the model share. */
export interface ClusterContext {
  readonly world: WorldClock;
  readonly random: Random;
  readonly database: Database;
  readonly events: EventWriter;
  /** uids of the objects that the model takes care of; all others are scenery. */
  readonly managed: Set<string>;
  /** The model's nodes by name. */
  readonly nodes: Map<string, NodeModel>;
  /** What the containers of an image do. */
  readonly programs: Map<string, ProgramSource>;
  /** Secrets and ConfigMaps that do not exist, as `secrets/namespace/name`; all others do. */
  readonly missing: Set<string>;
  /** Most pods of a namespace. */
  readonly quotas: Map<string, number>;
  /** Deployments print `terminatingReplicas` (beta since 1.35). */
  readonly terminatingReplicas: boolean;
}

/** A program, or one for each pod. */
export type ProgramSource =
  | Program
  | ((pod: { readonly name: string; readonly namespace: string; readonly node: string }) => Program);

/** The API server's present, as metav1.Time. */
export function nowStamp(context: ClusterContext): string {
  return secondsStamp(context.world.wallMs());
}

/** Metadata of an object that is being created. */
export function newMetadata(
  context: ClusterContext,
  fields: Partial<ObjectMeta> & { readonly name: string },
  hasGeneration = true,
): ObjectMeta {
  const { name, generateName, namespace, labels, annotations, ownerReferences, ...rest } = fields;
  return {
    name,
    ...(generateName === undefined ? {} : { generateName }),
    ...(namespace === undefined ? {} : { namespace }),
    uid: context.random.uuid(),
    resourceVersion: '',
    ...(hasGeneration ? { generation: 1 } : {}),
    creationTimestamp: nowStamp(context),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...rest,
  };
}

/** `owner` as the controller of what it creates. */
export function controlledBy(owner: KubeObject, kind: string, apiVersion: string): readonly OwnerReference[] {
  return [
    {
      apiVersion,
      kind,
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ];
}
