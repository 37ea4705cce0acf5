import type { Now } from '../clock.ts';
import type { Event } from '../objects/event.ts';
import type { Node } from '../objects/node.ts';
import type { Pod } from '../objects/pod.ts';
import type { NamespacePresence, Resource, Snapshot } from '../objects/snapshot.ts';
import type { DaemonSet, Deployment, Job, StatefulSet, Workload } from '../objects/workload.ts';
import type { Settings } from '../settings.ts';
import { type CalicoView, createCalicoView } from './calico-view.ts';
import { coverageOf, type Reading } from './coverage.ts';
import { createPresence, type Presence } from './namespace-presence.ts';
import { projectDaemonSet } from './projection/daemon-set.ts';
import { CREATE_EVENTS_FIELD_SELECTOR, POD_EVENTS_FIELD_SELECTOR, projectEvent } from './projection/event.ts';
import type { Projection } from './projection/metadata.ts';
import { projectNode } from './projection/node.ts';
import { projectPod } from './projection/pod.ts';
import { projectDeployment, projectJob, projectStatefulSet } from './projection/workload.ts';
import { createResourceView, memo, type ReadingContext, type ResourceView, refreshReadable } from './resource-view.ts';
import { createWitnesses, type Witnesses } from './witnesses.ts';

/** The part of the settings that says what to read. */
export type Scope = Pick<
  Settings,
  'namespaces' | 'excludeNamespaces' | 'selector' | 'selectorText' | 'calicoNamespace'
>;

/** Everything that is read, and the picture that it makes. */
export interface Picture {
  readonly snapshot: (now: Now) => Snapshot;
  readonly calico: CalicoView;
  readonly witnesses: Witnesses;
  readonly presence: Presence;
  /** What a verdict cannot be had without. */
  readonly needed: readonly ResourceView<unknown>[];
  /** What tells causes. */
  readonly events: readonly ResourceView<Event>[];
  /** Fresh lists of what a restart is decided from: false when one failed. What may not be read is left out. */
  readonly refreshForRestart: (signal: AbortSignal) => Promise<boolean>;
  /** Resolves when what a verdict needs was read, or failed, once. */
  readonly neededSettled: Promise<void>;
  /** Resolves when everything was. */
  readonly settled: Promise<void>;
}

