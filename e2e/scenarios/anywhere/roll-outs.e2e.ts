import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Manifest } from '../../api.ts';
import { type Cluster, connectCluster, isReady } from '../../harness.ts';
import { aDeployment, aStatefulSet, type PodOptions } from '../../workloads.ts';
import { BROKEN, BROKEN_IMAGE, type Ended, removeRollOuts, revision, revisionOf, rollOut, SLOW } from './roll-out.ts';

/** Goes on, ready, for longer than the scenario looks, and may. */
const DRAINING: PodOptions = { ...revision(1, ['serve', '--drain=1m']), terminationGracePeriodSeconds: 90 };

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
  draining: (namespace) => {
    const web = { name: 'web', namespace, replicas: 2 };
    return [aDeployment({ ...web, pod: DRAINING }), aDeployment({ ...web, pod: revision(2) })];
  },
  paused: (namespace) => {
    const web = { name: 'web', namespace, replicas: 2 };
    return [aDeployment(web), aDeployment({ ...web, pod: BROKEN, spec: { paused: true } })];
  },
  'broken-deployment': (namespace) => {
    const web = { name: 'web', namespace, replicas: 2 };
    return [aDeployment(web), aDeployment({ ...web, pod: BROKEN })];
  },
  'broken-stateful-set': (namespace) => {
    const db = { name: 'db', namespace, replicas: 3 };
    return [aStatefulSet(db), aStatefulSet({ ...db, pod: BROKEN })];
  },
} as const satisfies Readonly<Record<string, Revisions>>;

type Name = keyof typeof ROLL_OUTS;
const NAMES = Object.keys(ROLL_OUTS) as readonly Name[];

describe('a roll-out', () => {
  let cluster: Cluster;
  const runs = new Map<Name, Ended>();
  const runOf = (name: Name): Ended => runs.get(name) as Ended;

  beforeAll(async () => {
    cluster = await connectCluster();
    await Promise.all(NAMES.map(async (name) => runs.set(name, await rollOutIn(cluster, name))));
  });

  afterAll(async () => {
    await removeRollOuts(cluster, NAMES.map(namespaceOf));
    cluster.api.close();
  });

  test.each(['deployment', 'stateful-set'] as const)(
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

  test.each(['deployment', 'stateful-set'] as const)(
    'whose new revision is broken ends as soon as that is certain, and names the pod that has it: %s',
    (name) => {
      const { exitCode, outputs, report, pods } = runOf(`broken-${name}`);

      expect(outputs.verdict).toBe('unhealthy');
      expect(exitCode).toBe(1);
      expect(outputs.reason).toMatch(/Container image "\S+\/absent:2" is not present/);
      expect(outputs.reason).not.toContain('the timeout of');
      const [broken, ...others] = pods.filter((pod) => !isReady(pod));
      expect(others).toEqual([]);
      expect(broken?.spec.containers[0]?.image).toBe(BROKEN_IMAGE);
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

async function rollOutIn(cluster: Cluster, name: Name): Promise<Ended> {
  const namespace = namespaceOf(name);
  return await rollOut(cluster, namespace, ROLL_OUTS[name](namespace));
}

function namespaceOf(name: Name): string {
  return `roll-out-${name}`;
}
