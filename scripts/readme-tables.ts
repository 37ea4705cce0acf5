/** The tables of the README, made from the contract and `rbac/`; `npm run docs` writes them, a test finds them out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadAllYaml } from '@kubernetes/client-node';
import { INPUTS, OUTPUTS } from '../src/contract.ts';

const README = new URL('../README.md', import.meta.url);

function inputsTable(): string {
  const rows = INPUTS.map(({ name, default: standIn, description }) => {
    const shown = standIn === '' ? 'empty' : `\`${standIn}\``;
    return `| \`${name}\` | ${shown} | ${cell(description)} |`;
  });
  return ['| input | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

function outputsTable(): string {
  const rows = OUTPUTS.map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`);
  return ['| output | value |', '|---|---|', ...rows].join('\n');
}

interface Role {
  readonly kind: string;
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** The modes of `rbac/`, each with what it adds to the one before. */
const MODES = ['observe', 'diagnose', 'restart'] as const;

function rulesTable(): string {
  const rows = MODES.flatMap((mode) => {
    const file = new URL(`../rbac/${mode}/${mode}.yaml`, import.meta.url);
    const roles = loadAllYaml(readFileSync(file, 'utf8')) as readonly Role[];
    return roles.flatMap(({ kind, rules = [] }) =>
      rules.map(({ apiGroups, resources, verbs }) => {
        const where = kind === 'ClusterRole' ? 'all namespaces' : "calico-node's namespace";
        const group = apiGroups.map((name) => (name === '' ? 'core' : name)).join(', ');
        return `| ${mode} | ${where} | ${group} | ${code(resources)} | ${code(verbs)} |`;
      }),
    );
  });
  return ['| mode | where | API group | resources | verbs |', '|---|---|---|---|---|', ...rows].join('\n');
}

function code(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}

/** `readme` with the tables between their markers made anew; throws when a marker is missing. */
export function withTables(readme: string): string {
  const tables = { rules: rulesTable(), inputs: inputsTable(), outputs: outputsTable() };
  return Object.entries(tables).reduce((text, [marker, table]) => between(text, marker, table), readme);
}

function between(text: string, marker: string, content: string): string {
  const begin = `<!-- ${marker} -->`;
  const end = `<!-- /${marker} -->`;
  const [before, rest] = split(text, begin);
  const [, after] = split(rest, end);
  return `${before}${begin}\n${content}\n${end}${after}`;
}

function split(text: string, marker: string): readonly [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`the README has no marker ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) writeFileSync(README, withTables(readFileSync(README, 'utf8')));