/** Begins to read what is in scope: one list and watch for each kind. Memory holds slim objects only. */
export function createPicture(context: ReadingContext, scope: Scope): Picture {
  const { namespaces } = scope;
  const viewOf = <T>(resource: Resource, project: Projection<T>): ResourceView<T> =>
    createResourceView(context, { resource, project, namespaces });
  const eventsOf = (fieldSelector: string): ResourceView<Event> =>
    createResourceView(context, {
      resource: 'events',
      project: projectEvent,
      namespaces,
      fieldSelector,
      // They stay evidence for their pod after their life in the cluster ends.
      keepDeleted: () => true,
    });

  const pods = createResourceView(context, {
    resource: 'pods',
    project: projectPod,
    namespaces,
    labelSelector: scope.selector === null ? '' : scope.selectorText,
  });
  const deployments = viewOf<Deployment>('deployments', projectDeployment);
  const statefulSets = viewOf<StatefulSet>('statefulsets', projectStatefulSet);
  const daemonSets = viewOf<DaemonSet>('daemonsets', projectDaemonSet);
  const jobs = viewOf<Job>('jobs', projectJob);
  const workloads: readonly ResourceView<Workload>[] = [deployments, statefulSets, daemonSets, jobs];
  const events = [eventsOf(POD_EVENTS_FIELD_SELECTOR), eventsOf(CREATE_EVENTS_FIELD_SELECTOR)];
  const nodes = createResourceView<Node>(context, { resource: 'nodes', project: projectNode, namespaces: [] });

  const needed: readonly ResourceView<unknown>[] = [pods, ...workloads];
  const readings: readonly Reading[] = [
    ...needed.map((view) => ({ view, isNeeded: true })),
    ...[...events, nodes].map((view) => ({ view, isNeeded: false })),
  ];
  const presence = createPresence(context, namespaces);
  const allPods = scope.selector === null;
  const calico = createCalicoView(context, { daemonSets, pods, allPods, calicoNamespace: scope.calicoNamespace });
  const isInScope = inScope(scope);
  const witnesses = createWitnesses(context, {
    scopedPods: pods,
    holdsAll: () => allPods && pods.isClusterWide(),
    isInScope,
  });

  const podsInScope = memo<readonly Pod[]>();
  const workloadsInScope = memo<readonly Workload[]>();
  const eventsInScope = memo<readonly Event[]>();
  const namespacesInScope = memo<readonly NamespacePresence[]>();

  const snapshot = (now: Now): Snapshot => {
    const podList = podsInScope([pods.revision()], () => pods.items().filter(isInScope));
    const workloadList = workloadsInScope(revisionsOf(workloads), () =>
      workloads.flatMap((view) => view.items()).filter(isInScope),
    );
    const eventList = eventsInScope([podList, ...revisionsOf(events)], () => {
      const uids = new Set(podList.map(({ uid }) => uid));
      const isWanted = ({ about }: Event): boolean => about.kind !== 'Pod' || uids.has(about.uid);
      return events.flatMap((view) => {
        view.forgetDeleted(isWanted);
        return view.items().filter(isInScope);
      });
    });
    const known = presence.namespaces();
    const namespaceList = namespacesInScope([known, podList, workloadList], () =>
      withEvidence(known, [...podList, ...workloadList]),
    );
    return {
      pods: podList,
      workloads: workloadList,
      events: eventList,
      nodes: isForbidden(nodes, now) ? null : nodes.items(),
      namespaces: namespaceList,
      calico: {
        daemonSets: calico.daemonSets(),
        searched: calico.searched(now),
        pods: calico.pods(),
        podNamespaces: calico.podNamespaces(),
        podGaps: calico.podGaps(now),
      },
      witnesses: witnesses.pods(),
      coverage: coverageOf(readings, presence.gaps(), now, pods),
    };
  };

  const neededParts = [...needed, presence];
  const parts = [...readings.map(({ view }) => view), calico, presence];
  return {
    snapshot,
    calico,
    witnesses,
    presence,
    needed,
    events,
    refreshForRestart: async (signal) => {
      const scoped = refreshReadable([pods, ...events], signal, context.api.now);
      const refreshed = await Promise.all([scoped, calico.refresh(signal)]);
      return refreshed.every((isFresh) => isFresh);
    },
    neededSettled: allSettled(neededParts),
    settled: allSettled(parts),
  };
}

function allSettled(parts: readonly { readonly settled: Promise<void> }[]): Promise<void> {
  return Promise.all(parts.map(({ settled }) => settled)).then(() => undefined);
}

function inScope(scope: Scope): (object: { readonly namespace: string }) => boolean {
  const wanted = new Set(scope.namespaces);
  const excluded = new Set(scope.excludeNamespaces);
  return ({ namespace }) => (wanted.size === 0 || wanted.has(namespace)) && !excluded.has(namespace);
}

function isForbidden(view: ResourceView<unknown>, now: Now): boolean {
  return view.gaps(now).some(({ why }) => why === 'forbidden');
}

function revisionsOf(views: readonly ResourceView<unknown>[]): readonly number[] {
  return views.map((view) => view.revision());
}

/** A namespace that may not be read is there when something lives in it. */
function withEvidence(
  known: readonly NamespacePresence[],
  objects: readonly { readonly namespace: string }[],
): readonly NamespacePresence[] {
  if (known.every(({ presence }) => presence !== 'unknown')) return known;
  const inhabited = new Set(objects.map(({ namespace }) => namespace));
  return known.map((entry) =>
    entry.presence === 'unknown' && inhabited.has(entry.namespace) ? { ...entry, presence: 'exists' } : entry,
  );
}
