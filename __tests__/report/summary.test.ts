import { describe, expect, test } from '@jest/globals';
import { SUMMARY_LIMIT_BYTES, summaryOf } from '../../src/report/summary.ts';
import { aReport, aReportedFinding, aReportedNode, manyFindings } from './reports.ts';

/** Entities back to the characters that a page shows. */
function shown(markdown: string): string {
  return markdown.replaceAll(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)));
}

const linesOf = (markdown: string): readonly string[] => shown(markdown).split('\n');

describe('the job summary', () => {
  test.each([
    ['healthy', '✅'],
    ['unhealthy', '❌'],
    ['inconclusive', '❔'],
  ] as const)('begins with the verdict and its reason: %s', (verdict, icon) => {
    const [title, , reason] = linesOf(summaryOf(aReport({ verdict, reason: 'because' }), ''));
    expect([title, reason]).toEqual([`## ${icon} Calico Health Gate: ${verdict}`, 'because']);
  });

  test('counts the pods, and says of what and for how long', () => {
    const pods = { total: 9, ready: 3, notReady: 2, completed: 1, starting: 1, terminating: 1, superseded: 1 };
    expect(linesOf(summaryOf(aReport({ pods }), ''))[4]).toBe(
      '**3 of 9** pods ready · **2** not ready · 1 starting · 1 terminating · 1 completed · 1 superseded · namespaces <code>shop</code> · 1m',
    );
  });

  test('has one row for all pods of a workload that suffer alike', () => {
    const findings = [aReportedFinding(), aReportedFinding({ pod: 'web-2' }), aReportedFinding({ pod: 'web-3' })];
    const rows = linesOf(summaryOf(aReport({ findings }), '')).filter((line) => line.includes('ImageNotFound**'));
    expect(rows).toEqual([
      '| <code>Deployment shop/web</code><br>3 pods, e.g. shop/web-1 | **ImageNotFound**<br>image, for 1m30s | <code>container web: no such tag</code> |',
    ]);
  });

  test('says what a finding waits for', () => {
    const findings = [aReportedFinding({ derivedFrom: 'shop/web-0' })];
    expect(shown(summaryOf(aReport({ findings }), ''))).toContain('<br>waits for <code>shop/web-0</code> |');
  });

  test('has no table of what is wrong where nothing is', () => {
    expect(summaryOf(aReport({ verdict: 'healthy', findings: [] }), '')).not.toContain('What is wrong');
  });

  test('counts the rows that it has no room for', () => {
    const text = shown(summaryOf(aReport({ findings: manyFindings(60) }), ''));
    expect(text.match(/\*\*ImageNotFound\*\*/gu)).toHaveLength(50);
    expect(text).toContain('… and 10 more in the report');
  });

  test('says nothing of Calico where its failure was not found', () => {
    expect(summaryOf(aReport(), '')).not.toContain('authorization failure');
  });

  test('shows each affected node, what was done, what came of it, with proof', () => {
    const nodes = [
      aReportedNode({
        action: 'restarted',
        outcome: 'cured',
        why: 'shop/web-1 got its network',
        command: null,
        before: { calicoNodePod: 'calico-system/calico-node-1', startedAt: '2026-11-22T15:50:53.000Z' },
        after: {
          calicoNodePod: 'calico-system/calico-node-2',
          startedAt: '2026-11-22T15:53:35.000Z',
          installedAt: '2026-11-22T15:53:36.000Z',
        },
      }),
    ];
    const text = shown(summaryOf(aReport({ calico: { detected: true, installations: [], nodes } }), ''));
    expect(text).toContain('| <code>n1</code> | 1 | restarted | cured | shop/web-1 got its network |');
    expect(text).toContain('<code>shop/web-1</code> <code>FailedCreatePodSandBox</code> ×3');
    expect(text).toContain('<code>calico-system/calico-node-1</code> (since 2026-11-22T15:50:53.000Z) → ');
    expect(text).not.toContain('By hand');
  });

  test('has the commands in a block, from which they can be copied as they are', () => {
    const nodes = [
      aReportedNode(),
      aReportedNode({ node: 'n2', command: 'kubectl delete pod -n calico-system calico-node-2' }),
    ];
    const text = summaryOf(aReport({ calico: { detected: true, installations: [], nodes } }), '');
    expect(text).toContain(
      [
        'By hand, one node after the other, the next one only when pods start on the one before:',
        '',
        '```',
        'kubectl delete pod -n calico-system calico-node-1',
        'kubectl delete pod -n calico-system calico-node-2',
        '```',
      ].join('\n'),
    );
  });

  test('shows the workloads with a problem first', () => {
    const workload = { kind: 'Deployment', namespace: 'shop', desired: 1, ready: 1 } as const;
    const workloads = [
      { ...workload, name: 'fine', problem: null },
      { ...workload, name: 'broken', ready: 0, problem: 'ImageNotFound' as const },
    ];
    const text = shown(summaryOf(aReport({ workloads }), ''));
    expect(text.indexOf('shop/broken')).toBeLessThan(text.indexOf('shop/fine'));
  });

  test('names the report file, or says that there is none', () => {
    expect(shown(summaryOf(aReport(), '/tmp/gate.json'))).toContain('report: <code>/tmp/gate.json</code>');
    expect(summaryOf(aReport(), '')).toContain('no report file was written');
  });

  test('never is larger than what a runner takes, whatever the report holds', () => {
    // Every one of these becomes six bytes.
    const long = '{'.repeat(4_000);
    const text = summaryOf(
      aReport({
        findings: manyFindings(5_000, { message: long }),
        calico: {
          detected: true,
          installations: [],
          nodes: Array.from({ length: 3_000 }, (_, index) =>
            aReportedNode({ node: `${index}${long}`, why: long, command: long }),
          ),
        },
        timeline: Array.from({ length: 2_000 }, () => ({ at: '2026-11-22T15:50:53.000Z', what: long })),
        warnings: Array.from({ length: 200 }, () => long),
      }),
      '',
    );
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(SUMMARY_LIMIT_BYTES);
    expect(text).toContain('## ❌ Calico Health Gate: unhealthy');
    expect(text).toContain('### What is wrong');
    expect(text).toContain('Something is left out here');
    expect(summaryOf(aReport(), '')).not.toContain('left out');
  });

  test('opens no page element that it does not close', () => {
    const nodes = [aReportedNode()];
    const text = summaryOf(aReport({ calico: { detected: true, installations: [], nodes } }), '');
    const count = (part: string): number => text.split(part).length - 1;
    expect(count('<details>')).toBe(3);
    for (const tag of ['details', 'summary', 'code', 'sub']) expect(count(`<${tag}>`)).toBe(count(`</${tag}>`));
  });
});
