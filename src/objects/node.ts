import type { Condition } from './metadata.ts';

export interface Node {
  readonly name: string;
  readonly uid: string;
  readonly createdAtMs: number;
  readonly deletionAtMs: number | null;
  readonly unschedulable: boolean;
  readonly conditions: readonly Condition[];
}
