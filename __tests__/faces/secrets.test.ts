/** Runs of every kind, well ended and failed, in debug mode: no secret may be in anything that they print or write. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Fault } from '../../simulator/api/faults.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { aClientCertificate, aKubeconfig, anHttpsServer, aProxy, aSocksProxy, base64 } from '../cluster/loopback.ts';
import { aToken } from '../cluster/tokens.ts';
import type { Inputs } from '../harness.ts';
import { aFolder, closeAll, playAction, playCli, type Served, serve, writeFileIn } from './runs.ts';

const closing = new Set<() => Promise<unknown>>();
afterAll(async () => {
  for (const close of closing) await close();
  await closeAll();
});

async function opened<T extends { readonly close: () => Promise<unknown> }>(server: Promise<T>): Promise<T> {
  const started = await server;
  closing.add(started.close);
  return started;
}

/** Each of its own, so that what is found says where it came from. */
const TOKEN = aToken(Date.now() + 86_400_000);
const LONG_TOKEN = `long-token-${'aB3/x+'.repeat(250)}`;
const PASSWORD = 'pass/word+of me & "you"';
const CLIENT_SECRET = 'client-secret-of-the-plugin';
const PLUGIN_TOKEN = 'token~of.the.plugin';
const PROXY_PASSWORD = 'p@ss:word/of?the#proxy';
const REFRESH_TOKEN = 'refresh/token+of=mine';
let clientKey: string;
let clientCertificate: string;
beforeAll(async () => {
  ({ key: clientKey, certificate: clientCertificate } = await aClientCertificate());
});

/** How a secret may look to somebody who searches for it. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split('\n').filter((line) => line.length > 16 && !line.startsWith('-----'));
  return [...new Set([secret, secret.trim(), ...lines])].flatMap((text) => [
    text,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    // Without its last characters, which depend on what follows.
    ...[text, ` ${text}`, `  ${text}`].flatMap((shifted) =>
      (['base64', 'base64url'] as const).map((encoding) => Buffer.from(shifted).toString(encoding).slice(4, -4)),
    ),
  ]);
}

/** A run to be. */
interface Plot {
  readonly served: Served | null;
  readonly kubeconfig: string;
  /** All that must be found nowhere. */
  readonly secrets: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of what the run comes to: that it went as it is meant to. */
  readonly reason: RegExp;
  /** Not told to the runner, because it never got to be a credential. */
  readonly neverRead?: boolean;
  /** What must be found nowhere is only the beginning of a credential. */
  readonly isBeginning?: boolean;
}

function aShop(prepare: (sim: Simulator) => void = () => undefined, version?: string): Simulator {
  const sim = createSimulator({ seed: 5, ...(version === undefined ? {} : { version }) });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
  prepare(sim);
  sim.warmUp(60_000);
  return sim;
}

/** A cluster in which `token` is good, and that fails as told. */
async function served(token: string, sim = aShop(), fault?: Fault, isMeant = (_path: string) => true): Promise<Served> {
  sim.api.tokens.add(token, 'gate');
  sim.api.faults = ({ path }) => (fault !== undefined && isMeant(path) ? fault : undefined);
  return await serve(sim);
}

function kubeconfigOf({ server }: Served, user: object, cluster: object = {}): string {
  const trusted = { server: server.url, 'certificate-authority-data': base64(server.ca), ...cluster };
  return writeFileIn(aFolder(), 'config', aKubeconfig(trusted, user));
}

