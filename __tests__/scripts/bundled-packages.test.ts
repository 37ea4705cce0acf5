import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { bundledPackages, INTEROP_NAMES, LAZY_PACKAGES, standInSource } from '../../scripts/bundled-packages.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Loaded {
  readonly exports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What the bundle has asked Node for so far. */
  readonly required: readonly string[];
  readonly sizeBytes: number;
}

/** Bundles `source` as the build does, and runs it. */
async function bundled(source: string): Promise<Loaded> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    stdin: { contents: source, resolveDir: ROOT },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    plugins: [bundledPackages(ROOT)],
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

describe('packages that are left out', () => {
  test('say so when they are used after all', async () => {
    const { exports } = await bundled(`import { Agent } from 'undici'; export const use = () => new Agent();`);
    expect(exports.use).toThrow('undici is not part of this bundle');
  });
});

describe('client-node', () => {
  test('gives its KubeConfig without the 700 generated models, which have 7 MB', async () => {
    const { exports, sizeBytes } = await bundled(`export { KubeConfig } from '@kubernetes/client-node';`);
    expect(exports.KubeConfig).toBeInstanceOf(Function);
    expect(sizeBytes).toBeLessThan(1_000_000);
  });

  test('any other part of it fails the build', async () => {
    await expect(bundled(`export { Watch } from '@kubernetes/client-node';`)).rejects.toThrow(
      'No matching export in "node_modules/@kubernetes/client-node/dist/config.js" for import "Watch"',
    );
  });
});
