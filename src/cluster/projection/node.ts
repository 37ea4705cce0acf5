import type { Node } from '../../objects/node.ts';
import { type Projection, projectConditions } from './metadata.ts';
import { record, text, timeMs, word } from './raw.ts';

/** core/v1 Node. */
export const projectNode: Projection<Node> = (raw) => {
  const metadata = record(raw.metadata);
  return {
    name: word(metadata.name),
    uid: text(metadata.uid),
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    deletionAtMs: timeMs(metadata.deletionTimestamp),
    unschedulable: record(raw.spec).unschedulable === true,
    conditions: projectConditions(record(raw.status).conditions),
  };
};
