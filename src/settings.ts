import { INPUTS, type InputName, type InputSpec, type Verdict } from './contract.ts';
import { parseDuration } from './duration.ts';
import {
  looksLikeKubeconfigContent,
  PASTED_KUBECONFIG,
  unreadableKubeconfig,
  type WhyUnreadable,
} from './kubeconfig-path.ts';
import { isNamespaceName } from './label-syntax.ts';
import { quote } from './printable.ts';
import { parseSelector, type Selector } from './selector.ts';
import { TIMING } from './timing.ts';

/** What a run is asked to do: every input of the contract, parsed and consistent. */
export interface Settings {
  /** A path; null: look in the usual places. */
  readonly kubeconfig: string | null;
  /** null: the kubeconfig's current context. */
  readonly context: string | null;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly excludeNamespaces: readonly string[];
  /** null: every pod. */
  readonly selector: Selector | null;
  /** As it was typed, for people; empty where `selector` is null. */
  readonly selectorText: string;
  readonly timeoutMs: number;
  readonly stableForMs: number;
  readonly stuckAfterMs: number;
  readonly minPods: number;
  readonly failFast: boolean;
  readonly restartCalicoNode: boolean;
  readonly maxNodeRestarts: number;
  readonly restartTimeoutMs: number;
  /** null: find it. */
  readonly calicoNamespace: string | null;
  /** Empty for `none`; never `healthy`. */
  readonly failOn: readonly Verdict[];
  /** null: the default of the face (the action has one, the command line writes none). */
  readonly reportFile: string | null;
  readonly jobSummary: boolean;
}

/** Every input as text, as a runner or a command line gives it; empty stands for the default. */
export type RawSettings = Readonly<Record<InputName, string>>;

export type ParsedSettings =
  | { readonly settings: Settings; readonly warnings: readonly string[] }
  | { readonly problems: readonly string[] };

/** A value, or what is wrong with the text, worded to stand behind the input's name. */
type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** Three retries of the kubelet for a pod without a sandbox (11-15 s apart): a cure may show only then. */
const LEAST_RESTART_TIMEOUT_MS = 45_000;

/** More wrong entries of one list than this are not repeated. */
const SHOWN_ENTRIES = 3;

/** `healthy` is no reason to fail. */
const FAILING_VERDICTS: readonly string[] = ['unhealthy', 'inconclusive'] satisfies readonly Verdict[];

/**
 * Reads all inputs and checks each of them and how they fit together; pure. Either the settings, with warnings about
 * what is allowed but hardly meant, or all problems: one sentence each that names the input, shows its value (at most
 * 80 printable characters, and never what looks like the content of a kubeconfig) and says what is allowed.
 */
export function parseSettings(raw: RawSettings): ParsedSettings {
  const problems = new Map<InputName, string>();

  const read = <T>(name: InputName, parse: (text: string) => Parsed<T>): T => {
    const parsed = parse(textOf(raw, name));
    if ('value' in parsed) return parsed.value;
    const { allowed, default: standIn } = specOf(name);
    problems.set(name, `\`${name}\` ${parsed.problem}; allowed: ${allowed}`);
    // The settings are thrown away with the problem, but the other inputs are still to be looked at.
    const fallback = parse(standIn);
    if ('value' in fallback) return fallback.value;
    throw new Error(`the default of ${name} ${fallback.problem}`);
  };

  const settings: Settings = {
    kubeconfig: read('kubeconfig', parseKubeconfig),
    context: read('context', parseLine),
    namespaces: read('namespaces', parseNamespaces),
    excludeNamespaces: read('exclude-namespaces', parseNamespaces),
    selector: read('selector', parseOptionalSelector),
    selectorText: textOf(raw, 'selector'),
    timeoutMs: read('timeout', parseTimeout),
    stableForMs: read('stable-for', parseDurationInput),
    stuckAfterMs: read('stuck-after', parseDurationInput),
    minPods: read('min-pods', parseCount),
    failFast: read('fail-fast', parseBoolean),
    restartCalicoNode: read('restart-calico-node', parseBoolean),
    maxNodeRestarts: read('max-node-restarts', parseCount),
    restartTimeoutMs: read('restart-timeout', parseDurationInput),
    calicoNamespace: read('calico-namespace', parseOptionalNamespace),
    failOn: read('fail-on', parseFailOn),
    reportFile: read('report-file', parseLine),
    jobSummary: read('job-summary', parseBoolean),
  };
  const all = [...problems.values(), ...conflicts(raw, settings, (name) => !problems.has(name))];
  return all.length > 0 ? { problems: all } : { settings, warnings: warningsAbout(settings) };
}

/**
 * `parseSettings`, and whether the kubeconfig can be read: what both faces call. `whyUnreadable` is the only I/O and
 * is asked only about a `kubeconfig` that may be a path.
 */
export function readSettings(raw: RawSettings, whyUnreadable: WhyUnreadable): ParsedSettings {
  const parsed = parseSettings(raw);
  const unreadable = unreadableKubeconfig(textOf(raw, 'kubeconfig'), whyUnreadable);
  if (unreadable === null) return parsed;
  return { problems: [unreadable, ...('problems' in parsed ? parsed.problems : [])] };
}

