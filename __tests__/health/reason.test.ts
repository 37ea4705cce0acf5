import { describe, expect, test } from '@jest/globals';
import type { NodePlan, Restart } from '../../src/calico/case.ts';
import type { Assessment, Finding, WorkloadState } from '../../src/health/assessment.ts';
import { describeUnstable, type ReasonContext, reasonOfHealth, reasonOfTrouble } from '../../src/health/reason.ts';
import { aFinding, ago, MINUTE, NOW_MS, SECOND } from '../builders.ts';

const NOTHING: Assessment = {
  counts: { total: 0, ready: 0, notReady: 0, completed: 0, starting: 0, terminating: 0, superseded: 0 },
  findings: [],
  notReadyPods: [],
  workloads: [],
  complete: true,
  unstable: [],
  warnings: [],
  notes: [],
};

const WEB = {
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  desired: 4,
  ready: 2,
  problem: null,
  complete: false,
  completeForMs: 0,
} as const;

function context(overrides: Partial<ReasonContext> = {}): ReasonContext {
  return {
    assessment: { ...NOTHING, workloads: [WEB] },
    nodes: [],
    restarts: [],
    nowMs: NOW_MS,
    mayRestart: false,
    stableForMs: 15_000,
    ...overrides,
  };
}

function old(ready: number, ...pods: readonly string[]): NonNullable<WorkloadState['old']> {
  return { pods: new Set(pods), ready };
}

function escaped(text: string): string {
  return text.replaceAll(/[()]/g, '\\$&');
}

function ofWeb(pod: string, overrides: Partial<Finding> = {}): Finding {
  return aFinding({ pod, uid: pod, owner: { kind: 'Deployment', name: 'web' }, ...overrides });
}

function calico(pod: string, overrides: Partial<Finding> = {}): Finding {
  return ofWeb(pod, {
    stage: 'sandbox',
    cause: 'CalicoUnauthorized',
    message: 'connection is unauthorized: Unauthorized',
    sinceMs: ago(130_000),
    ...overrides,
  });
}

const target = { namespace: 'calico-system', pod: 'calico-node-x', uid: 'u', createdAtMs: 0, daemonSetUid: 'd' };

function aPlan(action: NodePlan['action'], overrides: Partial<NodePlan> = {}): NodePlan {
  return {
    node: 'n1',
    action,
    why: 'because',
    target,
    command: 'kubectl delete pod -n calico-system calico-node-x',
    ...overrides,
  };
}

function aRestart(settled: Restart['settled'], why: string): Restart {
  return {
    ...{
      node: 'n1',
      before: target,
      atMs: 0,
      elapsedMs: 0,
      answer: 'deleted',
      seenBy: 'read',
      stuckUids: [],
      namespaces: [],
      after: null,
    },
    ...{ settled, settledElapsedMs: 0, outcome: settled, why },
  };
}

