import { spawnSync } from 'node:child_process';
import { KUBERNETES_VERSION, OTHER_VERSIONS } from './cluster/components.ts';
import { sourceOf } from './cluster/places.ts';

/** The scenario in which everything takes part, and what holds the simulator to the real thing. */
const SMOKE = ['one-node', 'api-contract', 'happenings'];

/** Runs the smoke part on an older and a newer Kubernetes than the suite's, one after another. */
for (const version of [...OTHER_VERSIONS, KUBERNETES_VERSION]) {
  process.stderr.write(`e2e: Kubernetes ${version}\n`);
  const { status } = spawnSync(process.execPath, [sourceOf('run.ts'), '--kubernetes', version, ...SMOKE], {
    stdio: 'inherit',
  });
  // A signal that ended it was meant for all of them.
  if (status === null || status > 128) process.exit(status ?? 1);
  if (status !== 0) process.exitCode = 1;
}
