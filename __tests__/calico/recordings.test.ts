import { describe, expect, test } from '@jest/globals';
import { reportCalico } from '../../src/calico/calico-report.ts';
import type { Restart } from '../../src/calico/case.ts';
import { EMPTY_CALICO_MEMORY } from '../../src/calico/memory.ts';
import { type Look, look } from './looks.ts';
import { applyChange, type RecordedChange, recordedChanges, recordedState } from './recorded-cluster.ts';

const BROKEN = '2-one-node-unauthorized';

function lookAtRecording(name: string, settings = {}): Look {
  const { snapshot, atMs } = recordedState(name);
  return look(snapshot, { atMs, settings });
}

describe('a recording of a cluster without the failure', () => {
  test.each(['1-healthy', '4-cured', '5-forbidden', '6-ordinary-failures'])(
    '%s shows no case, whatever old events are still listed',
    (name) => {
      const { cases, plan, memory } = lookAtRecording(name);
      expect(cases).toEqual([]);
      expect(plan).toEqual({ nodes: [], next: null });
      expect(memory).toBe(EMPTY_CALICO_MEMORY);
    },
  );

  test('a 403 in the same words is named and is no case', () => {
    const { observation } = lookAtRecording('5-forbidden');
    const causes = [...observation.sandboxErrors.values()].map(({ event, cause }) => [event.about.name, cause]);
    expect(causes.sort()).toEqual([
      ['web-6c8c6944cc-blds5', 'CalicoForbidden'],
      ['web-6c8c6944cc-wlnzq', 'CalicoForbidden'],
    ]);
  });
});

describe('the recording of one broken node', () => {
  test('shows both directions of the failure, with their first and last times', () => {
    const { observation } = lookAtRecording(BROKEN);
    const errors = [...observation.sandboxErrors.values()].map(({ event, cause, verb, plugin, text, ...times }) => ({
      pod: event.about.name,
      cause,
      verb,
      plugin,
      text,
      first: clock(times.firstAtMs),
      last: clock(times.lastAtMs),
    }));
    const failure = {
      cause: 'CalicoUnauthorized',
      plugin: 'calico',
      text: 'error getting ClusterInformation: connection is unauthorized: Unauthorized',
    };
    expect(errors.sort((one, other) => (one.pod < other.pod ? -1 : 1))).toEqual([
      { pod: 'ledger-6f98d48b7-pjtlf', verb: 'delete', first: '15:52:02', last: '15:53:19', ...failure },
      { pod: 'web-84c5c9947d-d55q4', verb: 'add', first: '15:52:05', last: '15:52:05', ...failure },
      { pod: 'web-84c5c9947d-tbm6n', verb: 'add', first: '15:52:03', last: '15:52:03', ...failure },
      { pod: 'web-899997f4b-zk598', verb: 'delete', first: '15:52:03', last: '15:53:29', ...failure },
    ]);
  });

  test('is proven, and the calico-node pod of n1 is the one to restart', () => {
    const { cases, plan } = lookAtRecording(BROKEN);
    expect(cases.map(({ node, proven, lacks, well }) => ({ node, proven, lacks, well }))).toEqual([
      { node: 'n1', proven: true, lacks: null, well: false },
    ]);
    expect(plan.next).toMatchObject({
      node: 'n1',
      target: { namespace: 'calico-system', pod: 'calico-node-nmdv4', uid: '0184be03-7142-4874-8019-97debf388d92' },
      namespaces: ['shop'],
    });
    expect(plan.next?.stuckUids).toHaveLength(4);
  });

  test('is planned with the command where restarts are off', () => {
    const { plan } = lookAtRecording(BROKEN, { restartCalicoNode: false });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([
      { node: 'n1', action: 'planned', command: 'kubectl delete pod -n calico-system calico-node-nmdv4' },
    ]);
  });

  test('a second after somebody else restarted it: another gate waits for that cure', () => {
    const { plan } = lookAtRecording('3-restarted');
    expect(plan).toMatchObject({ next: null, nodes: [{ node: 'n1', action: 'waiting' }] });
  });
});

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

/** The run from the broken state on: the restart that was recorded, then every change of the watches, one look each. */
function replay(
  answer: Restart['answer'] = 'deleted',
  isSeen: (change: RecordedChange) => boolean = () => true,
): readonly { readonly change: RecordedChange; readonly after: Look }[] {
  const { snapshot, atMs } = recordedState(BROKEN);
  const first = look(snapshot, { atMs });
  const { next } = first.plan;
  if (next === null) throw new Error('nothing was planned');
  const deletedAtMs = Date.parse('2026-11-22T15:53:35Z');
  const restart: Restart = {
    node: next.node,
    before: next.target,
    atMs: deletedAtMs,
    elapsedMs: first.observation.now.elapsedMs + (deletedAtMs - atMs),
    answer,
    stuckUids: next.stuckUids,
    namespaces: next.namespaces,
    settled: null,
    settledElapsedMs: null,
    seenBy: null,
    outcome: null,
    why: '',
    after: null,
  };
  let picture = snapshot;
  let last: Look = { ...first, restarts: [restart] };
  return recordedChanges(deletedAtMs)
    .filter(isSeen)
    .map((change) => {
      picture = applyChange(picture, change);
      last = look(picture, { atMs: change.atMs, memory: last.memory, restarts: last.restarts });
      return { change, after: last };
    });
}

