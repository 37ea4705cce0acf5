import { parseArgs } from 'node:util';
import { INPUTS, type InputName, type InputSpec } from '../contract.ts';
import { looksLikeKubeconfigContent, PASTED_KUBECONFIG } from '../kubeconfig-path.ts';
import { quote } from '../printable.ts';
import type { RawSettings } from '../settings.ts';
import { nearest } from './nearest.ts';

/** What a command line asks for. */
export type Invocation =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  /** null: all causes. */
  | { readonly command: 'explain'; readonly cause: string | null }
  /** With `problems` it is a usage error; the inputs that were understood are there to be checked all the same. */
  | {
      readonly command: 'run';
      readonly raw: RawSettings;
      readonly json: boolean;
      readonly problems: readonly string[];
    };

/** Flags beside the inputs; only `--explain` may have a value, behind it or behind an equals sign. */
const OTHER_FLAGS = ['help', 'version', 'json', 'explain'] as const;

/** Flags of other tools that people type from habit. */
const HABITS: ReadonlyMap<string, string> = new Map([
  ['n', 'namespaces'],
  ['l', 'selector'],
  ['v', 'version'],
  ['A', 'namespaces (left out, it stands for all)'],
  ['all-namespaces', 'namespaces (left out, it stands for all)'],
  ['output', 'json'],
  ['o', 'json'],
]);

/** Inputs whose values add up when the flag is repeated; of any other flag the last one counts. */
const ADDS_UP: ReadonlySet<InputSpec['type']> = new Set(['namespaces', 'selector', 'verdicts']);

const SPECS: ReadonlyMap<string, (typeof INPUTS)[number]> = new Map(INPUTS.map((input) => [input.name, input]));

/** Negative numbers are values, for a better message than "a value is missing". */
const LOOKS_LIKE_A_FLAG = /^-(?!\d)/;

/**
 * Reads the arguments behind the program's name. Every input is a flag of the same name: `--flag value`,
 * `--flag=value`; booleans are `--flag`, `--no-flag` or `--flag=false`. `--help` wins over everything, then `--version`.
 */
export function parseArguments(argv: readonly string[]): Invocation {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(
        INPUTS.map(({ name, type }) => [name, { type: type === 'boolean' ? 'boolean' : 'string' }] as const),
      ),
      ...Object.fromEntries(OTHER_FLAGS.map((name) => [name, { type: 'boolean' }] as const)),
      help: { type: 'boolean', short: 'h' },
    },
  });

  const values = new Map<string, string[]>();
  const others = new Set<string>();
  const problems = new Map<number, string>();
  const positionals: string[] = [];
  const unknown = new Map<number, string>();

  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      positionals.push(token.value);
      continue;
    }
    const read = readOption(token.name, token.value, token.inlineValue === true);
    if ('flag' in read && token.value !== undefined) positionals.unshift(token.value);
    if ('input' in read) {
      values.set(read.input, [...(values.get(read.input) ?? []), read.text]);
    } else if ('flag' in read) {
      others.add(read.flag);
    } else if ('problem' in read) {
      problems.set(token.index, read.problem);
    } else {
      unknown.set(token.index, unknownFlag(argv[token.index] ?? token.rawName));
    }
  }
  // A shell has split the content of a kubeconfig into words: what follows may be a token, and is told by no name.
  const isSplit = (values.get('kubeconfig') ?? []).some(looksLikeKubeconfigContent);
  if (!isSplit) for (const [index, problem] of unknown) problems.set(index, problem);

  if (others.has('help')) return { command: 'help' };
  if (others.has('version')) return { command: 'version' };
  if (others.has('explain') && positionals.length <= 1 && problems.size === 0) {
    return { command: 'explain', cause: positionals[0] ?? null };
  }
  const all = [...problems].sort(([one], [other]) => one - other).map(([, problem]) => problem);
  // What follows an unknown flag is most likely its value.
  const isStray = positionals.length > 0 && unknown.size === 0 && !isSplit;
  if (isStray) all.push(strayArguments(positionals, others.has('explain')));
  else if (isSplit && positionals.length + unknown.size > 0) all.push(SPLIT);
  return { command: 'run', raw: rawSettings(values), json: others.has('json'), problems: all };
}

type ReadOption =
  | { readonly input: InputName; readonly text: string }
  | { readonly flag: string }
  | { readonly problem: string }
  | { readonly unknown: true };

function readOption(name: string, value: string | undefined, isInline: boolean): ReadOption {
  const spec = SPECS.get(name);
  if (spec !== undefined) {
    const input = spec.name;
    if (spec.type === 'boolean') return { input, text: value ?? 'true' };
    if (value === undefined || (!isInline && LOOKS_LIKE_A_FLAG.test(value))) {
      return { problem: `--${name} needs a value: --${name}=VALUE` };
    }
    return { input, text: value };
  }
  const negated = name.startsWith('no-') ? SPECS.get(name.slice('no-'.length)) : undefined;
  if (negated?.type === 'boolean') return isInline ? noValue(name) : { input: negated.name, text: 'false' };
  const flag = OTHER_FLAGS.find((other) => other === name);
  if (flag === undefined) return { unknown: true };
  return isInline && flag !== 'explain' ? noValue(name) : { flag };
}

function noValue(name: string): { readonly problem: string } {
  return { problem: `--${name} takes no value` };
}

function unknownFlag(typed: string): string {
  if (looksLikeKubeconfigContent(typed)) return PASTED_ARGUMENT;
  const flag = typed.split('=', 1)[0] ?? typed;
  const name = flag.replace(/^-+/, '');
  const meant = HABITS.get(name) ?? nearest(name, [...SPECS.keys(), ...OTHER_FLAGS]);
  return `unknown flag ${quote(flag)}${meant === null ? '' : `; did you mean --${meant}?`}`;
}

const PASTED_ARGUMENT = `an argument ${PASTED_KUBECONFIG}, as --kubeconfig=PATH`;
const SPLIT = 'the words behind --kubeconfig are not shown either, for they may be parts of it';

/** Only the first is shown, and not even that where it may hold credentials. */
function strayArguments(positionals: readonly string[], isExplain: boolean): string {
  const [first = ''] = positionals;
  if (looksLikeKubeconfigContent(first)) return PASTED_ARGUMENT;
  const more = positionals.length > 1 ? ` and ${positionals.length - 1} more` : '';
  if (isExplain) return `--explain takes one cause, not ${quote(first)}${more}`;
  return `unexpected argument ${quote(first)}${more}: everything is a flag, and a boolean takes its value as --flag=false`;
}

function rawSettings(values: ReadonlyMap<string, readonly string[]>): RawSettings {
  const entries = INPUTS.map(({ name, type }) => {
    const given = values.get(name) ?? [];
    return [name, ADDS_UP.has(type) ? given.filter((one) => one.trim() !== '').join(',') : (given.at(-1) ?? '')];
  });
  return Object.fromEntries(entries) as RawSettings;
}
