import { formatDuration } from '../duration.ts';
import type { Timing } from '../timing.ts';
import type { Cause } from './assessment.ts';
import { CAUSES } from './causes.ts';

/**
 * How long `cause` may last before it is fatal, in ms; 0: at once, that is, as soon as two observations have seen it
 * (for crashes: once there were enough of them); null: only the deadline ends it, or nothing does.
 */
export function patienceMs(cause: Cause, timing: Timing): number | null {
  const { patience } = CAUSES[cause];
  switch (patience) {
    case 'at once':
    case 'third end':
    case 'second end':
      return 0;
    case 'deadline':
    case 'never':
      return null;
    case 'calicoPatienceMs':
    case 'tooFewPodsMs':
      return timing[patience];
    default:
      return patience;
  }
}

/** The patience of `cause` in words, for `--explain` and the docs: `30s`, `at once, from the third crash on`. */
export function describePatience(cause: Cause, timing: Timing): string {
  const { patience } = CAUSES[cause];
  switch (patience) {
    case 'at once':
      return 'at once, when two looks have seen it';
    case 'third end':
      return 'at once, from the third crash on';
    case 'second end':
      return 'at once, from the second time on';
    case 'deadline':
      return 'until the timeout';
    case 'never':
      return 'does not fail the gate';
    case 'calicoPatienceMs':
      return `${formatDuration(timing[patience])} from its first event, and while a restart may still cure it`;
    case 'tooFewPodsMs':
      return formatDuration(timing[patience]);
    default:
      return formatDuration(patience);
  }
}
