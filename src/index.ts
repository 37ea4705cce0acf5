import * as core from '@actions/core';
import { cancellation } from './cancellation.ts';
import { INPUTS } from './contract.ts';
import { runGate } from './gate.ts';
import { whyFileIsUnreadable } from './kubeconfig-path.ts';
import { actionsSink, mask, publish, publishBadInput, publishBeginning } from './report/actions.ts';
import { createLog } from './report/log.ts';
import { describeProblems, type RawSettings, readSettings } from './settings.ts';

/** The action: inputs → settings → gate → outputs. Resolves to the exit code. */
export async function runAction(env: NodeJS.ProcessEnv): Promise<number> {
  publishBeginning();
  const raw = Object.fromEntries(INPUTS.map(({ name }) => [name, core.getInput(name)])) as RawSettings;
  const parsed = readSettings(raw, whyFileIsUnreadable);
  if ('problems' in parsed) return publishBadInput(describeProblems(parsed.problems));
  const cancel = cancellation();
  const tell = createLog(actionsSink());
  const result = await runGate(parsed.settings, { env, tell, mask, signal: cancel.signal, warnings: parsed.warnings });
  const exitCode = await publish(result, parsed.settings, env);
  cancel.dispose();
  return exitCode;
}
