import type { NodePlan, Restart } from '../calico/case.ts';

/** More names than this in a row are counted instead. */
const MOST_NAMES = 3;

/**
 * What a run that ends before its time has done to calico-node and what it leaves undone, as clauses for its reason; none
 * where it meant to restart nothing. A node is named once, by the last that happened there.
 */
export function doneAndLeft(
  nodes: readonly NodePlan[],
  restarts: readonly Restart[],
  mayRestart: boolean,
): readonly string[] {
  const last = new Map(restarts.map((restart) => [restart.node, restart]));
  const where = (isSo: (restart: Restart) => boolean): readonly string[] =>
    [...last.values()].filter(isSo).map(({ node }) => node);

  const cured = where(({ answer, settled }) => answer === 'deleted' && settled === 'cured');
  const inVain = where(({ answer, settled }) => answer === 'deleted' && settled !== null && settled !== 'cured');
  const open = where(({ answer, settled }) => answer === 'deleted' && settled === null);
  const unknown = where(({ answer }) => answer === 'lost');
  const elsewhere = where(({ answer }) => answer === 'elsewhere');
  const left = mayRestart ? nodes.filter(({ action }) => action === 'waiting').map(({ node }) => node) : [];
  const untouched = left.filter((node) => !unknown.includes(node) && !elsewhere.includes(node));
  return [
    clause(cured, (names) => `calico-node was restarted on ${names}, which cured it`),
    clause(inVain, (names) => `calico-node was restarted on ${names}, without a cure`),
    clause(open, (names) => `calico-node was restarted on ${names}, and whether that cures it was not seen any more`),
    clause(unknown, (names) => `whether calico-node was restarted on ${names} is not known: its DELETE got no answer`),
    clause(elsewhere, (names) => `calico-node on ${names} had been restarted by somebody else`),
    clause(untouched, (names) => `calico-node on ${names} was left as it is`),
  ].flat();
}

function clause(nodes: readonly string[], say: (names: string) => string): readonly string[] {
  if (nodes.length === 0) return [];
  const names = nodes.slice(0, MOST_NAMES).join(', ');
  return [say(nodes.length > MOST_NAMES ? `${names} and ${nodes.length - MOST_NAMES} more` : names)];
}
