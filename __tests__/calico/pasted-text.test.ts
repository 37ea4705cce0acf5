import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CUT, MAX_READ_CHARACTERS, restorePastedText, withoutOneEscape } from '../../src/calico/pasted-text.ts';

describe('a text that was pasted', () => {
  test.each([
    ['a line break', 'failed\nto', 'failed to'],
    ['a quoted line', 'failed\n> to', 'failed to'],
    ['a line quoted twice', 'failed \r\n>>  > to', 'failed to'],
    ['a tab and spaces', ' failed\t  to ', 'failed to'],
    ['an arrow that is no quoting', 'a -> b > c', 'a -> b > c'],
    ['HTML', 'type=&quot;calico&quot;', 'type="calico"'],
    ['typographic quotes', 'type=“calico” ‟x” „x“ ‘x’', `type="calico" "x" "x" 'x'`],
    ['escaped quotes', 'type=\\"calico\\" and \\\\\\"', 'type="calico" and \\"'],
  ])('gets back what it was: %s', (_, text, restored) => {
    expect(restorePastedText(text)).toBe(restored);
  });

  test.each([
    ['HTML', '"a" &quot;b&quot;'],
    ['typographic quotes', '"a" “b”'],
    ['escaped quotes', '"a \\"b\\""'],
    ['a quote at its very end', '&quot;“\\""'],
  ])('keeps all its quotes as they are while a plain one is left: %s', (_, text) => {
    expect(restorePastedText(text)).toBe(text);
  });

  test('is restored once: twice changes nothing for a text with a plain quote', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = restorePastedText(`"${text}`);
        expect(restorePastedText(once)).toBe(once);
      }),
    );
  });

  test('is cut with a mark when it is longer than anything genuine', () => {
    expect(restorePastedText('x'.repeat(MAX_READ_CHARACTERS))).toHaveLength(MAX_READ_CHARACTERS);
    expect(restorePastedText('x'.repeat(MAX_READ_CHARACTERS + 1))).toBe('x'.repeat(MAX_READ_CHARACTERS) + CUT);
  });
});

describe('one level of escaping', () => {
  test.each([
    ['\\"', '"'],
    ['\\\\', '\\'],
    ['\\\\\\"', '\\"'],
    ['a\\nb\\tc', 'a b c'],
    ['\\u0022 \\x22', '\\u0022 \\x22'],
    ['\\', '\\'],
    ['\\\\n\\\\\\n', '\\n\\ '],
    ['a\\\\', 'a\\'],
    ['\\"n', '"n'],
  ])('of %j leaves %j', (escaped, text) => {
    expect(withoutOneEscape(escaped)).toBe(text);
  });

  test('is the inverse of quoting for texts on one line', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const line = text.replace(/\p{Cc}/gu, ' ');
        expect(withoutOneEscape(JSON.stringify(line).slice(1, -1))).toBe(line);
      }),
    );
  });
});
