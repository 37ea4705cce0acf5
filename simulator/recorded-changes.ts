import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from './objects.ts';
import type { Simulator } from './simulator.ts';
import { shiftTimes } from './timestamps.ts';

/** A line of a recorded watch; `at`: the server's time when it came. */
interface RecordedChange {
  readonly type: string;
  readonly object: KubeObject;
  readonly at?: string;
}

const WATCH = '.watch.jsonl';

/**
 * Lets happen what was watched after a recording of `recordedMs`, each change as long after the present as it came after
 * that moment. Throws when the recording has no watches, or watches without times.
 */
export function scheduleChanges(sim: Simulator, folder: string, recordedMs: number): void {
  const files = readdirSync(folder).filter((name) => name.endsWith(WATCH));
  if (files.length === 0) throw new Error(`cannot play changes: ${folder} has no watches`);
  for (const file of files) {
    const plural = file.slice(0, -WATCH.length);
    const path = join(folder, file);
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '') continue;
      const { type, object, at } = JSON.parse(line) as RecordedChange;
      if (at === undefined) throw new Error(`cannot play changes: a line of ${path} does not say when it came`);
      if (type === 'BOOKMARK') continue;
      const { namespace, name } = object.metadata;
      sim.world.after(Date.parse(at) - recordedMs, () => {
        if (type === 'DELETED') sim.cluster.remove(plural, namespace, name);
        else sim.cluster.put(plural, shiftTimes(object, sim.world.wallMs() - Date.parse(at)));
      });
    }
  }
}
