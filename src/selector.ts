import { isLabelKey, isLabelValue } from './label-syntax.ts';
import { quote } from './printable.ts';

/** One condition on the labels; `values` has one or more, without repetition. `a=b` is `in` with one value. */
export type Requirement =
  | { readonly key: string; readonly operator: 'in' | 'notin'; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: 'exists' | 'absent' };

/** A label selector: labels match when they meet every requirement. */
export type Selector = readonly Requirement[];

type Parsed<T> = T | { readonly problem: string };

/** A comma that no closing bracket follows without an opening one: it separates requirements, not values. */
const BETWEEN_REQUIREMENTS = /,(?![^(]*\))/;
const ABSENT = /^!\s*(?<key>[^\s=!(),<>]+)$/;
const EXISTS = /^(?<key>[^\s=!(),<>]+)$/;
const EQUALITY = /^(?<key>[^\s=!(),<>]+)\s*(?<operator>==|=|!=)\s*(?<value>[^\s=!(),<>]*)$/;
const SET = /^(?<key>[^\s=!(),<>]+)\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$/;

/**
 * Reads a label selector with the grammar of the API server (`labels.Parse` in apimachinery/pkg/labels/selector.go):
 * `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas, white space between words and
 * signs. Keys and values must have the syntax of labels; a value may be empty. The numeric `<` and `>` are left out:
 * they are neither equality- nor set-based. `problem` says which part is wrong.
 */
export function parseSelector(text: string): { readonly selector: Selector } | { readonly problem: string } {
  const selector: Requirement[] = [];
  for (const part of text.split(BETWEEN_REQUIREMENTS)) {
    const requirement = parseRequirement(part.trim());
    if ('problem' in requirement) return requirement;
    selector.push(requirement);
  }
  return { selector };
}

function parseRequirement(text: string): Parsed<Requirement> {
  if (text === '') return { problem: 'a requirement is missing beside a comma' };
  const match = ABSENT.exec(text) ?? EXISTS.exec(text) ?? EQUALITY.exec(text) ?? SET.exec(text);
  if (match === null) return { problem: `${quote(text)} is no requirement` };
  const { key = '', operator, value, values } = match.groups ?? {};
  if (!isLabelKey(key)) return { problem: `${quote(key)} is no label key` };
  if (operator === undefined) return { key, operator: text.startsWith('!') ? 'absent' : 'exists' };
  if (values?.trim() === '') return { problem: `${quote(text)} has no value between its brackets` };
  const listed = value === undefined ? (values ?? '').split(',').map((one) => one.trim()) : [value];
  const wrong = listed.find((one) => !isLabelValue(one));
  if (wrong !== undefined) return { problem: `${quote(wrong)} is no label value` };
  return { key, operator: operator === '!=' || operator === 'notin' ? 'notin' : 'in', values: [...new Set(listed)] };
}

/**
 * The selector as the API server's `labelSelector` parameter takes it (not yet URL-encoded), in one spelling:
 * `a=b,c!=d,e in (f,g),h,!i`. `parseSelector` of it gives the same selector.
 */
export function formatSelector(selector: Selector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement(requirement: Requirement): string {
  switch (requirement.operator) {
    case 'exists':
      return requirement.key;
    case 'absent':
      return `!${requirement.key}`;
    case 'in':
    case 'notin': {
      const [only = '', ...others] = requirement.values;
      if (others.length === 0) return `${requirement.key}${requirement.operator === 'in' ? '=' : '!='}${only}`;
      return `${requirement.key} ${requirement.operator} (${requirement.values.join(',')})`;
    }
  }
}

/**
 * Whether labels meet every requirement, as the API server decides it (`Requirement.Matches`): `notin` and `!=` also
 * match where the label is absent; the empty selector matches everything.
 */
export function matchesSelector(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every((requirement) => meets(requirement, labels));
}

function meets(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case 'notin':
      return value === undefined || !requirement.values.includes(value);
  }
}
