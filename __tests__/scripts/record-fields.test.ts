import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { RECORDED, type Recorded } from '../../scripts/record/resources.ts';
import { createScrubber, TEMPLATE_ANNOTATION } from '../../scripts/record/scrub.ts';
import { projectDaemonSet } from '../../src/cluster/projection/daemon-set.ts';
import { projectEvent } from '../../src/cluster/projection/event.ts';
import type { Projection } from '../../src/cluster/projection/metadata.ts';
import { projectNode } from '../../src/cluster/projection/node.ts';
import { projectPod } from '../../src/cluster/projection/pod.ts';
import type { Raw } from '../../src/cluster/projection/raw.ts';
import { projectDeployment, projectJob, projectStatefulSet } from '../../src/cluster/projection/workload.ts';

const RECORDINGS = join(import.meta.dirname, '../recordings');
const STATES = [
  '1-healthy',
  '2-one-node-unauthorized',
  '3-restarted',
  '4-cured',
  '5-forbidden',
  '6-ordinary-failures',
] as const;

/** Everything that the gate reads goes through one of these. */
const PROJECTIONS: readonly (readonly [Recorded, Projection<unknown>])[] = [
  ['pods', projectPod],
  ['events', projectEvent],
  ['nodes', projectNode],
  ['deployments', projectDeployment],
  ['statefulsets', projectStatefulSet],
  ['daemonsets', projectDaemonSet],
  ['jobs', projectJob],
];

function itemsOf(state: string, resource: Recorded): readonly Raw[] {
  return (JSON.parse(readFileSync(join(RECORDINGS, state, `${resource}.json`), 'utf8')) as { items: readonly Raw[] })
    .items;
}

function scrubberOf(state: string): ReturnType<typeof createScrubber> {
  const objects = RECORDED.flatMap((resource) => itemsOf(state, resource).map((item) => [resource, item] as const));
  return createScrubber(objects, { pseudonyms: false, keepHosts: true, secrets: [] });
}

/** Without what is replaced on purpose: addresses, ids, and what a program wrote or was told to do. */
function withoutIdentifiers(value: unknown): unknown {
  const text = JSON.stringify(value, (key, entry: unknown) => {
    if (key === 'asks' && typeof entry === 'string') return entry.replace(/^exec .*/u, 'exec');
    const { kind, reason } = (entry ?? {}) as { readonly kind?: string; readonly reason?: string };
    return kind === 'terminated' && reason !== 'StartError' ? { ...(entry as object), message: '' } : entry;
  });
  return JSON.parse(text.replaceAll(/\d+\.\d+\.\d+\.\d+/gu, 'IP').replaceAll(/[0-9a-f]{64}/gu, 'ID'));
}

describe.each(PROJECTIONS)('everything that the gate reads of %s is recorded', (resource, project) => {
  test.each(STATES)('in %s', (state) => {
    const scrubber = scrubberOf(state);
    const items = itemsOf(state, resource);
    const before = items.map((item) => project(item, 0));
    const after = items.map((item) => project(scrubber.object(resource, item), 0));
    expect(withoutIdentifiers(after)).toEqual(withoutIdentifiers(before));
  });
});

/** The fields that a projection asks an object for, by path; those of lists without their index. */
function fieldsRead(raw: Raw, project: Projection<unknown>): ReadonlySet<string> {
  const read = new Set<string>();
  const spy = (value: unknown, path: string): unknown => {
    if (value === null || typeof value !== 'object') return value;
    return new Proxy(value, {
      get: (target, key, receiver) => {
        const entry: unknown = Reflect.get(target, key, receiver);
        if (typeof key === 'symbol' || typeof entry === 'function' || key === 'length') return entry;
        const inside = Array.isArray(target) ? `${path}[]` : `${path}.${key}`;
        if (entry !== undefined && !Array.isArray(target)) read.add(inside);
        return spy(entry, inside);
      },
    });
  };
  project(spy(raw, '') as Raw, 0);
  return read;
}

/** An object that has every field which a projection may ask for, made of another's. */
const FULL_POD: Raw = {
  metadata: {
    ...{ name: 'p-0', generateName: 'p-', namespace: 's', uid: 'u', resourceVersion: '1', creationTimestamp: 't' },
    ...{ deletionTimestamp: 't', deletionGracePeriodSeconds: 1, finalizers: ['example.com/f'] },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'p', uid: 'o', controller: true }],
    labels: {
      'pod-template-hash': 'h',
      'controller-revision-hash': 'h',
      'job-name': 'j',
      'batch.kubernetes.io/job-name': 'j',
    },
    annotations: { 'cni.projectcalico.org/podIP': '10.0.0.1', 'kubernetes.io/config.mirror': 'm' },
  },
  spec: {
    ...{ nodeName: 'n', hostNetwork: true, restartPolicy: 'Always', readinessGates: [{ conditionType: 'g' }] },
    containers: ['httpGet', 'tcpSocket', 'grpc', 'exec'].map((kind) => ({
      ...{ name: kind, image: 'i', restartPolicy: 'Always' },
      ...Object.fromEntries(
        ['readinessProbe', 'startupProbe'].map((probe) => [
          probe,
          {
            ...{ initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 1 },
            [kind]: { path: '/', port: 80, command: ['c'] },
          },
        ]),
      ),
    })),
    initContainers: [{ name: 'init', image: 'i', restartPolicy: 'Always' }],
  },
  status: {
    ...{ phase: 'Running', reason: 'r', message: 'm', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] },
    nominatedNodeName: 'n',
    conditions: [
      { type: 'Ready', status: 'True', reason: 'r', message: 'm', lastTransitionTime: 't', lastUpdateTime: 't' },
    ],
    containerStatuses: [
      {
        ...{ name: 'httpGet', ready: true, started: true, restartCount: 1 },
        state: { running: { startedAt: 't' } },
        lastState: {
          terminated: { reason: 'r', message: 'm', exitCode: 1, signal: 9, startedAt: 't', finishedAt: 't' },
        },
      },
      { name: 'exec', state: { waiting: { reason: 'r', message: 'm' } }, lastState: {} },
    ],
  },
};

