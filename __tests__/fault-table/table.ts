import type { FaultRow } from './row.ts';
import { BODY_ROWS } from './rows/bodies.ts';
import { CONTACT_ROWS } from './rows/contact.ts';
import { LIST_ROWS } from './rows/lists.ts';
import { WATCH_ROWS } from './rows/watches.ts';

/** Every fault that the gate is held to, by number. */
export const FAULT_ROWS: readonly FaultRow[] = [...LIST_ROWS, ...BODY_ROWS, ...CONTACT_ROWS, ...WATCH_ROWS].sort((a, b) =>
  a.id.localeCompare(b.id, 'en', { numeric: true }),
);
