import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pod } from '../../../simulator/objects.ts';
import type { Manifest } from '../../api.ts';
import { type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, isReady, podsIn } from '../../harness.ts';
import {
  aDaemonSet,
  aDeployment,
  allReady,
  aStatefulSet,
  forcePodsOut,
  makeNamespace,
  type PodOptions,
  removeNamespace,
} from '../../workloads.ts';

/** Says in each pod of which revision it is. */
function revision(number: number, args: readonly string[] = ['serve']): PodOptions {
  return { container: { args, env: [{ name: REVISION, value: String(number) }] } };
}

const REVISION = 'REVISION';
const SLOW = ['serve', '--ready-after=3s'];
/** Goes on, ready, for longer than the scenario looks, and may. */
const DRAINING: PodOptions = { ...revision(1, ['serve', '--drain=1m']), terminationGracePeriodSeconds: 90 };
const BROKEN: PodOptions = { container: { image: 'calico-health-gate.example/absent:2' } };

type Revisions = (namespace: string) => readonly [Manifest, Manifest];

/** Each of them happens in a namespace of its own, which is called after it. */
const ROLL_OUTS = {
  deployment: (namespace) => {
    const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    const web = { name: 'web', namespace, replicas: 3, spec: { strategy, minReadySeconds: 2 } };
    return [aDeployment({ ...web, pod: revision(1) }), aDeployment({ ...web, pod: revision(2, SLOW) })];
  },
  'stateful-set': (namespace) => {
    const db = { name: 'db', namespace, replicas: 3 };
    return [aStatefulSet({ ...db, pod: revision(1) }), aStatefulSet({ ...db, pod: revision(2, SLOW) })];
  },
  'daemon-set': (namespace) => {
    const agent = { name: 'agent', namespace };
    return [aDaemonSet({ ...agent, pod: revision(1) }), aDaemonSet({ ...agent, pod: revision(2, SLOW) })];
  },
  draining: (namespace) => {
    const web = { name: 'web', namespace, replicas: 2 };
    return [aDeployment({ ...web, pod: DRAINING }), aDeployment({ ...web, pod: revision(2) })];
  },
  paused: (namespace) => {
    const web = { name: 'web', namespace, replicas: 2 };
    return [aDeployment(web), aDeployment({ ...web, pod: BROKEN, spec: { paused: true } })];
  },
  'by-hand': (namespace) => {
    const agent = { name: 'agent', namespace, spec: { updateStrategy: { type: 'OnDelete' } } };
    return [aDaemonSet(agent), aDaemonSet({ ...agent, pod: BROKEN })];
  },
  'broken-deployment': (namespace) => {
    const web = { name: 'web', namespace, replicas: 2 };
    return [aDeployment(web), aDeployment({ ...web, pod: BROKEN })];
  },
  'broken-stateful-set': (namespace) => {
    const db = { name: 'db', namespace, replicas: 3 };
    return [aStatefulSet(db), aStatefulSet({ ...db, pod: BROKEN })];
  },
  'broken-daemon-set': (namespace) => {
    const agent = { name: 'agent', namespace };
    return [aDaemonSet(agent), aDaemonSet({ ...agent, pod: BROKEN })];
  },
} as const satisfies Readonly<Record<string, Revisions>>;

type Name = keyof typeof ROLL_OUTS;
const NAMES = Object.keys(ROLL_OUTS) as readonly Name[];

interface Ended extends GateRun {
  readonly desired: number;
  /** Right after the run; without those that have been deleted. */
  readonly pods: readonly Pod[];
}

