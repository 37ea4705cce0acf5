import type { DeleteRights } from './calico/case.ts';
import { sleep } from './clock.ts';
import { calicoNeedsOf, checkAccess, deleteRightsOf, type Need, needsOf } from './cluster/access.ts';
import type { Api } from './cluster/api.ts';
import type { Run } from './run.ts';

/** The rights of this run's credentials, reviewed while it looks; what is missing is told with the rule to add. */
export interface Rights {
  /** What is known so far. */
  readonly toDelete: () => DeleteRights;
  /** Reviews what Calico's pods in these namespaces need, once for each set of them. */
  readonly reviewCalico: (namespaces: readonly string[]) => void;
  /** Reviews that were begun and are not done yet; null when there are none. A review that is refused is done too. */
  readonly pending: () => Promise<void> | null;
  /** The same at the end of a run, which hardly waits for them. */
  readonly settle: () => Promise<void>;
}

/** Begins with the rights to observe and to diagnose. No review ever rejects or holds up a look. */
export function reviewRights(run: Run, api: Api): Rights {
  const toDelete = new Map<string, boolean>();
  const told = new Set<string>();
  let calicoNamespaces = '';
  let open = 0;
  let reviews: Promise<void> = Promise.resolve();

  const review = (needs: readonly Need[]): void => {
    open += 1;
    const done = checkAccess(api, needs, run.signal).then((report) => {
      if (run.signal.aborted) return;
      for (const [namespace, isAllowed] of deleteRightsOf(report)) toDelete.set(namespace, isAllowed);
      for (const { rule, costs } of report.missing) {
        if (told.has(rule)) continue;
        told.add(rule);
        run.tell({ type: 'missing-right', rule, costs }, api.now());
      }
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
    pending: () => (open > 0 ? reviews : null),
    settle: async () => {
      if (open > 0) await Promise.race([reviews, sleep(run.clock, run.timing.lateReviewsMs, run.signal)]);
    },
  };
}
