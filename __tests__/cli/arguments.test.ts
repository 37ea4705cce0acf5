import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseArguments } from '../../src/cli/arguments.ts';
import { INPUTS, type InputName } from '../../src/contract.ts';
import type { RawSettings } from '../../src/settings.ts';

function runOf(...argv: string[]) {
  const invocation = parseArguments(argv);
  if (invocation.command !== 'run') throw new Error(`${argv.join(' ')} is ${invocation.command}`);
  return invocation;
}

/** The inputs that a command line gives, without those that it leaves out. */
function inputsOf(...argv: string[]): Partial<RawSettings> {
  const { raw, problems } = runOf(...argv);
  expect(problems).toEqual([]);
  return Object.fromEntries(Object.entries(raw).filter(([, text]) => text !== ''));
}

describe('parseArguments: inputs', () => {
  test('nothing given is every input empty', () => {
    expect(runOf()).toEqual({
      command: 'run',
      raw: Object.fromEntries(INPUTS.map(({ name }) => [name, ''])),
      json: false,
      problems: [],
    });
  });

  test.each(INPUTS.filter(({ type }) => type !== 'boolean').map(({ name }) => name))(
    '--%s takes a value behind it or behind an equals sign',
    (name) => {
      expect(inputsOf(`--${name}`, 'a=b')).toEqual({ [name]: 'a=b' });
      expect(inputsOf(`--${name}=a=b`)).toEqual({ [name]: 'a=b' });
    },
  );

  test.each(INPUTS.filter(({ type }) => type === 'boolean').map(({ name }) => name))(
    '--%s stands for true, and takes false in two spellings',
    (name) => {
      expect(inputsOf(`--${name}`)).toEqual({ [name]: 'true' });
      expect(inputsOf(`--${name}=true`)).toEqual({ [name]: 'true' });
      expect(inputsOf(`--${name}=false`)).toEqual({ [name]: 'false' });
      expect(inputsOf(`--no-${name}`)).toEqual({ [name]: 'false' });
      expect(inputsOf(`--${name}=`)).toEqual({});
    },
  );

  test.each<[readonly string[], Partial<RawSettings>]>([
    [['--namespaces', 'shop', '--namespaces=web,api'], { namespaces: 'shop,web,api' }],
    [['--exclude-namespaces=a', '--exclude-namespaces=', '--exclude-namespaces=b'], { 'exclude-namespaces': 'a,b' }],
    [['--selector', 'app=shop', '--selector', '!canary'], { selector: 'app=shop,!canary' }],
    [['--fail-on=unhealthy', '--fail-on=inconclusive'], { 'fail-on': 'unhealthy,inconclusive' }],
    [['--timeout', '5m', '--timeout', '10m'], { timeout: '10m' }],
    [['--fail-fast', '--no-fail-fast'], { 'fail-fast': 'false' }],
    [['--min-pods', '-1'], { 'min-pods': '-1' }],
    [['--report-file=-'], { 'report-file': '-' }],
  ])('%j', (argv, expected) => {
    expect(inputsOf(...argv)).toEqual(expected);
  });

  test('every value gets through unchanged behind an equals sign', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        expect(runOf(`--context=${value}`)).toMatchObject({ raw: { context: value }, problems: [] });
      }),
    );
  });
});

describe('parseArguments: other commands', () => {
  test.each<[readonly string[], ReturnType<typeof parseArguments>]>([
    [['--help'], { command: 'help' }],
    [['-h'], { command: 'help' }],
    [['--timeout', '5m', '--no-such-flag', '--version', '--help'], { command: 'help' }],
    [['--version'], { command: 'version' }],
    [['--explain'], { command: 'explain', cause: null }],
    [['--explain', 'CrashLoop'], { command: 'explain', cause: 'CrashLoop' }],
    [['--explain=CrashLoop'], { command: 'explain', cause: 'CrashLoop' }],
  ])('%j', (argv, expected) => {
    expect(parseArguments(argv)).toEqual(expected);
  });

  test('--json asks for the report', () => {
    expect(runOf('--json', '--timeout=5m')).toMatchObject({ json: true, raw: { timeout: '5m' } });
  });
});

describe('parseArguments: misuse', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['--namespace', 'shop'], ['unknown flag "--namespace"; did you mean --namespaces?']],
    [['--namespace=shop'], ['unknown flag "--namespace"; did you mean --namespaces?']],
    [['-n', 'shop'], ['unknown flag "-n"; did you mean --namespaces?']],
    [['-timeout', '5m'], ['unknown flag "-timeout"; did you mean --timeout?']],
    [['-l', 'app=shop'], ['unknown flag "-l"; did you mean --selector?']],
    [['--frobnicate'], ['unknown flag "--frobnicate"']],
    [['--no-timeout'], ['unknown flag "--no-timeout"; did you mean --timeout?']],
    [['--constructor'], ['unknown flag "--constructor"']],
    [['--__proto__'], ['unknown flag "--__proto__"']],
    [['--timeout'], ['--timeout needs a value: --timeout=VALUE']],
    [['--timeout', '--json'], ['--timeout needs a value: --timeout=VALUE']],
    [['--no-fail-fast=true'], ['--no-fail-fast takes no value']],
    [['--json=yes'], ['--json takes no value']],
    [
      ['--fail-fast', 'false'],
      ['unexpected argument "false": everything is a flag, and a boolean takes its value as --flag=false'],
    ],
    [
      ['--', '--timeout'],
      ['unexpected argument "--timeout": everything is a flag, and a boolean takes its value as --flag=false'],
    ],
    [['--explain', 'CrashLoop', 'Failed'], ['--explain takes one cause, not "CrashLoop" and 1 more']],
    [
      ['--frob', '--timout=5m'],
      ['unknown flag "--frob"', 'unknown flag "--timout"; did you mean --timeout?'],
    ],
    [['-\u001b[31m'], ['unknown flag "-\\u{1b}[31m"']],
  ])('%j', (argv, problems) => {
    expect(runOf(...argv).problems).toEqual(problems);
  });

  test('inputs beside a mistake are still there to be checked', () => {
    expect(runOf('--frob', '--timeout=0').raw.timeout).toBe('0');
  });

  test.each([
    ['token: hunter2'],
    ['token: --hunter2'],
    ['apiVersion: v1 users: - name: a user: token: hunter2'],
    ['{"users": [{"token": "hunter2"}]}'],
  ])('of a kubeconfig that a shell split into words none is repeated: %s', (content) => {
    const problems = runOf('--kubeconfig', ...content.split(' ')).problems;
    expect(problems).toEqual(['the words behind --kubeconfig are not shown either, for they may be parts of it']);
  });

  test('of a kubeconfig without its flag nothing is repeated', () => {
    expect(runOf('apiVersion: v1\nusers: [{user: {token: hunter2}}]').problems).toEqual([
      expect.stringMatching(
        /^an argument is not shown: this is the content of a kubeconfig; .*, as --kubeconfig=PATH$/,
      ),
    ]);
  });

  test('answers to every command line without throwing', () => {
    const flag = fc.constantFrom<InputName | 'json' | 'no-fail-fast'>('timeout', 'fail-fast', 'json', 'no-fail-fast');
    const likely = fc.oneof(
      flag.map((name) => `--${name}`),
      fc.tuple(flag, fc.string()).map(([name, value]) => `--${name}=${value}`),
      fc.constantFrom('-', '--', '-h', '', '-5', '--='),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(likely, fc.string())), (argv) => {
        expect(['help', 'version', 'explain', 'run']).toContain(parseArguments(argv).command);
      }),
    );
  });
});
