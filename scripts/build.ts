import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ncc from '@vercel/ncc';
import { build, type Metafile } from 'esbuild';
import { bundleOptions } from './bundled-packages.ts';
import { bundledPackageList, licensesText } from './licenses.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Between esbuild and ncc. Always the same path, because ncc's output depends on it. */
const BUNDLED = join(ROOT, 'out/index.cjs');

/**
 * Whether the bundle is what Node was started with. ncc would answer for `import.meta.main` and `require.main` that it
 * always is; a line in front of ncc's own wrapper knows better.
 */
const STARTED_DIRECTLY = 'startedDirectly';

/**
 * Builds what is shipped into `folder`, which is emptied first: `index.js` (the action, and what the command line
 * needs), `cli.js`, `package.json` and `licenses.txt`. The same sources give the same bytes in every folder.
 *
 * esbuild does the bundling, because it can leave out and put off; ncc makes the one file. The code stays readable: not
 * minified it starts as fast, and people can review what they run with their cluster's credentials.
 *
 * @throws when a source does not bundle without a warning, or when a package has no licence.
 */
export async function buildDist(folder: string): Promise<void> {
  const metafile = await bundle(BUNDLED);
  // ncc numbers modules by the paths from where it runs to them and to itself.
  process.chdir(ROOT);
  const { code, assets } = await ncc(BUNDLED, { cache: false, quiet: true });
  const unexpected = Object.keys(assets);
  if (unexpected.length > 0) throw new Error(`ncc wants to ship more than one file: ${unexpected.join(', ')}`);

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.js'), `const ${STARTED_DIRECTLY} = require.main === module;\n${code}\n`);
  cpSync(join(ROOT, 'src/launcher.cjs'), join(folder, 'cli.js'));
  chmodSync(join(folder, 'cli.js'), 0o755);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
  writeFileSync(join(folder, 'licenses.txt'), licensesText(bundledPackageList(metafile, ROOT)));
}

async function bundle(outfile: string): Promise<Metafile> {
  const { metafile, warnings } = await build({
    ...bundleOptions(ROOT),
    entryPoints: ['src/main.ts'],
    outfile,
    define: { 'import.meta.main': STARTED_DIRECTLY },
    metafile: true,
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error(`esbuild gave ${warnings.length} warnings; each is a difference from Node`);
  return metafile;
}

if (import.meta.main) {
  const folder = resolve(ROOT, process.argv[2] ?? 'dist');
  await buildDist(folder);
  const sizeKiB = Math.ceil(readFileSync(join(folder, 'index.js')).byteLength / 1024);
  process.stdout.write(`built ${folder}: index.js has ${sizeKiB} KiB\n`);
}
