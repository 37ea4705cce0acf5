import { describe, expect, test } from '@jest/globals';
import { parseArguments } from '../../src/cli/arguments.ts';
import { PAGE_WIDTH } from '../../src/cli/columns.ts';
import { helpText } from '../../src/cli/help.ts';
import { INPUTS } from '../../src/contract.ts';
import { parseSettings } from '../../src/settings.ts';

const help = helpText();

/** The arguments of an example, without a shell: quotes keep words together, a redirection ends them. */
function argumentsOf(command: string): readonly string[] {
  const [given = ''] = command.split(' > ');
  return [...given.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '').slice(1);
}

const examples = [...help.matchAll(/^ {2}(calico-health-gate --(?!explain \[).+)$/gm)].map(
  ([, command = '']) => command,
);

describe('--help', () => {
  test.each(INPUTS.map((input) => [input.name, input] as const))('lists --%s with its default', (name, input) => {
    const flag = input.type === 'boolean' ? `--[no-]${name}` : `--${name}`;
    expect(help).toContain(`\n  ${flag} `);
    if (input.default !== '') expect(help.replaceAll(/\s+/g, ' ')).toContain(`[default: ${input.default}]`);
  });

  test.each(['--json', '--explain', '--version', '--help'])('lists %s', (flag) => {
    expect(help).toMatch(new RegExp(`^ +(-h, )?${flag}`, 'm'));
  });

  test.each([0, 1, 2, 64])('says what exit code %i means', (code) => {
    expect(help).toMatch(new RegExp(`^ {2}${code} +\\S`, 'm'));
  });

  test('fits its page and has no white space at the end of a line', () => {
    for (const line of help.split('\n')) {
      expect(line.length).toBeLessThanOrEqual(PAGE_WIDTH);
      expect(line).not.toMatch(/\s$/);
    }
  });

  test('has several examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(4);
  });

  test.each(examples)('the example %s works as it stands', (command) => {
    const invocation = parseArguments(argumentsOf(command));
    if (invocation.command !== 'run') {
      expect(invocation.command).toBe('explain');
      return;
    }
    expect(invocation.problems).toEqual([]);
    expect(parseSettings(invocation.raw)).toMatchObject({ warnings: [] });
  });
});
