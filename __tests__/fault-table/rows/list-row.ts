import type { FaultRule } from '../../../simulator/api/fault-script.ts';
import type { Fault } from '../../../simulator/api/faults.ts';
import { MINUTE } from '../../scenarios/shop.ts';
import type { Bounds, FaultRow } from '../row.ts';
import { ALL_WELL, shop, status } from '../worlds.ts';

/** The list of the pods that are judged. */
export const PODS = { verb: 'list', resource: 'pods', namespace: 'shop' } as const;

/** A list that fails for a while: the verdict is the one without the fault. */
export function passing(id: string, fault: string, rule: FaultRule, lists: Bounds, timeMs: Bounds): FaultRow {
  const of = { 'list shop/pods': lists };
  return {
    id,
    fault: `list of pods: ${fault}`,
    world: shop,
    faults: [{ ...PODS, ...rule }],
    expected: {
      verdict: 'healthy',
      reason: ALL_WELL,
      requests: plus(lists, [46, 72]),
      of,
      pods: { total: 2, ready: 2 },
      timeMs,
    },
  };
}

/** What a run of two minutes and more asks for besides the list that the row is about. */
const OTHERS: Bounds = [30, 100];

function plus(some: Bounds, others: Bounds): Bounds {
  const [[a, b], [c, d]] = [some, others].map((bounds) => (typeof bounds === 'number' ? [bounds, bounds] : bounds)) as [
    readonly [number, number],
    readonly [number, number],
  ];
  return [a + c, b + d];
}

/** A list that the API server itself refuses, and would refuse for ever: nobody waits for the deadline. */
export function refused(id: string, code: number, says: RegExp): FaultRow {
  return {
    ...lasting(id, '', status(code), says, [6, 9]),
    fault: `list of pods: ${code} of the API server itself, each time`,
    expected: {
      verdict: 'inconclusive',
      reason: new RegExp(
        `^pods in namespace shop cannot be read: list pods in namespace shop: ${says.source}.*; the API server says so each time, and waiting will not change it`,
      ),
      requests: [36, 60],
      of: { 'list shop/pods': [6, 9] },
      pods: { total: 0 },
      timeMs: [30_000, 36_000],
    },
  };
}

/** A list that fails to the deadline: nothing was ever seen, and the reason has the words of what failed. */
export function lasting(
  id: string,
  fault: string,
  what: Fault,
  says: RegExp,
  lists: Bounds,
  timeoutMs = 2 * MINUTE,
): FaultRow {
  const reason = new RegExp(
    `^no verdict within ${timeoutMs / MINUTE}m: pods in namespace shop could not be read even once: list pods in namespace shop: ${says.source}`,
  );
  const of = { 'list shop/pods': lists };
  return {
    id,
    fault: `list of pods, to the deadline: ${fault}`,
    world: shop,
    faults: [{ ...PODS, fault: what }],
    inputs: { timeout: `${timeoutMs / MINUTE}m` },
    expected: {
      verdict: 'inconclusive',
      reason,
      requests: plus(lists, OTHERS),
      of,
      pods: { total: 0 },
      timeMs: timeoutMs,
    },
  };
}
