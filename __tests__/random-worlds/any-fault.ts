/** What may go wrong with one request: every kind of fault that the simulator can play. */

import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { Chance } from './chance.ts';

const SECOND = 1_000;

/**
 * Of a request that reads. `isHarsh`: also what an API server means that says it, and what makes well objects look unwell:
 * after that a run may end with another verdict.
 */
export function anyFault(
  chance: Chance,
  { verb, resource }: Pick<RequestSeen, 'verb' | 'resource'>,
  isHarsh: boolean,
): Fault {
  const harsh = isHarsh ? harshFaults(chance, verb, resource) : [];
  const strange = verb === 'watch' ? strangeWatches(chance, isHarsh) : strangeBodies(chance);
  return chance.pick([...refusals(chance), ...brokenAnswers(chance), ...strange, ...harsh]);
}

function harshFaults(chance: Chance, verb: string, resource: string): readonly Fault[] {
  const pick = chance.int(0, 100);
  const status: Fault = { kind: 'status', status: chance.pick([401, 403, 404, 409]) };
  if (verb === 'watch') {
    return [status, { kind: 'lines', rewrite: (text) => [text, '{"type":"MODIFIED","object":{"metadata":{}}}'] }];
  }
  // A node that does not say that it is Ready is one on which nothing is expected.
  if (resource === 'nodes') return [status];
  // Without items is Go's empty list: until something happens, it is all that is known.
  const empty = rewriteList((list) => ({ ...list, items: null }));
  return [status, empty, rewriteList((list) => withoutStatus(list, pick))];
}

function refusals(chance: Chance): readonly Fault[] {
  return [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
    { kind: 'status', status: 429, headers: { 'retry-after': String(chance.int(1, 20)) } },
    { kind: 'status', status: 410 },
    { kind: 'status', status: 504 },
    { kind: 'reset-before' },
    { kind: 'refuse' },
    { kind: 'hang' },
    { kind: 'garbage' },
  ];
}

function brokenAnswers(chance: Chance): readonly Fault[] {
  return [
    { kind: 'reset-after' },
    { kind: 'truncate', afterBytes: chance.int(0, 2_000) },
    { kind: 'truncate', afterBytes: chance.int(0, 2_000), clean: true },
    { kind: 'stall', afterBytes: chance.int(0, 2_000) },
    { kind: 'delay', delayMs: chance.int(1, 20) * SECOND },
    { kind: 'cut', afterMs: chance.int(1, 20) * SECOND, clean: chance.of(0.5) },
  ];
}

/** Lists that no API server writes. What looks like a whole and regular answer and is none, nobody could tell. */
function strangeBodies(chance: Chance): readonly Fault[] {
  return [
    { kind: 'slow', pieceBytes: 50_000, everyMs: chance.int(1, 8) * SECOND },
    { kind: 'endless', pieceBytes: 100_000, everyMs: 100 },
    rewriteList(({ metadata, ...list }) => ({ ...list, metadata: { ...metadata, continue: 'again' } })),
    rewriteList(({ metadata, ...list }) => ({ ...list, metadata: { ...metadata, resourceVersion: '1' } })),
  ];
}

interface ListBody {
  readonly metadata?: object;
  readonly items?: readonly object[] | null;
}

function rewriteList(change: (list: ListBody) => ListBody): Fault {
  return {
    kind: 'rewrite',
    rewrite: (body) => {
      const list = JSON.parse(body) as ListBody;
      return Array.isArray(list.items) ? JSON.stringify(change(list)) : body;
    },
  };
}

/** One of its objects has none. */
function withoutStatus({ items, ...list }: ListBody, pick: number): ListBody {
  const index = pick % Math.max(1, items?.length ?? 0);
  return { ...list, items: (items ?? []).map((item, at) => (at === index ? { ...item, status: undefined } : item)) };
}

function strangeWatches(chance: Chance, isHarsh: boolean): readonly Fault[] {
  const silence = chance.pick([1, 2, 5]);
  const code = chance.pick([410, 429, 500]);
  const loud: readonly Fault[] = [
    { kind: 'lines', rewrite: (text) => [text, text] },
    { kind: 'lines', rewrite: (text) => [text, '{"type":"NOVELTY","object":{}}'] },
    { kind: 'lines', rewrite: (text) => [text, `{"type":"ERROR","object":{"kind":"Status","code":${code}}}`] },
    { kind: 'lines', rewrite: (text) => [text, 'no JSON'] },
  ];
  return isHarsh ? [...loud, ...lyingWatches(silence)] : loud;
}

/** They keep lines back for as long as they like, which nobody can notice who does not list anew. */
function lyingWatches(silence: number): readonly Fault[] {
  let line = 0;
  let held: readonly string[] = [];
  return [
    {
      // Each two change places.
      kind: 'lines',
      rewrite: (text) => {
        const said = held.length === 0 ? [] : [text, ...held];
        held = held.length === 0 ? [text] : [];
        return said;
      },
    },
    {
      kind: 'lines',
      rewrite: (text) => {
        line += 1;
        return line % silence === 0 ? [] : [text];
      },
    },
  ];
}

/** Of a DELETE. */
export function anyDeleteFault(chance: Chance): Fault {
  return chance.pick<Fault>([
    { kind: 'status', status: 500 },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'status', status: 429, headers: { 'retry-after': '50' } },
    { kind: 'status', status: 403 },
    { kind: 'status', status: 404 },
    { kind: 'status', status: 409 },
    { kind: 'refuse' },
    { kind: 'garbage' },
    { kind: 'reset-before' },
    { kind: 'reset-after' },
    { kind: 'reset-after' },
    { kind: 'truncate', afterBytes: 0 },
    { kind: 'stall', afterBytes: 10 },
    { kind: 'delay', delayMs: 12 * SECOND },
    { kind: 'delay', delayMs: 40 * SECOND },
    { kind: 'hang' },
  ]);
}
