import { describe, expect, test } from '@jest/globals';
import { PAGE_WIDTH } from '../../src/cli/columns.ts';
import { explainText } from '../../src/cli/explain.ts';
import type { Cause } from '../../src/health/assessment.ts';
import { CAUSES } from '../../src/health/causes.ts';

const NAMES = Object.keys(CAUSES) as readonly Cause[];

function textOf(name: string | null): string {
  const explained = explainText(name);
  if ('problem' in explained) throw new Error(explained.problem);
  return explained.text;
}

describe('explainText', () => {
  test.each(NAMES)('%s: what it is, what it means and what to do, within the page and without gaps', (cause) => {
    const text = textOf(cause);
    expect(text.startsWith(`${cause}: ${CAUSES[cause].title}\n`)).toBe(true);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(CAUSES[cause].means);
    expect(text).toMatch(/^ {2}What to do: +\S/m);
    expect(text).not.toMatch(/[{}]|undefined|null/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(PAGE_WIDTH);
  });

  test('capitals do not matter', () => {
    expect(textOf('CRASHLOOP')).toBe(textOf('CrashLoop'));
  });

  test('without a cause, each is one line with its title', () => {
    const lines = textOf(null).split('\n');
    for (const cause of NAMES) {
      expect(lines.filter((line) => line.startsWith(`  ${cause} `))).toEqual([
        expect.stringContaining(CAUSES[cause].title),
      ]);
    }
  });

  test.each([
    ['CrashLop', 'no cause is named "CrashLop"; did you mean CrashLoop?'],
    ['CalicoUnauthorised', 'no cause is named "CalicoUnauthorised"; did you mean CalicoUnauthorized?'],
    ['constructor', 'no cause is named "constructor"; --explain without one lists them all'],
    ['', 'no cause is named ""; --explain without one lists them all'],
  ])('%j is no cause', (name, problem) => {
    expect(explainText(name)).toEqual({ problem });
  });
});
