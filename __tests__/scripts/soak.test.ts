import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '../..');

function soak(...args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const script = ['--disable-warning=ExperimentalWarning', 'scripts/soak.ts', ...args];
  return spawnSync(process.execPath, script, { cwd: ROOT, encoding: 'utf8' });
}

describe('npm run soak', () => {
  test('plays one seed again, with its story and what the gate told', () => {
    const { status, stdout } = soak('--seed', '3', '--kind', 'ordinary');
    expect(stdout).toMatch(/^seed 3: ordinary, /);
    expect(stdout).toContain('gate begins with {');
    expect(stdout).toContain('connected to https://simulator');
    expect(stdout).toMatch(/\n {6}1 {2}healthy\n/);
    expect(stdout).toMatch(/\n1 worlds from seed 3, 0 failed; 0 restarts\n$/);
    expect(status).toBe(0);
  });

  test('plays as many as it is asked to', () => {
    const { status, stdout } = soak('--from', '1', '--runs', '2', '--kind', 'veiled');
    expect(stdout).toMatch(/\n {6}2 {2}kind: veiled\n/);
    expect(stdout).toMatch(/\n2 worlds from seed 1, 0 failed; \d+ restarts\n$/);
    expect(status).toBe(0);
  });

  test.each([
    ['--runs', 'many', '--runs is no number: many'],
    ['--kind', 'odd', '--kind is none of ordinary, broken, restarts, troubled, veiled: odd'],
    ['--sead', '1', "Unknown option '--sead'"],
  ])('says how it is used when it is asked %s %s', (flag, value, problem) => {
    const { status, stdout, stderr } = soak(flag, value);
    expect(stderr).toContain(problem);
    expect(stderr).toContain('usage: npm run soak -- [options]');
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
  });
});
