/** The tables of the README, made from the contract; `npm run docs` writes them, a test finds them out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { INPUTS, OUTPUTS } from '../src/contract.ts';

const README = new URL('../README.md', import.meta.url);

export function inputsTable(): string {
  const rows = INPUTS.map(({ name, default: standIn, description }) => {
    const shown = standIn === '' ? 'empty' : `\`${standIn}\``;
    return `| \`${name}\` | ${shown} | ${cell(description)} |`;
  });
  return ['| input | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

export function outputsTable(): string {
  const rows = OUTPUTS.map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`);
  return ['| output | value |', '|---|---|', ...rows].join('\n');
}

/** `readme` with the tables between their markers made anew; throws when a marker is missing. */
export function withTables(readme: string): string {
  return between(between(readme, 'inputs', inputsTable()), 'outputs', outputsTable());
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
