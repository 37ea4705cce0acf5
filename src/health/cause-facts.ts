import type { Stage } from './assessment.ts';

/**
 * How long a cause may last before waiting is useless: a number counts from when this run first saw the cause on that
 * object (no time in an object says when its cause began); `at once` = as soon as two observations have seen it;
 * `third end`, `second end` = at once from that many abnormal ends of a container on; `deadline` = waiting may always
 * help; `never` = not even the deadline makes it a failure. The other words name the time in `timing.ts`; that of
 * Calico's failure counts from its first event.
 */
export type Patience = number | 'at once' | 'third end' | 'second end' | 'deadline' | 'never' | NamedPatience;
export type NamedPatience = 'calicoPatienceMs' | 'tooFewPodsMs';

/** What people are told about a cause. Data, not code: the log, `--explain` and the docs are made from it. */
export interface CauseFacts {
  /** A few words, to be read behind the pod's name. */
  readonly title: string;
  /** One sentence: what happens in the cluster. */
  readonly means: string;
  readonly stages: readonly Stage[];
  readonly patience: Patience;
  /** What to do next, in the imperative. `{namespace}`, `{pod}`, `{node}` and `{owner}` stand for those of the finding. */
  readonly advice: string;
}
