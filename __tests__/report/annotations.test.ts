import { describe, expect, test } from '@jest/globals';
import { type Annotation, type AnnotationContext, annotationsOf } from '../../src/report/annotations.ts';
import type { Report } from '../../src/report/report.ts';
import { aReport, aReportedFinding, aReportedNode, manyFindings } from './reports.ts';

function annotate(report: Partial<Report>, context: Partial<AnnotationContext> = {}): readonly Annotation[] {
  return annotationsOf(aReport(report), { fails: true, problems: [], ...context });
}

const titlesOf = (annotations: readonly Annotation[], level: Annotation['level']): readonly string[] =>
  annotations.filter((one) => one.level === level).map(({ title }) => title);

/** What a runner shows of one step. */
const MOST_PER_LEVEL = 10;
/** `_maxIssueMessageLength` of the runner, and the longest title that GitHub shows. */
const MOST_CHARACTERS = { message: 4_096, title: 255 };

describe('annotations', () => {
  test('begin with the verdict and its reason', () => {
    const reason = 'shop/web: no such tag; push it';
    expect(annotate({ reason })[0]).toEqual({
      level: 'error',
      title: 'Calico Health Gate: unhealthy',
      message: reason,
    });
  });

  test('name workload and cause in the title, and the pods, the words of the cluster and the age in the message', () => {
    const findings = [aReportedFinding(), aReportedFinding({ pod: 'web-2', uid: 'uid-2' })];
    expect(annotate({ findings })[1]).toEqual({
      level: 'error',
      title: 'Deployment shop/web: ImageNotFound',
      message: '2 pods, e.g. shop/web-1: container web: no such tag (for 1m30s)',
    });
  });

  test('do not say the name of a pod that nobody owns twice', () => {
    expect(annotate({ findings: [aReportedFinding({ owner: null })] })[1]).toMatchObject({
      title: 'pod shop/web-1: ImageNotFound',
      message: 'container web: no such tag (for 1m30s)',
    });
  });

  test('tell a pod that cannot go from one that cannot come', () => {
    const stuck = aReportedFinding({ cause: 'CalicoUnauthorized', stage: 'sandbox' });
    const leaving = aReportedFinding({ cause: 'CalicoUnauthorized', stage: 'terminating', pod: 'web-0' });
    expect(titlesOf(annotate({ findings: [stuck, leaving] }), 'error').slice(1)).toEqual([
      'Deployment shop/web: CalicoUnauthorized',
      'Deployment shop/web: CalicoUnauthorized (terminating)',
    ]);
  });

  test('leave out what only waits for something else', () => {
    const derived = aReportedFinding({
      cause: 'NotRolledOut',
      stage: 'workload',
      pod: null,
      derivedFrom: 'shop/web-1',
    });
    expect(annotate({ findings: [derived] })).toHaveLength(1);
  });

  test('are at most 10 of a level, and the last one counts the rest', () => {
    const annotations = annotate({
      findings: manyFindings(30),
      warnings: Array.from({ length: 30 }, (_, index) => `warning ${index}`),
    });
    for (const level of ['error', 'warning'] as const)
      expect(titlesOf(annotations, level)).toHaveLength(MOST_PER_LEVEL);
    // 31 errors: the reason, 8 findings, and a box for the other 22.
    expect(annotations.filter(({ level }) => level === 'error').at(-1)?.message).toMatch(/^and 22 more: /u);
  });

  test('are ten findings where there is room for ten', () => {
    expect(annotate({ findings: manyFindings(9) }).map(({ message }) => message)).not.toContainEqual(
      expect.stringMatching(/^and \d+ more/u),
    );
  });

  test('fit into what a runner shows, the reason down to its end', () => {
    const long = 'x'.repeat(4_000);
    const annotations = annotate({
      reason: `${'x'.repeat(3_900)}; what to do next`,
      findings: [aReportedFinding({ message: long, owner: { kind: 'Deployment', name: long } })],
    });
    for (const { title, message } of annotations) {
      expect(title.length).toBeLessThanOrEqual(MOST_CHARACTERS.title);
      expect(message.length).toBeLessThanOrEqual(MOST_CHARACTERS.message);
    }
    expect(annotations[0]?.message).toMatch(/what to do next$/u);
    expect(annotations[1]?.message).toMatch(/… \(for 1m30s\)$/u);
  });

  test('are no errors on a step that passes although the verdict is not healthy', () => {
    const annotations = annotate({}, { fails: false });
    expect(titlesOf(annotations, 'error')).toEqual([]);
    expect(titlesOf(annotations, 'warning')).toEqual([
      'Calico Health Gate: unhealthy',
      'Deployment shop/web: ImageNotFound',
    ]);
  });

  test('are notices where what was found does not hold back healthy', () => {
    const annotations = annotate({ verdict: 'healthy' }, { fails: false });
    expect(annotations.map(({ level, title }) => `${level} ${title}`)).toEqual([
      'notice Deployment shop/web: ImageNotFound',
    ]);
  });

  test('are none at all where all is well', () => {
    expect(annotate({ verdict: 'healthy', findings: [] }, { fails: false })).toEqual([]);
  });

  test.each([
    ['planned', null, 'warning', 'planned'],
    ['refused', null, 'warning', 'refused'],
    ['restarted', 'cured', 'notice', 'cured'],
    ['restarted', 'timed-out', 'warning', 'timed-out'],
    ['none', null, 'notice', 'none'],
  ] as const)('say what was done on a node: %s, %s is a %s', (action, outcome, level, shown) => {
    const nodes = [aReportedNode({ action, outcome, command: null, why: 'why' })];
    expect(annotate({ calico: { detected: true, installations: [], nodes } })).toContainEqual({
      level,
      title: `Calico on node n1: ${shown}`,
      message: 'why',
    });
  });

  test('give the command that a person may type instead', () => {
    const nodes = [aReportedNode()];
    expect(annotate({ calico: { detected: true, installations: [], nodes } }).at(-1)?.message).toMatch(
      /; by hand: kubectl delete pod -n calico-system calico-node-1$/u,
    );
  });

  test('say what could not be written', () => {
    expect(annotate({}, { problems: ['the report could not be written'] })).toContainEqual({
      level: 'warning',
      title: 'Calico Health Gate',
      message: 'the report could not be written',
    });
  });
});
