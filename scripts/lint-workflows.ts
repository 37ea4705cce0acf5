import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** Which versions, and their checksums: `go.mod` and `go.sum` for Go, `requirements.txt` for Python. */
const PINS = join(ROOT, 'scripts/linters');

/** Exit status when a linter could not run here and the others found nothing: neither passed nor failed (as in automake). */
const SKIPPED = 77;

type Outcome = 'passed' | 'failed' | 'skipped';
type Need = 'Go' | 'Python';
type Command = readonly [program: string, ...args: string[]];

/** How to see that it is there. Debian has Python without venv, and without what venv needs. */
const NEEDS: Readonly<Record<Need, { readonly label: string; readonly trial: Command }>> = {
  Go: { label: 'Go', trial: ['go', 'version'] },
  Python: { label: 'Python 3 with venv', trial: ['python3', '-c', 'import ensurepip, venv'] },
};

/** Where the linters' programs are. */
interface Programs {
  readonly go: string;
  readonly python: string;
}

interface Linter {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly command: (programs: Programs) => Command;
}

const LINTERS: readonly Linter[] = [
  {
    name: 'actionlint',
    // shellcheck, which reads the scripts inside of workflows, comes with Python.
    needs: ['Go', 'Python'],
    command: ({ go, python }) => [join(go, 'actionlint'), '-shellcheck', join(python, 'shellcheck'), '-pyflakes='],
  },
  {
    name: 'zizmor',
    needs: ['Python'],
    // Offline: with a token it would ask GitHub, and its findings would change from day to day.
    command: ({ python }) => [
      join(python, 'zizmor'),
      '--offline',
      '--persona=auditor',
      '--strict-collection',
      '--no-progress',
      '--quiet',
      '.',
    ],
  },
  {
    name: 'shellcheck',
    needs: ['Python'],
    command: ({ python }) => [join(python, 'shellcheck'), '--external-sources', '.ci/run', ...shellScripts()],
  },
];

function run([program, ...args]: Command): boolean {
  return spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

function isThere(need: Need): boolean {
  const [program, ...args] = NEEDS[need].trial;
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function shellScripts(): readonly string[] {
  const { stdout } = spawnSync('git', ['ls-files', '-z', '*.sh'], { cwd: ROOT, encoding: 'utf8' });
  return stdout.split('\0').filter((path) => path !== '');
}

/** Installs what the linters are made of, below `folder`. What is handed out is checked against the checksums. */
function install(needs: ReadonlySet<Need>, folder: string): Programs | null {
  const programs = { go: join(folder, 'go'), python: join(folder, 'python/bin') };
  const commands: Command[] = [];
  if (needs.has('Go')) {
    commands.push(['go', '-C', PINS, 'build', '-o', `${programs.go}/`, 'github.com/rhysd/actionlint/cmd/actionlint']);
  }
  if (needs.has('Python')) {
    const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary=:all:', '--no-deps'];
    commands.push(['python3', '-m', 'venv', join(folder, 'python')]);
    commands.push([join(programs.python, 'python'), ...pip, '--requirement', join(PINS, 'requirements.txt')]);
  }
  return commands.every(run) ? programs : null;
}

function lint(linters: readonly Linter[], folder: string): readonly Outcome[] {
  const needs = new Set(linters.flatMap((linter) => linter.needs));
  const missing = [...needs].filter((need) => !isThere(need));
  const lacks = (linter: Linter): readonly Need[] => linter.needs.filter((need) => missing.includes(need));
  const runnable = linters.filter((linter) => lacks(linter).length === 0);
  const programs = install(new Set(runnable.flatMap((linter) => linter.needs)), folder);
  return linters.map((linter) => {
    const absent = lacks(linter);
    if (absent.length > 0)
      return tell(linter, 'skipped', `needs ${absent.map((need) => NEEDS[need].label).join(' and ')}`);
    if (programs === null) return tell(linter, 'failed', 'it could not be installed');
    return tell(linter, run(linter.command(programs)) ? 'passed' : 'failed');
  });
}

function tell({ name }: Linter, outcome: Outcome, why = ''): Outcome {
  process.stdout.write(`${name} ${outcome}${why && `: ${why}`}\n`);
  return outcome;
}

function main(names: readonly string[]): number {
  const unknown = names.filter((name) => LINTERS.every((linter) => linter.name !== name));
  if (unknown.length > 0) {
    process.stderr.write(`usage: npm run lint-workflows -- [${LINTERS.map(({ name }) => name).join('|')} ...]\n`);
    return 64;
  }
  const folder = mkdtempSync(join(tmpdir(), 'lint-workflows-'));
  try {
    const outcomes = lint(
      LINTERS.filter(({ name }) => names.length === 0 || names.includes(name)),
      folder,
    );
    if (outcomes.includes('failed')) return 1;
    return outcomes.includes('skipped') ? SKIPPED : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = main(process.argv.slice(2));
