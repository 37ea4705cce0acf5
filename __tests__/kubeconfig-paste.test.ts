/** The content of a kubeconfig where its path should stand: no message may hold any of it. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runCli } from '../src/cli.ts';
import { parseKubeconfig } from '../src/cluster/kubeconfig.ts';
import { findTarget } from '../src/cluster/kubeconfig-source.ts';
import { INPUTS } from '../src/contract.ts';
import { describeProblems, type RawSettings, readSettings } from '../src/settings.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** What looks like a credential; found again in any piece of eight of its letters. */
const secret = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 40, maxLength: 60 });

interface Secrets {
  readonly token: string;
  readonly key: string;
  readonly password: string;
}
const secrets: fc.Arbitrary<Secrets> = fc.record({ token: secret, key: secret, password: secret });

function yaml({ token, key, password }: Secrets): string {
  return [
    'apiVersion: v1',
    'kind: Config',
    'current-context: prod',
    'clusters:',
    '- name: prod',
    '  cluster:',
    '    server: https://10.0.0.1:6443',
    'users:',
    '- name: prod',
    '  user:',
    `    token: ${token}`,
    `    client-key-data: ${key}`,
    `    password: "${password}"`,
    'contexts:',
    '- name: prod',
    '  context: {cluster: prod, user: prod}',
    '',
  ].join('\n');
}

function json({ token, key, password }: Secrets, indent?: number): string {
  const user = { token, 'client-key-data': key, password };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: 'prod', user }] }, null, indent);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** How the content gets into an input: as it is in the file, or as a secret store or a shell left it. */
const FORMS: Readonly<Record<string, (given: Secrets) => string>> = {
  YAML: yaml,
  'YAML of Windows': (given) => yaml(given).replaceAll('\n', '\r\n'),
  'YAML with a byte order mark': (given) => `\uFEFF${yaml(given)}`,
  'YAML behind blank lines and a comment': (given) => `\n\n# from the vault\n---\n${yaml(given)}`,
  'YAML folded by a shell': (given) => yaml(given).replaceAll(/\s+/gu, ' '),
  'YAML with escaped line breaks': (given) => yaml(given).replaceAll('\n', '\\n'),
  'YAML in quotes': (given) => JSON.stringify(yaml(given)),
  'YAML cut off': (given) => yaml(given).slice(0, 260),
  'the user alone': (given) => `token: ${given.token}`,
  JSON: (given) => json(given),
  'JSON on many lines': (given) => json(given, 2),
  base64: (given) => base64(yaml(given)),
  'base64 in lines': (given) => base64(yaml(given)).replaceAll(/.{76}/gu, '$&\n'),
  'base64 without its padding': (given) => base64(yaml(given)).replace(/=+$/u, ''),
  'base64 of base64': (given) => base64(base64(yaml(given))),
  'a PEM block': ({ key }) => `-----BEGIN RSA PRIVATE KEY-----\n${key}\n-----END RSA PRIVATE KEY-----`,
  'a token': ({ token }) => `eyJhbGciOiJSUzI1NiJ9.${token}.${token}`,
};

/** No eight letters in a row of any secret stand in the text, plain or in base64. */
function expectNothingOf(given: Secrets, shown: string, content: string): void {
  for (const word of [...Object.values(given), base64(content)]) {
    for (let at = 0; at + 8 <= word.length; at += 4) expect(shown).not.toContain(word.slice(at, at + 8));
  }
}

function rawWith(kubeconfig: string): RawSettings {
  return { ...(Object.fromEntries(INPUTS.map(({ name }) => [name, ''])) as RawSettings), kubeconfig };
}

describe.each(Object.entries(FORMS))('a kubeconfig as %s', (_, write) => {
  test('in `kubeconfig` is refused without a word of it', () => {
    fc.assert(
      fc.property(secrets, (given) => {
        const content = write(given);
        const parsed = readSettings(rawWith(content), () => 'there is no such file');
        const message = 'problems' in parsed ? describeProblems(parsed.problems) : '';
        expect(message).toContain('this is the content of a kubeconfig; write it to a file first');
        expectNothingOf(given, message, content);
      }),
      { numRuns: 20 },
    );
  });

  test('in KUBECONFIG is refused without a word of it', async () => {
    await fc.assert(
      fc.asyncProperty(secrets, async (given) => {
        const content = write(given);
        const target = findTarget({ kubeconfig: null, context: null, env: { KUBECONFIG: content } });
        const message = await target.then(() => '', String);
        expect(message).toContain('this is the content of a kubeconfig');
        expectNothingOf(given, message, content);
      }),
      { numRuns: 10 },
    );
  });

  test('on a command line is refused without a word of it, whole, split into words by a shell, or alone', async () => {
    await fc.assert(
      fc.asyncProperty(secrets, fc.nat({ max: 2 }), async (given, way) => {
        const content = write(given);
        const argv = [[`--kubeconfig=${content}`], ['--kubeconfig', ...content.split(/\s+/u)], [content]][way] ?? [];
        let printed = '';
        const stream = { write: (text: string) => (printed += text) };
        const io = { stdout: stream, stderr: stream, env: {}, whyUnreadable: () => 'there is no such file' };
        // Should a form of it be taken for a path after all, nothing is asked of any cluster.
        const exitCode = await runCli(argv, {
          ...io,
          runGate: () => Promise.reject(new Error('it was taken for a path')),
        });
        expect(exitCode).toBe(64);
        expectNothingOf(given, printed, content);
      }),
      { numRuns: 10 },
    );
  });
});

describe('the file that a kubeconfig is', () => {
  test('is told to be none, or to be broken in some line, without a word of it', async () => {
    const broken = fc.constantFrom('\t', ': :', '"', '[', '{', '%', '&a *b', '- - :', '\u0000', '!!x ', '@', '`', '? ');
    await fc.assert(
      fc.asyncProperty(secrets, broken, fc.nat(), async (given, mark, seed) => {
        const content = yaml(given);
        const at = seed % content.length;
        const spoilt = content.slice(0, at) + mark + content.slice(at);
        const message = await parseKubeconfig(spoilt, '/tmp/kubeconfig').then(() => '', String);
        expectNothingOf(given, message, content);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['a token', ({ token }: Secrets) => token],
    ['a list', ({ token }: Secrets) => `- ${token}`],
    ['a base64 of one', (given: Secrets) => base64(yaml(given))],
    ['a page', ({ token }: Secrets) => `<html><body>${token}</body></html>`],
    ['a key', ({ key }: Secrets) => `-----BEGIN RSA PRIVATE KEY-----\n${key}\n`],
  ])('is told to be none, when it is %s', async (_, write) => {
    await fc.assert(
      fc.asyncProperty(secrets, async (given) => {
        const message = await parseKubeconfig(write(given), '/tmp/kubeconfig').then(() => '', String);
        expect(message).toMatch(/the kubeconfig \/tmp\/kubeconfig cannot be read: it is /u);
        expectNothingOf(given, message, write(given));
      }),
      { numRuns: 20 },
    );
  });
});
