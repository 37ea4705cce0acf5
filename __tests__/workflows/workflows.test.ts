import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = join(ROOT, '.github/workflows');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>> | string;
  readonly needs?: readonly string[];
  readonly uses?: string;
  readonly 'runs-on'?: string;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: string | Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly concurrency: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const NAMES = readdirSync(FOLDER);
const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const workflow = (name: string): Workflow => load(textOf(name)) as Workflow;
const jobsOf = (name: string): readonly (readonly [string, Job])[] => Object.entries(workflow(name).jobs);
const stepsOf = (name: string): readonly Step[] => jobsOf(name).flatMap(([, { steps = [] }]) => steps);
const commandsOf = (name: string): readonly string[] => stepsOf(name).flatMap(({ run = '' }) => run);
const trackedFiles = (...patterns: readonly string[]): readonly string[] =>
  execFileSync('git', ['ls-files', ...patterns], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n');

/** The only rights to write that a job has, each with the reason beside it in the workflow. */
const MAY_WRITE: Readonly<Record<string, readonly string[]>> = {
  'codeql.yml analyze': ['security-events'],
  'release.yml npm': ['id-token'],
  'release.yml publish': ['contents', 'id-token', 'attestations'],
};

/** What cannot give an outsider's code or text a token that writes, as `pull_request_target` and others can. */
const TRIGGERS = ['push', 'pull_request', 'schedule', 'workflow_call', 'workflow_dispatch'];

const PINNED = /^ *(?:- )?uses: ([\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/gmu;
const FROM_HERE = /^ *(?:- )?uses: \.\/.*$/gmu;

test('all workflows are looked at', () => {
  expect(NAMES).toEqual(expect.arrayContaining(['ci.yml', 'codeql.yml', 'dependency-review.yml', 'release.yml']));
  for (const name of NAMES) expect(name).toMatch(/\.yml$/u);
});

describe.each(NAMES)('%s', (name) => {
  test('takes the actions of others by commit only, and says which version that is', () => {
    const used = [...jobsOf(name).map(([, job]) => job), ...stepsOf(name)].filter(({ uses }) => uses !== undefined);
    expect(used.length).toBeGreaterThan(0);
    expect([...textOf(name).matchAll(PINNED), ...textOf(name).matchAll(FROM_HERE)]).toHaveLength(used.length);
  });

  test('starts from nothing that an outsider can use to get rights', () => {
    const { on } = workflow(name);
    expect(TRIGGERS).toEqual(expect.arrayContaining(typeof on === 'string' ? [on] : Object.keys(on)));
  });

  test('has no rights but those that a job names and needs', () => {
    expect(workflow(name).permissions).toEqual({});
    for (const [id, { permissions }] of jobsOf(name)) {
      expect(permissions).toEqual(expect.any(Object));
      const write = Object.entries(permissions ?? {}).filter(([, access]) => access !== 'read');
      expect(write).toEqual((MAY_WRITE[`${name} ${id}`] ?? []).map((right) => [right, 'write']));
    }
  });

  test('knows no secret', () => expect(textOf(name)).not.toMatch(/\bsecrets\b/u));

  test('pastes nothing into a script', () => {
    for (const command of commandsOf(name)) expect(command).not.toContain('${{');
    expect(textOf(name)).not.toContain('github-script');
  });

  test('leaves no token in the checkout', () => {
    for (const { uses, with: inputs } of stepsOf(name)) {
      if (uses?.startsWith('actions/checkout@')) expect(inputs).toMatchObject({ 'persist-credentials': false });
    }
  });

  test('ends by itself, on a machine whose image does not change to the next by itself', () => {
    expect(workflow(name).concurrency).toMatchObject({ group: expect.any(String) });
    for (const [, job] of jobsOf(name).filter(([, { uses }]) => uses === undefined)) {
      expect(job['timeout-minutes']).toBeLessThanOrEqual(90);
      expect(job['runs-on']).toBe('ubuntu-24.04');
    }
  });

  test('runs scripts that are there', () => {
    const commands = commandsOf(name).join('\n');
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly scripts: object };
    for (const [, script = ''] of commands.matchAll(/npm run (?:--silent )?([\w-]+)/gu)) {
      expect(Object.keys(scripts)).toContain(script);
    }
    for (const [path] of commands.matchAll(/\b(?:e2e|scripts)\/[\w/-]+\.sh\b/gu))
      accessSync(join(ROOT, path), constants.X_OK);
  });
});

test('an action has the same pin everywhere', () => {
  const pins = new Map<string, string>();
  for (const [, pin = ''] of NAMES.map(textOf).join('\n').matchAll(PINNED)) {
    const [action = ''] = pin.split('@');
    const repository = action.split('/').slice(0, 2).join('/');
    const commit = pin.slice(action.length);
    expect([repository, pins.get(repository) ?? commit]).toEqual([repository, commit]);
    pins.set(repository, commit);
  }
  expect(pins.size).toBeGreaterThan(5);
});

test('CI checks all that .ci/run checks', () => {
  const local = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  const scripts = [...local.matchAll(/npm (run --silent [\w-]+|test|ci)\b/gu)].map(([, script = '']) => script);
  const commands = commandsOf('ci.yml').join('\n');
  expect(scripts).toEqual(expect.arrayContaining(['ci', 'test', 'run --silent check-dist', 'run --silent e2e']));
  for (const script of scripts) expect(commands).toContain(`npm ${script.replace('--silent ', '')}`);
});

test('the review of packages looks at those that the bundle ships, which are all development dependencies', () => {
  expect(stepsOf('dependency-review.yml').at(-1)?.with).toMatchObject({
    'fail-on-scopes': expect.stringMatching(/\bdevelopment\b/u),
  });
});

describe('a release', () => {
  const { on, jobs } = workflow('release.yml');
  const publish = jobs.publish;

  test('comes from the tag of a version, after all checks', () => {
    expect(on).toEqual({ push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } });
    expect(jobs.ci?.uses).toBe('./.github/workflows/ci.yml');
    expect(publish).toMatchObject({ needs: ['version', 'ci'], environment: 'release' });
  });

  test('is attested before it is published', () => {
    const steps = (publish?.steps ?? []).map(({ uses, run }) => uses?.split('@')[0] ?? run);
    expect(steps).toEqual([
      'actions/checkout',
      'npm pack --ignore-scripts',
      'actions/attest',
      expect.stringContaining('scripts/release/publish.sh '),
    ]);
  });

  test('attests the files that run in a job, and those that npm gets', () => {
    const subjects = String(publish?.steps?.[2]?.with?.['subject-path']).trim().split('\n');
    const shipped = readdirSync(join(ROOT, 'dist')).filter((file) => file.endsWith('.js'));
    expect(subjects).toEqual([
      ...shipped
        .map((file) => `dist/${file}`)
        .sort()
        .reverse(),
      'calico-health-gate-*.tgz',
    ]);
  });

  test('goes to npm when it is published and locked, by a job that installs nothing and has no token of npm', () => {
    const { npm } = jobs;
    expect(npm).toMatchObject({ needs: 'publish', environment: 'release' });
    const steps = (npm?.steps ?? []).map(({ uses, run }) => uses?.split('@')[0] ?? run);
    expect(steps).toEqual([
      'actions/checkout',
      'actions/setup-node',
      expect.stringContaining('scripts/release/publish-npm.sh '),
    ]);
    expect(textOf('release.yml')).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN|registry-url/u);
  });

  test('names the repository that npm compares with the one of the workflow', () => {
    const { repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(repository).toEqual({
      type: 'git',
      url: 'git+https://github.com/calico-health-gate/calico-health-gate.git',
    });
  });

  test('never moves a tag, nor does anything else here', () => {
    const scripts = trackedFiles('*.sh').map((path) => readFileSync(join(ROOT, path), 'utf8'));
    const everything = [...NAMES.map(textOf), ...scripts].join('\n');
    expect(everything).not.toMatch(
      /git (?:tag|push|update-ref)\b|\bgit\/refs\b|--clobber|--cleanup-tag|gh release (?:delete|upload)/u,
    );
  });
});

describe('dependabot.yml', () => {
  interface Update {
    readonly 'package-ecosystem': string;
    readonly directory?: string;
    readonly directories?: readonly string[];
    readonly cooldown?: { readonly 'default-days': number };
    readonly groups?: object;
  }
  const { updates } = load(readFileSync(join(ROOT, '.github/dependabot.yml'), 'utf8')) as {
    readonly updates: readonly Update[];
  };
  const watched = updates.flatMap(({ 'package-ecosystem': ecosystem, directory, directories = [] }) =>
    [...directories, ...(directory === undefined ? [] : [directory])].map((folder) => `${ecosystem} ${folder}`),
  );

  test('looks after every place that pins versions', () => {
    const modules = trackedFiles('go.mod', '*/go.mod').map((path) => `gomod /${path.replace(/\/?go\.mod$/u, '')}`);
    const python = trackedFiles('*requirements.txt').map((path) => `pip /${path.replace(/\/requirements\.txt$/u, '')}`);
    expect(modules.length).toBeGreaterThan(2);
    expect([...watched].sort()).toEqual([...modules, ...python, 'npm /', 'github-actions /'].sort());
    for (const place of watched) expect(existsSync(join(ROOT, place.split(' ')[1] ?? ''))).toBe(true);
  });

  test.each(updates.map((update) => [`${update['package-ecosystem']} ${update.directory ?? ''}`, update] as const))(
    '%s waits a week with new versions, and proposes them together',
    (_name, { cooldown, groups }) => {
      expect(cooldown?.['default-days']).toBeGreaterThanOrEqual(7);
      expect(Object.keys(groups ?? {})).not.toEqual([]);
    },
  );
});
