import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Secrets } from '../src/report/secrets.ts';

const runAction = jest.fn<(env: NodeJS.ProcessEnv, signal: AbortSignal, secrets: Secrets) => Promise<number>>();
const runCli = jest.fn<(argv: readonly string[], io: { signal: AbortSignal; secrets: Secrets }) => Promise<number>>();
const publishBadInput = jest.fn<(message: string) => number>();
const publishBeginning = jest.fn();
const endProcess = jest.fn<(code: number) => void>();
jest.unstable_mockModule('../src/index.ts', () => ({ runAction }));
jest.unstable_mockModule('../src/cli.ts', () => ({ runCli }));
jest.unstable_mockModule('../src/report/actions.ts', () => ({ publishBadInput, publishBeginning }));
jest.unstable_mockModule('../src/process-end.ts', () => ({ endProcess }));
const { startAction, startCli } = await import('../src/main.ts');

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const STREAMS = [process.stdout, process.stderr] as const;
const LISTENED = STREAMS.map((stream) => stream.listeners('error'));

let stderr: string;
let exited: Promise<number>;
beforeEach(() => {
  stderr = '';
  captureWrites(process.stdout, () => {});
  captureWrites(process.stderr, (text) => {
    stderr += text;
  });
  exited = new Promise((resolve) => {
    endProcess.mockImplementation(resolve);
  });
  publishBadInput.mockReturnValue(1);
});
afterEach(() => {
  process.exitCode = 0;
  process.removeAllListeners('uncaughtException');
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  for (const [index, stream] of STREAMS.entries()) {
    for (const listener of stream.listeners('error')) {
      if (!LISTENED[index]?.includes(listener)) stream.off('error', listener as () => void);
    }
  }
  jest.clearAllMocks();
  jest.restoreAllMocks();
});

/** Jest's own replacement of `write` never calls back. */
function captureWrites(stream: NodeJS.WriteStream, written: (text: string) => void): void {
  jest.spyOn(stream, 'write').mockImplementation((text, ...rest) => {
    written(String(text));
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  });
}

test('the action ends the process with its exit code, though something is still open', async () => {
  runAction.mockResolvedValue(1);
  startAction();
  expect(await exited).toBe(1);
  expect(publishBadInput).not.toHaveBeenCalled();
});

test('the command line ends the process with its exit code', async () => {
  runCli.mockResolvedValue(64);
  startCli();
  expect(await exited).toBe(64);
  expect(stderr).toBe('');
});

test('an action that nobody expected to stop sets its outputs all the same', async () => {
  runAction.mockRejectedValue(new Error('no such luck'));
  startAction();
  expect(await exited).toBe(1);
  expect(publishBadInput).toHaveBeenCalledWith('calico-health-gate stopped unexpectedly: no such luck');
});

test('a command line that stops unexpectedly is inconclusive, and shows where it was', async () => {
  runCli.mockRejectedValue(new Error('no such luck'));
  startCli();
  expect(await exited).toBe(2);
  expect(stderr).toContain('main.test.ts');
  expect(stderr).toMatch(/\ncalico-health-gate stopped unexpectedly: no such luck\n$/);
});

test('an error outside of all promises that are waited for is unexpected too', async () => {
  runCli.mockReturnValue(new Promise(() => {}));
  startCli();
  process.emit('uncaughtException', new Error('thrown in a timer'));
  expect(await exited).toBe(2);
  expect(stderr).toContain('stopped unexpectedly: thrown in a timer');
});

test('what a stranger put into an error is no workflow command', async () => {
  runCli.mockRejectedValue(new Error('x\n::error::y ##[error]z'));
  startCli();
  await exited;
  expect(stderr).not.toMatch(/^\s*::|##\[error\]/m);
});

test('an error that repeats a credential does not give it away', async () => {
  runCli.mockImplementation((_argv, { secrets }) => {
    secrets.add('s3cr3t-token');
    return Promise.reject(new Error('Invalid character in "Bearer s3cr3t-token"'));
  });
  startCli();
  await exited;
  expect(stderr).toContain('Invalid character in "Bearer ***"');
  expect(stderr).not.toContain('s3cr3t-token');
});

describe.each(SIGNALS)('%s', (name) => {
  // The limit of a cancellation would outlive the test.
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test.each([
    ['the action', () => startAction(), () => runAction.mock.lastCall?.[1]],
    ['the command line', () => startCli(), () => runCli.mock.lastCall?.[1].signal],
  ])('cancels %s from its very beginning', (_face, start, signalOf) => {
    for (const face of [runAction, runCli]) face.mockReturnValue(new Promise(() => {}));
    start();
    expect(signalOf()?.aborted).toBe(false);
    process.emit(name, name);
    expect(signalOf()?.reason).toMatchObject({ message: `cancelled by ${name}` });
  });

  test('is heard before the action says anything', () => {
    runAction.mockReturnValue(new Promise(() => {}));
    let listeners = 0;
    publishBeginning.mockImplementation(() => {
      listeners = process.listenerCount(name);
    });
    startAction();
    expect(listeners).toBe(1);
  });

  test('changes nothing any more when the process is ending', async () => {
    runCli.mockResolvedValue(2);
    startCli();
    expect(await exited).toBe(2);
    expect(process.emit(name, name)).toBe(true);
  });
});
