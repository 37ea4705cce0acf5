import { describe, expect, test } from '@jest/globals';
import type { NextRestart, Restart } from '../../src/calico/case.ts';
import { restartCalicoNode } from '../../src/calico/restart.ts';
import type { Api } from '../../src/cluster/api.ts';
import { ApiError, type ApiErrorKind } from '../../src/cluster/api-error.ts';
import { ago, HOUR, MINUTE, NOW_MS } from '../builders.ts';

const NEXT: NextRestart = {
  node: 'n1',
  target: {
    namespace: 'calico-system',
    pod: 'calico-node-x',
    uid: 'uid-1',
    createdAtMs: ago(HOUR),
    daemonSetUid: 'ds',
  },
  stuckUids: ['pod-1'],
  namespaces: ['shop'],
  unanswered: 0,
};
const PATH = '/api/v1/namespaces/calico-system/pods/calico-node-x';

type Reply = ApiErrorKind | Readonly<Record<string, unknown>> | Error;

const NAMED = { name: 'calico-node-x', namespace: 'calico-system' };
const there: Reply = { metadata: { ...NAMED, uid: 'uid-1' } };
const going: Reply = { metadata: { ...NAMED, uid: 'uid-1', deletionTimestamp: '2026-11-22T16:00:00Z' } };
const another: Reply = { metadata: { ...NAMED, uid: 'uid-2' } };
const ok: Reply = { kind: 'Pod' };

function errorOf(kind: ApiErrorKind): ApiError {
  return new ApiError(`the server's words for ${kind}`, {
    kind,
    status: 0,
    reason: '',
    words: '',
    verb: 'DELETE',
    path: PATH,
    retryAfterMs: null,
  });
}

/** An API server that gives these replies, one after the other, and what it was asked. */
function scripted(
  deletes: readonly Reply[],
  reads: readonly Reply[] = [],
): { readonly api: Pick<Api, 'delete' | 'getJson' | 'now'>; readonly asked: readonly unknown[] } {
  const asked: unknown[] = [];
  const left = { deletes: [...deletes], reads: [...reads] };
  const reply = (replies: Reply[]): Promise<unknown> => {
    const next = replies.shift();
    if (next === undefined) throw new Error('asked once too often');
    if (typeof next === 'string') return Promise.reject(errorOf(next));
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return {
    asked,
    api: {
      now: () => ({ atMs: NOW_MS, elapsedMs: MINUTE }),
      delete: (path, body, options) => {
        asked.push({ verb: 'DELETE', path, body, signal: options?.signal });
        return reply(left.deletes);
      },
      getJson: (path, options) => {
        asked.push({ verb: 'GET', path, tries: options?.tries, signal: options?.signal });
        return reply(left.reads);
      },
    },
  };
}

async function restart(
  deleted: Reply,
  read?: Reply,
  unanswered = 0,
): Promise<{ readonly restart: Restart; readonly verbs: readonly unknown[] }> {
  const { api, asked } = scripted([deleted], read === undefined ? [] : [read]);
  const record = await restartCalicoNode(api, { ...NEXT, unanswered }, new AbortController().signal);
  return { restart: record, verbs: asked.map((each) => (each as { readonly verb: string }).verb) };
}

test('the DELETE names the pod, and its uid as a precondition, and is sent once', async () => {
  const { api, asked } = scripted([ok], [going]);
  const { signal } = new AbortController();
  const record = await restartCalicoNode(api, NEXT, signal);
  expect(asked).toEqual([
    {
      verb: 'DELETE',
      path: PATH,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'uid-1' } },
      signal,
    },
    { verb: 'GET', path: PATH, tries: 1, signal },
  ]);
  expect(record).toEqual({
    node: 'n1',
    before: NEXT.target,
    atMs: NOW_MS,
    elapsedMs: MINUTE,
    answer: 'deleted',
    stuckUids: ['pod-1'],
    namespaces: ['shop'],
    settled: null,
    settledElapsedMs: null,
    seenBy: 'read',
    outcome: null,
    why: 'calico-system/calico-node-x was deleted: waiting for the new calico-node pod',
    after: null,
  });
});

test('names are escaped in the path', async () => {
  const { api, asked } = scripted([ok], [going]);
  const target = { ...NEXT.target, namespace: 'a/b', pod: '../x?y' };
  await restartCalicoNode(api, { ...NEXT, target }, new AbortController().signal);
  const path = '/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy';
  expect(asked).toMatchObject([{ path }, { path }]);
});

describe('an answer that says no', () => {
  test.each<[ApiErrorKind, Restart['answer']]>([
    ['forbidden', 'forbidden'],
    ['unauthorized', 'failed'],
    ['invalid', 'failed'],
    ['expired', 'failed'],
    ['redirect', 'failed'],
    ['credentials', 'turned-away'],
    ['too-many-requests', 'turned-away'],
  ])('%s: %s, and nothing more is sent', async (kind, answer) => {
    const { restart: record, verbs } = await restart(kind);
    expect(record).toMatchObject({ answer, settled: null, outcome: null });
    expect(verbs).toEqual(['DELETE']);
  });

  test('names the missing right', async () => {
    const { restart: record } = await restart('forbidden');
    expect(record.why).toBe(
      "the right to delete pods in namespace calico-system is missing: the server's words for forbidden",
    );
  });
});

