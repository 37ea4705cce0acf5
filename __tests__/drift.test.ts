import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { loadYaml } from '@kubernetes/client-node';
import { INPUTS, OUTPUTS } from '../src/contract.ts';
import { emptyOutputs } from '../src/report/outputs.ts';

interface ActionFile {
  readonly inputs: Readonly<
    Record<string, { readonly description: string; readonly required?: boolean; readonly default?: unknown }>
  >;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
}

const action = loadYaml<ActionFile>(readFileSync(new URL('../action.yml', import.meta.url), 'utf8'));

describe('action.yml', () => {
  test('declares the inputs of the contract, in its order, and no others', () => {
    expect(Object.keys(action.inputs)).toEqual(INPUTS.map(({ name }) => name));
  });

  test.each(INPUTS.map((input) => [input.name, input] as const))('describes %s as the contract does', (name, input) => {
    expect(action.inputs[name]).toEqual({ description: input.description, required: false, default: input.default });
  });

  test('declares the outputs of the contract, in its order, and no others', () => {
    expect(Object.keys(action.outputs)).toEqual(OUTPUTS.map(({ name }) => name));
  });

  test.each(OUTPUTS.map((output) => [output.name, output] as const))('describes the output %s', (name, output) => {
    expect(action.outputs[name]).toEqual({ description: output.description });
  });
});

describe('the contract', () => {
  test('every declared output is set before anything is known', () => {
    expect(Object.keys(emptyOutputs('inconclusive', 'cancelled')).sort()).toEqual(
      OUTPUTS.map(({ name }) => name).sort(),
    );
  });

  test('what people read about an input is one line without a full stop at its end', () => {
    for (const { description, allowed } of INPUTS) {
      for (const text of [description, allowed]) expect(text).toMatch(/^[^\p{Cc}]*[^.\s]$/u);
    }
  });
});
