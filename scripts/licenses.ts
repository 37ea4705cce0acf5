import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Metafile } from 'esbuild';

/** A package of which at least one byte is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  /** Its version, or which package has it in its own files: that package then does not say which version that was. */
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** Packages that others have built into their own files, where no path tells of them. */
const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  'jsonpath-plus': ['@jsep-plugin/assignment', '@jsep-plugin/regex', 'jsep'],
};

/** Only of files: paths with a namespace in front (`lazy:…`) are made by the build itself. */
const PACKAGE_FOLDER = /^(?:[^:]*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/**
 * The packages in esbuild's output, by name and version, and those that are built into them. `root` is the folder that
 * the metafile's paths are relative to.
 *
 * @throws when a package brings no licence text: it may then not be shipped.
 */
export function bundledPackageList(metafile: Metafile, root: string): readonly BundledPackage[] {
  const folders = new Set<string>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = PACKAGE_FOLDER.exec(path)?.[0];
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
    }
  }
  const packages = [...folders].flatMap((folder) => readPackages(resolve(root, folder), resolve(root, 'node_modules')));
  return packages.sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

/** Text of `dist/licenses.txt`: every package under a line of its own with name, version and the licence's short name. */
export function licensesText(packages: readonly BundledPackage[]): string {
  const intro = 'This bundle contains the packages below, each under its own license.\n';
  const sections = packages.map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`);
  return [intro, ...sections].join(`\n${'-'.repeat(80)}\n\n`);
}

function readPackages(folder: string, modules: string): readonly BundledPackage[] {
  const outer = readPackage(folder);
  const inner = (BUILT_IN[outer.name] ?? []).map((name) => {
    const own = join(folder, 'node_modules', name);
    return {
      ...readPackage(existsSync(own) ? own : join(modules, name)),
      version: `in ${outer.name} ${outer.version}`,
    };
  });
  return [outer, ...inner];
}

function readPackage(folder: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as BundledPackage;
  const files = readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
  const text = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim());
  if (text.length === 0) {
    throw new Error(`cannot ship ${name} ${version}: it has no license file in ${folder}; leave the package out`);
  }
  return { name, version, license, text: text.join('\n\n') };
}

/** By code unit, not by locale: the file must be the same on every machine. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
