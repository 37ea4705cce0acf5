import { describe, expect, test } from '@jest/globals';
import type { Coverage, Gap } from '../src/objects/snapshot.ts';
import { sentenceOf } from '../src/report/sentences.ts';
import { NOTHING_TOLD, viewNews } from '../src/view-news.ts';
import { aCoverage } from './builders.ts';

function lost(...resources: readonly Gap['resource'][]): readonly Gap[] {
  return resources.map((resource) => ({ resource, namespace: 'shop', why: 'stale', sinceMs: 0, message: 'refused' }));
}

/** What is said at each look; of the first one everything was seen. */
function said(...looks: readonly (readonly [elapsedMs: number, gaps: readonly Gap[], catchUpMs?: number])[]) {
  let told = viewNews(NOTHING_TOLD, aCoverage(), { elapsedMs: 0 }, 0).told;
  return looks.map(([elapsedMs, gaps, catchUpMs = 0]) => {
    const view = viewNews(told, aCoverage({ gaps, complete: gaps.length === 0 }), { elapsedMs }, catchUpMs);
    told = view.told;
    return view.news.map((event) =>
      event.type === 'view-lost' || event.type === 'view-regained' ? sentenceOf(event) : '',
    );
  });
}

describe('an outage', () => {
  const back = (podsRegainedElapsedMs: number): Coverage => aCoverage({ podsRegainedElapsedMs });
  const newsOf = (...looks: readonly (readonly [elapsedMs: number, coverage: Coverage, catchUpMs: number])[]) => {
    let told = viewNews(NOTHING_TOLD, aCoverage(), { elapsedMs: 0 }, 0).told;
    return looks.flatMap(([elapsedMs, coverage, catchUpMs]) => {
      const view = viewNews(told, coverage, { elapsedMs }, catchUpMs);
      told = view.told;
      return view.news.map(({ type }) => `${elapsedMs} ${type}`);
    });
  };

  test('that was over before anything was told is told once, each one', () => {
    const looks = [
      [3_000, back(3_000), 15_000],
      [4_000, back(3_000), 14_000],
      [9_000, back(9_000), 15_000],
    ] as const;
    expect(newsOf(...looks)).toEqual(['3000 outage-over', '9000 outage-over']);
  });

  test('that was told while it lasted is over when what was lost is seen again', () => {
    const gone = aCoverage({ gaps: lost('pods'), complete: false });
    const looks = [
      [5_000, gone, 0],
      [6_000, gone, 0],
      [9_000, back(9_000), 15_000],
    ] as const;
    expect(newsOf(...looks)).toEqual(['6000 view-lost', '9000 view-regained']);
  });
});

describe('what comes out of sight, and back, piece by piece', () => {
  test('is told once, when the pieces are together', () => {
    const all = lost('pods', 'jobs', 'events');
    expect(said([5_000, lost('events')], [5_200, all], [5_800, all], [6_000, all], [7_000, all])).toEqual([
      [],
      [],
      [],
      ['lost sight of pods, jobs and events in namespace shop: refused'],
      [],
    ]);
  });

  test('is told at once when everything is there again, with how long nothing is decided', () => {
    const all = lost('pods', 'jobs');
    expect(said([5_000, all], [6_000, all], [9_000, lost('jobs'), 14_000], [9_400, [], 14_600])).toEqual([
      [],
      ['lost sight of pods and jobs in namespace shop: refused'],
      [],
      [
        'sees pods and jobs in namespace shop again; nothing is decided for 15s, while the kubelets report what happened meanwhile',
      ],
    ]);
  });

  test('is told though it was there again a moment later: it was not seen for longer than that', () => {
    expect(said([90_000, lost('pods')], [90_200, []])).toEqual([
      [],
      ['lost sight of pods in namespace shop: refused', 'sees pods in namespace shop again'],
    ]);
  });

  test('is told when what is left does not come back', () => {
    const all = lost('pods', 'nodes');
    expect(
      said([5_000, all], [6_000, all], [9_000, lost('nodes'), 15_000], [10_000, lost('nodes'), 14_000]).slice(2),
    ).toEqual([
      [],
      [
        'sees pods in namespace shop again; nothing is decided for 14s, while the kubelets report what happened meanwhile',
      ],
    ]);
  });
});
