import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TEXT_LIMIT_BYTES } from '../../src/cluster/cap-text.ts';
import { projectDaemonSet } from '../../src/cluster/projection/daemon-set.ts';
import { projectEvent, SANDBOX_MESSAGE_LIMIT_BYTES } from '../../src/cluster/projection/event.ts';
import type { Projection } from '../../src/cluster/projection/metadata.ts';
import { projectNode } from '../../src/cluster/projection/node.ts';
import { projectPod } from '../../src/cluster/projection/pod.ts';
import type { Raw } from '../../src/cluster/projection/raw.ts';
import { projectDeployment, projectJob, projectStatefulSet } from '../../src/cluster/projection/workload.ts';
import { conditionOf } from '../../src/objects/metadata.ts';
import type { Pod } from '../../src/objects/pod.ts';
import { hasSandbox, isReady, isTerminating } from '../../src/objects/pod.ts';

type Recording = '1-healthy' | '2-one-node-unauthorized' | '3-restarted' | '6-ordinary-failures';

function recorded<T>(recording: Recording, plural: string, project: Projection<T>): readonly T[] {
  const file = new URL(`../recordings/${recording}/${plural}.json`, import.meta.url);
  const { items } = JSON.parse(readFileSync(file, 'utf8')) as { readonly items: readonly Raw[] };
  return items.map((raw) => project(raw, 1_000)).filter((item) => item !== null);
}

function podNamed(recording: Recording, prefix: string): Pod {
  const pod = recorded(recording, 'pods', projectPod).find(({ name }) => name.startsWith(prefix));
  if (pod === undefined) throw new Error(`no pod begins with ${prefix}`);
  return pod;
}

const PROJECTIONS: readonly (readonly [string, Projection<unknown>])[] = [
  ['Pod', projectPod],
  ['Deployment', projectDeployment],
  ['StatefulSet', projectStatefulSet],
  ['DaemonSet', projectDaemonSet],
  ['Job', projectJob],
  ['Event', projectEvent],
  ['Node', projectNode],
];

describe('a recorded pod', () => {
  test('keeps whose it is, where it runs and how it is', () => {
    const pod = podNamed('1-healthy', 'web-');
    expect(pod).toMatchObject({
      namespace: 'shop',
      controller: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: expect.stringMatching(/^web-/) },
      hostNetwork: false,
      restartPolicy: 'Always',
      mirror: false,
      phase: 'Running',
      hasPodIp: true,
      deletionAtMs: null,
    });
    expect(pod.name).toContain(String(pod.revision));
    expect(pod.startTimeMs).toBe(pod.createdAtMs);
    expect(isReady(pod)).toBe(true);
    expect(hasSandbox(pod)).toBe(true);
    expect(pod.containers).toEqual([
      expect.objectContaining({ role: 'main', ready: true, started: true, restartCount: 0, lastEnd: null }),
    ]);
    expect(pod.containers[0]?.state).toMatchObject({ kind: 'running' });
  });

  test('that Calico keeps from ending is Terminating, and still Running', () => {
    const pod = podNamed('2-one-node-unauthorized', 'ledger-');
    expect(isTerminating(pod)).toBe(true);
    expect(pod).toMatchObject({ phase: 'Running', deletionGraceMs: 2_000 });
    expect(hasSandbox(pod)).toBe(false);
    expect(pod.containers[0]?.state.kind).toBe('terminated');
  });

  test('of calico-node has install-cni with the time of its end', () => {
    const pod = podNamed('1-healthy', 'calico-node-');
    expect(pod).toMatchObject({ hostNetwork: true, controller: { kind: 'DaemonSet', name: 'calico-node' } });
    const install = pod.containers.find(({ name }) => name === 'install-cni');
    expect(install).toMatchObject({ role: 'init', state: { kind: 'terminated', exitCode: 0 } });
    expect(install?.state.kind === 'terminated' && (install.state.finishedAtMs ?? 0) > pod.createdAtMs).toBe(true);
  });

  test.each<[string, Partial<Pod>]>([
    ['bad-image', { phase: 'Pending' }],
    ['gated', { phase: 'Pending', nodeName: null, hasPodIp: false }],
    ['bare-failed', { phase: 'Failed' }],
    ['readiness-gate', { readinessGates: ['example.com/load-balancer'] }],
  ])('named %s shows it', (prefix, expected) => {
    const { readinessGates: gates, ...rest } = expected;
    const pod = podNamed('6-ordinary-failures', prefix);
    expect(pod).toMatchObject(rest);
    if (gates !== undefined) expect(pod.readinessGates).toHaveLength(1);
  });

  test('whose command cannot start has no time of a start', () => {
    const pod = podNamed('6-ordinary-failures', 'bad-command');
    expect(pod.containers[0]?.lastEnd).toMatchObject({ reason: 'StartError', exitCode: 128, startedAtMs: null });
    expect(pod.containers[0]?.state).toMatchObject({ kind: 'waiting', reason: 'CrashLoopBackOff' });
  });

  test('says what its probes ask, with the defaults of the API', () => {
    const pod = podNamed('6-ordinary-failures', 'never-ready');
    expect(pod.containers[0]?.readinessProbe).toMatchObject({ asks: expect.stringMatching(/^(GET|exec|tcp) /) });
    expect(pod.containers[0]?.readinessProbe?.periodMs).toBeGreaterThan(0);
  });
});

