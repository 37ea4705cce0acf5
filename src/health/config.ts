import type { Pod } from '../objects/pod.ts';
import { containerName } from './container.ts';
import type { Symptom } from './symptom.ts';

/** `failed to sync secret cache: timed out waiting for the condition`: the kubelet's watch of it lags behind. */
const CACHE_LAGS = /failed to sync .* cache/;
/** `secret "x" not found`, `couldn't find key k in ConfigMap shop/x`. */
const MISSING = /"[^"]*" not found|couldn't find key/;

/** A cache that lags recovers within a few of the kubelet's syncs. */
const CACHE_MS = 3 * 60_000;

/** A container whose settings the kubelet cannot put together; null when there is none. */
export function configSymptom(pod: Pod): Symptom | null {
  for (const container of pod.containers) {
    if (container.state.kind !== 'waiting' || container.state.reason !== 'CreateContainerConfigError') continue;
    const { reason, message } = container.state;
    const told = `${containerName(container)}: ${message || reason}`;
    if (CACHE_LAGS.test(message))
      return { stage: 'config', cause: 'MissingConfig', message: told, patienceMs: CACHE_MS };
    const cause = MISSING.test(message) ? 'MissingConfig' : 'InvalidConfig';
    return { stage: 'config', cause, message: told };
  }
  return null;
}
