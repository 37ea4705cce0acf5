import type { Transport } from './transport.ts';

export interface ConnectOptions {
  /** Path of a kubeconfig file; null: `KUBECONFIG`, `~/.kube/config`, the in-cluster service account. */
  readonly kubeconfig: string | null;
  /** null: the kubeconfig's current context. */
  readonly context: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A cluster, and how to talk to it. */
export interface Connection {
  readonly transport: Transport;
  /** The server's URL as the kubeconfig has it. */
  readonly server: string;
  /** Name of the context; '' for the in-cluster service account. */
  readonly context: string;
  /** Where it came from, for people: `kubeconfig /home/me/.kube/config`, `the in-cluster service account`. */
  readonly source: string;
  /**
   * Obtains credentials anew (exec plugin, token file); parallel calls share one renewal. Rejects with `ConnectError`
   * when none can be had. Does nothing for credentials that cannot change.
   */
  readonly renewCredentials: () => Promise<void>;
  /** Sentences for the report: certificates that are not checked, a server without TLS. */
  readonly warnings: readonly string[];
  /** Name of the node that the gate itself runs on, where it runs in the cluster and was told (`NODE_NAME`); else null. */
  readonly runsOnNode: string | null;
  /** Tokens, passwords and keys in use so far, one by one: what a face must mask. Grows when credentials are renewed. */
  readonly secrets: () => readonly string[];
  /** Ends all connections that are kept alive. */
  readonly close: () => void;
}
