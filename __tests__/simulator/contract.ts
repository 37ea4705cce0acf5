import { ACCESS } from './contract/access.ts';
import { ANSWERS } from './contract/answers.ts';
import { DELETION } from './contract/deletion.ts';
import { LISTS } from './contract/lists.ts';
import { LOGS } from './contract/logs.ts';
import { SELECTORS } from './contract/selectors.ts';
import { WATCHES } from './contract/watches.ts';
import type { ContractCase } from './contract/world.ts';

/**
 * What an API server must do, as cases over a `Transport`: the same run against the simulator and against a real one, so
 * that the double stays honest. Where they differ, the simulator is wrong.
 */
export const CONTRACT: readonly ContractCase[] = [
  ...LISTS,
  ...SELECTORS,
  ...WATCHES,
  ...DELETION,
  ...ACCESS,
  ...ANSWERS,
  ...LOGS,
];