describe("the reason for Calico's failure", () => {
  const CAUSE = "Calico's CNI token is rejected by the API server (401 Unauthorized)";

  test.each<readonly [string, readonly Finding[], string]>([
    ['one pod that starts', [calico('web-1')], 'pod shop/web-1 on n1 cannot get a network'],
    [
      'pods of several workloads on one node',
      [calico('web-1'), calico('api-1', { owner: { kind: 'Deployment', name: 'api' } })],
      '2 pods on n1 cannot get a network',
    ],
    [
      'a pod that ends',
      [calico('web-1', { stage: 'terminating' })],
      'pod shop/web-1 on n1 cannot give back its network and end',
    ],
    [
      'both',
      [calico('web-1'), calico('web-2', { stage: 'terminating' })],
      '2 pods on n1 cannot get or give back their network',
    ],
    [
      'several nodes',
      ['n1', 'n2', 'n3', 'n4'].map((node) => calico(`web-${node}`, { node })),
      '4 pods on 4 nodes (n1, n2, n3 and 1 more) cannot get a network',
    ],
  ])('counts and places the pods: %s', (_, findings, begin) => {
    expect(reasonOfTrouble(findings, context()).startsWith(`${begin}: ${CAUSE}, for 2m10s; `)).toBe(true);
  });

  test.each<readonly [string, Partial<ReasonContext>, string]>([
    [
      'planned, because restarts are off',
      { nodes: [aPlan('planned')] },
      'restart calico-node there: kubectl delete pod -n calico-system calico-node-x, or let the gate do it with restart-calico-node',
    ],
    [
      'planned, because the cap is 0',
      { nodes: [aPlan('planned')], mayRestart: true },
      'restart calico-node there: kubectl delete pod -n calico-system calico-node-x',
    ],
    [
      'refused',
      { nodes: [aPlan('refused', { why: 'no calico-node pod is there' })] },
      'calico-node there may not be restarted by this run: no calico-node pod is there',
    ],
    [
      'waiting',
      { nodes: [aPlan('waiting', { why: 'its DaemonSet is rolling out' })] },
      'calico-node there was not restarted yet: its DaemonSet is rolling out',
    ],
    [
      'restarted in vain',
      { nodes: [aPlan('refused')], restarts: [aRestart('not-cured', 'the failure came back 7s after install-cni')] },
      'restarting calico-node there did not cure it: the failure came back 7s after install-cni',
    ],
    [
      'restarted without proof',
      { restarts: [aRestart('timed-out', 'no proof in 3m')] },
      'restarting calico-node there did not cure it in time: no proof in 3m',
    ],
    [
      'well',
      { nodes: [aPlan('none', { why: 'infra/x got its network there, so the node is well' })] },
      'calico-node there needs no restart: infra/x got its network there, so the node is well; look at pod shop/web-1',
    ],
    ['unknown to the plan', {}, 'restart the calico-node pod of node n1'],
  ])('says what to do next when the node is %s', (_, overrides, advice) => {
    expect(reasonOfTrouble([calico('web-1')], context(overrides))).toContain(`; ${advice}`);
  });
});

