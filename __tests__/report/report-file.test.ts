import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createVirtualClock } from '../../simulator/virtual-clock.ts';
import { type Written, writeNumberedReport, writeReport, writtenInTime } from '../../src/report/report-file.ts';
import { aReport } from './reports.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a report at a path of its own', () => {
  test('is written with the folders that it needs', async () => {
    const path = join(folder, 'a/b/gate.json');
    expect(await writeReport(aReport(), path)).toEqual({ path, problem: null });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(aReport());
  });

  test('that cannot be written is a problem, and no error', async () => {
    const { path, problem } = await writeReport(aReport(), '/dev/null/file/gate.json');
    expect(path).toBe('');
    expect(problem).toMatch(/^the report could not be written to \/dev\/null\/file\/gate\.json: .*ENOTDIR/u);
  });
});

describe('a report of a job', () => {
  test('gets the first number that is free, so that none is lost', async () => {
    writeFileSync(join(folder, 'calico-health-gate-2.json'), 'of somebody else');
    const paths: string[] = [];
    for (let gate = 1; gate <= 2; gate += 1) paths.push((await writeNumberedReport(aReport(), folder)).path);
    expect(paths.map((path) => path.slice(folder.length + 1))).toEqual([
      'calico-health-gate.json',
      'calico-health-gate-3.json',
    ]);
    expect(readFileSync(join(folder, 'calico-health-gate-2.json'), 'utf8')).toBe('of somebody else');
  });

  test('of gates at the same moment are as many files', async () => {
    await Promise.all(Array.from({ length: 8 }, async () => await writeNumberedReport(aReport(), folder)));
    expect(readdirSync(folder)).toHaveLength(8);
    for (const name of readdirSync(folder)) JSON.parse(readFileSync(join(folder, name), 'utf8'));
  });

  test('without its folder is a problem, and no error', async () => {
    const { path, problem } = await writeNumberedReport(aReport(), join(folder, 'missing'));
    expect(path).toBe('');
    expect(problem).toContain('ENOENT');
  });
});

describe('a report that is being written', () => {
  const WRITTEN: Written = { path: '/report.json', problem: null };
  const never = new Promise<Written>(() => undefined);

  test('is waited for as long as it takes while nobody cancels', async () => {
    const clock = createVirtualClock();
    const late = new Promise<Written>((resolve) => clock.after(600_000, () => resolve(WRITTEN)));
    await expect(clock.run(writtenInTime(late, new AbortController().signal, clock))).resolves.toEqual(WRITTEN);
  });

  test.each([0, 10_000])('is given up soon after a cancellation that came %i ms later', async (ms) => {
    const clock = createVirtualClock();
    const cancelling = new AbortController();
    clock.after(ms, () => cancelling.abort());
    const { path, problem } = await clock.run(writtenInTime(never, cancelling.signal, clock));
    expect(path).toBe('');
    expect(problem).toMatch(/^the report could not be written within \d+ ms after the run was cancelled$/u);
    expect(clock.monotonicMs() - ms).toBeLessThan(1_000);
  });

  test('of a cancelled run is written all the same, and leaves no timer', async () => {
    const clock = createVirtualClock();
    const path = join(folder, 'gate.json');
    await expect(clock.run(writtenInTime(writeReport(aReport(), path), AbortSignal.abort(), clock))).resolves.toEqual({
      path,
      problem: null,
    });
    expect(clock.pending()).toBe(0);
  });
});
