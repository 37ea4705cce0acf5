import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  cap,
  clean,
  codeBlock,
  field,
  logLine,
  markdown,
  printable,
  printableJson,
  prose,
} from '../../src/report/untrusted.ts';
import { hostile } from './hostile.ts';
import { commandsIn } from './runner-grammar.ts';

describe('logLine', () => {
  test('the oracle sees the commands that the defence is for', () => {
    expect(commandsIn('  ::error::x').map((one) => one.name)).toEqual(['error']);
    expect(commandsIn('a\r##[set-output name=verdict]healthy').map((one) => one.name)).toEqual(['set-output']);
    expect(commandsIn('#\u200B#[error]x').map((one) => one.name)).toEqual(['error']);
  });

  test('never is a workflow command, whatever the text', () => {
    fc.assert(
      fc.property(hostile, (text) => expect(commandsIn(logLine(text))).toEqual([])),
      { numRuns: 2_000 },
    );
  });

  test('is one line without control, format or invisible characters', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = logLine(text);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u);
      }),
    );
  });

  test.each([
    ['plain text stays as it is', 'shop/web: 2 of 4 pods are ready', 'shop/web: 2 of 4 pods are ready'],
    ['a command at the start gets a visible mark', '  ::error::boo', '| ::error::boo'],
    ['an old command in the middle is broken', 'pod said ##[error]boo', 'pod said ##[\\error]boo'],
    ['line breaks become a space', 'a\r\nb\rc\nd\u2028e', 'a b c d e'],
    ['colours vanish with their parameters', '\u001B[1;31mred\u001B[0m', 'red'],
    ['a terminal title vanishes whole', '\u001B]0;evil\u0007ok', 'ok'],
    ['text that runs backwards runs forwards', 'abc\u202Efed', 'abcfed'],
    ['letters of other scripts stay', 'Größe 日本語 ✓', 'Größe 日本語 ✓'],
  ])('%s', (_, text, expected) => {
    expect(logLine(text)).toBe(expected);
  });
});

describe('the value of an output', () => {
  test('is no workflow command where a later step prints it, and no longer than a field', () => {
    fc.assert(
      fc.property(hostile, fc.nat({ max: 3_000 }), (text, times) => {
        const value = printable(`${text}${'##['.repeat(times)}`);
        expect(commandsIn(value)).toEqual([]);
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(4_096);
      }),
      { numRuns: 500 },
    );
  });

  test('is the text itself where that is harmless', () => {
    expect(printable('shop/web: no such tag; push it')).toBe('shop/web: no such tag; push it');
  });
});

describe('cap', () => {
  test('keeps whole characters and at most the limit of bytes, and marks the cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 8, max: 64 }), (raw, limit) => {
        const text = clean(raw);
        const cut = cap(text, limit);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
        expect(cut.isWellFormed()).toBe(true);
        if (Buffer.byteLength(text) > limit) {
          expect(cut.endsWith('…')).toBe(true);
          expect(text.startsWith(cut.slice(0, -1))).toBe(true);
        } else expect(cut).toBe(text);
      }),
    );
  });

  test('a field has at most 4 KiB, also when the text has a megabyte', () => {
    const capped = field('ä'.repeat(1_000_000));
    expect(Buffer.byteLength(capped)).toBeLessThanOrEqual(4096);
    expect(Buffer.byteLength(capped)).toBeGreaterThan(4090);
    expect(capped.endsWith('ä…')).toBe(true);
  });
});

describe('Markdown', () => {
  test('holds no character that Markdown or HTML gives a meaning to, but its own tags', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const shown of [markdown(text), prose(text)]) {
          const inner = shown.replaceAll(/<\/?code>|<wbr>/gu, '').replaceAll(/&#\d+;/gu, '');
          expect(inner).not.toMatch(/[<>|`*_[\]()!\\#@~:/.&{}^$+-]/u);
        }
      }),
    );
  });

  test('shows exactly the characters of the text', () => {
    const decode = (html: string): string =>
      html
        .replaceAll(/<\/?code>|<wbr>/gu, '')
        .replaceAll(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(decode(markdown(text))).toBe(field(text));
        expect(decode(prose(text))).toBe(field(text));
      }),
    );
  });

  test('names, numbers and addresses are not linked', () => {
    expect(markdown('@octocat #1 https://x.example')).toBe(
      '<code>&#64;octocat &#35;1 https&#58;&#47;&#47;x&#46;example</code>',
    );
    expect(prose('@octocat')).toBe('&#64;<wbr>octocat');
  });
});

describe('printableJson', () => {
  test('is the same value, and never a workflow command on any line', () => {
    fc.assert(
      fc.property(fc.array(hostile), (texts) => {
        const printed = printableJson({ texts }, 2);
        expect(JSON.parse(printed)).toEqual({ texts });
        expect(commandsIn(printed)).toEqual([]);
      }),
    );
  });
});

describe('codeBlock', () => {
  test('shows each text as it is, between fences', () => {
    expect(codeBlock(['kubectl get pods', 'a <b> | *c*'])).toEqual(['```', 'kubectl get pods', 'a <b> | *c*', '```']);
  });

  test('cannot be left, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(hostile), (texts) => {
        const [fence = '', ...rest] = codeBlock(texts);
        expect(rest.pop()).toBe(fence);
        expect(rest).toHaveLength(texts.length);
        // CommonMark §4.5: a fence is closed by a line of at least as many backticks and nothing else.
        for (const line of rest) expect(/^ {0,3}(`*)\s*$/u.exec(line)?.[1]?.length ?? 0).toBeLessThan(fence.length);
        for (const line of rest) expect(line).not.toMatch(/[\r\n]/u);
      }),
    );
  });
});
