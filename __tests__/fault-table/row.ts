/** What a row of the table of faults says: data, which the tests check and `npm run faults` prints. */

import type { FaultRule } from '../../simulator/api/fault-script.ts';
import type { CertificateOptions } from '../../simulator/certificates.ts';
import type { HttpsServer } from '../../simulator/https-server.ts';
import type { Report, Verdict } from '../../src/report/report.ts';
import type { Inputs, Played, PlayOptions, World, WorldOptions } from '../harness.ts';

/** Exactly so many, or from … to …, both included. */
export type Bounds = number | readonly [least: number, most: number];

/** What must be so at the end of a run. What every run promises is checked besides (`promises.ts`). */
export interface Expected {
  readonly verdict: Verdict;
  readonly reason: RegExp;
  /** All requests of the run. */
  readonly requests: Bounds;
  /** Of one sort: `list shop/pods`, `watch nodes`, `get version`; or with one answer: `answered 401`. */
  readonly of?: Readonly<Record<string, Bounds>>;
  /** Default 0. */
  readonly deletes?: number;
  /** How long the run took, in virtual time. */
  readonly timeMs: Bounds;
  readonly pods?: Partial<Report['pods']>;
  /** `node: action/outcome` of each node that is in the report; default none. */
  readonly nodes?: readonly string[];
  /** Lines of the log, one each. */
  readonly log?: readonly RegExp[];
  /** What no line of the log may say. */
  readonly never?: RegExp;
}

/** How a row is played over real connections. Its time runs so many times as fast as the machine's. */
export interface OverHttps {
  readonly certificate?: CertificateOptions;
  /** Path of the kubeconfig; default the server's own. */
  readonly kubeconfig?: (server: HttpsServer, world: World) => Promise<string>;
}

export interface FaultRow {
  /** A number for the fault, a letter for one of its faces: `13b`. */
  readonly id: string;
  readonly fault: string;
  readonly world: (base: WorldOptions) => World;
  readonly faults?: readonly FaultRule[];
  /** What else happens, so long after the run began. */
  readonly happens?: readonly (readonly [afterMs: number, act: (world: World) => void])[];
  /** Default: namespace shop, three minutes, stable for 5 s. */
  readonly inputs?: Inputs;
  readonly options?: (world: World) => PlayOptions;
  /** Default: the transport is called in memory. */
  readonly https?: OverHttps;
  /** Another play than one gate from its beginning to its end; gives the run that the row is about. */
  readonly play?: (world: World, inputs: Inputs, options: PlayOptions) => Promise<Played>;
  /** Something that shows elsewhere than in the run: one sentence for each thing that is wrong. */
  readonly check?: (played: Played, world: World) => readonly string[] | Promise<readonly string[]>;
  /** A fault that leaves no trace at all: the run is the same without it. */
  readonly isTraceless?: true;
  readonly expected: Expected;
}

/** A row and what became of it. */
export interface PlayedRow {
  readonly row: FaultRow;
  readonly played: Played;
  readonly world: World;
  /** How often its faults struck. */
  readonly strikes: number;
}
