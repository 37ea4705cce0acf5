/**
 * Prints what the gate makes of every fault that it is held to: `npm run faults`, or only of some and with their reasons:
 * `npm run faults -- 13 14b --reasons`. The rows are those of `__tests__/scenarios/fault-table.test.ts`. Exit code 1 when one is not as expected.
 */
import { deletesIn, problemsOf } from '../__tests__/fault-table/check-row.ts';
import { playRows } from '../__tests__/fault-table/play-row.ts';
import type { FaultRow, PlayedRow } from '../__tests__/fault-table/row.ts';
import { FAULT_ROWS } from '../__tests__/fault-table/table.ts';

/** What stands there is no longer; the faults are as long as the longest of them. */
const WIDTHS = { id: 3, verdict: 12, requests: 14 } as const;

/** The rows that were asked for: `13` is all faces of fault 13, `13b` is one. */
function rowsOf(numbers: readonly string[]): readonly FaultRow[] {
  if (numbers.length === 0) return FAULT_ROWS;
  return FAULT_ROWS.filter(({ id }) => numbers.includes(id) || numbers.includes(String(Number.parseInt(id, 10))));
}

function requestsOf({ world: { sim } }: PlayedRow): string {
  const deletes = deletesIn(sim.requests);
  return deletes === 0 ? String(sim.requests.length) : `${sim.requests.length}, DELETE ${deletes}`;
}

/** `1m5.2s`: seconds with tenths, for many runs are over after some. */
function timeOf(ms: number): string {
  const seconds = ((ms % 60_000) / 1_000).toFixed(1);
  return ms < 60_000 ? `${seconds}s` : `${Math.floor(ms / 60_000)}m${seconds}s`;
}

async function printTable(rows: readonly FaultRow[], withReasons: boolean): Promise<boolean> {
  const faultWidth = Math.max(...rows.map(({ fault }) => fault.length));
  const print = (id: string, fault: string, verdict: string, requests: string, time: string): void => {
    const cells = [id.padStart(WIDTHS.id), fault.padEnd(faultWidth), verdict.padEnd(WIDTHS.verdict)];
    console.log([...cells, requests.padEnd(WIDTHS.requests), time].join('  '));
  };
  let unexpected = 0;
  print('', 'fault', 'verdict', 'requests', 'time');
  await playRows(rows, async (row, playing) => {
    const played = await playing;
    const { report, elapsedMs } = played.played;
    print(row.id, row.fault, report.verdict, requestsOf(played), timeOf(elapsedMs));
    if (withReasons) console.log(`     ${report.reason}`);
    const problems = await problemsOf(played);
    if (problems.length > 0) unexpected += 1;
    for (const problem of problems) console.log(`     NOT AS EXPECTED: ${problem}`);
  });
  console.log(`\n${rows.length} faults, ${unexpected === 0 ? 'all' : rows.length - unexpected} as expected`);
  return unexpected === 0;
}

const asked = process.argv.slice(2);
const chosen = rowsOf(asked.filter((word) => word !== '--reasons'));
if (chosen.length === 0) {
  process.stderr.write(`faults: there is no fault ${asked.join(' or ')}; \`npm run faults\` shows all\n`);
  process.exit(1);
}
process.exit((await printTable(chosen, asked.includes('--reasons'))) ? 0 : 1);
