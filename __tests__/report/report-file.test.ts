import { EventEmitter } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { listenForCancellation } from '../../src/cancellation.ts';
import { sleep } from '../../src/clock.ts';
import type { Report } from '../../src/report/report.ts';
import {
  type InTime,
  reportInTime,
  type Written,
  writeInTime,
  writeNumberedReport,
  writeReport,
} from '../../src/report/report-file.ts';
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

  const started = '2026-11-23T10:00:00.000Z';
  const ranFor = (seconds: number): Pick<Report, 'startedAt' | 'finishedAt'> => ({
    startedAt: started,
    finishedAt: new Date(Date.parse(started) + seconds * 1_000).toISOString(),
  });
  const inTime = (clock: VirtualClock, signal = new AbortController().signal): InTime =>
    writeInTime(ranFor(60), 600_000, signal, clock);

  test('is waited for while nobody cancels and the deadline has not come', async () => {
    const clock = createVirtualClock();
    const late = new Promise<Written>((resolve) => clock.after(540_000, () => resolve(WRITTEN)));
    await expect(clock.run(reportInTime(late, inTime(clock)))).resolves.toEqual(WRITTEN);
  });

  test.each([
    ['one that ended in the first minute of ten', ranFor(60), 544_500, '9m4s'],
    ['one that ended at the deadline', ranFor(600), 4_500, '4s'],
    ['one that ended four seconds after it', ranFor(604), 500, '500 ms'],
  ])('is given up before the run is five seconds late: %s', async (_, ran, afterMs, within) => {
    const clock = createVirtualClock();
    const written = await clock.run(
      reportInTime(never, writeInTime(ran, 600_000, new AbortController().signal, clock)),
    );
    expect(written).toEqual({ path: '', problem: `the report could not be written within ${within}` });
    expect(clock.monotonicMs()).toBe(afterMs);
  });

  test('and what is written behind it have that time together', async () => {
    const clock = createVirtualClock();
    const both = writeInTime(ranFor(600), 600_000, new AbortController().signal, clock);
    await clock.run(both(never, () => WRITTEN).then(() => both(never, () => WRITTEN)));
    expect(clock.monotonicMs()).toBe(4_500);
  });

  /** Cancelled at `ms` on the clock. */
  const cancelledAt = (clock: VirtualClock, ms: number): AbortSignal => {
    const source = new EventEmitter();
    clock.after(ms, () => source.emit('SIGINT', 'SIGINT'));
    return listenForCancellation(
      1,
      { on: (name, listener) => source.on(name, listener), exit: () => undefined },
      clock,
    );
  };

  test.each([
    ['while it is written', 10_000, 0, 13_500],
    ['just before it is written', 0, 1_000, 3_500],
    ['and took its time before it is written', 0, 4_000, 4_500],
  ])('is given up in time when the run was cancelled %s', async (_, cancelMs, writeMs, givenUpMs) => {
    const clock = createVirtualClock();
    const signal = cancelledAt(clock, cancelMs);
    await clock.run(sleep(clock, writeMs));
    const { path, problem } = await clock.run(reportInTime(never, inTime(clock, signal)));
    expect(path).toBe('');
    expect(problem).toMatch(/^the report could not be written within \ds after the run was cancelled$/u);
    expect(clock.monotonicMs()).toBe(givenUpMs);
  });

  test('of a cancelled run has more than a moment: a file of 40 MB takes its time', async () => {
    const clock = createVirtualClock();
    const signal = cancelledAt(clock, 0);
    await clock.run(sleep(clock, 500));
    const slow = new Promise<Written>((resolve) => clock.after(2_500, () => resolve(WRITTEN)));
    await expect(clock.run(reportInTime(slow, inTime(clock, signal)))).resolves.toEqual(WRITTEN);
  });

  test('of a cancelled run is written all the same, and leaves no timer', async () => {
    const clock = createVirtualClock();
    const path = join(folder, 'gate.json');
    await expect(
      clock.run(reportInTime(writeReport(aReport(), path), inTime(clock, AbortSignal.abort()))),
    ).resolves.toEqual({
      path,
      problem: null,
    });
    expect(clock.pending()).toBe(0);
  });
});