describe('recorded workloads', () => {
  test('of Deployments have absent counts as zero', () => {
    const ledger = recorded('2-one-node-unauthorized', 'deployments', projectDeployment).find(
      ({ name }) => name === 'ledger',
    );
    expect(ledger).toMatchObject({
      desired: 1,
      strategy: 'Recreate',
      replicas: 0,
      ready: 0,
      available: 0,
      updated: 0,
      revision: '1',
    });
    expect(ledger?.templateLabels).toEqual({ app: 'ledger' });
    expect(conditionOf(ledger?.conditions ?? [], 'Available')?.status).toBe('False');
  });

  test("of Calico's DaemonSet have what tells it from look-alikes", () => {
    const [calico] = recorded('1-healthy', 'daemonsets', projectDaemonSet);
    expect(calico).toMatchObject({
      name: 'calico-node',
      desired: 2,
      ready: 2,
      templateGeneration: '1',
      template: { containers: ['calico-node'], initContainers: ['install-cni'], hostNetwork: true, hostProcess: false },
    });
    expect(calico?.template.hostPaths).toContain('/etc/cni/net.d');
  });

  test('of Jobs and StatefulSets have their numbers', () => {
    expect(
      recorded('6-ordinary-failures', 'jobs', projectJob).map(({ name, failed }) => ({ name, failed })),
    ).toContainEqual(expect.objectContaining({ failed: expect.any(Number) }));
    const [set] = recorded('6-ordinary-failures', 'statefulsets', projectStatefulSet);
    expect(set).toMatchObject({
      desired: expect.any(Number),
      updateRevision: expect.stringMatching(/-/),
      partition: 0,
    });
  });
});

describe('recorded events', () => {
  const events = recorded('2-one-node-unauthorized', 'events', projectEvent);

  test('of the kubelet have its host, their count and their times', () => {
    const event = events.find(({ reason }) => reason === 'FailedKillPod');
    expect(event).toMatchObject({
      component: 'kubelet',
      host: 'n1',
      about: { kind: 'Pod', namespace: 'shop' },
      eventAtMs: null,
      seenAtMs: 1_000,
    });
    expect(event?.count).toBeGreaterThan(1);
    expect(event?.lastAtMs).toBeGreaterThan(event?.firstAtMs ?? Number.NaN);
    expect(event?.message).toContain('connection is unauthorized: Unauthorized');
  });

  test('of reasons that nothing is decided from are not kept', () => {
    expect(events.map(({ reason }) => reason)).not.toContain('Scheduled');
    expect(events.map(({ reason }) => reason)).toContain('SandboxChanged');
  });

  test('of the scheduler have a count although it writes none', () => {
    const event = recorded('6-ordinary-failures', 'events', projectEvent).find(
      ({ reason }) => reason === 'FailedScheduling',
    );
    expect(event).toMatchObject({
      component: '',
      count: 1,
      firstAtMs: null,
      lastAtMs: null,
      reportingComponent: 'default-scheduler',
    });
    expect(event?.eventAtMs).toBeGreaterThan(0);
  });
});

describe('messages of events', () => {
  const projected = (reason: string, bytes: number): string =>
    projectEvent({ reason, message: 'x'.repeat(bytes) }, 0)?.message ?? '';

  test.each(['FailedCreatePodSandBox', 'FailedKillPod'])(
    'of %s are kept whole: the thick Multus plugin puts 16 KiB and more in front of the error',
    (reason) => {
      expect(SANDBOX_MESSAGE_LIMIT_BYTES).toBeGreaterThan(16 * 1024);
      expect(projected(reason, SANDBOX_MESSAGE_LIMIT_BYTES)).toHaveLength(SANDBOX_MESSAGE_LIMIT_BYTES);
      expect(projected(reason, 1024 * 1024)).toMatch(/^x+…$/u);
      expect(Buffer.byteLength(projected(reason, 1024 * 1024))).toBe(SANDBOX_MESSAGE_LIMIT_BYTES);
    },
  );

  test('of other reasons are cut as every text is', () => {
    expect(Buffer.byteLength(projected('FailedMount', 1024 * 1024))).toBe(TEXT_LIMIT_BYTES);
  });
});

