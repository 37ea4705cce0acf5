import { describe, expect, test } from '@jest/globals';
import type { NextRestart, Restart } from '../../src/calico/case.ts';
import { type RestartLimits, restartCalicoNode } from '../../src/calico/restart.ts';
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
};
const PATH = '/api/v1/namespaces/calico-system/pods/calico-node-x';

type Reply = ApiErrorKind | Readonly<Record<string, unknown>> | Error;

const there: Reply = { metadata: { uid: 'uid-1' } };
const going: Reply = { metadata: { uid: 'uid-1', deletionTimestamp: '2026-11-22T16:00:00Z' } };
const another: Reply = { metadata: { uid: 'uid-2' } };
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

/** Nothing stands against sending it again. */
function limits(signal = new AbortController().signal): RestartLimits {
  return { signal, mayRepeat: () => true };
}

async function restart(
  deletes: readonly Reply[],
  reads: readonly Reply[] = [],
  mayRepeat: () => boolean = () => true,
): Promise<{ readonly restart: Restart; readonly verbs: readonly unknown[] }> {
  const { api, asked } = scripted(deletes, reads);
  const record = await restartCalicoNode(api, NEXT, { ...limits(), mayRepeat });
  return { restart: record, verbs: asked.map((each) => (each as { readonly verb: string }).verb) };
}

test('the DELETE names the pod, and its uid as a precondition, and is sent once', async () => {
  const { api, asked } = scripted([ok]);
  const { signal } = new AbortController();
  const record = await restartCalicoNode(api, NEXT, limits(signal));
  expect(asked).toEqual([
    {
      verb: 'DELETE',
      path: PATH,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'uid-1' } },
      signal,
    },
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
    outcome: null,
    why: 'calico-system/calico-node-x was deleted: waiting for the new calico-node pod',
    after: null,
  });
});

test('names are escaped in the path', async () => {
  const { api, asked } = scripted([ok]);
  const target = { ...NEXT.target, namespace: 'a/b', pod: '../x?y' };
  await restartCalicoNode(api, { ...NEXT, target }, limits());
  expect(asked).toMatchObject([{ path: '/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy' }]);
});

describe('an answer that says no', () => {
  test.each<[ApiErrorKind, Restart['answer']]>([
    ['not-found', 'elsewhere'],
    ['conflict', 'elsewhere'],
    ['forbidden', 'forbidden'],
    ['unauthorized', 'failed'],
    ['certificate', 'failed'],
    ['invalid', 'failed'],
    ['expired', 'failed'],
    ['redirect', 'failed'],
  ])('%s: %s, and nothing more is sent', async (kind, answer) => {
    const { restart: record, verbs } = await restart([kind]);
    expect(record).toMatchObject({ answer, settled: null, outcome: null });
    expect(verbs).toEqual(['DELETE']);
  });

  test('names the missing right', async () => {
    const { restart: record } = await restart(['forbidden']);
    expect(record.why).toBe(
      "the right to delete pods in namespace calico-system is missing: the server's words for forbidden",
    );
  });
});

describe('a server that turned it away unread', () => {
  test.each<ApiErrorKind>(['too-many-requests', 'credentials'])('(%s) is sent another one', async (kind) => {
    const { restart: record, verbs } = await restart([kind, kind, ok]);
    expect(record.answer).toBe('deleted');
    expect(verbs).toEqual(['DELETE', 'DELETE', 'DELETE']);
  });

  test('three times is left alone: it is planned anew', async () => {
    const { restart: record, verbs } = await restart(Array(3).fill('too-many-requests'));
    expect(record).toMatchObject({ answer: 'undone', why: expect.stringContaining('was not deleted: the server') });
    expect(verbs).toEqual(['DELETE', 'DELETE', 'DELETE']);
  });
});

describe('what was planned a while ago', () => {
  test('is not sent again, but planned anew', async () => {
    const { restart: record, verbs } = await restart(['too-many-requests'], [], () => false);
    expect(record.answer).toBe('undone');
    expect(verbs).toEqual(['DELETE']);
  });

  test('is not sent again either when the answer was lost and the pod is still there', async () => {
    const { restart: record, verbs } = await restart(['unreachable'], [there], () => false);
    expect(record.answer).toBe('undone');
    expect(verbs).toEqual(['DELETE', 'GET']);
  });
});

describe('a lost answer', () => {
  test.each<[string, Reply]>([
    ['the uid is gone', 'not-found'],
    ['another pod stands in its place', another],
    ['it is being deleted', going],
  ])('was carried out when %s', async (_, read) => {
    const { restart: record, verbs } = await restart(['unreachable'], [read]);
    expect(record.answer).toBe('deleted');
    expect(verbs).toEqual(['DELETE', 'GET']);
  });

  test.each<ApiErrorKind>(['unreachable', 'server-error', 'not-kubernetes', 'aborted'])(
    '(%s) is looked after by reading the pod',
    async (kind) => {
      expect((await restart([kind], [going])).verbs).toEqual(['DELETE', 'GET']);
    },
  );

  test('with the same pod still there is repeated once, with the same preconditions', async () => {
    const { api, asked } = scripted(['unreachable', ok], [there]);
    const record = await restartCalicoNode(api, NEXT, limits());
    expect(record.answer).toBe('deleted');
    expect(asked).toMatchObject([
      { verb: 'DELETE' },
      { verb: 'GET', path: PATH, tries: 4 },
      { verb: 'DELETE', path: PATH, body: { preconditions: { uid: 'uid-1' } } },
    ]);
  });

  test.each<[string, readonly Reply[], readonly Reply[], Restart['answer']]>([
    [
      'the repetition finds it gone: the first one was late, and this run’s',
      ['unreachable', 'not-found'],
      [there],
      'deleted',
    ],
    ['the repetition finds another pod', ['unreachable', 'conflict'], [there], 'deleted'],
    ['the repetition is forbidden', ['unreachable', 'forbidden'], [there], 'forbidden'],
    ['the repetition is refused', ['unreachable', 'invalid'], [there], 'failed'],
    ['the repetition is lost and the pod is gone', ['unreachable', 'server-error'], [there, 'not-found'], 'deleted'],
    [
      'the repetition is lost and the pod is there: it is not sent a third time',
      ['unreachable', 'unreachable'],
      [there, there],
      'failed',
    ],
    [
      'the repetition is lost and the pod cannot be read',
      ['unreachable', 'unreachable'],
      [there, 'server-error'],
      'lost',
    ],
    ['the pod cannot be read', ['unreachable'], ['unreachable'], 'lost'],
    ['reading is forbidden', ['unreachable'], ['forbidden'], 'lost'],
    ['what is read is no pod', ['unreachable'], [{ metadata: null }], 'lost'],
  ])('%s', async (_, deletes, reads, answer) => {
    const { restart: record, verbs } = await restart(deletes, reads);
    expect(record.answer).toBe(answer);
    expect(verbs).toHaveLength(deletes.length + reads.length);
  });
});

describe('a run that is over', () => {
  test('sends nothing any more', async () => {
    const { api, asked } = scripted([]);
    const record = await restartCalicoNode(api, NEXT, limits(AbortSignal.abort()));
    expect(record).toMatchObject({ answer: 'failed', why: expect.stringContaining('the run ended before') });
    expect(asked).toEqual([]);
  });
});

test('an error that nobody foresaw is taken for a lost answer, never for a success', async () => {
  const { restart: record } = await restart([new TypeError('broken')], [new TypeError('broken again')]);
  expect(record).toMatchObject({ answer: 'lost', why: expect.stringContaining('broken') });
});
