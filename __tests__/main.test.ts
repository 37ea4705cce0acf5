import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

const runAction = jest.fn<(env: NodeJS.ProcessEnv) => Promise<number>>();
const runCli = jest.fn<(argv: readonly string[]) => Promise<number>>();
const publishBadInput = jest.fn<(message: string) => number>();
jest.unstable_mockModule('../src/index.ts', () => ({ runAction }));
jest.unstable_mockModule('../src/cli.ts', () => ({ runCli }));
jest.unstable_mockModule('../src/report/actions.ts', () => ({ publishBadInput }));
const { startAction, startCli } = await import('../src/main.ts');

let stderr: string;
let exited: Promise<number>;
beforeEach(() => {
  stderr = '';
  captureWrites(process.stdout, () => {});
  captureWrites(process.stderr, (text) => {
    stderr += text;
  });
  exited = new Promise((resolve) => {
    jest.spyOn(process, 'exit').mockImplementation((code) => resolve(Number(code)) as never);
  });
  publishBadInput.mockReturnValue(1);
});
afterEach(() => {
  process.exitCode = 0;
  process.removeAllListeners('uncaughtException');
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
