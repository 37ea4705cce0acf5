import { describe, expect, test } from '@jest/globals';
import type { Assessment } from '../../src/health/assessment.ts';
import {
  type Account,
  buildReport,
  NO_PODS,
  reportText,
  rfc3339,
  TIMELINE_LIMIT,
  WARNINGS_LIMIT,
} from '../../src/report/json.ts';
import { aFinding, aSettings, NOW_MS } from '../builders.ts';
import { schemaProblems } from './report-schema.ts';
import { aReportedNode } from './reports.ts';

function anAccount(overrides: Partial<Account> = {}): Account {
  return {
    verdict: 'unhealthy',
    reason: 'because',
    startedAtMs: NOW_MS - 60_000,
    finishedAtMs: NOW_MS,
    server: 'https://example.com',
    kubernetesVersion: 'v1.34.4',
    settings: aSettings(),
    assessment: null,
    calico: { detected: false, installations: [], nodes: [] },
    timeline: [],
    api: { requests: 0, retries: 0, bytes: 0, watchRestarts: 0 },
    warnings: [],
    ...overrides,
  };
}

/** Every string in a value, whatever it is nested in. */
function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(stringsIn) : [];
}

const HOSTILE = `\u001B[31m##[error]x\r\n::error::\u202E${'🦊'.repeat(3_000)}`;

describe('the report', () => {
  const assessment: Assessment = {
    counts: { ...NO_PODS, total: 1, notReady: 1 },
    findings: [
      aFinding({
        namespace: HOSTILE,
        pod: HOSTILE,
        uid: HOSTILE,
        node: HOSTILE,
        owner: { kind: HOSTILE, name: HOSTILE },
        message: HOSTILE,
        derivedFrom: HOSTILE,
      }),
    ],
    notReadyPods: [HOSTILE],
    workloads: [
      {
        kind: 'Deployment',
        namespace: HOSTILE,
        name: HOSTILE,
        desired: 1,
        ready: 0,
        problem: 'ImageNotFound',
        complete: false,
        completeForMs: 0,
      },
    ],
    complete: false,
    unstable: [],
    warnings: [],
    notes: [],
  };
  const hostile = buildReport(
    anAccount({
      reason: HOSTILE,
      server: HOSTILE,
      kubernetesVersion: HOSTILE,
      settings: { namespaces: [HOSTILE], excludeNamespaces: [HOSTILE], selectorText: HOSTILE },
      assessment,
      calico: {
        detected: true,
        installations: [{ namespace: HOSTILE, daemonSet: HOSTILE }],
        nodes: [
          aReportedNode({
            node: HOSTILE,
            pods: [HOSTILE],
            evidence: [{ pod: HOSTILE, reason: HOSTILE, message: HOSTILE, count: 1, lastSeen: rfc3339(NOW_MS) }],
            why: HOSTILE,
            command: HOSTILE,
            before: { calicoNodePod: HOSTILE, startedAt: rfc3339(NOW_MS) },
            after: { calicoNodePod: HOSTILE, startedAt: rfc3339(NOW_MS), installedAt: null },
          }),
        ],
      },
      timeline: [{ atMs: NOW_MS, what: HOSTILE }],
      warnings: [HOSTILE],
    }),
  );

  test('has every text clean, on one line and at most 4 KiB, whoever wrote it', () => {
    const strings = stringsIn(hostile);
    expect(strings.filter((text) => text.includes('🦊')).length).toBeGreaterThan(25);
    for (const text of strings) {
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096);
    }
    expect(schemaProblems(hostile)).toEqual([]);
  });

  test.each([-1, 0.5, 1e308, Number.POSITIVE_INFINITY, -0])(
    'has whole numbers only, whatever a server counts with: %j',
    (count) => {
      const [workload] = assessment.workloads;
      if (workload === undefined) throw new Error('there is no workload');
      const node = aReportedNode({
        evidence: [{ pod: 'a/b', reason: 'r', message: 'm', count, lastSeen: rfc3339(NOW_MS) }],
      });
      const report = buildReport(
        anAccount({
          assessment: { ...assessment, workloads: [{ ...workload, desired: count, ready: count }] },
          calico: { detected: true, installations: [], nodes: [node] },
        }),
      );
      expect(schemaProblems(JSON.parse(reportText(report)))).toEqual([]);
    },
  );

  test('can be printed where a runner reads lines, and read back as it was', () => {
    const text = reportText(hostile);
    expect(text).not.toContain('##[');
    expect(JSON.parse(text)).toEqual(hostile);
    expect(text).toMatch(/^\{\n {2}"schemaVersion": 1,\n/u);
    expect(text).toMatch(/\n\}\n$/u);
  });

  test('shows the beginning and the end of a timeline that is too long', () => {
    const timeline = Array.from({ length: TIMELINE_LIMIT + 100 }, (_, index) => ({ atMs: NOW_MS, what: `${index}` }));
    const shown = buildReport(anAccount({ timeline })).timeline.map(({ what }) => what);
    expect(shown).toHaveLength(TIMELINE_LIMIT);
    expect([shown[0], shown.at(-1)]).toEqual(['0', `${TIMELINE_LIMIT + 99}`]);
  });

  test('has each warning once, and not more than anybody reads', () => {
    expect(buildReport(anAccount({ warnings: ['a', 'b', 'a'] })).warnings).toEqual(['a', 'b']);
    const warnings = Array.from({ length: WARNINGS_LIMIT + 100 }, (_, index) => `${index}`);
    expect(buildReport(anAccount({ warnings })).warnings).toHaveLength(WARNINGS_LIMIT);
  });

  test('of a run that saw nothing has nothing in it', () => {
    expect(buildReport(anAccount())).toMatchObject({ pods: NO_PODS, findings: [], workloads: [] });
  });
});

describe('rfc3339', () => {
  test.each([
    [NOW_MS, new Date(NOW_MS).toISOString()],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
    [Number.POSITIVE_INFINITY, '1970-01-01T00:00:00.000Z'],
    [1e300, '1970-01-01T00:00:00.000Z'],
  ])('%p is %s', (atMs, expected) => {
    expect(rfc3339(atMs)).toBe(expected);
  });
});
