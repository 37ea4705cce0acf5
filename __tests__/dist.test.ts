import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { transform } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const MAX_DIST_BYTES = 2 * 1024 * 1024;
const USAGE_ERROR = 64;

const bundle = readFileSync(join(DIST, 'index.js'), 'utf8');
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};

describe('dist', () => {
  test('has the action, the launcher of the command line, how to read them, and the licenses', () => {
    expect(readdirSync(DIST).sort()).toEqual(['cli.js', 'index.js', 'licenses.txt', 'package.json']);
  });

  test('is small enough to review and to download before every run', () => {
    const sizes = readdirSync(DIST).map((name) => statSync(join(DIST, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_DIST_BYTES);
  });

  test.each([ROOT, tmpdir(), homedir()])('holds no trace of where it was built: %s', (folder) => {
    expect(bundle).not.toContain(`${folder}/`);
  });

  test('is where action.yml and package.json say', () => {
    expect(readFileSync(join(ROOT, 'action.yml'), 'utf8')).toMatch(/^ {2}main: dist\/index\.js$/m);
    expect(existsSync(join(DIST, 'cli.js'))).toBe(true);
  });

  test('loading the bundle runs neither face', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', `require(${JSON.stringify(DIST)})`], {
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('licenses.txt', () => {
  interface Package {
    readonly name: string;
    readonly version: string;
    readonly dependencies?: Readonly<Record<string, string>>;
  }

  /** What packages in the bundle depend on for parts of them that are not in it; nor is it built into those that are. */
  const LEFT_OUT = [
    ...['@actions/exec', '@actions/http-client', '@types/js-yaml', '@types/node', '@types/stream-buffers', 'argparse'],
    ...['form-data', 'isomorphic-ws', 'jsonpath-plus', 'openid-client', 'stream-buffers', 'tar-fs', 'undici', 'ws'],
  ];

  // esbuild writes the path of each module above it.
  const folders = new Set(bundle.match(/(?<=^ *\/\/ )(?:\S+\/)?node_modules\/(?:@[^/\s]+\/)?[^/\s]+(?=\/)/gm));
  const packages = [...folders]
    .filter((folder) => !folder.startsWith('stand-in:'))
    .map((folder) => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Package);
  const [intro, ...sections] = readFileSync(join(DIST, 'licenses.txt'), 'utf8').split(`\n${'-'.repeat(80)}\n\n`);
  const titles = sections.map((section) => /^(\S+) (.+) \([^()]+\)\n\n/.exec(section)?.slice(1) ?? []);

  test('names every package in the bundle with its version, and no other but those built into one', () => {
    expect(intro).toContain('each under its own license');
    expect(packages.map(({ name }) => name)).toContain('@kubernetes/client-node');
    const versions = titles.filter(([, version]) => !version?.startsWith('in '));
    expect(versions).toEqual(packages.map(({ name, version }) => [name, version]).sort());
  });

  test('has the text of each license', () => {
    for (const section of sections)
      expect(section).toMatch(/\nPermission (?:is hereby granted|to use, copy)|Apache License\n/);
  });

  test('leaves out no dependency of a package in the bundle without somebody having looked', () => {
    const named = titles.map(([name]) => name);
    const needed = packages.flatMap(({ dependencies = {} }) => Object.keys(dependencies));
    expect([...new Set(needed)].filter((name) => !named.includes(name)).sort()).toEqual(LEFT_OUT);
  });
});

describe('the package for npm', () => {
  let folder: string;
  let unpacked: string;
  let packed: readonly string[];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pack-test-'));
    const report = execFileSync(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--no-update-notifier', '--pack-destination', folder],
      {
        cwd: ROOT,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const [{ filename, files }] = JSON.parse(report);
    packed = files.map(({ path }: { readonly path: string }) => path);
    execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder]);
    unpacked = join(folder, 'package');
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the command line of the package as an installed one runs: without the repository around it. */
  function cli(node: string, args: readonly string[]): { readonly status: number | null } & Record<string, unknown> {
    const { status, stdout, stderr } = spawnSync(node, args, { cwd: unpacked, encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  test('has what runs and what its user reads, and nothing else', () => {
    const entries = new Set(packed.map((path) => path.split('/')[0]));
    expect([...entries].sort()).toEqual(
      ['LICENSE', 'README.md', 'action.yml', 'dist', 'package.json', 'rbac', 'schema'].sort(),
    );
  });

  test('needs no other package', () => {
    expect(Object.keys(JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')))).not.toContain('dependencies');
  });

  test('runs from anywhere and knows its version', () => {
    expect(cli(process.execPath, ['dist/cli.js', '--version'])).toEqual({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^.*\\b${packageJson.version.replaceAll('.', '\\.')}\\n$`)),
      stderr: '',
    });
  });

  test('keeps its exit code when the reader of its output has left', async () => {
    const child = spawn(process.execPath, ['dist/cli.js', '--help'], {
      cwd: unpacked,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  describe('on a Node that is too old', () => {
    const pretend = (version: string): readonly string[] => {
      const file = join(folder, `node-${version}.cjs`);
      writeFileSync(
        file,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
      );
      return ['--require', file, 'dist/cli.js', '--version'];
    };
    const oneLine = (version: string): object => ({
      status: USAGE_ERROR,
      stdout: '',
      stderr: `calico-health-gate needs Node.js 22.19 or newer, and this is ${version}\n`,
    });

    test.each(['12.22.12', '20.20.2', '22.18.0'])('%s: says so in one line, exit code 64', (version) => {
      expect(cli(process.execPath, pretend(version))).toEqual(oneLine(version));
    });

    for (const [version, node] of oldNodesOfThisMachine()) {
      test(`${version} in ${node}, a real one: the same`, () => {
        expect(cli(node, ['dist/cli.js', '--version'])).toEqual(oneLine(version));
      });
    }

    test.each(['22.19.0', '23.0.0', '26.1.0'])('%s is not too old', (version) => {
      expect(cli(process.execPath, pretend(version))).toMatchObject({ status: 0, stderr: '' });
    });

    test('even the oldest can read the launcher', async () => {
      const launcher = readFileSync(join(unpacked, 'dist/cli.js'), 'utf8');
      await expect(transform(launcher, { target: 'es5' })).resolves.toMatchObject({ warnings: [] });
      await expect(transform('const tooNew = () => {};', { target: 'es5' })).rejects.toThrow('not supported yet');
    });

    test('the launcher demands what package.json declares', () => {
      const [major, minor] = packageJson.engines.node.match(/\d+/g) ?? [];
      expect(readFileSync(join(unpacked, 'dist/cli.js'), 'utf8')).toContain(`var OLDEST = [${major}, ${minor}];`);
    });
  });
});

/** Version and path of each Node before 22 that this machine has besides the one in `node_modules`. */
function oldNodesOfThisMachine(): readonly (readonly [version: string, path: string])[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const paths = folders.map((folder) => join(folder, 'node')).filter((path) => existsSync(path));
  return [...new Set(paths.map((path) => realpathSync(path)))]
    .map((path) => [execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim(), path] as const)
    .filter(([version]) => Number.parseInt(version, 10) < 22);
}
