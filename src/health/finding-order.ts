import type { Finding } from './assessment.ts';
import { compareCauses } from './worst-first.ts';

/**
 * Worst first, for sorting: what holds back before what is only told, fatal before what may still heal, a cause before
 * what follows from it, then the order of causes, then the oldest, then by name, so that one picture has one order.
 */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    Number(b.holdsBack) - Number(a.holdsBack) ||
    Number(b.fatal) - Number(a.fatal) ||
    Number(a.derivedFrom !== null) - Number(b.derivedFrom !== null) ||
    compareCauses(a.cause, b.cause) ||
    a.sinceMs - b.sinceMs ||
    compareNames(a, b)
  );
}

function compareNames(a: Finding, b: Finding): number {
  const left = nameOf(a);
  const right = nameOf(b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function nameOf(finding: Finding): string {
  return `${finding.namespace}/${finding.pod ?? finding.owner?.name ?? ''}`;
}