test('recorded nodes have their conditions', () => {
  const nodes = recorded('1-healthy', 'nodes', projectNode);
  expect(nodes.map(({ name }) => name)).toEqual(['n1', 'n2']);
  expect(conditionOf(nodes[0]?.conditions ?? [], 'Ready')?.status).toBe('True');
});

describe('whatever a server sends', () => {
  const keys = fc.constantFrom(
    ...[
      'metadata',
      'spec',
      'status',
      'name',
      'uid',
      'labels',
      'annotations',
      'ownerReferences',
      'finalizers',
      'conditions',
    ],
    ...['containers', 'initContainers', 'containerStatuses', 'state', 'lastState', 'waiting', 'terminated', 'running'],
    ...[
      'readinessProbe',
      'httpGet',
      'template',
      'volumes',
      'volumeMounts',
      'hostPath',
      'podIPs',
      'readinessGates',
      'type',
    ],
    ...[
      'involvedObject',
      'source',
      'series',
      'reason',
      'strategy',
      'updateStrategy',
      'rollingUpdate',
      '__proto__',
      'creationTimestamp',
    ],
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constantFrom(null, true, 0, -1, 1.5, '', 'Failed', 'BackOff', '2026-01-01T00:00:00Z', 'not a time'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(keys, tie('tree'), { maxKeys: 8 }),
    ),
  }));

  test.each(PROJECTIONS)('a %s never throws, and has every field', (_, project) => {
    const specimen = project({ reason: 'BackOff' }, 0);
    fc.assert(
      fc.property(fc.dictionary(keys, tree, { maxKeys: 8 }), (raw) => {
        const item = project(raw as Raw, 0) as object | null;
        if (item === null) return;
        expect(Object.keys(item)).toEqual(Object.keys(specimen as object));
        expect(JSON.stringify(item)).not.toContain('undefined');
      }),
      { numRuns: 300 },
    );
  });

  test('is capped, and nothing that nobody needs is kept', () => {
    const message = 'x'.repeat(1_000_000);
    const raw = {
      metadata: { name: 'a', managedFields: [{ manager: 'kubelet' }], annotations: { big: message } },
      spec: { containers: [{ name: 'app', env: [{ value: message }] }] },
      status: { message, containerStatuses: [{ name: 'app', state: { waiting: { reason: 'R', message } } }] },
    };
    const pod = projectPod(raw, 0);
    expect(Buffer.byteLength(pod?.message ?? '')).toBe(TEXT_LIMIT_BYTES);
    expect(JSON.stringify(pod).length).toBeLessThan(3 * TEXT_LIMIT_BYTES);
    expect(JSON.stringify(pod)).not.toContain('managedFields');
  });

  test.each([
    ['one that runs', { running: { startedAt: '2026-01-01T00:00:00Z' } }, true],
    ['one that has ended', { terminated: { exitCode: 0 } }, false],
    ['one that waits', { waiting: {} }, false],
    ['one without a state', undefined, false],
  ])('an ephemeral container is no container of the pod, but it runs or not: %s', (_, state, isDebugged) => {
    const status = { ephemeralContainerStatuses: [{ name: 'debug', state }] };
    expect(projectPod({ spec: { ephemeralContainers: [{ name: 'debug' }] }, status }, 0)).toMatchObject({
      containers: [],
      isDebugged,
    });
  });

  test('roles follow from where a container stands', () => {
    const pod = projectPod(
      {
        spec: {
          initContainers: [{ name: 'setup' }, { name: 'mesh', restartPolicy: 'Always' }],
          containers: [{ name: 'app' }],
        },
        status: { initContainerStatuses: [{ name: 'mesh', ready: true, started: true }], containerStatuses: null },
      },
      0,
    );
    expect(pod?.containers.map(({ name, role, ready, started }) => ({ name, role, ready, started }))).toEqual([
      { name: 'setup', role: 'init', ready: false, started: null },
      { name: 'mesh', role: 'sidecar', ready: true, started: true },
      { name: 'app', role: 'main', ready: false, started: null },
    ]);
  });
});
