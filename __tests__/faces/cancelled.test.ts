import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { FaceWatch } from '../../simulator/face-process.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { aFolder, closeAll, playAction, playCli, readReport, type Served, serve } from './runs.ts';

afterAll(closeAll);

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGKILL';

/** A Deployment that never becomes ready, so that only a cancellation ends the run. */
function anEndlessWait(): Simulator {
  const sim = createSimulator({ seed: 5 });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, behaviour: { kind: 'neverReady' } });
  sim.warmUp(60_000);
  return sim;
}

/** Sends `signal` as soon as the log shows `mark`. */
function cancelAt(mark: string, signal: Signal): FaceWatch {
  let kill: ((signal: Signal) => void) | null = null;
  let seen = '';
  return {
    onStart: (killer) => {
      kill = killer;
    },
    onOutput: (text) => {
      seen += text;
      if (!seen.includes(mark)) return;
      kill?.(signal);
      kill = null;
    },
  };
}

const INPUTS = { namespaces: 'shop', 'fail-on': 'none' };
const FLAGS = ['--namespaces=shop', '--fail-on=none'];
const LOOKED = 'pods ready';

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  const reason = new RegExp(`^cancelled by ${signal} after \\d+s: 0 of 2 pods were ready; shop/web: `, 'u');

  test.concurrent('ends the action: inconclusive, and it fails whatever fail-on says', async () => {
    const { exitCode, outputs, annotations } = await playAction(
      await serve(anEndlessWait()),
      INPUTS,
      cancelAt(LOOKED, signal),
    );
    expect(exitCode).toBe(1);
    expect(outputs).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(reason) });
    expect(outputs).toMatchObject({ 'pods-total': '2', 'pods-not-ready': '2' });
    expect(annotations.error[0]).toContain(outputs.reason);
  });

  test.concurrent('leaves report and summary of what was seen', async () => {
    const { report, summary } = await playAction(await serve(anEndlessWait()), INPUTS, cancelAt(LOOKED, signal));
    expect(report).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(reason) });
    expect(report?.findings.map(({ cause }) => cause)).toEqual(['NotReady', 'NotReady']);
    expect(summary).toContain('## ❔ Calico Health Gate: inconclusive');
    expect(summary).toContain('NotReady');
  });

  test.concurrent('ends the command line with exit code 2 whatever --fail-on says, its report written', async () => {
    const folder = aFolder();
    const path = join(folder, 'gate.json');
    const { exitCode, stdout } = await playCli(
      await serve(anEndlessWait()),
      [...FLAGS, '--json', `--report-file=${path}`],
      {
        folder,
        ...cancelAt(LOOKED, signal),
      },
    );
    expect(exitCode).toBe(2);
    expect(readReport(stdout)).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(reason) });
    expect(readFileSync(path, 'utf8')).toBe(stdout);
  });
});

describe('a cancelled run', () => {
  const hanging = async (): Promise<Served> => {
    const sim = anEndlessWait();
    sim.api.faults = () => ({ kind: 'hang' });
    return await serve(sim);
  };

  test.concurrent('does not wait for an API server that does not answer', async () => {
    const { exitCode, outputs, report } = await playAction(
      await hanging(),
      INPUTS,
      cancelAt('connecting to', 'SIGTERM'),
    );
    expect(exitCode).toBe(1);
    expect(outputs).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/^cancelled by SIGTERM /u),
    });
    expect(report?.verdict).toBe('inconclusive');
  });

  test.concurrent('does not wait for a credential plugin, and what it was about to do stands in its first line', async () => {
    const served = await serve(anEndlessWait());
    const kubeconfig = await served.server.writeKubeconfig('slow', {
      exec: { command: process.execPath, args: ['-e', 'setTimeout(() => {}, 60_000)'] },
    });
    const { exitCode, outputs, stdout } = await playAction(
      served,
      { ...INPUTS, kubeconfig },
      cancelAt('Calico Health Gate', 'SIGINT'),
    );
    expect(exitCode).toBe(1);
    expect(outputs.reason).toMatch(/^cancelled by SIGINT /u);
    expect(stdout).toMatch(
      /^Calico Health Gate \d+\.\d+\.\d+: all pods in namespace shop, for at most 10m, stable for 15s; changes nothing\n/u,
    );
    expect(served.sim.requests).toEqual([]);
  });

  test.concurrent('is not cut short by a second signal: a runner sends SIGTERM after SIGINT', async () => {
    const watch = cancelAt(LOOKED, 'SIGINT');
    const { exitCode, report } = await playAction(await serve(anEndlessWait()), INPUTS, {
      onStart: (kill) =>
        watch.onStart?.((signal) => {
          kill(signal);
          kill('SIGTERM');
        }),
      onOutput: (text) => watch.onOutput?.(text),
    });
    expect(exitCode).toBe(1);
    expect(report?.reason).toMatch(/^cancelled by SIG/u);
  });

  test.concurrent('writes no report on the command line unless one was asked for', async () => {
    const { folder, stdout, exitCode } = await playCli(await serve(anEndlessWait()), FLAGS, cancelAt(LOOKED, 'SIGINT'));
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/\nINCONCLUSIVE: cancelled by SIGINT /u);
    expect(existsSync(join(folder, 'calico-health-gate.json'))).toBe(false);
  });
});

test('a run that is killed leaves outputs behind that say so, so that nothing spoofed stands in their place', async () => {
  const { exitCode, outputs } = await playAction(await serve(anEndlessWait()), INPUTS, cancelAt(LOOKED, 'SIGKILL'));
  expect(exitCode).toBeNull();
  expect(outputs).toMatchObject({ verdict: 'inconclusive', reason: 'the gate did not come to its end' });
});