describe('a roll-out', () => {
  let cluster: Cluster;
  const runs = new Map<Name, Ended>();
  const runOf = (name: Name): Ended => runs.get(name) as Ended;

  beforeAll(async () => {
    cluster = await connectCluster();
    await Promise.all(NAMES.map(async (name) => runs.set(name, await rollOut(cluster, name))));
  });

  afterAll(async () => {
    await Promise.all(
      NAMES.map(namespaceOf).map(async (namespace) => {
        await forcePodsOut(cluster, namespace);
        await removeNamespace(cluster, namespace);
      }),
    );
    cluster.api.close();
  });

  test.each(['deployment', 'stateful-set', 'daemon-set'] as const)(
    'that takes its time is waited for, although the old pods are ready all the while: %s',
    (name) => {
      const { exitCode, outputs, report, pods, desired } = runOf(name);

      expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': String(desired), 'pods-not-ready': '0' });
      expect(exitCode).toBe(0);
      expect(report.findings).toEqual([]);
      expect(pods.map(revisionOf)).toEqual(Array.from({ length: desired }, () => '2'));
      expect(pods.every(isReady)).toBe(true);
    },
  );

  test('whose old pods take their time to end does not wait for them', () => {
    const { exitCode, outputs, report, pods } = runOf('draining');

    expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-total': '4', 'pods-ready': '2', 'pods-not-ready': '0' });
    expect(exitCode).toBe(0);
    expect(report.pods.terminating).toBe(2);
    expect(pods.map(revisionOf)).toEqual(['2', '2']);
  });

  test('that is paused passes with its old pods, and a warning says what to do', () => {
    const { exitCode, report } = runOf('paused');

    expect(exitCode).toBe(0);
    expect(report.warnings).toEqual([
      expect.stringMatching(/web is paused and its pod template is not rolled out: 2 pods .*kubectl rollout resume/),
    ]);
  });

  test('that is done by hand (OnDelete) passes with its old pods, and a note counts them', () => {
    const { exitCode, stdout, pods } = runOf('by-hand');

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`(OnDelete): ${pods.length} pods of the old template`);
  });

  test.each(['deployment', 'stateful-set', 'daemon-set'] as const)(
    'whose new revision is broken ends as soon as that is certain, and names the pod that has it: %s',
    (name) => {
      const { exitCode, outputs, report, pods } = runOf(`broken-${name}`);

      expect(outputs.verdict).toBe('unhealthy');
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(/Container image "calico-health-gate\.example\/absent:2" is not present/);
      expect(outputs.reason).not.toContain('the timeout of');
      const [broken, ...others] = pods.filter((pod) => !isReady(pod));
      expect(others).toEqual([]);
      expect(broken?.spec.containers[0]?.image).toBe('calico-health-gate.example/absent:2');
      expect(report.findings).toEqual([
        expect.objectContaining({ pod: broken?.metadata.name, node: broken?.spec.nodeName, cause: 'ImageNotFound' }),
      ]);
      expect(outputs['not-ready-pods']).toBe(
        JSON.stringify([`${namespaceOf(`broken-${name}`)}/${broken?.metadata.name}`]),
      );
      expect(outputs['pods-ready']).toBe(String(pods.length - 1));
    },
  );

  test('whose new revision is broken begins with the last ordinal of a StatefulSet', () => {
    expect(runOf('broken-stateful-set').report.findings[0]?.pod).toBe('db-2');
  });
});

async function rollOut(cluster: Cluster, name: Name): Promise<Ended> {
  const namespace = namespaceOf(name);
  const [first, second] = ROLL_OUTS[name](namespace);
  await makeNamespace(cluster, namespace);
  await cluster.api.apply(first);
  const { replicas: desired = cluster.nodes.length } = first.spec as { readonly replicas?: number };
  await allReady(cluster, namespace, desired);

  await cluster.api.apply(second);
  const run = await runGate(cluster, { namespaces: namespace, timeout: '4m', 'stable-for': '3s' });
  const pods = await podsIn(cluster, namespace);
  return { ...run, desired, pods: pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined) };
}

function namespaceOf(name: Name): string {
  return `roll-out-${name}`;
}

function revisionOf({ spec }: Pod): string | undefined {
  return spec.containers[0]?.env?.find(({ name }) => name === REVISION)?.value;
}
