import type { KubeObject } from '../objects.ts';
import { problemOfKey, problemOfValue } from './label-syntax.ts';

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

/** A selector, or why the server refuses it (a 400's message). */
export type Parsed = { readonly matches: (object: KubeObject) => boolean } | { readonly refused: string };

/** What the parser throws; the message is the server's. */
class Refused extends Error {}

const SIGNS: ReadonlySet<string> = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const OPERATORS: ReadonlySet<string> = new Set(['in', 'notin', '=', '==', '!=', '>', '<']);
const END = '';

/**
 * Splits a selector into its words and signs, the longest sign first; the last one is `END`. Two words need white space
 * between them, signs do not.
 */
function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  for (const [run] of text.matchAll(/[=!(),<>]+|[^\s=!(),<>]+/g)) {
    if (!/^[=!(),<>]/.test(run)) {
      tokens.push(run);
      continue;
    }
    for (let rest = run; rest !== ''; ) {
      const sign = SIGNS.has(rest.slice(0, 2)) ? rest.slice(0, 2) : rest.slice(0, 1);
      tokens.push(sign);
      rest = rest.slice(sign.length);
    }
  }
  return [...tokens, END];
}

function isWord(token: string): boolean {
  return token !== END && !SIGNS.has(token);
}

/**
 * Parses a label selector as the API server does, and refuses what it refuses in the same words
 * (`apimachinery/pkg/labels/selector.go`, v0.34).
 */
export function parseLabelSelector(text: string): Parsed {
  try {
    const requirements = requirementsOf(tokensOf(text));
    return { matches: (object) => requirements.every((meets) => meets(object.metadata.labels ?? {})) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  }
}

function requirementsOf(tokens: readonly string[]): readonly Requirement[] {
  const requirements: Requirement[] = [];
  let position = 0;
  const next = (): string => tokens[position] ?? END;
  const take = (): string => {
    const token = next();
    position += 1;
    return token;
  };
  const list = (): readonly string[] => {
    const values: string[] = [];
    for (;;) {
      const token = take();
      if (isWord(token)) {
        values.push(token);
        if (next() === ')') return values;
        if (next() !== ',') throw new Refused(`found '${next()}', expected: ',' or ')'`);
      } else if (token === ',') {
        // Nothing stands before, between or behind commas: the empty value.
        if (values.length === 0) values.push('');
        if (next() === ')') return [...values, ''];
        if (next() === ',') {
          take();
          values.push('');
        }
      } else throw new Refused(`found '${token}', expected: ',', or identifier`);
    }
  };
  const set = (): readonly string[] => {
    const opening = take();
    if (opening !== '(') throw new Refused(`found '${opening}' expected: '('`);
    if (next() === ')') {
      take();
      return [''];
    }
    if (!isWord(next()) && next() !== ',') throw new Refused(`found '${next()}', expected: ',', ')' or identifier`);
    const values = list();
    take();
    return values;
  };
  const exact = (): readonly string[] => {
    if (next() === END || next() === ',') return [''];
    const value = take();
    if (!isWord(value)) throw new Refused(`found '${value}', expected: identifier`);
    return [value];
  };
  const requirement = (): Requirement => {
    const isAbsent = next() === '!';
    if (isAbsent) take();
    const key = take();
    if (!isWord(key)) throw new Refused(`found '${key}', expected: identifier`);
    const problem = problemOfKey(key);
    if (problem !== null) throw new Refused(`<nil>: Invalid value: "${key}": ${problem}`);
    if (isAbsent) return (labels) => !(key in labels);
    if (next() === END || next() === ',') return (labels) => key in labels;
    const operator = take();
    if (!OPERATORS.has(operator)) {
      throw new Refused(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    return condition(key, operator, operator === 'in' || operator === 'notin' ? set() : exact());
  };

  for (;;) {
    const token = next();
    if (token === END) return requirements;
    if (!isWord(token) && token !== '!') {
      throw new Refused(`found '${token}', expected: !, identifier, or 'end of string'`);
    }
    try {
      requirements.push(requirement());
    } catch (error) {
      throw error instanceof Refused ? new Refused(`unable to parse requirement: ${error.message}`) : error;
    }
    const separator = take();
    if (separator === END) return requirements;
    if (separator !== ',') throw new Refused(`found '${separator}', expected: ',' or 'end of string'`);
    if (!isWord(next()) && next() !== '!') throw new Refused(`found '${next()}', expected: identifier after ','`);
  }
}

function condition(key: string, operator: string, values: readonly string[]): Requirement {
  const isOrder = operator === '>' || operator === '<';
  const sorted = [...new Set(values)].sort();
  sorted.forEach((value, index) => {
    if (isOrder && !/^[-+]?\d+$/.test(value)) {
      throw new Refused(
        `values[${index}]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
  });
  sorted.forEach((value, index) => {
    const problem = problemOfValue(value);
    if (problem !== null) throw new Refused(`values[${index}][${key}]: Invalid value: "${value}": ${problem}`);
  });
  switch (operator) {
    case '>':
      return (labels) => /^[-+]?\d+$/.test(labels[key] ?? '') && Number(labels[key]) > Number(sorted[0]);
    case '<':
      return (labels) => /^[-+]?\d+$/.test(labels[key] ?? '') && Number(labels[key]) < Number(sorted[0]);
    case '!=':
    case 'notin':
      return (labels) => !(key in labels) || !sorted.includes(labels[key] ?? '');
    default:
      return (labels) => key in labels && sorted.includes(labels[key] ?? '');
  }
}