/** All problems as one message of one line, for an annotation, an output or an error. */
export function describeProblems(problems: readonly string[]): string {
  if (problems.length <= 1) return `bad input: ${problems[0] ?? 'unknown'}`;
  return `bad input, ${problems.length} problems: ${problems.map((problem, index) => `(${index + 1}) ${problem}`).join('; ')}`;
}

/** The text of an input as it counts: without white space around it, the default where nothing is left. */
function textOf(raw: RawSettings, name: InputName): string {
  return raw[name].trim() || specOf(name).default;
}

function specOf(name: InputName): InputSpec {
  const spec = INPUTS.find((input) => input.name === name);
  if (spec === undefined) throw new Error(`no input is named ${name}`);
  return spec;
}

/** What does not fit together, of inputs that are `fine` by themselves. */
function conflicts(raw: RawSettings, settings: Settings, fine: (name: InputName) => boolean): readonly string[] {
  const found: string[] = [];
  if (textOf(raw, 'namespaces') !== '' && textOf(raw, 'exclude-namespaces') !== '') {
    found.push(
      `\`exclude-namespaces\` is ${quote(textOf(raw, 'exclude-namespaces'))} together with \`namespaces\` ${quote(textOf(raw, 'namespaces'))}; allowed: one of the two, for namespaces are left out only when all are judged`,
    );
  }
  if (fine('timeout') && fine('stable-for') && settings.stableForMs >= settings.timeoutMs) {
    found.push(
      `\`stable-for\` is ${shownOf(raw, 'stable-for')} with \`timeout\` ${shownOf(raw, 'timeout')}; allowed: ${specOf('stable-for').allowed}`,
    );
  }
  return found;
}

/** Says so where a value is the default: nobody looks for a mistake in an input that was not set. */
function shownOf(raw: RawSettings, name: InputName): string {
  const text = textOf(raw, name);
  return text === specOf(name).default ? `${quote(text)} (the default)` : quote(text);
}

function warningsAbout(settings: Settings): readonly string[] {
  if (!settings.restartCalicoNode) return [];
  const warnings: string[] = [];
  if (settings.restartTimeoutMs < LEAST_RESTART_TIMEOUT_MS) {
    warnings.push(
      'restart-timeout is below 45s, the time of three attempts of the kubelet: a cure may be missed and the restart called in vain',
    );
  }
  if (settings.timeoutMs <= Math.min(settings.restartTimeoutMs, TIMING.leastTimeForRestartMs)) {
    warnings.push('timeout is so short that no restart of calico-node can begin: give it minutes');
  }
  return warnings;
}

function parseKubeconfig(text: string): Parsed<string | null> {
  return looksLikeKubeconfigContent(text) ? { problem: PASTED_KUBECONFIG } : parseLine(text);
}

/** Any text without control characters; null for none. */
function parseLine(text: string): Parsed<string | null> {
  if (text === '') return { value: null };
  return /\p{Cc}/u.test(text) ? { problem: `is ${quote(text)}` } : { value: text };
}

function parseDurationInput(text: string): Parsed<number> {
  const value = parseDuration(text);
  return value === null ? { problem: `is ${quote(text)}` } : { value };
}

function parseTimeout(text: string): Parsed<number> {
  const parsed = parseDurationInput(text);
  return 'value' in parsed && parsed.value === 0 ? { problem: `is ${quote(text)}` } : parsed;
}

/** Digits only: `parseInt('10s')` would be 10. */
function parseCount(text: string): Parsed<number> {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? { value } : { problem: `is ${quote(text)}` };
}

/** As YAML 1.2's core schema writes booleans, and as the runner's own toolkit reads them. */
function parseBoolean(text: string): Parsed<boolean> {
  if (/^(?:true|True|TRUE)$/.test(text)) return { value: true };
  if (/^(?:false|False|FALSE)$/.test(text)) return { value: false };
  return { problem: `is ${quote(text)}` };
}

function entriesOf(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((entry) => entry !== ''))];
}

function parseNamespaces(text: string): Parsed<readonly string[]> {
  const entries = entriesOf(text);
  const wrong = entries.filter((entry) => !isNamespaceName(entry));
  return wrong.length === 0 ? { value: entries } : { problem: `has ${shortList(wrong)}` };
}

function shortList(entries: readonly string[]): string {
  const shown = entries.slice(0, SHOWN_ENTRIES).map(quote).join(', ');
  return entries.length > SHOWN_ENTRIES ? `${shown} and ${entries.length - SHOWN_ENTRIES} more` : shown;
}

function parseOptionalNamespace(text: string): Parsed<string | null> {
  if (text === '') return { value: null };
  return isNamespaceName(text) ? { value: text } : { problem: `is ${quote(text)}` };
}

function parseOptionalSelector(text: string): Parsed<Selector | null> {
  if (text === '') return { value: null };
  const parsed = parseSelector(text);
  return 'selector' in parsed ? { value: parsed.selector } : { problem: `is ${quote(text)}: ${parsed.problem}` };
}

function parseFailOn(text: string): Parsed<readonly Verdict[]> {
  const entries = entriesOf(text);
  if (entries.length === 1 && entries[0] === 'none') return { value: [] };
  const value = entries.filter(isFailing);
  const isComplete = value.length === entries.length && entries.length > 0;
  return isComplete ? { value } : { problem: `is ${quote(text)}` };
}

function isFailing(entry: string): entry is Verdict {
  return FAILING_VERDICTS.includes(entry);
}
