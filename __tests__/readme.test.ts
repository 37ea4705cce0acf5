import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { withTables } from '../scripts/readme-tables.ts';
import { EXIT_CODES } from '../src/contract.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  test('has the tables of inputs and outputs that the contract makes (npm run docs)', () => {
    expect(withTables(readme)).toBe(readme);
  });

  test('shows the action in its present version, by a tag that never moves', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const used = [...readme.matchAll(/uses: calico-health-gate\/calico-health-gate@(\S+)/gu)].map(([, tag]) => tag);
    expect(new Set(used)).toEqual(new Set([`v${version}`]));
  });

  test('shows the file of that version for npx', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(readme).toContain(`/releases/download/v${version}/calico-health-gate-${version}.tgz`);
  });

  test('gives each verdict the exit code of the command line', () => {
    const rows = [...readme.matchAll(/^\| `(\w+)` \| .* \| (?:passes|fails) \| (\d+) \|$/gmu)];
    const { usage: _, ...verdicts } = EXIT_CODES;
    expect(Object.fromEntries(rows.map(([, verdict, code]) => [verdict, Number(code)]))).toEqual(verdicts);
  });
});
