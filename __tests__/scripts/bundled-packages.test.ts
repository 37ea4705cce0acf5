import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { bundleOptions, INTEROP_NAMES, LAZY_PACKAGES, standInSource } from '../../scripts/bundled-packages.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Loaded {
  readonly exports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What the bundle has asked Node for so far. */
  readonly required: readonly string[];
  readonly sizeBytes: number;
}

/** Bundles `source` as the build does, and runs it. */
async function bundled(source: string): Promise<Loaded> {
  const { outputFiles = [] } = await build({
    ...bundleOptions(ROOT),
    stdin: { contents: source, resolveDir: ROOT },
    write: false,
    logLevel: 'silent',
  });
  return run(outputFiles[0]?.text ?? '');
}

function run(code: string): Loaded {
  const load = createRequire(import.meta.url);
  const required: string[] = [];
  const module = { exports: {} };
  new Function('module', 'exports', 'require', code)(module, module.exports, (name: string) => {
    required.push(name);
    return load(name);
  });
  return { exports: module.exports, required, sizeBytes: Buffer.byteLength(code) };
}

function namesOf(exported: object): readonly string[] {
  return Object.keys(exported)
    .filter((name) => !INTEROP_NAMES.includes(name))
    .sort();
}

describe('a stand-in', () => {
  test('asks for the package only when a name is read, and gives what the package has there', () => {
    const key = Symbol('not a function');
    const code = standInSource(['key', ...INTEROP_NAMES], 'require("package")');
    const asked: string[] = [];
    const module: { exports: { readonly key?: symbol } } = { exports: {} };
    new Function('module', 'require', code)(module, (name: string) => {
      asked.push(name);
      return { key };
    });
    expect(Object.keys(module.exports)).toEqual(['key']);
    expect(asked).toEqual([]);
    expect(module.exports.key).toBe(key);
    expect(asked).toEqual(['package']);
  });
});

describe('packages that are put off', () => {
  let loaded: Loaded;
  beforeAll(async () => {
    const imports = LAZY_PACKAGES.map((name, index) => `import * as p${index} from '${name}';`);
    const entries = LAZY_PACKAGES.map((name, index) => `${JSON.stringify(name)}: p${index}`);
    loaded = await bundled(`${imports.join('\n')}\nexport const packages = { ${entries.join(', ')} };`);
  });

  test('nothing of them runs when the bundle is loaded', () => {
    expect(loaded.required).toEqual([]);
  });

  test.each(LAZY_PACKAGES)('%s has every name in the bundle that it has in Node, of the same type', async (name) => {
    const real = (await import(name)) as Record<string, unknown>;
    const inBundle = loaded.exports.packages?.[name] as Record<string, unknown>;
    expect(namesOf(inBundle)).toEqual(namesOf(real));
    expect(namesOf(real).length).toBeGreaterThan(0);
    for (const exported of namesOf(real)) expect(typeof inBundle[exported]).toBe(typeof real[exported]);
  });
});

describe('what they are there for', () => {
  test.each([
    ['socks5://proxy.test:1080', 'SocksProxyAgent'],
    ['http://proxy.test:3128', 'HttpsProxyAgent'],
  ])('a cluster behind %s gets a %s', async (proxyUrl, agentName) => {
    const { exports } = await bundled(`
      import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
      export async function agentOf(cluster) {
        const config = new KubeConfig();
        config.loadFromClusterAndUser(cluster, { name: 'user' });
        const options = {};
        await config.applyToHTTPSOptions(options);
        return options.agent;
      }`);
    const agentOf = exports.agentOf as unknown as (cluster: object) => Promise<object>;
    const agent = await agentOf({ name: 'cluster', server: 'https://cluster.test', proxyUrl });
    expect(agent.constructor.name).toBe(agentName);
  });
});

describe('what is left out of client-node', () => {
  test('is left out however it is imported', async () => {
    const { sizeBytes } = await bundled(`export const load = () => import('@kubernetes/client-node/dist/config.js');`);
    expect(sizeBytes).toBeLessThan(1_000_000);
  });

  test('says so when it is used after all', async () => {
    const { exports } = await bundled(`
      import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
      export function useApiClass() {
        const config = new KubeConfig();
        config.loadFromClusterAndUser({ name: 'cluster', server: 'https://cluster.test' }, { name: 'user' });
        config.makeApiClient(class {});
      }`);
    expect(exports.useApiClass).toThrow('./gen/index.js is not part of this bundle');
  });

  test("has no expressions evaluated and asks no identity provider: auth providers are the gate's own", async () => {
    const { exports } = await bundled(`
      import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
      export function tokenOf(authProvider) {
        const config = new KubeConfig();
        config.loadFromClusterAndUser({ name: 'c', server: 'https://cluster.test' }, { name: 'u', authProvider });
        return config.applyToHTTPSOptions({});
      }`);
    const tokenOf = exports.tokenOf as unknown as (authProvider: object) => Promise<void>;
    const expired = `x.${Buffer.from('{"exp":1}').toString('base64url')}.x`.replace(
      /^x/,
      Buffer.from('{}').toString('base64url'),
    );
    const oidc = {
      'id-token': expired,
      'client-id': 'c',
      'refresh-token': 'r',
      'idp-issuer-url': 'https://issuer.test',
    };
    await expect(tokenOf({ name: 'oidc', config: oidc })).rejects.toThrow('openid-client is not part of this bundle');
    const gcp = { 'cmd-path': 'echo', 'cmd-args': '{}', 'token-key': '{.t}', 'expiry-key': '{.e}' };
    await expect(tokenOf({ name: 'gcp', config: gcp })).rejects.toThrow('jsonpath-plus is not part of this bundle');
  });

  test('fails the build when more of it is asked for than is known to be unused', async () => {
    await expect(bundled(`export { Watch } from '@kubernetes/client-node/dist/watch.js';`)).rejects.toThrow(
      'No matching export in "stand-in:undici" for import "fetch"',
    );
  });
});
