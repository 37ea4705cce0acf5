import { describe, expect, test } from '@jest/globals';
import { emptyOutputs, NOT_READY_PODS_LIMIT, outputsOf } from '../../src/report/outputs.ts';
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

  test('are all there before anything is known', () => {
    expect(emptyOutputs('inconclusive', 'cancelled')).toMatchObject({
      verdict: 'inconclusive',
      'not-ready-pods': '[]',
      'calico-auth-failure': 'false',
      'report-file': '',
    });
  });
});
