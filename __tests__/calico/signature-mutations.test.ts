/** The recorded texts say the same whatever the pod is called, whichever runtime wrapped them, and however they were pasted. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSandboxText } from '../../src/calico/signature.ts';
import { type TextPod, WRAPPERS } from './sandbox-texts.ts';

interface RecordedText {
  readonly text: string;
  readonly class: string;
  readonly reason: string;
}

const RECORDED: readonly RecordedText[] = readFileSync(
  new URL('../recordings/event-texts.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedText);
const ROWS = RECORDED.map((row, index) => [`${row.class} (${index + 1})`, row] as const);

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
/** DNS labels, among them names that are words of the failure itself. */
const label: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/),
  fc.constantFrom('unauthorized', 'plugin', 'calico', 'error-adding', 'for-sandbox', 'network', 'failed-add', 'k8s'),
);
const pod: fc.Arbitrary<TextPod> = fc.record({ namespace: label, name: label, uid: fc.uuid(), sandbox: hex(64) });

/** Pod and namespace wherever the runtimes' words have them. */
const PLACES = [
  /for pod "([a-z0-9-]+)"/,
  /(?:set up|teardown) pod \\?"([a-z0-9-]+)_([a-z0-9-]+)\\?"/,
  /k8s_([a-z0-9-]+)_([a-z0-9-]+)_/,
  /sandbox for pod "([a-z0-9-]+)_([a-z0-9-]+)\(/,
  /\[([a-z0-9-]+)\/([a-z0-9-]+)[:/]/,
];

function namesIn(text: string): readonly string[] {
  const names = PLACES.flatMap((place) => (place.exec(text) ?? []).slice(1));
  return [...new Set(names)];
}

function renamed(text: string, to: TextPod): string {
  const names = [to.name, to.namespace];
  return namesIn(text)
    .reduce((renaming, name, index) => renaming.replaceAll(name, names[index] ?? name), text)
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, to.uid)
    .replace(/\b[0-9a-f]{64}\b/g, to.sandbox);
}

test('most recorded texts name a pod, a sandbox or a uid', () => {
  const other: TextPod = {
    namespace: 'other',
    name: 'else',
    uid: '00000000-0000-4000-8000-000000000000',
    sandbox: 'f'.repeat(64),
  };
  expect(RECORDED.filter(({ text }) => renamed(text, other) !== text).length).toBeGreaterThan(30);
});

describe.each(ROWS)('%s', (_, { text, reason }) => {
  const original = readSandboxText(text, reason);

  test('is the same with another pod, uid and sandbox', () => {
    fc.assert(
      fc.property(pod, (other) => {
        expect(readSandboxText(renamed(text, other), reason).cause).toBe(original.cause);
      }),
    );
  });

  test('is the same when it was pasted', () => {
    const pastes: readonly ((copied: string) => string)[] = [
      (copied) => copied.replaceAll('"', '&quot;'),
      (copied) => copied.replaceAll('"', '”'),
      (copied) => copied.split('"').reduce((before, behind, index) => before + (index % 2 === 0 ? '”' : '“') + behind),
      (copied) => copied.replaceAll('"', '„'),
      (copied) => copied.replace(/[\\"]/g, '\\$&'),
      (copied) => `  ${copied}\r\n`,
    ];
    for (const paste of pastes) expect(readSandboxText(paste(text), reason)).toEqual(original);
  });

  test('is the same wherever its lines were broken', () => {
    const spaces = (text.match(/ /g) ?? []).length;
    const breaks = fc.array(fc.constantFrom(' ', ' ', '\n', '\n> ', '\t', '  ', '\r\n\t', '\n\n', ' \n>  > '), {
      minLength: spaces,
      maxLength: spaces,
    });
    fc.assert(
      fc.property(breaks, (places) => {
        const left = [...places];
        const broken = text.replace(/ /g, () => left.shift() ?? ' ');
        expect(readSandboxText(broken, reason)).toEqual(original);
      }),
    );
  });
});

describe('the first error of each recorded text', () => {
  // Without a wrapper of its own there is nothing that could be taken off and put around it again.
  const unwrappable = ROWS.map(([name, { text, reason }]) => ({ name, read: readSandboxText(text, reason) })).filter(
    ({ read }) =>
      read.verb !== null && (read.plugin === 'calico' || /ClusterInformation|calico\/node/.test(read.innerError)),
  );

  test.each(unwrappable)('$name says the same behind every other runtime', ({ read }) => {
    expect(unwrappable.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(pod, fc.constantFrom(...WRAPPERS.filter(({ prefixed }) => prefixed)), (other, { wrap, reason }) => {
        expect(readSandboxText(wrap(read.innerError, other), reason)).toMatchObject({
          cause: read.cause,
          plugin: 'calico',
          innerError: read.innerError,
        });
      }),
    );
  });
});
