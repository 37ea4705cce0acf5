import { describe, expect, test } from '@jest/globals';
import {
  emptyOutputs,
  LIST_LIMIT_BYTES,
  NOT_READY_PODS_LIMIT,
  outputsOf,
  shortenedOutputs,
} from '../../src/report/outputs.ts';
import { aReport, aReportedNode } from './reports.ts';

describe('outputs', () => {
  test('are what the report says, as text', () => {
    const report = aReport({
      pods: { total: 5, ready: 2, notReady: 3, completed: 0, starting: 0, terminating: 0, superseded: 0 },
      calico: { detected: true, installations: [], nodes: [aReportedNode(), aReportedNode({ node: 'n2' })] },
    });
    expect(outputsOf(report, ['shop/a', 'shop/b', 'shop/c'], ['n2'], '/tmp/gate.json')).toEqual({
      verdict: 'unhealthy',
      reason: report.reason,
      'pods-total': '5',
      'pods-ready': '2',
      'pods-not-ready': '3',
      'not-ready-pods': '["shop/a","shop/b","shop/c"]',
      'calico-auth-failure': 'true',
      'affected-nodes': '["n1","n2"]',
      'restarted-nodes': '["n2"]',
      'report-file': '/tmp/gate.json',
    });
  });

  test('name the first of too many pods', () => {
    const pods = Array.from({ length: NOT_READY_PODS_LIMIT + 1 }, (_, index) => `shop/${index}`);
    expect(JSON.parse(outputsOf(aReport(), pods, [], '')['not-ready-pods'])).toEqual(pods.slice(0, -1));
  });

  test('hold names as text that is clean and short, and JSON that no runner takes for a command', () => {
    const name = `a\u202E\n##[error]x${'y'.repeat(5_000)}`;
    const { 'not-ready-pods': pods, 'restarted-nodes': nodes } = outputsOf(aReport(), [name], [name], '');
    for (const text of [pods, nodes]) {
      expect(text).not.toMatch(/##\[|\u202E/u);
      const [shown = ''] = JSON.parse(text) as readonly string[];
      expect(shown).toMatch(/^a ##\[error\]xy+…$/u);
      expect(Buffer.byteLength(shown)).toBe(4_096);
    }
  });

  test('are lists no longer than a workflow can hand on, which is said', () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) => `node-${index}.${'x'.repeat(200)}`);
    const report = aReport({
      calico: { detected: true, installations: [], nodes: nodes.map((node) => aReportedNode({ node })) },
    });
    const outputs = outputsOf(report, nodes, nodes.slice(0, 3), '');
    const shown = JSON.parse(outputs['affected-nodes']) as readonly string[];
    expect(nodes.slice(0, shown.length)).toEqual(shown);
    for (const list of [outputs['affected-nodes'], outputs['not-ready-pods']])
      expect(Buffer.byteLength(list)).toBeLessThanOrEqual(LIST_LIMIT_BYTES);
    expect(Buffer.byteLength(outputs['affected-nodes'])).toBeGreaterThan(LIST_LIMIT_BYTES - 300);
    expect(JSON.parse(outputs['restarted-nodes'])).toEqual(nodes.slice(0, 3));
    expect(shortenedOutputs(report, nodes.slice(0, 3))).toBe(
      `outputs are cut, for a workflow could not use them: affected-nodes has the first ${shown.length} of 5000 nodes; the report has all`,
    );
    expect(shortenedOutputs(aReport(), ['n1'])).toBeNull();
  });

  test('are all there before anything is known', () => {
    expect(emptyOutputs('inconclusive', 'cancelled')).toMatchObject({
      verdict: 'inconclusive',
      'not-ready-pods': '[]',
      'calico-auth-failure': 'false',
      'report-file': '',
    });
  });
});
