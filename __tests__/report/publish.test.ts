import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { parseOutputs } from '../../simulator/run-action.ts';
import { publish } from '../../src/report/actions.ts';
import { aSettings } from '../builders.ts';
import { aReport } from './reports.ts';

let folder: string;
const environment = process.env.GITHUB_OUTPUT;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'publish-'));
  process.env.GITHUB_OUTPUT = join(folder, 'output');
  writeFileSync(join(folder, 'output'), '');
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
  if (environment === undefined) delete process.env.GITHUB_OUTPUT;
  else process.env.GITHUB_OUTPUT = environment;
  rmSync(folder, { recursive: true });
});

test('the verdict is out before a report is written that may take its time, and its path when it is', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const outputs = (): Readonly<Record<string, string>> => parseOutputs(readFileSync(join(folder, 'output'), 'utf8'));
  const result = { report: aReport(), notReadyPods: ['shop/web-1'], restartedNodes: [], cancelled: false };
  const settings = aSettings({ reportFile: pipe, jobSummary: false });

  const publishing = publish(result, settings, {}, new AbortController().signal);
  expect(outputs()).toMatchObject({ verdict: 'unhealthy', 'not-ready-pods': '["shop/web-1"]', 'report-file': '' });
  expect(JSON.parse(await readFile(pipe, 'utf8'))).toEqual(aReport());
  await publishing;
  expect(outputs()).toMatchObject({ verdict: 'unhealthy', 'report-file': pipe });
});
