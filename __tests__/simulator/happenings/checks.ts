import { expect } from '@jest/globals';
import type { Condition, EventObject, Pod } from '../../../simulator/objects.ts';
import { eventsAbout, isReady, type PodLine, type Story } from './story.ts';

export interface Happening {
  readonly name: string;
  readonly check: (story: Story) => void;
}

const UNAUTHORIZED = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';

/** Status and reason of each condition, but for the reason that `PodReadyToStartContainers` has since 1.37. */
function conditionsOf({ status }: Pod): Readonly<Record<string, string>> {
  const words = ({ type, status: is, reason }: Condition): string =>
    reason === undefined || type === 'PodReadyToStartContainers' ? is : `${is} ${reason}`;
  return Object.fromEntries((status.conditions ?? []).map((condition) => [condition.type, words(condition)]));
}

/** Those that cannot start; there are some. */
function starting({ stuck }: Story): readonly Pod[] {
  const pods = stuck.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === 'Pending',
  );
  expect(pods.length).toBeGreaterThan(0);
  return pods;
}

/** Those that cannot end; there are some. */
function leaving({ stuck }: Story): readonly Pod[] {
  const pods = stuck.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  expect(pods.length).toBeGreaterThan(0);
  return pods;
}

function onlyEvent(events: readonly EventObject[], pod: Pod, reason: string): EventObject {
  const [event, ...others] = eventsAbout(events, pod, reason);
  expect(others).toEqual([]);
  if (event === undefined) throw new Error(`no event ${reason} about ${pod.metadata.name}`);
  return event;
}

function mostOften(events: readonly EventObject[], pods: readonly Pod[], reason: string): number {
  return Math.max(...pods.flatMap((pod) => eventsAbout(events, pod, reason).map(({ count }) => count ?? 0)));
}

/** What the kubelet's recorder writes (client-go `tools/record`); the scheduler's is another. */
function expectOfKubelet(event: EventObject, story: Story, type: 'Normal' | 'Warning'): void {
  expect(event).toMatchObject({
    type,
    source: { component: 'kubelet', host: story.node },
    reportingComponent: 'kubelet',
    reportingInstance: story.node,
    eventTime: null,
    involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: event.metadata.namespace },
  });
  expect(Date.parse(event.lastTimestamp ?? '')).toBeGreaterThanOrEqual(Date.parse(event.firstTimestamp ?? ''));
}

function linesOf(lines: readonly PodLine[], { metadata }: Pod): readonly PodLine[] {
  return lines.filter(({ object }) => object.metadata.uid === metadata.uid);
}

/** Each step of a pod's way out, once: what came, in which phase, and how much grace was left. */
function wayOut(lines: readonly PodLine[]): readonly string[] {
  const steps = lines.map(({ type, object: { metadata, status } }) => {
    const grace = metadata.deletionTimestamp === undefined ? '-' : metadata.deletionGracePeriodSeconds;
    return `${type} ${status.phase} ${grace}`;
  });
  return steps.filter((step, index) => step !== steps[index - 1]);
}

function timeOf(pod: Pod, condition: string): number {
  return Date.parse(pod.status.conditions?.find(({ type }) => type === condition)?.lastTransitionTime ?? '');
}

