import { describe, expect, test } from '@jest/globals';
import type { Action, Outcome } from '../../src/calico/case.ts';
import type { Stage } from '../../src/health/cause.ts';
import { CAUSES } from '../../src/health/causes.ts';
import { buildReport } from '../../src/report/json.ts';
import type { Verdict } from '../../src/report/report.ts';
import { aSettings, NOW_MS } from '../builders.ts';
import { REPORT_SCHEMA, schemaProblems } from './report-schema.ts';

/** The members of a union, which the compiler holds to be all of them and no others. */
const membersOf = <T extends string>(members: Readonly<Record<T, true>>): readonly string[] => Object.keys(members);

const VERDICTS = membersOf<Verdict>({ healthy: true, unhealthy: true, inconclusive: true });
const ACTIONS = membersOf<Action>({ none: true, planned: true, waiting: true, restarted: true, refused: true });
const OUTCOMES = membersOf<Outcome>({ cured: true, 'not-cured': true, 'timed-out': true, unknown: true });
const STAGES = membersOf<Stage>({
  scheduling: true,
  sandbox: true,
  volumes: true,
  image: true,
  config: true,
  start: true,
  crash: true,
  probe: true,
  gate: true,
  terminating: true,
  node: true,
  workload: true,
});

describe('the schema of the report', () => {
  test.each([
    ['verdicts', REPORT_SCHEMA.properties.verdict?.enum, VERDICTS],
    ['causes', REPORT_SCHEMA.$defs.cause?.enum, Object.keys(CAUSES)],
    ['stages', REPORT_SCHEMA.$defs.stage?.enum, STAGES],
    ['actions', REPORT_SCHEMA.$defs.node.properties.action?.enum, ACTIONS],
    ['outcomes', REPORT_SCHEMA.$defs.node.properties.outcome?.enum, [...OUTCOMES, null]],
  ])('knows all %s and no others', (_, inSchema, inCode) => {
    expect([...(inSchema ?? [])].sort()).toEqual([...inCode].sort());
  });

  test('every stage that a cause may have is one that the schema knows', () => {
    const used = Object.values(CAUSES).flatMap(({ stages }) => stages);
    expect([...new Set(used)].sort()).toEqual([...STAGES].sort());
  });

  const valid = buildReport({
    verdict: 'inconclusive',
    reason: 'no kubeconfig found',
    startedAtMs: NOW_MS,
    finishedAtMs: NOW_MS,
    server: '',
    kubernetesVersion: '',
    settings: aSettings(),
    assessment: null,
    calico: { detected: false, installations: [], nodes: [] },
    timeline: [{ atMs: Number.NaN, what: 'a time that no calendar knows' }],
    api: { requests: 0, retries: 0, bytes: 0, watchRestarts: 0 },
    warnings: [],
  });

  test('takes the report of a run that saw nothing', () => {
    expect(schemaProblems(JSON.parse(JSON.stringify(valid)))).toEqual([]);
  });

  test.each<[string, object]>([
    ['another version', { schemaVersion: 2 }],
    ['a field that nobody described', { extra: 1 }],
    ['a time of another form', { startedAt: '2026-11-22 15:52:02' }],
    ['a verdict that does not exist', { verdict: 'fine' }],
    ['a text of more than 4 KiB', { reason: 'x'.repeat(4_097) }],
    ['a negative count', { pods: { ...valid.pods, total: -1 } }],
  ])('refuses %s', (_, change) => {
    expect(schemaProblems({ ...valid, ...change })).not.toEqual([]);
  });

  test.each(Object.keys(valid))('refuses a report without %s', (name) => {
    expect(schemaProblems({ ...valid, [name]: undefined })).not.toEqual([]);
  });
});
