import { describe, expect, test } from '@jest/globals';
import { redacted } from '../../src/cli/redaction.ts';

describe('redacted', () => {
  test('hides every secret that is known by then, wherever it stands', () => {
    const written: string[] = [];
    const secrets = new Set<string>();
    const stream = redacted({ write: (text) => written.push(text) }, secrets);
    stream.write('Bearer s3cr3t-token\n');
    secrets.add('s3cr3t-token');
    stream.write('Bearer s3cr3t-token, again s3cr3t-token\n');
    expect(written).toEqual(['Bearer s3cr3t-token\n', 'Bearer ***, again ***\n']);
  });

  test('leaves words alone that only contain a very short secret, and does nothing for an empty one', () => {
    const written: string[] = [];
    redacted({ write: (text) => written.push(text) }, new Set(['', 'web'])).write('shop/web-1');
    expect(written).toEqual(['shop/web-1']);
  });

  test('is the same terminal', () => {
    let columns = 80;
    const terminal = {
      isTTY: true,
      get columns() {
        return columns;
      },
      write: () => true,
    };
    const stream = redacted(terminal, new Set());
    columns = 120;
    expect(stream).toMatchObject({ isTTY: true, columns: 120 });
  });
});
