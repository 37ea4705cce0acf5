import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildOptions, OnResolveResult, Plugin } from 'esbuild';

/** Loaded at their first use: only clusters behind a proxy, with OIDC or with an old cloud login need them. */
export const LAZY_PACKAGES = ['hpagent', 'jsonpath-plus', 'openid-client', 'socks', 'socks-proxy-agent'] as const;

/**
 * Left out, and every use throws: only the generated API classes of client-node use it, and the gate speaks over
 * `node:https`. It would be two thirds of the bundle.
 */
export const ABSENT_PACKAGES = ['undici'] as const;

/**
 * Packages whose modules do nothing when loaded, though their package.json does not say so. What is not used of them
 * may go: 700 generated models, and the OIDC client of `@actions/core` with its HTTP library.
 */
const PURE_PACKAGES = [
  '@actions/core',
  '@actions/exec',
  '@actions/http-client',
  '@actions/io',
  '@kubernetes/client-node',
];

/**
 * The only part of client-node that runs. Asking for it directly turns the use of any other part into an error of the
 * build, where it would otherwise pull in 15 MB of generated code.
 */
const CLIENT_NODE = { name: '@kubernetes/client-node', path: '@kubernetes/client-node/dist/config.js' } as const;

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
 * when one of them is read for the first time. Getters rather than proxies, because exports are not only functions:
 * `customFetch` of openid-client is a symbol. A package is used through its named exports; `default` is the stand-in.
 */
export function standInSource(names: readonly string[], load: string): string {
  const getters = names
    .filter((name) => !INTEROP_NAMES.includes(name))
    .sort()
    .map((name) => `  get ${JSON.stringify(name)}() { return load()[${JSON.stringify(name)}]; },`);
  return [`const load = () => ${load};`, 'module.exports = {', ...getters, '};', ''].join('\n');
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

/**
 * esbuild plugin that decides how each package gets into the bundle: whole, only what is used, at its first use, or not
 * at all. `root` is the folder that paths are written relative to, so that the bundle is the same wherever it is built.
 */
function bundledPackages(root: string): Plugin {
  return {
    name: 'bundled-packages',
    setup(build) {
      const only = (names: readonly string[]): RegExp => new RegExp(`^(?:${names.join('|')})$`);

      build.onResolve({ filter: only([...LAZY_PACKAGES, ...ABSENT_PACKAGES]) }, async ({ path: name, ...from }) => {
        if (from.pluginData === REAL) return undefined;
        const { path, errors } = await build.resolve(name, { ...from, pluginData: REAL });
        if (errors.length > 0) return { errors };
        const real = relative(root, path);
        const isAbsent = (ABSENT_PACKAGES as readonly string[]).includes(name);
        const load = isAbsent
          ? `{ throw new Error(${JSON.stringify(`${name} is not part of this bundle`)}); }`
          : `require(${JSON.stringify(REAL + real)})`;
        const contents = standInSource(await exportedNames(path), load);
        return { path: `${real}.cjs`, namespace: STAND_IN, sideEffects: false, pluginData: contents };
      });
      build.onLoad({ filter: /.*/, namespace: STAND_IN }, ({ pluginData }) => ({
        contents: pluginData as string,
        resolveDir: root,
      }));
      build.onResolve({ filter: /^real:/ }, ({ path }) => ({ path: resolve(root, path.slice(REAL.length)) }));

      build.onResolve(
        { filter: only(PURE_PACKAGES) },
        async ({ path, ...from }): Promise<OnResolveResult | undefined> => {
          if (from.pluginData === REAL) return undefined;
          const wanted = path === CLIENT_NODE.name ? CLIENT_NODE.path : path;
          const real = await build.resolve(wanted, { ...from, pluginData: REAL });
          return { path: real.path, errors: real.errors, sideEffects: false };
        },
      );
      build.onResolve({ filter: /^\.\.?\// }, ({ path, importer }) =>
        PURE_PACKAGES.includes(packageOf(importer))
          ? { path: resolve(importer, '..', path), sideEffects: false }
          : undefined,
      );
    },
  };
}