describe('the reason for other trouble', () => {
  const image = {
    stage: 'image',
    cause: 'ImageNotFound',
    message: 'container app: image registry.example/web:9: not found',
  } as const;

  test.each<readonly [string, readonly Finding[], string]>([
    [
      'some pods of a workload',
      [ofWeb('web-1', image), ofWeb('web-2', image)],
      'shop/web: 2 of 4 pods are not ready: container app: image registry.example/web:9: not found (shop/web-1, for 1m); check that the image was pushed, and its tag and platform in Deployment web',
    ],
    [
      'a bare pod',
      [aFinding({ ...image, pod: 'job-1' })],
      'shop/job-1: container app: image registry.example/web:9: not found (for 1m); check that the image was pushed, and its tag and platform in pod job-1',
    ],
    [
      'a workload',
      [
        aFinding({
          pod: null,
          uid: null,
          node: null,
          owner: { kind: 'Deployment', name: 'web' },
          stage: 'workload',
          cause: 'CreateRefused',
          message: '1 of 4 replicas exist, more are refused by a quota: small',
        }),
      ],
      'shop/web: 1 of 4 replicas exist, more are refused by a quota: small (for 1m); change the quota or policy that the message names, or what Deployment web asks for',
    ],
    [
      'pods on a lost node, whoever owns them',
      ['web-1', 'api-1', 'db-1'].map((pod) =>
        aFinding({ pod, stage: 'node', cause: 'NodeNotReady', message: 'node n1 is not ready', derivedFrom: 'n1' }),
      ),
      '3 pods on n1 are not ready: node n1 is not ready (for 1m); look at node n1: "kubectl describe node n1", its kubelet and its machine',
    ],
    [
      'what waits for a pod',
      [
        ofWeb('web-1', {
          stage: 'scheduling',
          cause: 'Unschedulable',
          message: 'Insufficient cpu',
          derivedFrom: 'shop/web-0',
        }),
      ],
      'shop/web: 1 of 4 pods is not ready: Insufficient cpu (shop/web-1, for 1m, waits for shop/web-0); ',
    ],
    [
      'more pods than its workload wants',
      Array.from({ length: 5 }, (_, index) => ofWeb(`web-${index}`, image)),
      'shop/web: 5 pods are not ready: container app',
    ],
  ])('%s', (_, findings, reason) => {
    expect(reasonOfTrouble(findings, context()).startsWith(reason)).toBe(true);
  });

  test.each<readonly [string, Partial<Finding>, string]>([
    [
      'starts',
      { stage: 'sandbox', cause: 'CalicoForbidden', message: 'clusterinformations "default" is forbidden' },
      'shop/web: 1 of 4 pods is not ready: Calico lacks a permission: clusterinformations "default" is forbidden (',
    ],
    [
      'ends',
      { stage: 'terminating', cause: 'CniApiUnreachable', message: 'connect: connection refused' },
      'shop/web: the CNI plugin cannot reach the API server: connect: connection refused (',
    ],
    [
      'waits for nobody knows what',
      { stage: 'sandbox', cause: 'SandboxSilent', message: 'no event says why' },
      'shop/web: 1 of 4 pods is not ready: no event says why (',
    ],
  ])('says what the words of a plugin mean, where a pod %s', (_, finding, begin) => {
    expect(reasonOfTrouble([ofWeb('web-1', finding)], context())).toContain(begin);
  });

  test.each<readonly [string, Partial<WorkloadState>, readonly string[], string]>([
    [
      'that stands still at its first pod',
      { ready: 4, old: old(4, 'a') },
      ['web-1'],
      '1 new pod is not ready (4 old ones still are): ',
    ],
    [
      'of one replica',
      { desired: 1, ready: 1, old: old(1, 'a') },
      ['web-1'],
      '1 new pod is not ready (1 old one still is): ',
    ],
    [
      'whose old pods are not ready either',
      { ready: 0, old: old(0, 'a') },
      ['web-1', 'web-2'],
      '2 new pods are not ready: ',
    ],
    [
      'in which old and new pods fail alike',
      { ready: 3, old: old(3, 'web-1') },
      ['web-1', 'web-2'],
      '2 pods are not ready: ',
    ],
    ['of which it is not known what is new', { ready: 4 }, ['web-1'], '1 pod is not ready: '],
    ['that lacks pods', { ready: 3 }, ['web-1'], '1 of 4 pods is not ready: '],
  ])('counts no pod among those that are wanted that is beyond them: a roll-out %s', (_, state, pods, says) => {
    const assessment = { ...NOTHING, workloads: [{ ...WEB, ...state }] };
    const findings = pods.map((pod) => ofWeb(pod, image));
    expect(reasonOfTrouble(findings, context({ assessment }))).toMatch(
      new RegExp(`^shop/web: ${escaped(says)}container app`),
    );
  });

  test('says of a roll-out that makes no progress what its worst pod waits for', () => {
    const late = aFinding({
      pod: null,
      uid: null,
      node: null,
      owner: { kind: 'Deployment', name: 'web' },
      stage: 'workload',
      cause: 'ProgressDeadline',
      message: '2 of 4 replicas are available; it has timed out progressing.',
      fatal: true,
    });
    const silent = ofWeb('web-1', { stage: 'sandbox', cause: 'SandboxSilent', message: 'SandboxChanged, 535 times' });
    const of = (findings: readonly Finding[]): string =>
      reasonOfTrouble([late], context({ assessment: { ...NOTHING, findings } }));
    expect(of([late, silent, ofWeb('web-2')])).toMatch(
      /^shop\/web: 2 of 4 replicas .* \(for 1m\); shop\/web-1: SandboxChanged, 535 times; look at the kubelet/,
    );
    expect(of([late, { ...silent, owner: { kind: 'Deployment', name: 'other' } }])).toContain(
      'look at the newest pods',
    );
  });

  test('says how much else is wrong, and not what only follows', () => {
    const others = [
      ofWeb('web-9'),
      ofWeb('web-8'),
      aFinding({ pod: 'other' }),
      aFinding({ pod: 'waits', derivedFrom: 'shop/web-1' }),
    ];
    const reason = reasonOfTrouble([ofWeb('web-1', { ...image, fatal: true }), ...others], context());
    expect(reason.endsWith('; 2 more things are wrong, see the findings')).toBe(true);
    expect(reasonOfTrouble([ofWeb('web-1', { ...image, fatal: true }), ofWeb('web-2')], context())).toContain(
      '; 1 more thing is wrong',
    );
  });

  test('the worst comes first, in whatever order they are given', () => {
    const findings = [ofWeb('web-1'), ofWeb('web-2', { ...image, fatal: true })];
    expect(reasonOfTrouble(findings, context())).toBe(reasonOfTrouble(findings.toReversed(), context()));
    expect(reasonOfTrouble(findings, context())).toContain('registry.example/web:9');
  });

  test('is one line, however long and ragged the words of the cluster', () => {
    const reason = reasonOfTrouble([aFinding({ message: `first\n\tsecond ${'x'.repeat(5_000)}` })], context());
    expect(reason).not.toMatch(/[\n\t]/);
    expect(reason).toContain('first second xxx');
    expect(reason.length).toBeLessThan(600);
    expect(reasonOfTrouble([aFinding({ message: ' ' })], context())).toContain('no reason is given');
  });

  test('keeps the end of a long chain of errors, which says what went wrong', () => {
    const message = `image a/b: ${'failed to pull: '.repeat(40)}network is unreachable`;
    const reason = reasonOfTrouble([aFinding({ message })], context());
    expect(reason).toMatch(/image a\/b: failed to pull: .* … .*: network is unreachable \(/);
    expect(reason.length).toBeLessThan(600);
  });
});

describe('the reason for health', () => {
  const counts = { ...NOTHING.counts, total: 8, ready: 6, starting: 2 };

  test.each<readonly [string, Partial<ReasonContext>, string]>([
    [
      'what is ready, for how long, and what was not judged',
      { assessment: { ...NOTHING, counts, workloads: [WEB, WEB] } },
      'all 6 pods in 2 workloads are ready and stayed so for 15s; 2 starting pods were not judged',
    ],
    [
      'without stable-for',
      { assessment: { ...NOTHING, counts: { ...counts, starting: 1 } }, stableForMs: 0 },
      'all 6 pods are ready; 1 starting pod was not judged',
    ],
    [
      'what was cured',
      {
        assessment: { ...NOTHING, counts: { ...counts, starting: 0 } },
        restarts: [aRestart('cured', ''), aRestart('cured', '')],
      },
      "all 6 pods are ready and stayed so for 15s; restarting calico-node on n1 cured Calico's authorization failure there",
    ],
    [
      'one pod as one',
      { assessment: { ...NOTHING, counts: { ...NOTHING.counts, total: 1, ready: 1 }, workloads: [WEB] } },
      '1 pod in 1 workload is ready and stayed so for 15s',
    ],
    ['an empty scope', { assessment: NOTHING }, 'nothing is in scope, which min-pods: 0 allows'],
    [
      'completed pods only',
      { assessment: { ...NOTHING, counts: { ...NOTHING.counts, total: 3, completed: 3 }, workloads: [WEB] } },
      'nothing in scope has to be ready (3 pods, 1 workload)',
    ],
  ])('says %s', (_, overrides, reason) => {
    expect(reasonOfHealth(context(overrides))).toBe(reason);
  });
});

test('which workloads kept the window open is named, and the rest counted', () => {
  const open = ['a', 'b', 'c', 'd'].map((name, index) => ({
    name,
    completeForMs: index * SECOND,
    because: index === 0 ? 'pod a-1 was restarted' : '',
    begunAnew: index === 0 ? 1 : 0,
  }));
  expect(describeUnstable(open)).toBe('a for 0s (pod a-1 was restarted), b for 1s, c for 2s and 1 more');
  expect(describeUnstable([{ name: 'a', completeForMs: 2 * MINUTE, because: '', begunAnew: 0 }])).toBe('a for 2m');
  expect(describeUnstable([{ name: 'a', completeForMs: 0, because: 'pod a-1 lost Ready', begunAnew: 3 }])).toBe(
    'a for 0s (begun anew 3 times, last because pod a-1 lost Ready)',
  );
});
