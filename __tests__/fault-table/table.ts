import type { FaultRow } from './row.ts';
import { ACCESS_ROWS } from './rows/access.ts';
import { BODY_ROWS } from './rows/bodies.ts';
import { CALICO_ROWS } from './rows/calico.ts';
import { CONTACT_ROWS } from './rows/contact.ts';
import { CREDENTIAL_ROWS } from './rows/credentials.ts';
import { DELETE_ROWS } from './rows/deletes.ts';
import { LIST_ROWS } from './rows/lists.ts';
import { NETWORK_ROWS } from './rows/network.ts';
import { ODD_OBJECT_ROWS } from './rows/odd-objects.ts';
import { POD_ROWS } from './rows/pods.ts';
import { RUN_ROWS } from './rows/runs.ts';
import { WATCH_ROWS } from './rows/watches.ts';

/** Every fault that the gate is held to, by number. */
export const FAULT_ROWS: readonly FaultRow[] = [
  ...LIST_ROWS,
  ...BODY_ROWS,
  ...CONTACT_ROWS,
  ...WATCH_ROWS,
  ...CREDENTIAL_ROWS,
  ...ACCESS_ROWS,
  ...DELETE_ROWS,
  ...POD_ROWS,
  ...ODD_OBJECT_ROWS,
  ...CALICO_ROWS,
  ...RUN_ROWS,
  ...NETWORK_ROWS,
].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
