import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { capText } from '../../src/cluster/cap-text.ts';

test('a text that fits is left alone, one that does not is cut between characters and marked', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 3, max: 80 }), (text, limitBytes) => {
      const capped = capText(text, limitBytes);
      if (Buffer.byteLength(text) <= limitBytes) {
        expect(capped).toBe(text);
        return;
      }
      expect(Buffer.byteLength(capped)).toBeLessThanOrEqual(limitBytes);
      expect(capped.endsWith('…')).toBe(true);
      expect(text.startsWith(capped.slice(0, -1))).toBe(true);
      expect(capped.isWellFormed()).toBe(true);
    }),
  );
});