const FULL_EVENT: Raw = {
  metadata: { name: 'e', namespace: 's', uid: 'u', creationTimestamp: 't' },
  ...{ type: 'Warning', reason: 'FailedSync', message: 'm', count: 1, reportingComponent: 'c' },
  ...{ firstTimestamp: 't', lastTimestamp: 't', eventTime: 't' },
  involvedObject: { kind: 'Pod', namespace: 's', name: 'p', uid: 'u' },
  source: { component: 'kubelet', host: 'n' },
  series: { count: 1, lastObservedTime: 't' },
};

describe('no field that a projection asks for is left out', () => {
  test.each<readonly [string, Recorded, Projection<unknown>, Raw]>([
    ['a pod', 'pods', projectPod, FULL_POD],
    ['an event', 'events', projectEvent, FULL_EVENT],
  ])('of %s', (_what, resource, project, full) => {
    const scrubber = createScrubber([[resource, full]], { pseudonyms: true, keepHosts: false, secrets: [] });
    const before = fieldsRead(full, project);
    expect(before.size).toBeGreaterThan(20);
    expect([...fieldsRead(scrubber.object(resource, full), project)].sort()).toEqual([...before].sort());
  });
});

describe('templates', () => {
  test('are told apart by what was left out, and by nothing else', () => {
    const template = (value: string, hash: string): Raw => ({
      metadata: { name: 'w', uid: value + hash },
      spec: {
        template: {
          metadata: { labels: { app: 'w', 'pod-template-hash': hash } },
          spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value }] }] },
        },
      },
    });
    const objects = [template('1', 'x'), template('1', 'y'), template('2', 'x')];
    const scrubber = createScrubber(
      objects.map((object) => ['replicasets', object] as const),
      { pseudonyms: true, keepHosts: false, secrets: [] },
    );
    const numbers = objects.map((object) => {
      const { spec } = scrubber.object('replicasets', object) as {
        readonly spec: {
          readonly template: { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } };
        };
      };
      return spec.template.metadata.annotations[TEMPLATE_ANNOTATION];
    });
    expect(numbers).toEqual(['1', '1', '2']);
  });
});

describe('identifiers of machines and people', () => {
  const written = (message: string, keepHosts = false): string => {
    const event: Raw = {
      metadata: { name: 'e', uid: '0184be03-7142-4874-8019-97debf388d92' },
      involvedObject: { kind: 'Pod' },
      reason: 'FailedSync',
      message,
    };
    const scrubber = createScrubber([['events', event]], { pseudonyms: false, keepHosts, secrets: [] });
    return String(scrubber.object('events', event).message);
  };

  test.each([
    ['dial tcp 10.0.0.1:443 from 10.0.0.2, to 10.0.0.1', 'dial tcp 198.18.0.1:443 from 198.18.0.2, to 198.18.0.1'],
    ['10.244.0.0/16 and v1.2.3.4.5 and 300.1.1.1', '198.18.0.1/16 and v1.2.3.4.5 and 300.1.1.1'],
    ['127.0.0.1 and 0.0.0.0 and ::1', '127.0.0.1 and 0.0.0.0 and ::1'],
    ['dial tcp [fd00::7]:443, fe80::1. And 15:52:05', 'dial tcp [2001:db8::1]:443, 2001:db8::2. And 15:52:05'],
    ['::ffff:10.0.0.1 is mapped', '::ffff:198.18.0.1 is mapped'],
    ['ether 0a:58:0a:f4:00:01', 'ether 02:00:00:00:00:01'],
    [
      'volume pvc-11111111-2222-3333-4444-555555555555 of 0184be03-7142-4874-8019-97debf388d92',
      'volume pvc-00000000-0000-4000-8000-000000000001 of 0184be03-7142-4874-8019-97debf388d92',
    ],
    ['User "jane.doe@acme.test" cannot', 'User "someone1@example.com" cannot'],
    [
      'instance i-0abc1234def567890 in arn:aws:iam::123456789012:role/x',
      'instance i-00000000000000001 in arn:aws:iam::000000000000:role/x',
    ],
    [
      'Head "https://reg.acme.test/v2/": lookup reg.acme.test on',
      'Head "https://host1.example/v2/": lookup host1.example on',
    ],
    [
      'x509: certificate is valid for kubernetes.default.svc, api.acme.test, not api2.acme.test',
      'x509: certificate is valid for kubernetes.default.svc, host1.example, not host2.example',
    ],
    ['Get "https://registry-1.docker.io/v2/": EOF', 'Get "https://registry-1.docker.io/v2/": EOF'],
  ])('%s', (message, expected) => expect(written(message)).toBe(expected));

  test('but the names of hosts stay where they are asked for', () => {
    expect(written('lookup reg.acme.test on 10.0.0.1:53', true)).toBe('lookup reg.acme.test on 198.18.0.1:53');
  });
});