describe('the recorded cure, replayed change by change', () => {
  test('is proven by the first pod that gets its sandbox, and by nothing before', () => {
    const looks = replay();
    const proof = looks.find(({ after }) => after.restarts[0]?.settled !== null);
    expect(proof?.change).toMatchObject({ type: 'MODIFIED', pod: { name: 'web-84c5c9947d-tbm6n' } });
    expect(proof?.after.restarts[0]).toMatchObject({
      outcome: 'cured',
      why: 'shop/web-84c5c9947d-tbm6n got its network 2s after install-cni had ended',
      after: { pod: 'calico-node-xw4f7', installedAtMs: Date.parse('2026-11-22T15:53:36Z') },
    });
    // calico-node was Ready a second before that, and the plugin had already written an address.
    const readyAt = looks.findIndex(
      ({ change: { pod } }) => pod?.name === 'calico-node-xw4f7' && pod.phase === 'Running',
    );
    expect(looks[readyAt]?.after.restarts[0]?.settled).toBeNull();
  });

  test('restarts nothing more, neither the same node nor the one with the later 403', () => {
    for (const { after } of replay()) {
      expect(after.plan.next).toBeNull();
      expect(after.cases.map(({ node }) => node)).not.toContain('n2');
    }
  });

  test('is proven by the pod that the kubelet could end at last, where no sandbox is seen', () => {
    const looks = replay('deleted', ({ pod, event }) => {
      const name = pod?.name ?? event?.about.name ?? '';
      return name.startsWith('calico-node') || name === 'web-899997f4b-zk598';
    });
    const proof = looks.find(({ after }) => after.restarts[0]?.settled !== null);
    expect(proof?.change).toMatchObject({ type: 'DELETED', pod: { name: 'web-899997f4b-zk598' } });
    expect(proof?.after.restarts[0]).toMatchObject({
      outcome: 'cured',
      why: 'shop/web-899997f4b-zk598, which could not end before, was ended by the kubelet and is gone',
    });
  });

  test('a force delete, which takes the pod away while it is Running, proves nothing', () => {
    const looks = replay('deleted', ({ type, pod, event }) => {
      const name = pod?.name ?? event?.about.name ?? '';
      return name.startsWith('calico-node') || (name === 'web-899997f4b-zk598' && type === 'DELETED');
    });
    expect(looks.at(-1)?.after.observation.snapshot.pods.map(({ name }) => name)).not.toContain('web-899997f4b-zk598');
    expect(looks.at(-1)?.after.restarts[0]?.settled).toBeNull();
  });

  test('by somebody else is waited for, then there is nothing left to do, and it has no outcome', () => {
    const looks = replay('elsewhere');
    const actions = looks.map(({ after }) => after.plan.nodes.find(({ node }) => node === 'n1')?.action);
    expect([...new Set(actions)]).toEqual(['waiting', 'none']);
    expect(looks.at(-1)?.after.restarts[0]).toMatchObject({ settled: 'cured', outcome: null });
  });

  test('ends in a report with proof, before and after', () => {
    const last = replay().at(-1)?.after;
    if (last === undefined) throw new Error('nothing was replayed');
    const report = reportCalico({ ...last, nodes: last.plan.nodes });
    expect(report).toMatchObject({
      detected: true,
      installations: [{ namespace: 'calico-system', daemonSet: 'calico-node' }],
      nodes: [
        {
          node: 'n1',
          pods: [
            'shop/ledger-6f98d48b7-pjtlf',
            'shop/web-899997f4b-zk598',
            'shop/web-84c5c9947d-d55q4',
            'shop/web-84c5c9947d-tbm6n',
          ],
          action: 'restarted',
          command: null,
          outcome: 'cured',
          before: { calicoNodePod: 'calico-system/calico-node-nmdv4', startedAt: '2026-11-22T15:50:53.000Z' },
          after: {
            calicoNodePod: 'calico-system/calico-node-xw4f7',
            startedAt: '2026-11-22T15:53:35.000Z',
            installedAt: '2026-11-22T15:53:36.000Z',
          },
        },
      ],
    });
    expect(report.nodes[0]?.evidence[0]).toMatchObject({
      pod: 'shop/ledger-6f98d48b7-pjtlf',
      reason: 'FailedKillPod',
      count: 9,
      lastSeen: '2026-11-22T15:53:34.000Z',
    });
  });
});
