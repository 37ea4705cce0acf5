import type { DeleteRights } from './calico/case.ts';
import { sleep } from './clock.ts';
import {
  type AccessReport,
  calicoNeedsOf,
  checkAccess,
  deleteRightsOf,
  missingRights,
  type Need,
  needsOf,
} from './cluster/access.ts';
import type { Api } from './cluster/api.ts';
import type { Gap } from './objects/snapshot.ts';
import type { Run } from './run.ts';

/** The rights of this run's credentials, reviewed while it looks; what is missing is told with the rule to add. */
export interface Rights {
  /** What is known so far. */
  readonly toDelete: () => DeleteRights;
  /** Reviews what Calico's pods in these namespaces need, once for each set of them. */
  readonly reviewCalico: (namespaces: readonly string[]) => void;
  /** What turned out to be forbidden: told too where no review could tell before. */
  readonly refused: (gaps: readonly Gap[]) => void;
  /** Reviews that were begun and are not done yet; null when there are none. A review that is refused is done too. */
  readonly pending: () => Promise<void> | null;
  /** The same at the end of a run, which hardly waits for them. */
  readonly settle: () => Promise<void>;
}

/** Begins with the rights to observe and to diagnose. No review ever rejects or holds up a look. */
export function reviewRights(run: Run, api: Api): Rights {
  const toDelete = new Map<string, boolean>();
  const told = new Set<string>();
  const unknown: AccessReport['unknown'][number][] = [];
  let calicoNamespaces = '';
  let open = 0;
  let reviews: Promise<void> = Promise.resolve();

  const tell = (missing: AccessReport['missing']): void => {
    for (const { rule, costs } of missing) {
      if (told.has(rule)) continue;
      told.add(rule);
      run.tell({ type: 'missing-right', rule, costs }, api.now());
    }
  };
  const review = (needs: readonly Need[]): void => {
    open += 1;
    const done = checkAccess(api, needs, run.signal).then((report) => {
      if (run.signal.aborted) return;
      for (const [namespace, isAllowed] of deleteRightsOf(report)) toDelete.set(namespace, isAllowed);
      unknown.push(...report.unknown);
      tell(report.missing);
    });
    const closed = done.finally(() => {
      open -= 1;
    });
    reviews = Promise.all([reviews, closed]).then(() => undefined);
  };
  review(needsOf(run.settings));

  return {
    toDelete: () => toDelete,
    reviewCalico: (namespaces) => {
      const key = namespaces.join(' ');
      if (namespaces.length === 0 || key === calicoNamespaces) return;
      calicoNamespaces = key;
      review(calicoNeedsOf(run.settings, namespaces));
    },
    refused: (gaps) => tell(missingRights(unknown, gaps)),
    pending: () => (open > 0 ? reviews : null),
    settle: async () => {
      if (open > 0) await Promise.race([reviews, sleep(run.clock, run.timing.lateReviewsMs, run.signal)]);
    },
  };
}
