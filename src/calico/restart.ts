import type { Api } from '../cluster/api.ts';
import { type ApiError, type ApiErrorKind, isApiError } from '../cluster/api-error.ts';
import { isRecord } from '../cluster/body.ts';
import { isAdmissionRefusal } from '../cluster/explain.ts';
import type { NextRestart, Restart, RestartTarget } from './case.ts';
import { whyNotDone } from './restart-state.ts';

/** Of a pod that is read after a lost answer; the view goes on looking when this does not help. */
const READ_TRIES = 4;
/** Of one whose DELETE was answered: its word is doubted, not waited for. */
const CHECK_TRIES = 1;

/** A DELETE that gets no answer is sent once more, by the same rules as the first; then somebody has to look. */
const MOST_UNANSWERED = 2;

/**
 * Restarts calico-node on one node: one DELETE of that pod with that uid, the only write of this program. It is never
 * repeated here: after a lost answer the pod is read again, and whether another one may follow is for the next plan, made
 * from what is true by then. Nor is an answer taken at its word: what says that the pod is gone while the same pod stands
 * there, not being deleted, is a proxy or a gateway that did not pass the DELETE on, and nothing was restarted. Never
 * rejects; what happened stands in the record's `answer` and `why`. `signal` ends it early.
 */
export async function restartCalicoNode(
  api: Pick<Api, 'delete' | 'getJson' | 'now'>,
  next: NextRestart,
  signal: AbortSignal,
): Promise<Restart> {
  const { node, target, stuckUids, namespaces } = next;
  const { answer, why, isRead } = await deletePod(api, next, signal);
  const { atMs, elapsedMs } = api.now();
  return {
    node,
    before: target,
    atMs,
    elapsedMs,
    answer,
    seenBy: isRead === true ? 'read' : null,
    stuckUids,
    namespaces,
    settled: null,
    settledElapsedMs: null,
    outcome: null,
    why,
    after: null,
  };
}

interface Answered {
  readonly answer: Restart['answer'];
  readonly why: string;
  /** The pod itself was read after it. */
  readonly isRead?: boolean;
}

async function deletePod(
  api: Pick<Api, 'delete' | 'getJson'>,
  { target, unanswered }: NextRestart,
  signal: AbortSignal,
): Promise<Answered> {
  const name = `${target.namespace}/${target.pod}`;
  const deleted: Answered = { answer: 'deleted', why: `${name} was deleted: waiting for the new calico-node pod` };
  if (signal.aborted) return { answer: 'failed', why: `${name} was not deleted: the run ended before` };

  const { result, words } = await sendDelete(api, target, signal);
  switch (result) {
    case 'done':
      return afterDone(await readAgain(api, target, signal, CHECK_TRIES));
    case 'elsewhere':
      if ((await readAgain(api, target, signal, CHECK_TRIES)) === 'there')
        return notDone(`as if it were gone (${words})`);
      // It was there a moment ago, so one whose answer was lost has arrived late: this run's, not somebody else's.
      if (unanswered > 0) return deleted;
      return { answer: 'elsewhere', why: `${name} had been restarted by somebody else: waiting for the new pod` };
    case 'forbidden':
      return {
        answer: 'forbidden',
        why: `the right to delete pods in namespace ${target.namespace} is missing: ${words}`,
      };
    case 'failed':
      return { answer: 'failed', why: `failed to delete ${name}: ${words}` };
    case 'turned-away':
      return { answer: 'turned-away', why: `${name} was not deleted: ${words}` };
    case 'lost':
      return afterLost(await readAgain(api, target, signal, READ_TRIES), unanswered + 1);
  }

  function afterDone(pod: 'gone' | 'there' | 'unreadable'): Answered {
    return pod === 'there' ? notDone('with success') : { ...deleted, isRead: pod === 'gone' };
  }

  function notDone(said: string): Answered {
    return { answer: 'failed', why: whyNotDone(target, said) };
  }

  function afterLost(pod: 'gone' | 'there' | 'unreadable', times: number): Answered {
    const said = `the DELETE of ${name} got no answer${times === 1 ? '' : ` ${times} times`} (${words})`;
    switch (pod) {
      case 'gone':
        return { ...deleted, isRead: true };
      case 'unreadable':
        return { answer: 'lost', why: `${said}, and the pod could not be read` };
      case 'there':
        return { answer: times < MOST_UNANSWERED ? 'undone' : 'failed', why: `${said}, and the pod is still there` };
    }
  }
}

interface Sent {
  readonly result: 'done' | 'elsewhere' | 'forbidden' | 'turned-away' | 'failed' | 'lost';
  /** The server's or network's words. Untrusted. */
  readonly words: string;
}

function pathOf({ namespace, pod }: RestartTarget): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
}

async function sendDelete(api: Pick<Api, 'delete'>, target: RestartTarget, signal: AbortSignal): Promise<Sent> {
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: target.uid } };
  try {
    await api.delete(pathOf(target), options, { signal });
    return { result: 'done', words: '' };
  } catch (error) {
    const result = isApiError(error) && isAdmissionRefusal(error.words) ? 'failed' : resultOf(kindOf(error));
    return { result, words: wordsOf(error) };
  }
}

/** What a refused or failed DELETE means: whether the server has carried it out. */
function resultOf(kind: ApiErrorKind): Sent['result'] {
  switch (kind) {
    // A precondition that does not hold, or no such pod: another one stands in its place, or will.
    case 'not-found':
    case 'conflict':
      return 'elsewhere';
    case 'forbidden':
      return 'forbidden';
    // Answered before anything was done: another one may be taken.
    case 'credentials':
    case 'too-many-requests':
      return 'turned-away';
    // The same, and another one will not be.
    case 'unauthorized':
    case 'invalid':
    case 'expired':
    case 'redirect':
      return 'failed';
    // TLS may fail after the request was sent, too: a record that is broken, an alert.
    case 'certificate':
    case 'server-error':
    case 'not-kubernetes':
    case 'unreachable':
    case 'aborted':
      return 'lost';
  }
}

async function readAgain(
  api: Pick<Api, 'getJson'>,
  target: RestartTarget,
  signal: AbortSignal,
  tries: number,
): Promise<'gone' | 'there' | 'unreadable'> {
  try {
    const pod = await api.getJson(pathOf(target), { signal, tries });
    const { uid, deletionTimestamp, isAbout } = metadataOf(pod);
    // Somebody on the way may mix answers up: what is about another pod says nothing of this one.
    if (uid === null || !isAbout(target)) return 'unreadable';
    return uid === target.uid && !deletionTimestamp ? 'there' : 'gone';
  } catch (error) {
    return kindOf(error) === 'not-found' ? 'gone' : 'unreadable';
  }
}

function metadataOf(pod: unknown): {
  readonly uid: string | null;
  readonly deletionTimestamp: boolean;
  readonly isAbout: (target: RestartTarget) => boolean;
} {
  const metadata = isRecord(pod) && isRecord(pod.metadata) ? pod.metadata : {};
  const { uid, name, namespace, deletionTimestamp } = metadata;
  return {
    uid: typeof uid === 'string' ? uid : null,
    deletionTimestamp: typeof deletionTimestamp === 'string',
    isAbout: (target) => name === target.pod && namespace === target.namespace,
  };
}

/** `Api` rejects with `ApiError` and nothing else; what is none tells nothing about what the server did. */
function kindOf(error: unknown): ApiErrorKind {
  return error instanceof Error && 'kind' in error ? (error as ApiError).kind : 'unreachable';
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
