import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildDist } from './build.ts';

/** Names of the files that are only in one of the two folders, or differ between them; sorted. */
function differingFiles(a: string, b: string): readonly string[] {
  const names = new Set([...readdirSync(a), ...readdirSync(b)]);
  return [...names].filter((name) => !sameFile(join(a, name), join(b, name))).sort();
}

function sameFile(a: string, b: string): boolean {
  try {
    return readFileSync(a).equals(readFileSync(b));
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const committed = resolve(import.meta.dirname, '../dist');
  const scratch = mkdtempSync(join(tmpdir(), 'calico-health-gate-check-'));
  try {
    const rebuilt = join(scratch, 'dist');
    await buildDist(rebuilt);
    const differing = differingFiles(committed, rebuilt);
    if (differing.length > 0) {
      process.stderr.write(
        `dist/ does not match the sources: ${differing.join(', ')}; run "npm run build" and commit\n`,
      );
      process.exitCode = 1;
    } else {
      process.stdout.write('dist/ matches the sources\n');
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
