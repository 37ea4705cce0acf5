import type { Cause } from './assessment.ts';
import { CAUSES } from './causes.ts';

const ORDER: ReadonlyMap<string, number> = new Map(Object.keys(CAUSES).map((cause, index) => [cause, index]));

/** Below 0 when `a` is worse than `b`; for sorting, worst first. */
export function compareCauses(a: Cause, b: Cause): number {
  return (ORDER.get(a) ?? ORDER.size) - (ORDER.get(b) ?? ORDER.size);
}