/** What of a failure and its cure the gate decides by, in the order in which it happens. */
export const HAPPENINGS: readonly Happening[] = [
  {
    name: 'a new pod waits on the broken node without a sandbox',
    check: (story) => {
      for (const pod of starting(story)) {
        expect([pod.spec.nodeName, pod.status.phase]).toEqual([story.node, 'Pending']);
        expect(conditionsOf(pod)).toEqual({
          PodReadyToStartContainers: 'False',
          Initialized: 'True',
          Ready: 'False ContainersNotReady',
          ContainersReady: 'False ContainersNotReady',
          PodScheduled: 'True',
        });
        expect([pod.status.podIP, pod.status.podIPs, typeof pod.status.hostIP]).toEqual([
          undefined,
          undefined,
          'string',
        ]);
        expect(pod.status.containerStatuses).toEqual([
          expect.objectContaining({
            ready: false,
            started: false,
            restartCount: 0,
            imageID: '',
            lastState: {},
            state: { waiting: { reason: 'ContainerCreating' } },
          }),
        ]);
        expect(pod.status.containerStatuses?.[0]?.containerID).toBeUndefined();
      }
    },
  },
  {
    name: 'its failure is told once, then only that its sandbox changed, again and again in one event',
    check: (story) => {
      for (const pod of starting(story)) {
        const failed = onlyEvent(story.eventsWhileStuck, pod, 'FailedCreatePodSandBox');
        expect(failed.count).toBe(1);
        expectOfKubelet(failed, story, 'Warning');
        expect(failed.message).toMatch(
          /^Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="calico" failed \(add\): /,
        );
        expect(failed.message.endsWith(UNAUTHORIZED)).toBe(true);
        for (const changed of eventsAbout(story.eventsWhileStuck, pod, 'SandboxChanged')) {
          expectOfKubelet(changed, story, 'Normal');
          expect(changed.message).toBe('Pod sandbox changed, it will be killed and re-created.');
        }
      }
      expect(mostOften(story.eventsWhileStuck, starting(story), 'SandboxChanged')).toBeGreaterThanOrEqual(2);
    },
  },
  {
    name: 'that it was scheduled is told by a recorder of another kind',
    check: (story) => {
      for (const pod of starting(story)) {
        const scheduled = onlyEvent(story.eventsWhileStuck, pod, 'Scheduled');
        expect(scheduled).toMatchObject({
          type: 'Normal',
          source: {},
          reportingComponent: 'default-scheduler',
          firstTimestamp: null,
          lastTimestamp: null,
          eventTime: expect.stringMatching(/\.\d{6}Z$/),
        });
        expect(scheduled.count).toBeUndefined();
      }
    },
  },
  {
    name: 'an old pod stays Terminating there, Running and with its address, though its container has ended',
    check: (story) => {
      for (const pod of leaving(story)) {
        expect([pod.status.phase, typeof pod.status.podIP]).toEqual(['Running', 'string']);
        expect(pod.metadata.deletionGracePeriodSeconds).toBe(pod.spec.terminationGracePeriodSeconds);
        const { PodReadyToStartContainers, Ready, PodScheduled, Initialized } = conditionsOf(pod);
        expect([PodReadyToStartContainers, Initialized, PodScheduled]).toEqual(['False', 'True', 'True']);
        expect(Ready).toMatch(/^False /);
        expect(pod.status.containerStatuses?.map(({ ready, state }) => [ready, Object.keys(state)])).toEqual([
          [false, ['terminated']],
        ]);
      }
    },
  },
  {
    name: 'why it does is told by one event that names its uid and counts on',
    check: (story) => {
      for (const pod of leaving(story)) {
        const kill = onlyEvent(story.eventsWhileStuck, pod, 'FailedKillPod');
        expectOfKubelet(kill, story, 'Warning');
        const beginning = `error killing pod: failed to "KillPodSandbox" for "${pod.metadata.uid}" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox \\"`;
        expect(kill.message.startsWith(beginning)).toBe(true);
        expect(kill.message).toContain(`plugin type=\\"calico\\" failed (delete): ${UNAUTHORIZED}"`);
      }
      expect(mostOften(story.eventsWhileStuck, leaving(story), 'FailedKillPod')).toBeGreaterThanOrEqual(2);
    },
  },
  {
    name: 'a deleted calico-node pod is gone before its DaemonSet makes another one for the node',
    check: ({ calicoNodes, restarted, node }) => {
      const types = calicoNodes.map(({ type, object }) => `${type} ${object.metadata.uid === restarted.metadata.uid}`);
      expect(types.indexOf('DELETED true')).toBeGreaterThanOrEqual(0);
      expect(types.indexOf('DELETED true')).toBeLessThan(types.indexOf('ADDED false'));
      const [first, ...others] = calicoNodes.filter(({ type }) => type === 'ADDED').map(({ object }) => object);
      expect(others).toEqual([]);
      expect(first?.metadata).toMatchObject({
        generateName: restarted.metadata.generateName,
        ownerReferences: restarted.metadata.ownerReferences,
        labels: restarted.metadata.labels,
      });
      expect(first?.metadata.name).not.toBe(restarted.metadata.name);
      const last = calicoNodes.at(-1)?.object;
      expect(last?.spec.nodeName).toBe(node);
    },
  },
  {
    name: 'the new one installs, then runs, then is Ready',
    check: ({ calicoNodes, restarted }) => {
      const lines = calicoNodes.filter(({ object }) => object.metadata.uid !== restarted.metadata.uid);
      const installs = lines.map(({ object }) => object.status.initContainerStatuses?.[0]?.state.terminated?.exitCode);
      const installedAt = installs.indexOf(0);
      const readyAt = lines.findIndex(({ object }) => isReady(object));
      expect(installedAt).toBeGreaterThan(0);
      expect(readyAt).toBeGreaterThanOrEqual(installedAt);
      expect(lines.slice(0, installedAt).every(({ object }) => object.status.phase === 'Pending')).toBe(true);
      const { name, state } = lines[readyAt]?.object.status.initContainerStatuses?.[0] ?? {};
      expect([name, state?.terminated?.reason]).toEqual(['install-cni', 'Completed']);
      expect(conditionsOf(lines[readyAt]?.object as Pod)).toMatchObject({ Initialized: 'True', Ready: 'True' });
    },
  },
  {
    name: 'a stuck Terminating pod ends in a phase that says so, with no grace left, before it is gone',
    check: (story) => {
      for (const pod of leaving(story)) {
        expect(wayOut(linesOf(story.pods, pod)).slice(-4)).toEqual([
          'MODIFIED Running 1',
          'MODIFIED Succeeded 1',
          'MODIFIED Succeeded 0',
          'DELETED Succeeded 0',
        ]);
      }
    },
  },
  {
    name: 'a pod that was stuck on its way in gets its sandbox after install-cni has ended, and its address',
    check: (story) => {
      const finished = story.calicoNodes
        .map(({ object }) => object.status.initContainerStatuses?.[0]?.state.terminated?.finishedAt)
        .find((at) => typeof at === 'string');
      for (const { metadata } of starting(story)) {
        const pod = story.after.find((each) => each.metadata.uid === metadata.uid);
        expect(conditionsOf(pod as Pod)).toEqual({
          PodReadyToStartContainers: 'True',
          Initialized: 'True',
          Ready: 'True',
          ContainersReady: 'True',
          PodScheduled: 'True',
        });
        expect(timeOf(pod as Pod, 'PodReadyToStartContainers')).toBeGreaterThanOrEqual(Date.parse(finished ?? ''));
        expect(pod?.status.podIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
        expect(pod?.metadata.annotations).toMatchObject({
          'cni.projectcalico.org/podIP': `${pod?.status.podIP}/32`,
        });
      }
    },
  },
  {
    name: 'nobody writes the failure anew after the cure, and the old events stay as they were',
    check: (story) => {
      for (const pod of starting(story)) {
        const { metadata } = onlyEvent(story.eventsWhileStuck, pod, 'FailedCreatePodSandBox');
        expect(onlyEvent(story.eventsAfter, pod, 'FailedCreatePodSandBox').metadata).toEqual(metadata);
        expect(eventsAbout(story.eventsAfter, pod, 'Started').map(({ type }) => type)).toEqual(['Normal']);
      }
    },
  },
];