describe('an answer that says that the pod is gone', () => {
  const gone: readonly [string, Reply][] = [
    ['the uid is gone', 'not-found'],
    ['another pod stands in its place', another],
    ['it is being deleted', going],
    ['it cannot be read', 'unreachable'],
    ['it may not be read', 'forbidden'],
  ];

  test.each(gone)('is believed when %s', async (_, read) => {
    const { restart: record, verbs } = await restart(ok, read);
    expect(record.answer).toBe('deleted');
    expect(verbs).toEqual(['DELETE', 'GET']);
  });

  test.each(gone)('404 and 409: somebody else restarted it, when %s', async (_, read) => {
    for (const reply of ['not-found', 'conflict'] as const) {
      const { restart: record, verbs } = await restart(reply, read);
      expect(record).toMatchObject({ answer: 'elsewhere', settled: null, outcome: null });
      expect(verbs).toEqual(['DELETE', 'GET']);
    }
  });

  test.each<[Reply, RegExp]>([
    [ok, /was answered with success, and the same pod is still there, not being deleted; look at/],
    [
      'not-found',
      /was answered as if it were gone \(the server's words for not-found\), and the same pod is still there/,
    ],
    [
      'conflict',
      /was answered as if it were gone \(the server's words for conflict\), and the same pod is still there/,
    ],
  ])('%j: is not believed when the same pod is there, and not being deleted', async (reply, why) => {
    for (const unanswered of [0, 1]) {
      const { restart: record } = await restart(reply, there, unanswered);
      expect(record).toMatchObject({ answer: 'failed', why: expect.stringMatching(why) });
    }
  });
});

describe('a lost answer', () => {
  test.each<[string, Reply]>([
    ['the uid is gone', 'not-found'],
    ['another pod stands in its place', another],
    ['it is being deleted', going],
  ])('was carried out when %s', async (_, read) => {
    const { restart: record, verbs } = await restart('unreachable', read);
    expect(record.answer).toBe('deleted');
    expect(verbs).toEqual(['DELETE', 'GET']);
  });

  test.each<ApiErrorKind>(['unreachable', 'server-error', 'not-kubernetes', 'certificate', 'aborted'])(
    '(%s) is looked after by reading the pod',
    async (kind) => {
      expect((await restart(kind, going)).verbs).toEqual(['DELETE', 'GET']);
    },
  );

  test('reads the pod a few times, and by its name', async () => {
    const { api, asked } = scripted(['unreachable'], [there]);
    await restartCalicoNode(api, NEXT, new AbortController().signal);
    expect(asked).toMatchObject([{ verb: 'DELETE' }, { verb: 'GET', path: PATH, tries: 4 }]);
  });

  test.each<[string, number, Restart['answer']]>([
    ['the same pod is still there: another one may be planned', 0, 'undone'],
    ['the same pod is still there after the second one: no third is sent', 1, 'failed'],
  ])('%s', async (_, unanswered, answer) => {
    const { restart: record, verbs } = await restart('unreachable', there, unanswered);
    expect(record).toMatchObject({ answer, why: expect.stringMatching(/got no answer.*the pod is still there/) });
    expect(verbs).toEqual(['DELETE', 'GET']);
  });

  test.each<Reply>(['not-found', 'conflict'])(
    'of an earlier one: %j means that it arrived late, and is this run’s',
    async (reply) => {
      expect((await restart(reply, another, 1)).restart.answer).toBe('deleted');
    },
  );

  test.each<[string, Reply]>([
    ['the pod cannot be read', 'unreachable'],
    ['reading is forbidden', 'forbidden'],
    ['what is read is no pod', { metadata: null }],
    ['what is read is a pod of another name', { metadata: { ...NAMED, name: 'web-1', uid: 'uid-3' } }],
    ['what is read is a pod of another namespace', { metadata: { ...NAMED, namespace: 'shop', uid: 'uid-3' } }],
  ])('stays one when %s', async (_, read) => {
    const { restart: record, verbs } = await restart('unreachable', read);
    expect(record.answer).toBe('lost');
    expect(verbs).toEqual(['DELETE', 'GET']);
  });
});

describe('a run that is over', () => {
  test('sends nothing any more', async () => {
    const { api, asked } = scripted([]);
    const record = await restartCalicoNode(api, NEXT, AbortSignal.abort());
    expect(record).toMatchObject({ answer: 'failed', why: expect.stringContaining('the run ended before') });
    expect(asked).toEqual([]);
  });
});

test('an error that nobody foresaw is taken for a lost answer, never for a success', async () => {
  const { restart: record } = await restart(new TypeError('broken'), new TypeError('broken again'));
  expect(record).toMatchObject({ answer: 'lost', why: expect.stringContaining('broken') });
});
