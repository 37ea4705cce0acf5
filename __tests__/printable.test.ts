import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_SHOWN_CHARACTERS, quote } from '../src/printable.ts';

describe('quote', () => {
  test.each([
    ['plain', '"plain"'],
    ['größer → ok', '"größer → ok"'],
    ['say "no"', '"say \\"no\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['two\r\nlines', '"two\\r\\nlines"'],
    ['\u001b[31mred', '"\\u{1b}[31mred"'],
    ['zero\u200bwidth', '"zero\\u{200b}width"'],
    ['\u202eright to left', '"\\u{202e}right to left"'],
    ['line\u2028separator', '"line\\u{2028}separator"'],
    ['lone \ud800 surrogate', '"lone \\u{d800} surrogate"'],
    ['##[error]red', '"##\\[error]red"'],
  ])('%j is shown as %s', (value, shown) => {
    expect(quote(value)).toBe(shown);
  });

  test('shows a value of the limit whole and cuts a longer one with a mark', () => {
    expect(quote('x'.repeat(MAX_SHOWN_CHARACTERS))).toBe(`"${'x'.repeat(MAX_SHOWN_CHARACTERS)}"`);
    expect(quote('x'.repeat(MAX_SHOWN_CHARACTERS + 1))).toBe(`"${'x'.repeat(MAX_SHOWN_CHARACTERS)}…"`);
  });

  test('counts characters, not their halves', () => {
    expect(quote('🐱'.repeat(MAX_SHOWN_CHARACTERS))).toBe(`"${'🐱'.repeat(MAX_SHOWN_CHARACTERS)}"`);
  });

  test('is always one line without control characters or a command of the runner', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('#', '[', '\n', '\r', '\u001b', ':', 'a', '\u00ad', '\u034f', '\u2029'),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nasty), (value) => {
        const shown = quote(value);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
        expect(shown).not.toContain('##[');
      }),
    );
  });
});
