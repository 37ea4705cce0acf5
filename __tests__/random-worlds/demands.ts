import type { Inputs } from '../harness.ts';

/** What the inputs of a story ask of a gate: read by the judges themselves, and only as far as stories use inputs. */
export interface Demands {
  readonly timeoutMs: number;
  readonly stableForMs: number;
  readonly stuckAfterMs: number;
  readonly minPods: number;
  readonly restarts: boolean;
  readonly mostRestarts: number;
  readonly restartTimeoutMs: number;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly excluded: readonly string[];
  /** The one selector that stories know, `tier=front`. */
  readonly onlyFront: boolean;
  readonly calicoNamespace: string | null;
}

export function demandsOf(inputs: Inputs): Demands {
  return {
    timeoutMs: ms(inputs.timeout ?? '600s'),
    stableForMs: ms(inputs['stable-for'] ?? '15s'),
    stuckAfterMs: ms(inputs['stuck-after'] ?? '0s'),
    minPods: Number(inputs['min-pods'] ?? '1'),
    restarts: inputs['restart-calico-node'] === 'true',
    mostRestarts: Number(inputs['max-node-restarts'] ?? '3'),
    restartTimeoutMs: ms(inputs['restart-timeout'] ?? '180s'),
    namespaces: names(inputs.namespaces),
    excluded: names(inputs['exclude-namespaces']),
    onlyFront: inputs.selector !== undefined,
    calicoNamespace: inputs['calico-namespace'] ?? null,
  };
}

function ms(text: string): number {
  const seconds = /^(\d+)s$/.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`stories write durations in seconds, not ${text}`);
  return Number(seconds) * 1_000;
}

function names(text = ''): readonly string[] {
  return text.split(', ').filter((name) => name !== '');
}
