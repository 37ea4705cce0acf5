import type { World } from '../harness.ts';
import type { Demands } from './demands.ts';
import type { Truth } from './truth.ts';

/** A gate, as far as its DELETEs are concerned. */
export interface Deleter {
  readonly demands: Demands;
  readonly beganMs: number;
  readonly cancelledMs: () => number | null;
  /** What it sent before, in order. */
  readonly sent: readonly Sent[];
  /** How long ago what it decides by may have been true: no list and no DELETE arrives in the moment it is sent. */
  readonly lagMs: () => number;
  /** Whether it has looked at pods since it last sent a DELETE of this uid. */
  readonly hasLooked: (uid: string) => boolean;
  /** Whether it can see the pods of other namespaces, too. */
  readonly seesWitnesses: boolean;
}

/** A DELETE that reached the server. */
export interface Sent {
  readonly atMs: number;
  /** The calico-node pod that it named, as far as there is one of that uid. */
  readonly uid: string;
  readonly node: string;
  /** It was this request that removed the pod. */
  readonly carriedOut: () => boolean;
  /** The API server's word came through. */
  readonly wasAnswered: () => boolean;
  /** Somebody else did it. */
  readonly elsewhere: () => boolean;
  /** The namespaces whose pods spoke of the failure there. */
  readonly voices: ReadonlySet<string>;
}

/** What a DELETE is judged by. */
export interface Scene {
  readonly world: World;
  readonly truth: Truth;
  readonly gate: Deleter;
  readonly nowMs: number;
  /** What changed after it may not be known to the gate yet. */
  readonly seenMs: number;
}

/** Times in objects have whole seconds, and a server's clock is known as well as its Date header is. */
export const SLACK_MS = 2_000;
