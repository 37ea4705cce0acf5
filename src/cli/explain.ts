import { adviceFor } from '../health/advice.ts';
import type { Cause } from '../health/assessment.ts';
import { CAUSES } from '../health/causes.ts';
import { describePatience } from '../health/patience.ts';
import { quote } from '../printable.ts';
import { TIMING } from '../timing.ts';
import { PAGE_WIDTH, twoColumns, wrap } from './columns.ts';
import { nearest } from './nearest.ts';

const NAMES = Object.keys(CAUSES) as readonly Cause[];

/** Behind the longest cause. */
const TITLES_AT = 27;
/** Behind the longest label. */
const FACTS_AT = 15;

/**
 * What `--explain` prints about the cause `name` (capitals do not matter), or about all of them when it is null. A
 * name that is no cause is a `problem` with the nearest one.
 */
export function explainText(name: string | null): { readonly text: string } | { readonly problem: string } {
  if (name === null) return { text: allCauses() };
  const cause = NAMES.find((one) => one.toLowerCase() === name.toLowerCase());
  if (cause !== undefined) return { text: oneCause(cause) };
  const meant = nearest(name, NAMES);
  const hint = meant === null ? '--explain without one lists them all' : `did you mean ${meant}?`;
  return { problem: `no cause is named ${quote(name)}; ${hint}` };
}

function allCauses(): string {
  const rows = NAMES.map((cause) => [cause, CAUSES[cause].title] as const);
  return `Causes, worst first; --explain CAUSE says more about one:\n${twoColumns(rows, TITLES_AT)}\n`;
}

function oneCause(cause: Cause): string {
  const { title, means, stages } = CAUSES[cause];
  const rows = [
    ['Stage:', stages.join(', ')],
    ['Patience:', describePatience(cause, TIMING)],
    ['What to do:', adviceFor({ cause, ...STAND_INS })],
  ] as const;
  return `${cause}: ${title}\n\n${wrap(means, PAGE_WIDTH).join('\n')}\n\n${twoColumns(rows, FACTS_AT)}\n`;
}

/** Capitals for what a finding would fill in, as in the help. */
const STAND_INS = {
  namespace: 'NAMESPACE',
  pod: 'POD',
  node: 'NODE',
  owner: { kind: 'WORKLOAD', name: 'NAME' },
} as const;
