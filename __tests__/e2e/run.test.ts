import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const RUN = fileURLToPath(new URL('../../e2e/run.ts', import.meta.url));

/** `node e2e/run.ts` as a user without any right, on a machine that has none of the programs it needs. */
function runBare(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const asNobody = ['--import', 'data:text/javascript,process.getuid = () => 65534'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...asNobody, RUN, ...args],
    { encoding: 'utf8', env: { PATH: '/nonexistent', ...env } },
  );
  return { status, stdout, lines: stderr.trimEnd().split('\n') };
}

describe('npm run e2e on a machine that cannot run a cluster', () => {
  test('says in one line what is missing and how to get it, and fails', () => {
    const { status, stdout, lines } = runBare();
    expect(lines).toEqual([expect.stringMatching(/^e2e: cannot do that here: .+ \(\d+ s\)$/)]);
    expect(lines[0]).toContain('namespaces and mounts need root (run it with sudo)');
    expect(lines[0]).toContain('Go 1.24 or newer is missing (see go.dev/doc/install)');
    expect(lines[0]).toMatch(/containerd, runc, .*missing \(apt-get install containerd runc /);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  test('names a subnet that is none', () => {
    expect(runBare([], { E2E_SUBNET: '10.99' }).lines[0]).toContain('E2E_SUBNET is 10.99; it begins addresses');
  });

  test('takes no cluster down without root', () => {
    const { status, lines } = runBare(['--down']);
    expect(lines).toEqual([expect.stringContaining('a cluster belongs to root (run it with sudo)')]);
    expect(status).toBe(1);
  });
});

describe('npm run e2e with options that make no sense', () => {
  test.each([
    [['--nodes', '0'], /--nodes is 0; it must be 1 to 9/],
    [['--nodes', '10'], /--nodes is 10; it must be 1 to 9/],
    [['--kubernetes', 'latest'], /--kubernetes is latest; it must be a version such as 1\.34\.4/],
    [['--bogus'], /--bogus/],
  ])('%j is refused before anything is made', (args, message) => {
    const { status, lines } = runBare(args);
    expect(lines.join('\n')).toMatch(message);
    expect(status).toBe(1);
  });

  test('a kubeconfig that is not there is named', () => {
    const { status, lines } = runBare([], { E2E_KUBECONFIG: '/nonexistent/kubeconfig' });
    expect(lines).toEqual([expect.stringContaining('the kubeconfig /nonexistent/kubeconfig is not there')]);
    expect(status).toBe(1);
  });
});

test('--help names every option', () => {
  const { status, stdout } = runBare(['--help']);
  for (const option of ['--keep', '--down', '--nodes', '--kubernetes', '--test-name', '--no-tests', '--report']) {
    expect(stdout).toContain(option);
  }
  expect(stdout).toContain('E2E_KUBECONFIG');
  expect(stdout).toContain('E2E_NODE_SHELL');
  expect(status).toBe(0);
});
