import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { secondsStamp } from '../../simulator/timestamps.ts';
import { VERSION } from '../../src/version.ts';
import type { Change, Recording } from './recording.ts';
import { listTypeOf, RECORDED } from './resources.ts';

/**
 * The files of a recording by their names: a list for each resource, `now`, a line for each change of a watch, and
 * `recording.json`, which says how it was made. `playRecording` of the simulator reads them.
 */
export function filesOf(recording: Recording, pseudonyms: boolean): ReadonlyMap<string, string> {
  const { lists, changes, nowMs, namespaces, forbidden, gaps, kubernetesVersion } = recording;
  const files = new Map<string, string>();
  for (const resource of RECORDED) {
    const { resourceVersion, items } = lists[resource];
    const head = JSON.stringify({ ...listTypeOf(resource), metadata: { resourceVersion } }).slice(0, -1);
    // An item a line: a reader finds its way, and a diff shows which one is another.
    const body = items.map((item) => `\n${JSON.stringify(item)}`).join(',');
    files.set(`${resource}.json`, `${head},"items":[${body}\n]}\n`);
  }
  files.set('now', `${secondsStamp(nowMs)}\n`);
  for (const resource of RECORDED) {
    if (changes[resource].length === 0) continue;
    files.set(`${resource}.watch.jsonl`, changes[resource].map((change) => `${lineOf(change)}\n`).join(''));
  }
  const about = {
    recorder: VERSION,
    kubernetes: kubernetesVersion,
    namespaces,
    names: pseudonyms ? 'pseudonyms' : 'real',
    forbidden,
    gaps,
  };
  files.set('recording.json', `${JSON.stringify(about, null, 2)}\n`);
  return files;
}

function lineOf({ type, object, atMs }: Change): string {
  return JSON.stringify({ type, object, at: new Date(atMs).toISOString() });
}

/** Why nothing may be written there; null when it may. Nothing is ever overwritten. */
export function whyNotInto(folder: string): string | null {
  try {
    return readdirSync(folder).length === 0 ? null : `the folder ${folder} is not empty`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? null : `the folder ${folder} cannot be used: ${code}`;
  }
}

export function writeFiles(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, name), content, { flag: 'wx' });
}
