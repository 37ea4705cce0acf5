import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type StandIns, standIns } from './stand-ins.ts';

const SCRIPTS = resolve(import.meta.dirname, '../../scripts/release');

let programs: StandIns;
beforeEach(() => {
  programs = standIns();
});
afterEach(() => programs.remove());

describe('check-tag.sh', () => {
  const git = (...args: readonly string[]): void => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b.example', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...identity, ...args], { cwd: programs.folder, stdio: 'ignore' });
  };

  /** A repository with this version, whose main ends in the commit that is checked out. */
  const aRepository = (version: string, locked = version): void => {
    mkdirSync(join(programs.folder, 'scripts'));
    cpSync(SCRIPTS, join(programs.folder, 'scripts/release'), { recursive: true });
    writeFileSync(join(programs.folder, 'package.json'), JSON.stringify({ version }));
    writeFileSync(join(programs.folder, 'package-lock.json'), JSON.stringify({ version: locked }));
    git('init', '--quiet');
    git('add', 'package.json');
    git('commit', '--quiet', '--message', 'one');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  };
  const check = (tag: string) => programs.run([join(programs.folder, 'scripts/release/check-tag.sh'), tag]);

  test('takes the tag of the version on main', () => {
    aRepository('1.2.3');
    expect(check('v1.2.3')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['v1.2.4', '1.2.3', '1.2.3', 'package.json has version 1.2.3; change it on main and tag that commit as v1.2.3'],
    ['1.2.3', '1.2.3', '1.2.3', 'package.json has version 1.2.3'],
    ['v1', '1.2.3', '1.2.3', 'package.json has version 1.2.3'],
    ['v1.2.3', '1.2.3', '1.2.2', 'package-lock.json has version 1.2.2; run npm install and commit'],
  ])('refuses %s where package.json has %s and the lock file %s', (tag, version, locked, problem) => {
    aRepository(version, locked);
    expect(check(tag)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`cannot release ${tag}: ${problem}`),
    });
  });

  test('refuses a commit that is not on main', () => {
    aRepository('1.2.3');
    git('commit', '--quiet', '--allow-empty', '--message', 'two');
    expect(check('v1.2.3')).toMatchObject({ status: 1, stderr: expect.stringContaining('its commit is not on main') });
  });

  test('says all problems at once', () => {
    aRepository('1.2.3', '1.2.2');
    git('commit', '--quiet', '--allow-empty', '--message', 'two');
    expect(check('v2.0.0').stderr.trim().split('\n')).toHaveLength(3);
  });
});

describe('publish.sh', () => {
  /** gh where the tag is at `commit`, and a release can be verified at the n-th try. */
  const gh = (commit: string, verifiedAt: number): void => {
    programs.add('sleep', '');
    programs.add(
      'gh',
      `case "$1 $2" in
         api*) echo ${commit} ;;
         'release verify') echo x >>"$FOLDER/tries"; [[ $(wc -l <"$FOLDER/tries") -ge ${verifiedAt} ]] ;;
       esac`,
    );
  };
  const publish = () =>
    programs.run([join(SCRIPTS, 'publish.sh'), 'v1.2.3', 'c0ffee', 'gate.tgz'], { env: { GITHUB_REPOSITORY: 'o/r' } });

  test('uploads to a draft, publishes it, and sees that it is locked', () => {
    gh('c0ffee', 1);
    expect(publish().status).toBe(0);
    expect(programs.calls()).toEqual([
      'gh api repos/o/r/commits/tags/v1.2.3 --jq .sha',
      'gh release create v1.2.3 --draft --verify-tag --title v1.2.3 --generate-notes gate.tgz',
      'gh release edit v1.2.3 --draft=false',
      'gh release verify v1.2.3',
    ]);
  });

  test('waits for the attestation of the lock', () => {
    gh('c0ffee', 3);
    expect(publish().status).toBe(0);
    expect(programs.calls().slice(-4)).toEqual([
      'sleep 5',
      'gh release verify v1.2.3',
      'sleep 10',
      'gh release verify v1.2.3',
    ]);
  });

  test('publishes nothing when the tag was moved after the checks', () => {
    gh('decaf', 1);
    expect(publish()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('it is at decaf now, and c0ffee was checked'),
    });
    expect(programs.calls()).toHaveLength(1);
  });

  test('fails when the release is not locked, and says what to do', () => {
    gh('c0ffee', 99);
    expect(publish()).toMatchObject({ status: 1, stderr: expect.stringContaining('enable release immutability') });
  });

  test('publishes nothing without a file', () => {
    gh('c0ffee', 1);
    const env = { GITHUB_REPOSITORY: 'o/r' };
    expect(programs.run([join(SCRIPTS, 'publish.sh'), 'v1.2.3', 'c0ffee'], { env }).status).not.toBe(0);
    expect(programs.calls()).toEqual([]);
  });
});

describe('publish-npm.sh', () => {
  const publish = () =>
    programs.run([join(SCRIPTS, 'publish-npm.sh'), 'v1.2.3'], { env: { GITHUB_REPOSITORY: 'o/r' } });
  const npm = (known: string): void => programs.add('npm', `if [[ $1 == view ]]; then ${known}; fi`);

  test.each([
    ['knows other versions only', 'true'],
    ['does not know the package', 'echo E404 >&2; exit 1'],
  ])('publishes the very file of the release, with provenance, where npm %s', (_, known) => {
    programs.add('gh', '');
    npm(known);
    expect(publish().status).toBe(0);
    expect(programs.calls()).toEqual([
      'npm view calico-health-gate@1.2.3 version',
      'gh release download v1.2.3 --pattern calico-health-gate-1.2.3.tgz',
      'gh release verify-asset v1.2.3 calico-health-gate-1.2.3.tgz',
      'npm publish ./calico-health-gate-1.2.3.tgz --provenance --access public --ignore-scripts',
    ]);
  });

  test('publishes nothing that the release does not vouch for', () => {
    programs.add('gh', '[[ $2 != verify-asset ]]');
    npm('true');
    expect(publish().status).not.toBe(0);
    expect(programs.calls().at(-1)).toContain('verify-asset');
  });

  test('leaves a version alone that is there: the job was run again', () => {
    programs.add('gh', '');
    npm('echo 1.2.3');
    expect(publish()).toMatchObject({ status: 0, stdout: 'calico-health-gate@1.2.3 is on npm already\n' });
    expect(programs.calls()).toHaveLength(1);
  });
});
