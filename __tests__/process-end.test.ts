import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type EndingProcess, endProcess } from '../src/process-end.ts';

/** A process that only notes how it is ended. */
function aProcess(resources: readonly string[], more: Partial<EndingProcess> = {}) {
  const ends: unknown[] = [];
  const ending: EndingProcess = {
    execPath: '/node',
    getActiveResourcesInfo: () => resources,
    exit: (code) => ends.push(code),
    execve: (file, args, env) => ends.push([file, args, env]),
    ...more,
  };
  return { ending, ends };
}

describe('the end of a process', () => {
  test.each([[[]], [['Timeout', 'TCPSocketWrap', 'ProcessWrap', 'PipeWrap']]])(
    'is an exit while no thread is busy: %j',
    (resources) => {
      const { ending, ends } = aProcess(resources);
      endProcess(2, ending);
      expect(ends).toEqual([2]);
    },
  );

  test.each(['GetAddrInfoReqWrap', 'FSReqPromise', 'FSReqCallback'])('does not wait for %s', (resource) => {
    const { ending, ends } = aProcess(['Timeout', resource]);
    endProcess(2, ending);
    expect(ends[0]).toEqual(['/node', ['/node', '-e', 'process.exit(2)'], {}]);
  });

  test('is an exit where a process cannot be replaced', () => {
    const { ending, ends } = aProcess(['FSReqPromise'], {
      execve: () => {
        throw new Error('not on this platform');
      },
    });
    endProcess(1, ending);
    const old = aProcess(['FSReqPromise'], { execve: undefined });
    endProcess(1, old.ending);
    expect([ends, old.ends]).toEqual([[1], [1]]);
  });
});

describe('a real process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'process-end-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('whose thread never comes back ends with its code, and what it wrote gets out', async () => {
    const module = JSON.stringify(new URL('../src/process-end.ts', import.meta.url).href);
    // Nobody ever reads from the pipe: `open` waits for somebody who does.
    const script = `import { execFileSync } from 'node:child_process';
      import { writeFile } from 'node:fs/promises';
      import { endProcess } from ${module};
      execFileSync('mkfifo', [${JSON.stringify(join(folder, 'pipe'))}]);
      void writeFile(${JSON.stringify(join(folder, 'pipe'))}, 'x');
      setImmediate(() => { process.stdout.write('last words'); endProcess(7); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => {
      child.on('close', resolve);
    });
    expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: 'last words', stderr: '' });
  });
});