/** A plugin whose script may use what the kubeconfig gives it. */
function aPlugin(script: string): object {
  return {
    exec: {
      ...{ apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Never', command: process.execPath },
      args: ['-e', script, 'PLUGIN', '--client-secret', CLIENT_SECRET],
      env: [{ name: 'PLUGIN_PASSWORD', value: PASSWORD }],
    },
  };
}

function credential(status: object): string {
  const printed = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
  return `console.log(${JSON.stringify(JSON.stringify(printed))});`;
}

/** A server's words that repeat a secret, in every form that it may know it by. */
function echo(status: number, secret: string, reason = 'Forbidden'): Fault {
  const forms = [secret, encodeURIComponent(secret), base64(secret), base64(`me:${secret}`)];
  const message = `the request with Authorization: ${forms.join(' or ')} may not pass`;
  return { kind: 'status', status, body: JSON.stringify({ kind: 'Status', reason, message, code: status }) };
}

async function echoing(fault: Fault, secret: string, reason: RegExp): Promise<Plot> {
  const cluster = await served(secret, aShop(), fault, (path) => path.includes('/pods'));
  return { served: cluster, kubeconfig: kubeconfigOf(cluster, { token: secret }), secrets: [secret], reason };
}

/** The URL of a proxy that wants a password. */
function withPassword(scheme: string, port: number): string {
  return `${scheme}://me:${encodeURIComponent(PROXY_PASSWORD)}@127.0.0.1:${port}`;
}

async function behindProxy(scheme: 'http' | 'socks5', refuses: boolean, reason: RegExp): Promise<Plot> {
  const cluster = await serve(
    aShop((sim) => sim.api.tokens.add(TOKEN, 'gate')),
    {
      certificate: { hosts: ['api.example'] },
    },
  );
  const target = (): number => cluster.server.port;
  const rules = refuses ? { user: 'me', password: 'another' } : { user: 'me', password: PROXY_PASSWORD };
  const { port } = await opened(
    scheme === 'http' ? aProxy(target, refuses ? 407 : undefined) : aSocksProxy(target, rules),
  );
  return {
    served: cluster,
    kubeconfig: kubeconfigOf(cluster, { token: TOKEN }, { server: 'https://api.example:6443' }),
    env: { HTTPS_PROXY: withPassword(scheme, port) },
    secrets: [TOKEN, PROXY_PASSWORD, `me:${PROXY_PASSWORD}`],
    reason,
  };
}

/** An identity provider that gives `idToken`, or repeats what it was sent. */
async function byOidc(idToken: string | null, reason: RegExp): Promise<Plot> {
  const cluster = await served(idToken ?? TOKEN);
  const issuer = await opened(
    anHttpsServer((request, response) => {
      if (request.method === 'GET') {
        response.end(JSON.stringify({ token_endpoint: `https://${request.headers.host}/token` }));
      } else if (idToken === null) {
        const words = `${REFRESH_TOKEN} ${CLIENT_SECRET} ${request.headers.authorization}`;
        response.writeHead(400).end(JSON.stringify({ error: words, error_description: words }));
      } else response.end(JSON.stringify({ id_token: idToken, refresh_token: 'next-refresh-token' }));
    }),
  );
  const expired = aToken(0);
  const config = {
    ...{ 'idp-issuer-url': issuer.url, 'idp-certificate-authority-data': base64(issuer.ca), 'client-id': 'kubernetes' },
    ...{ 'client-secret': CLIENT_SECRET, 'refresh-token': REFRESH_TOKEN, 'id-token': expired },
  };
  return {
    served: cluster,
    kubeconfig: kubeconfigOf(cluster, { 'auth-provider': { name: 'oidc', config } }),
    secrets: [CLIENT_SECRET, REFRESH_TOKEN, expired, ...(idToken === null ? [] : [idToken, 'next-refresh-token'])],
    reason,
  };
}

/** Whose texts are cut before anybody compares them with a secret. */
const CUT_PLACES: readonly (readonly [string, Fault])[] = [
  [
    'in the address that it leads to',
    { kind: 'status', status: 302, headers: { location: `https://login.example/${LONG_TOKEN}` } },
  ],
  [
    'as a content type',
    { kind: 'status', status: 200, headers: { 'content-type': `text/${LONG_TOKEN}` }, body: '<html></html>' },
  ],
];

const WELL = /^all 2 pods in 1 workload are ready$/u;

const PLOTS: readonly (readonly [string, () => Promise<Plot>])[] = [
  [
    'a token and a key that are good',
    async () => {
      const cluster = await served(TOKEN);
      const user = {
        token: TOKEN,
        'client-certificate-data': base64(clientCertificate),
        'client-key-data': base64(clientKey),
      };
      return { served: cluster, kubeconfig: kubeconfigOf(cluster, user), secrets: [TOKEN, clientKey], reason: WELL };
    },
  ],
  [
    'files with a token and a key',
    async () => {
      const cluster = await served(TOKEN);
      writeFileIn(cluster.folder, 'token', `${TOKEN}\n`);
      writeFileIn(cluster.folder, 'client.key', clientKey);
      writeFileIn(cluster.folder, 'client.crt', clientCertificate);
      const of = (name: string): string => join(cluster.folder, name);
      const user = { tokenFile: of('token'), 'client-certificate': of('client.crt'), 'client-key': of('client.key') };
      return { served: cluster, kubeconfig: kubeconfigOf(cluster, user), secrets: [TOKEN, clientKey], reason: WELL };
    },
  ],
  [
    'a token that is refused',
    async () => {
      const cluster = await served('another-token');
      return {
        served: cluster,
        kubeconfig: kubeconfigOf(cluster, { token: TOKEN }),
        secrets: [TOKEN],
        reason: /401 Unauthorized/u,
      };
    },
  ],
  [
    'a password that is refused',
    async () => {
      const cluster = await served(TOKEN);
      return {
        served: cluster,
        kubeconfig: kubeconfigOf(cluster, { username: 'somebody', password: PASSWORD }),
        secrets: [PASSWORD, `somebody:${PASSWORD}`],
        reason: /did not recognise any credentials/u,
      };
    },
  ],
  [
    'a token that cannot be sent',
    async () => {
      const cluster = await served(TOKEN);
      const secret = 'the first line of a token\nthe second line of a token';
      return {
        served: cluster,
        kubeconfig: kubeconfigOf(cluster, { token: secret }),
        secrets: [secret],
        reason: /holds a character that cannot be sent/u,
      };
    },
  ],
  [
    'a plugin that gives a token and a key',
    async () => {
      const cluster = await served(PLUGIN_TOKEN);
      const status = { token: PLUGIN_TOKEN, clientKeyData: clientKey, clientCertificateData: clientCertificate };
      const plugin = aPlugin(`${credential(status)} console.error(process.env.PLUGIN_PASSWORD)`);
      const secrets = [PLUGIN_TOKEN, clientKey.trim(), CLIENT_SECRET, PASSWORD];
      return { served: cluster, kubeconfig: kubeconfigOf(cluster, plugin), secrets, reason: WELL };
    },
  ],
  [
    'a plugin that fails and repeats all that it knows',
    async () => {
      const cluster = await served(TOKEN);
      const words = `process.env.PLUGIN_PASSWORD, process.argv.at(-1), '${PLUGIN_TOKEN}', 'Bearer ${TOKEN}', ${JSON.stringify(clientKey)}`;
      const plugin = aPlugin(`${credential({ token: PLUGIN_TOKEN })} console.error(${words}); process.exit(1);`);
      return {
        served: cluster,
        kubeconfig: kubeconfigOf(cluster, plugin),
        secrets: [PASSWORD, CLIENT_SECRET],
        reason: /failed with exit code 1: \*\*\* \*\*\* \*\*\* Bearer \*\*\* /u,
      };
    },
  ],
  [
    'a plugin that prints its token where no token belongs',
    async () => {
      const cluster = await served(TOKEN);
      const garbage = `console.log('Your token is ${PLUGIN_TOKEN}'); console.log('${TOKEN}');`;
      return {
        served: cluster,
        kubeconfig: kubeconfigOf(cluster, aPlugin(garbage)),
        secrets: [PLUGIN_TOKEN, TOKEN],
        reason: /printed no ExecCredential/u,
        neverRead: true,
      };
    },
  ],
  ['an OIDC token that is renewed', () => byOidc(TOKEN, WELL)],
  ['an OIDC token that cannot be renewed', () => byOidc(null, /it refused the refresh token \(400\)/u)],
  ['a proxy that is logged in to', () => behindProxy('http', false, WELL)],
  [
    'a proxy that refuses its password',
    () => behindProxy('http', true, /the proxy refused the connection: it answered 407/u),
  ],
  ['a SOCKS proxy that is logged in to', () => behindProxy('socks5', false, WELL)],
  ['a SOCKS proxy that refuses its password', () => behindProxy('socks5', true, /Authentication failed/u)],
  [
    'a server that repeats a token in a 401',
    () => echoing(echo(401, TOKEN, 'Unauthorized'), TOKEN, /401 Unauthorized/u),
  ],
  [
    'a server that repeats a token in a 403',
    () => echoing(echo(403, TOKEN), TOKEN, /Authorization: \*\*\* or \*\*\*/u),
  ],
  [
    'a server that repeats a token that is longer than any message',
    () => echoing(echo(403, LONG_TOKEN), LONG_TOKEN, /Authorization: \*\*\* or \*\*\*/u),
  ],
  [
    'a server that repeats a token in a 500, again and again',
    () => echoing(echo(500, TOKEN, 'InternalError'), TOKEN, /no verdict within 4s: .*500 InternalError/u),
  ],
  [
    'a server that leads elsewhere, with the token in the address',
    () =>
      echoing(
        { kind: 'status', status: 302, headers: { location: `https://login.example/${TOKEN}?token=${TOKEN}` } },
        TOKEN,
        /302, a redirect to https:\/\/login\.example/u,
      ),
  ],
  ...CUT_PLACES.map(
    ([place, fault]) =>
      [
        `a server that repeats a token that is longer than what is told, ${place}`,
        async () => ({
          ...(await echoing(fault, LONG_TOKEN, /https:\/\/login\.example\/|not a Kubernetes API response/u)),
          secrets: [LONG_TOKEN.slice(0, 30)],
          isBeginning: true,
        }),
      ] as const,
  ),
  [
    'a page that repeats a token',
    () => echoing({ kind: 'garbage', body: `<html>${TOKEN}</html>` }, TOKEN, /not a Kubernetes API response/u),
  ],
  [
    'a server that has the token for a version, and a pod that logs it',
    async () => {
      const sim = aShop((simulator) => {
        const behaviour = { kind: 'crash', exitCode: 1, message: `bad ${TOKEN}`, log: [`token: ${TOKEN}`] } as const;
        simulator.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
      }, TOKEN);
      const cluster = await served(TOKEN, sim);
      const kubeconfig = kubeconfigOf(cluster, { token: TOKEN });
      return { served: cluster, kubeconfig, secrets: [TOKEN], reason: /^shop\/api: .*bad \*\*\*/u };
    },
  ],
  [
    'a kubeconfig that is broken where the token stands',
    async () => ({
      served: null,
      kubeconfig: writeFileIn(aFolder(), 'config', `users:\n- user: {token: ${TOKEN}\n  broken: [`),
      secrets: [TOKEN],
      reason: /it is no YAML/u,
      neverRead: true,
    }),
  ],
  [
    'a server with a password in its URL',
    async () => ({
      served: null,
      kubeconfig: writeFileIn(aFolder(), 'config', aKubeconfig({ server: `https://me:${CLIENT_SECRET}@api.example` })),
      secrets: [CLIENT_SECRET],
      reason: /hold no credentials and no query/u,
      neverRead: true,
    }),
  ],
  [
    'a server that nobody knows',
    async () => {
      const cluster = await served(TOKEN);
      const kubeconfig = kubeconfigOf(cluster, { token: TOKEN }, { 'certificate-authority-data': undefined });
      return { served: cluster, kubeconfig, secrets: [TOKEN], reason: /signed by an unknown authority/u };
    },
  ],
];

const INPUTS: Inputs = { namespaces: 'shop', 'stable-for': '0s', timeout: '4s' };
const DEBUG = { RUNNER_DEBUG: '1' };

/** Texts that were printed or written, by where. */
type Texts = Readonly<Record<string, string>>;

function expectNone(texts: Texts, secrets: readonly string[]): void {
  for (const [place, text] of Object.entries(texts))
    for (const form of secrets.flatMap(formsOf))
      expect({ place, hasIt: text.includes(form), form }).toMatchObject({ hasIt: false });
}

describe.each(PLOTS)('%s', (_, plot) => {
  test.concurrent('is printed and written nowhere by the action, and told to the runner', async () => {
    const { served: cluster, kubeconfig, secrets, env, reason, neverRead, isBeginning } = await plot();
    const played = await playAction(cluster, { ...INPUTS, kubeconfig }, { env: { ...DEBUG, ...env } });
    expect(played.outputs.reason).toMatch(reason);
    const lines = played.stdout.split('\n');
    const masks = lines
      .filter((line) => line.startsWith('::add-mask::'))
      .map((line) => decodeURIComponent(line.slice(12)));
    expectNone(
      {
        stdout: lines.filter((line) => !line.startsWith('::add-mask::')).join('\n'),
        stderr: played.stderr,
        outputs: JSON.stringify(played.outputs),
        summary: played.summary,
        'summary, as it is shown': played.summary.replaceAll(/&#(\d+);/gu, (_entity, code) =>
          String.fromCharCode(Number(code)),
        ),
        report: readFileSync(played.outputs['report-file'] ?? '', 'utf8'),
      },
      secrets,
    );
    const told = masks.flatMap((mask) => [mask, mask.trim(), Buffer.from(mask, 'base64').toString()]);
    if (!neverRead && !isBeginning) expect(told).toEqual(expect.arrayContaining([...secrets]));
  });

  test.concurrent('is printed and written nowhere by the command line', async () => {
    const { served: cluster, kubeconfig, secrets, env = {}, reason } = await plot();
    const folder = aFolder();
    const files = { report: join(folder, 'report.json'), summary: join(folder, 'summary.md') };
    writeFileSync(files.summary, '');
    const flags = Object.entries({ ...INPUTS, kubeconfig, 'report-file': files.report });
    const args = [...flags.map(([name, value]) => `--${name}=${value}`), '--json'];
    const { stdout, stderr } = await playCli(cluster, args, {
      folder,
      env: { ...DEBUG, GITHUB_STEP_SUMMARY: files.summary, ...env },
    });
    const written = Object.entries(files).map(([name, path]) => [name, readFileSync(path, 'utf8')]);
    expect((JSON.parse(stdout) as { readonly reason: string }).reason).toMatch(reason);
    expectNone({ stdout, stderr, ...Object.fromEntries(written) }, secrets);
  });
});

test('a secret would be found, however it is written', () => {
  for (const secret of [TOKEN, PASSWORD, PROXY_PASSWORD, LONG_TOKEN, clientKey])
    for (const text of [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret),
      base64(secret),
      base64(`me:${secret}`),
    ])
      expect(() => expectNone({ here: `before ${text} behind` }, [secret])).toThrow('hasIt');
});
