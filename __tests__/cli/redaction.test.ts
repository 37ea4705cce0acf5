import { describe, expect, test } from '@jest/globals';
import { redacted } from '../../src/cli/redaction.ts';
import { createSecrets } from '../../src/report/secrets.ts';

describe('redacted', () => {
  test('hides every secret that is known by then, wherever it stands', () => {
    const written: string[] = [];
    const secrets = createSecrets();
    const stream = redacted({ write: (text) => written.push(text) }, secrets);
    stream.write('Bearer s3cr3t-token\n');
    secrets.add('s3cr3t-token');
    stream.write('Bearer s3cr3t-token, again s3cr3t-token\n');
    expect(written).toEqual(['Bearer s3cr3t-token\n', 'Bearer ***, again ***\n']);
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
    const stream = redacted(terminal, createSecrets());
    columns = 120;
    expect(stream).toMatchObject({ isTTY: true, columns: 120 });
  });
});
