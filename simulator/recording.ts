import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenState } from './cluster/cni.ts';
import type { KubeObject } from './objects.ts';
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
}

const LISTS = ['pods', 'events', 'nodes', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs'] as const;

interface RecordedList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[];
}

/** A simulator that serves a recording, with all its times moved to the present. */
export function playRecording(options: RecordingOptions): Simulator {
  const { folder, takeOver, ageMs = 0, ...rest } = options;
  const sim = createSimulator({ ...rest, nodes: [], calico: false, ageMs: 0 });
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
  sim.warmUp(ageMs);
  return sim;
}
