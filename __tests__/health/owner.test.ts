import { describe, expect, test } from '@jest/globals';
import { findWorkloads, ownerOf } from '../../src/health/owner.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Workload } from '../../src/objects/workload.ts';
import { aController, aDaemonSet, aDeployment, aJob, aPod, aStatefulSet, NOW_MS } from '../builders.ts';
import { assessOnce, forbidden, ofAgent, ofDb, ofMigrate, ofWeb } from './health-run.ts';

const cronJob = aController('CronJob', 'nightly', { apiVersion: 'batch/v1' });

describe('the workload that people know a pod by', () => {
  test.each<readonly [string, Pod, readonly Workload[], string]>([
    ['the Deployment, not its ReplicaSet', aPod(ofWeb('web-abc-1')), [aDeployment()], 'Deployment web'],
    [
      'the Deployment whose name ends like a hash',
      aPod({ controller: aController('ReplicaSet', 'web-abc-def'), revision: 'def' }),
      [aDeployment({ name: 'web-abc' }), aDeployment()],
      'Deployment web-abc',
    ],
    ['its StatefulSet', aPod(ofDb(0)), [aStatefulSet()], 'StatefulSet db'],
    ['its DaemonSet', aPod(ofAgent('n1')), [aDaemonSet()], 'DaemonSet agent'],
    ['its Job', aPod(ofMigrate('migrate-1')), [aJob()], 'Job migrate'],
    ['the CronJob, not its Job', aPod(ofMigrate('migrate-1')), [aJob({ controller: cronJob })], 'CronJob nightly'],
  ])('%s', (_, pod, workloads, known) => {
    const owner = ownerOf(
      pod,
      findWorkloads(workloads, () => true),
    );
    expect(`${owner?.kind} ${owner?.name}`).toBe(known);
    expect(owner?.workload).toBe(workloads[0]);
    expect(owner?.unjudged).toBeNull();
  });

  test.each<readonly [string, Pod]>([
    ['a bare pod', aPod()],
    [
      'a static pod, which its Node controls',
      aPod({ mirror: true, controller: aController('Node', 'n1', { apiVersion: 'v1' }) }),
    ],
  ])('is nobody for %s', (_, pod) => {
    expect(
      ownerOf(
        pod,
        findWorkloads([], () => true),
      ),
    ).toBeNull();
  });

  test('is never taken from another namespace', () => {
    const owner = ownerOf(
      aPod(ofWeb('web-abc-1')),
      findWorkloads([aDeployment({ namespace: 'other' })], () => true),
    );
    expect(owner).toMatchObject({ kind: 'ReplicaSet', workload: null });
  });
});

test('a pod of another namespace that names a workload as its controller belongs to nobody', () => {
  const owner = ownerOf(
    aPod({ ...ofDb(0), namespace: 'evil' }),
    findWorkloads([aStatefulSet()], () => true),
  );
  expect(owner).toEqual({ kind: 'StatefulSet', name: 'db', workload: null, unjudged: null });
});

test('a younger Ready pod of another namespace is not taken for the replacement of one that ended', () => {
  const controller = aController('ReplicaSet', 'canary-5f');
  const ended = aPod({ name: 'canary-1', controller, revision: '5f', phase: 'Failed' });
  const younger = aPod({ name: 'canary-2', controller, revision: '5f', createdAtMs: NOW_MS });
  expect(assessOnce({ pods: [ended, younger] }).counts).toMatchObject({ superseded: 1, notReady: 0 });
  expect(assessOnce({ pods: [ended, { ...younger, namespace: 'evil' }] }).counts).toMatchObject({
    superseded: 0,
    notReady: 1,
  });
});

describe('a kind that is not judged', () => {
  test.each<readonly [string, Partial<Pod>, string]>([
    ['a bare ReplicaSet', { controller: aController('ReplicaSet', 'lone'), revision: null }, 'ReplicaSet (apps/v1)'],
    [
      'the ReplicaSet of an Argo Rollout',
      { controller: aController('ReplicaSet', 'canary-5f'), revision: '5f' },
      'ReplicaSet (apps/v1)',
    ],
    [
      'a ReplicationController',
      { controller: aController('ReplicationController', 'old', { apiVersion: 'v1' }) },
      'ReplicationController (v1)',
    ],
    [
      'a StatefulSet of another API group',
      { controller: aController('StatefulSet', 'db', { apiVersion: 'apps.kruise.io/v1beta1' }) },
      'StatefulSet (apps.kruise.io/v1beta1)',
    ],
  ])('is named in a warning, and its pods are judged: %s', (_, controlled, kind) => {
    const { warnings, counts } = assessOnce({
      pods: [aPod({ name: 'p', ...controlled })],
      workloads: [aStatefulSet()],
    });
    expect(warnings).toEqual([expect.stringContaining(kind)]);
    expect(warnings[0]).toContain(`shop/${controlled.controller?.name}`);
    expect(counts.ready).toBe(1);
  });

  test('is one warning, however many there are', () => {
    const pods = ['a', 'b', 'c'].map((name) => aPod({ name, controller: aController('ReplicaSet', name) }));
    expect(assessOnce({ pods }).warnings).toEqual([
      'ReplicaSet (apps/v1) without a Deployment owns pods in scope, which this gate judges; its own roll-out is not judged: shop/a and 2 more',
    ]);
  });

  test('is counted, where there are more kinds than anybody reads of: a reference may name any', () => {
    const pods = Array.from({ length: 1_000 }, (_, index) =>
      aPod({ name: `p-${index}`, controller: aController(`Kind${index}`, 'x', { apiVersion: 'evil.example/v1' }) }),
    );
    const { warnings } = assessOnce({ pods });
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)).toBe(
      'further kinds own pods in scope, which this gate judges; their roll-outs are not judged (980 kinds)',
    );
  });

  test('is not named for pods that are about to go: their Deployment may be deleted already', () => {
    const pod = aPod(ofWeb('web-abc-1', { deletionAtMs: NOW_MS }));
    expect(assessOnce({ pods: [pod] }).warnings).toEqual([]);
  });

  test('is not claimed where Deployments may not be read', () => {
    const { warnings } = assessOnce({ pods: [aPod(ofWeb('web-abc-1'))], coverage: forbidden('deployments', 'shop') });
    expect(warnings).toEqual([]);
  });
});

test('a pod whose StatefulSet is gone is judged by itself, and its owner keeps its name', () => {
  expect(
    ownerOf(
      aPod(ofDb(0)),
      findWorkloads([], () => true),
    ),
  ).toEqual({
    kind: 'StatefulSet',
    name: 'db',
    workload: null,
    unjudged: null,
  });
});
