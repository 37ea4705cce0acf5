import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allowAllBut, type Permissions, type Rule } from './api/access.ts';
import type { TokenState } from './cluster/cni.ts';
import type { KubeObject } from './objects.ts';
import { scheduleChanges } from './recorded-changes.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from './simulator.ts';
import { shiftTimes } from './timestamps.ts';

export interface RecordingOptions
  extends Pick<SimulatorOptions, 'clock' | 'seed' | 'serverSkewMs' | 'permissions' | 'tokens'> {
  /** A folder of lists as a server answered them, and its time in `now`. */
  readonly folder: string;
  /** How long ago the recording was made, seen from the start of the run. Default 0. */
  readonly ageMs?: number;
  /**
   * The model takes over: what was recorded goes on from there, with these CNI tokens (nodes not named have a valid one).
   * Left out, nothing ever changes but what is deleted.
   */
  readonly takeOver?: { readonly tokens: Readonly<Record<string, TokenState>>; readonly restartCures?: boolean };
  /** What was watched happens again, each change when it came. Not together with `takeOver`. */
  readonly changes?: boolean;
}

const LISTS = ['pods', 'events', 'nodes', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs'] as const;

interface RecordedList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[];
}

/**
 * A simulator that serves a recording, with all its times moved to the present. What the recorder was not allowed to
 * read may not be read here either, unless `permissions` say otherwise.
 */
export function playRecording(options: RecordingOptions): Simulator {
  const { folder, takeOver, changes = false, ageMs = 0, ...rest } = options;
  if (takeOver && changes) throw new Error('cannot play changes while the model takes over: name one of the two');
  const permissions = rest.permissions ?? recordedPermissions(folder);
  const sim = createSimulator({ ...rest, permissions, nodes: [], calico: false, ageMs: 0 });
  const recordedMs = Date.parse(readFileSync(join(folder, 'now'), 'utf8').trim());
  const byMs = sim.world.wallMs() - recordedMs;
  for (const plural of LISTS) {
    const list = JSON.parse(readFileSync(join(folder, `${plural}.json`), 'utf8')) as RecordedList;
    sim.api.store.load(
      sim.api.resource(plural),
      list.items.map((item) => shiftTimes(item, byMs)),
    );
    sim.api.store.raiseVersion(Number(list.metadata.resourceVersion));
  }
  for (const namespace of new Set(sim.cluster.pods().map((pod) => pod.metadata.namespace ?? '')))
    sim.cluster.createNamespace(namespace);
  if (takeOver) {
    sim.cluster.adoptAll(takeOver.tokens);
    for (const node of sim.cluster.list('nodes'))
      sim.cluster.setRestartCures(node.metadata.name, takeOver.restartCures ?? true);
  }
  if (changes) scheduleChanges(sim, folder, recordedMs);
  sim.warmUp(ageMs);
  return sim;
}

/** What `recording.json` names as forbidden; recordings without that file are of somebody who may read everything. */
function recordedPermissions(folder: string): Permissions {
  const path = join(folder, 'recording.json');
  if (!existsSync(path)) return allowAllBut();
  const { forbidden } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly forbidden: readonly { readonly resource: string; readonly namespace: string | null }[];
  };
  return allowAllBut(
    ...forbidden.map(({ resource, namespace }): Rule => (namespace === null ? { resource } : { resource, namespace })),
  );
}
