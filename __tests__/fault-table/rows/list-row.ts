import type { FaultRule } from '../../../simulator/api/fault-script.ts';
import type { Fault } from '../../../simulator/api/faults.ts';
import { MINUTE } from '../../scenarios/shop.ts';
import type { Bounds, FaultRow } from '../row.ts';
import { ALL_WELL, shop } from '../worlds.ts';

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
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [53, 58], of, pods: { total: 2, ready: 2 }, timeMs },
  };
}

/** A list that fails to the deadline: nothing was ever seen, and the reason has the words of what failed. */
export function lasting(id: string, fault: string, what: Fault, says: RegExp, lists: Bounds): FaultRow {
  const reason = new RegExp(
    `^no verdict within 2m: pods in namespace shop could not be read even once: list pods in namespace shop: ${says.source}`,
  );
  const of = { 'list shop/pods': lists };
  return {
    id,
    fault: `list of pods, to the deadline: ${fault}`,
    world: shop,
    faults: [{ ...PODS, fault: what }],
    inputs: { timeout: '2m' },
    expected: { verdict: 'inconclusive', reason, requests: 0, of, pods: { total: 0 }, timeMs: 2 * MINUTE },
  };
}
