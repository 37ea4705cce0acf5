/** Worlds with ordinary workloads in namespace shop, and short ways to say what a run made of them. */
import type { KubeObject, ObjectMeta, Pod } from '../../simulator/objects.ts';
import { type Outputs, outputsOf } from '../../src/report/outputs.ts';
import type { Report } from '../../src/report/report.ts';
import { aWorld, type Played, type World } from '../harness.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** Deployment shop/web has run well for a minute. */
export function aShop(replicas = 2, options: Parameters<typeof aWorld>[0] = {}): World {
  const world = aWorld(options);
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas });
  world.sim.warmUp(MINUTE);
  return world;
}

/** What the action would set. */
export function outputs({ report, notReadyPods, restartedNodes }: Played): Outputs {
  return outputsOf(report, notReadyPods, restartedNodes, '');
}

/** `cause namespace/pod` or `cause namespace/workload`, with `!` when it is fatal; in the order of the report. */
export function findings({ report }: { readonly report: Report }): readonly string[] {
  return report.findings.map(({ cause, namespace, pod, owner, fatal }) => {
    return `${fatal ? '!' : ''}${cause} ${namespace}/${pod ?? owner?.name ?? ''}`;
  });
}

/** `kind namespace/name` of what the report calls a workload in scope. */
export function workloads({ report }: { readonly report: Report }): readonly string[] {
  return report.workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
}

/** The first pod of a workload of the simulator: its label `app` is the workload's name. */
export function podOf({ sim }: World, app: string, namespace = 'shop'): Pod {
  const pod = sim.cluster.pods(namespace).find(({ metadata }) => metadata.labels?.app === app);
  if (pod === undefined) throw new Error(`no pod of ${namespace}/${app} is there`);
  return pod;
}

/** Changes what stands in the metadata of a pod, as another actor might. */
export function relabel({ sim }: World, pod: Pod, metadata: Partial<ObjectMeta>): void {
  const changed: KubeObject = { ...pod, metadata: { ...pod.metadata, ...metadata } };
  sim.cluster.put('pods', changed);
}

/** How long after the run began something was so in a look for the first time; throws when it never was. */
export function firstLook(
  { looks }: Played,
  isSo: (assessment: Played['looks'][number]['assessment']) => boolean,
): number {
  const look = looks.find(({ assessment }) => isSo(assessment));
  if (look === undefined) throw new Error('no look of the run was like that');
  return look.atMs;
}

/** The API server cannot be reached, from so long after the run began until then, or for good; watches break. */
export function outage({ clock, sim }: World, fromMs: number, untilMs?: number): void {
  clock.after(fromMs, () => {
    sim.api.faults = () => ({ kind: 'refuse' });
    sim.api.watches.reset();
  });
  if (untilMs === undefined) return;
  clock.after(untilMs, () => {
    sim.api.faults = () => undefined;
  });
}
