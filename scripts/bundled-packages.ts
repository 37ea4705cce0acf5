import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildOptions, OnResolveArgs, Plugin, ResolveResult } from 'esbuild';

/** Loaded at their first use: only clusters behind a proxy need them. */
export const LAZY_PACKAGES = ['hpagent', 'socks', 'socks-proxy-agent'] as const;

/** A module that is not bundled, though a package asks for these names of it; every use of one throws. */
interface AbsentModule {
  readonly askedBy: string;
  readonly module: string;
  readonly names: readonly string[];
}

/**
 * Only the API classes of client-node use the generated API and undici, and the gate speaks over `node:https`; only its
 * auth providers use the others, and the gate has its own (`src/cluster/auth-provider.ts`). They would be most of the
 * bundle, an interpreter of expressions among them. Should another version ask for more names of them, the build fails.
 */
const ABSENT_MODULES: readonly AbsentModule[] = [
  { askedBy: '@kubernetes/client-node', module: 'undici', names: ['Agent', 'ProxyAgent'] },
  {
    askedBy: '@kubernetes/client-node',
    module: './gen/index.js',
    names: ['ServerConfiguration', 'createConfiguration'],
  },
  { askedBy: '@kubernetes/client-node', module: 'jsonpath-plus', names: ['JSONPath'] },
  {
    askedBy: '@kubernetes/client-node',
    module: 'openid-client',
    names: ['customFetch', 'discovery', 'refreshTokenGrant'],
  },
];

/**
 * Packages whose modules do nothing when loaded, though their package.json does not say so. What is not used of them
 * may go: the OIDC client of `@actions/core` with its HTTP library.
 */
const PURE_PACKAGES = ['@actions/core', '@actions/exec', '@actions/http-client', '@actions/io'];

/** Namespace of the modules that are made here, and the mark of a request for the real package. */
const STAND_IN = 'stand-in';
const REAL = 'real:';

/** The oldest Node that runs the bundle: `engines` of package.json, and what `src/launcher.cjs` demands. */
const OLDEST_NODE = 'node22.19';

/** How sources become a bundle, whatever their entry: as Node would run them, down to the names of errors. */
export function bundleOptions(root: string): BuildOptions {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: OLDEST_NODE,
    format: 'cjs',
    charset: 'utf8',
    keepNames: true,
    legalComments: 'none',
    plugins: [bundledPackages(root)],
  };
}

/** Names that only say how a CommonJS package looks from an ES module. Bundles read them early, to find that out. */
export const INTEROP_NAMES: readonly string[] = ['__esModule', 'default', 'module.exports'];

/**
 * CommonJS source of a stand-in for a package: it has the same names, and asks `load` (an expression) for the package
 * when one of them is read for the first time. Getters rather than proxies, because exports are not only functions. A
 * package is used through its named exports; `default` is the stand-in.
 */
export function standInSource(names: readonly string[], load: string): string {
  const getters = names
    .filter((name) => !INTEROP_NAMES.includes(name))
    .sort()
    .map((name) => `  get ${JSON.stringify(name)}() { return load()[${JSON.stringify(name)}]; },`);
  return [`const load = () => ${load};`, 'module.exports = {', ...getters, '};', ''].join('\n');
}

/** Source of a stand-in for a module that is not there. */
function absentSource({ module, names }: Pick<AbsentModule, 'module' | 'names'>): string {
  const message = JSON.stringify(`${module} is not part of this bundle`);
  return names.map((name) => `export function ${name}() { throw new Error(${message}); }\n`).join('');
}

/** Names that `import` of the module at `path` offers, as Node sees them. */
async function exportedNames(path: string): Promise<readonly string[]> {
  return Object.keys((await import(pathToFileURL(path).href)) as object);
}

/** Name of the package that a file belongs to; empty for the project's own files. */
function packageOf(path: string): string {
  const [scope = '', name = ''] =
    path
      .split(/[\\/]node_modules[\\/]/)
      .slice(1)
      .at(-1)
      ?.split(/[\\/]/) ?? [];
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

/** Matches exactly these requests. */
function only(names: readonly string[]): RegExp {
  return new RegExp(`^(?:${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`);
}

/**
 * esbuild plugin that decides how each package gets into the bundle: whole, only what is used, at its first use, or not
 * at all. `root` is the folder that paths are written relative to, so that the bundle is the same wherever it is built.
 */
function bundledPackages(root: string): Plugin {
  return {
    name: 'bundled-packages',
    setup(build) {
      const resolveReal = ({ path, ...from }: OnResolveArgs): Promise<ResolveResult> =>
        build.resolve(path, { ...from, pluginData: REAL });

      build.onResolve({ filter: only(LAZY_PACKAGES) }, async (args) => {
        if (args.pluginData === REAL) return undefined;
        const { path, errors } = await resolveReal(args);
        if (errors.length > 0) return { errors };
        const real = relative(root, path);
        const contents = standInSource(await exportedNames(path), `require(${JSON.stringify(REAL + real)})`);
        return { path: `${real}.cjs`, namespace: STAND_IN, sideEffects: false, pluginData: contents };
      });
      build.onResolve({ filter: /^real:/ }, ({ path }) => ({ path: resolve(root, path.slice(REAL.length)) }));

      build.onResolve({ filter: only(ABSENT_MODULES.map(({ module }) => module)) }, ({ path, importer }) => {
        const absent = ABSENT_MODULES.find((one) => one.module === path && one.askedBy === packageOf(importer));
        return absent && { path, namespace: STAND_IN, sideEffects: false, pluginData: absentSource(absent) };
      });
      build.onLoad({ filter: /.*/, namespace: STAND_IN }, ({ pluginData }) => ({
        contents: pluginData as string,
        resolveDir: root,
      }));

      build.onResolve({ filter: only(PURE_PACKAGES) }, async (args) => {
        if (args.pluginData === REAL) return undefined;
        const { path, errors } = await resolveReal(args);
        return { path, errors, sideEffects: false };
      });
      build.onResolve({ filter: /^\.\.?\// }, ({ path, importer }) =>
        PURE_PACKAGES.includes(packageOf(importer))
          ? { path: resolve(importer, '..', path), sideEffects: false }
          : undefined,
      );
    },
  };
}
