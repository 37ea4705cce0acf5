import type { TokenState } from './cni.ts';
import type { ClusterContext } from './context.ts';
import type { NodeModel } from './nodes.ts';

/** What happens to Calico's CNI tokens. */
export interface TokenActions {
  /** Breaks a node's token. With `cachedMs` the API server still accepts it for a while, as its cache does (10 s). */
  readonly breakToken: (node: string, state?: TokenState, options?: { readonly cachedMs?: number }) => void;
  readonly restoreToken: (node: string) => void;
  /** The account is deleted and recreated: the tokens of all nodes die. */
  readonly recreateServiceAccount: (options?: { readonly cachedMs?: number }) => void;
  /** Whether a restart of calico-node on a node brings a token that works. */
  readonly setRestartCures: (node: string, cures: boolean) => void;
}

export function createTokenActions(context: ClusterContext): TokenActions {
  const { nodes, world } = context;
  const modelOf = (name: string): NodeModel => {
    const node = nodes.get(name);
    if (!node) throw new Error(`the simulated cluster has no node "${name}": it has ${[...nodes.keys()].join(', ')}`);
    return node;
  };
  const breakToken: TokenActions['breakToken'] = (name, state = 'unauthorized', { cachedMs = 0 } = {}) => {
    const node = modelOf(name);
    if (cachedMs === 0) {
      node.token = state;
      return;
    }
    const restartsBefore = node.restarts;
    world.after(cachedMs, () => {
      // A token that was replaced meanwhile is another one.
      if (node.restarts === restartsBefore) node.token = state;
    });
  };
  return {
    breakToken,
    restoreToken: (name) => {
      modelOf(name).token = 'valid';
    },
    recreateServiceAccount: (options) => {
      for (const name of nodes.keys()) breakToken(name, 'unauthorized', options);
    },
    setRestartCures: (name, cures) => {
      modelOf(name).restartCures = cures;
    },
  };
}
