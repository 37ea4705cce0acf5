import { sleep } from '../clock.ts';
import type { Gap, NamespacePresence } from '../objects/snapshot.ts';
import { isApiError } from './api-error.ts';
import { backOffMs } from './back-off.ts';
import type { ReadingContext } from './resource-view.ts';

/** Which of the named namespaces are there. */
export interface Presence {
  readonly namespaces: () => readonly NamespacePresence[];
  /** Those of which the server has said nothing yet. */
  readonly gaps: () => readonly Gap[];
  /** Resolves when each was asked for once. */
  readonly settled: Promise<void>;
  /** Asks for all of them again; false when the answer of one could not be had. */
  readonly refresh: (signal: AbortSignal) => Promise<boolean>;
}

/** One that is missing may be created by the deploy that is being waited for. */
const MISSING_AGAIN_MS = 5_000;
/** One that is there, or may not be read, hardly changes; and before a verdict all are asked for anew. */
const OTHERWISE_AGAIN_MS = 60_000;

/** GETs each namespace, and again from time to time. Begins at once. */
export function createPresence(context: ReadingContext, names: readonly string[]): Presence {
  const { api, clock, random, signal, onChange } = context;
  // Nothing is held against a namespace before the server has answered: until then it is a gap.
  const known = new Map<string, NamespacePresence['presence']>(names.map((name) => [name, 'exists']));
  const sinceMs = api.now().atMs;
  const unanswered = new Map(names.map((name) => [name, 'no answer yet']));
  let list: readonly NamespacePresence[] | null = null;

  const learn = (name: string, presence: NamespacePresence['presence']): void => {
    if (!unanswered.delete(name) && known.get(name) === presence) return;
    known.set(name, presence);
    list = null;
    onChange();
  };
  /** True when the server said what it knows, or that it will not say. */
  const ask = async (name: string, askSignal: AbortSignal): Promise<boolean> => {
    try {
      await api.getJson(`/api/v1/namespaces/${encodeURIComponent(name)}`, { signal: askSignal, tries: 1 });
      learn(name, 'exists');
      return true;
    } catch (error) {
      if (!isApiError(error)) throw error;
      if (error.kind === 'not-found') learn(name, 'missing');
      if (error.kind === 'forbidden') learn(name, 'unknown');
      if (unanswered.has(name) && error.kind !== 'aborted') unanswered.set(name, error.message);
      return error.kind === 'not-found' || error.kind === 'forbidden';
    }
  };
  const keepAsking = async (name: string, onFirst: () => void): Promise<void> => {
    let failures = 0;
    while (!signal.aborted && api.failure() === null) {
      failures = (await ask(name, signal)) ? 0 : failures + 1;
      onFirst();
      const answeredAgainMs = known.get(name) === 'missing' ? MISSING_AGAIN_MS : OTHERWISE_AGAIN_MS;
      await sleep(clock, failures === 0 ? answeredAgainMs : backOffMs(failures, random), signal);
    }
    onFirst();
  };

  return {
    namespaces: () => {
      list ??= [...known].map(([namespace, presence]) => ({ namespace, presence }));
      return list;
    },
    gaps: () =>
      [...unanswered].map(([namespace, message]) => {
        return { resource: 'namespaces', namespace, why: 'never-read', sinceMs, message };
      }),
    settled: Promise.all(names.map((name) => new Promise<void>((resolve) => void keepAsking(name, resolve)))).then(
      () => undefined,
    ),
    refresh: async (refreshSignal) => {
      const answered = await Promise.all(names.map((name) => ask(name, refreshSignal)));
      return answered.every((isAnswered) => isAnswered);
    },
  };
}
