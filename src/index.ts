import * as core from '@actions/core';
import { INPUTS } from './contract.ts';
import { runGate } from './gate.ts';
import { whyFileIsUnreadable } from './kubeconfig-path.ts';
import { actionsSink, maskIn, publish, publishBadInput } from './report/actions.ts';
import { createLog } from './report/log.ts';
import { type Secrets, secretFreeSink } from './report/secrets.ts';
import { describeProblems, type RawSettings, readSettings } from './settings.ts';

/** The action: inputs → settings → gate → outputs. `signal` cancels it. Resolves to the exit code. */
export async function runAction(env: NodeJS.ProcessEnv, signal: AbortSignal, secrets: Secrets): Promise<number> {
  const raw = Object.fromEntries(INPUTS.map(({ name }) => [name, core.getInput(name)])) as RawSettings;
  const parsed = readSettings(raw, whyFileIsUnreadable);
  if ('problems' in parsed) return publishBadInput(describeProblems(parsed.problems));
  const { settings, warnings } = parsed;
  const tell = createLog(secretFreeSink(actionsSink(), secrets));
  const result = await runGate(settings, { env, tell, mask: maskIn(secrets), signal, warnings });
  return await publish(result, settings, env, signal);
}
