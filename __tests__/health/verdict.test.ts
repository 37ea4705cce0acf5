import { describe, expect, test } from '@jest/globals';
import type { JudgeInput } from '../../src/health/verdict.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Gap } from '../../src/objects/snapshot.ts';
import type { Settings } from '../../src/settings.ts';
import {
  aContainer,
  aCoverage,
  aDeployment,
  ago,
  aNotReadyPod,
  aPod,
  aSandboxError,
  aStuckPod,
  aTerminatingPod,
  MINUTE,
  NOW_MS,
  SECOND,
  waiting,
} from '../builders.ts';
import { aHealthRun, endOf, forbidden, type HealthRun, ofWeb, type Picture, webPods } from './health-run.ts';

const web: Picture = { workloads: [aDeployment()], pods: webPods(2) };
const notReady: Picture = {
  workloads: [aDeployment({ ready: 1, available: 1 })],
  pods: [aPod(ofWeb('web-abc-0')), aNotReadyPod(ofWeb('web-abc-1'))],
};
const noImage: Picture = {
  pods: [
    aStuckPod({
      conditions: aNotReadyPod().conditions,
      containers: [aContainer({ state: waiting('InvalidImageName', 'couldn\'t parse image "X"') })],
    }),
  ],
};

function gap(why: Gap['why'], overrides: Partial<Gap> = {}): Picture['coverage'] & object {
  const one: Gap = {
    resource: 'pods',
    namespace: null,
    why,
    sinceMs: NOW_MS,
    message: 'the words of the server',
    ...overrides,
  };
  return aCoverage({ gaps: [one], complete: false, freshAtMs: one.sinceMs });
}

/** A run that has seen `picture` from its first look to `untilMs`. */
function seen(picture: Picture, untilMs: number, settings: Partial<Settings> = {}): HealthRun {
  const run = aHealthRun(settings);
  for (let atMs = 0; atMs < untilMs; atMs += 2_000) run.look(atMs, picture);
  run.look(untilMs, picture);
  return run;
}

const deadline = { deadlineReached: true };

describe('healthy', () => {
  test('is said when everything was complete for stable-for and a fresh list confirmed it', () => {
    expect(endOf(seen(web, 15_000).judge())).toEqual({
      verdict: 'healthy',
      reason: 'all 2 pods in 1 workload are ready and stayed so for 15s',
    });
  });

  test('asks for a fresh list first', () => {
    expect(seen(web, 15_000).judge({ confirmed: false })).toEqual({
      kind: 'confirm',
      verdict: 'healthy',
      withEvents: false,
    });
  });

  test.each<readonly [string, Pod]>([
    ['starting', aNotReadyPod(ofWeb('web-abc-1', { createdAtMs: NOW_MS - 60_000 }))],
    ['kept by something', aTerminatingPod(ofWeb('web-abc-1', { finalizers: ['example.com/keep'] }))],
  ])('hangs on events, too, when a pod is %s: then one look is never enough', (_, pod) => {
    const workloads = [aDeployment({ desired: 1, replicas: 1, updated: 1, ready: 1, available: 1 })];
    const run = seen({ workloads, pods: [...webPods(1), pod] }, 0, { stableForMs: 0, stuckAfterMs: 300_000 });
    expect(run.judge({ confirmed: false })).toEqual({ kind: 'confirm', verdict: 'healthy', withEvents: true });
    expect(endOf(run.judge())).toMatchObject({ verdict: 'healthy' });
  });

  test('with stable-for: 0s needs neither time nor another list', () => {
    const run = seen(web, 0, { stableForMs: 0 });
    expect(endOf(run.judge({ confirmed: false }))).toEqual({
      verdict: 'healthy',
      reason: 'all 2 pods in 1 workload are ready',
    });
  });

  test.each<readonly [string, Picture, number]>([
    ['while something is not ready', notReady, 60_000],
    ['while the window is open', web, 14_000],
    ['while nothing was read yet', { ...web, coverage: gap('never-read') }, 60_000],
    ['while the view is lost', { ...web, coverage: gap('stale') }, 60_000],
    [
      'while a gap is named in a picture that claims to be complete',
      { ...web, coverage: { ...gap('stale', { resource: 'jobs' }), complete: true } },
      60_000,
    ],
    ['while pods of a namespace may not be read', { ...web, coverage: forbidden('pods', 'other') }, 60_000],
    ['while a kind of workloads may not be read', { ...web, coverage: forbidden('jobs') }, 60_000],
    [
      'while the picture is not complete for a reason that nobody names',
      { ...web, coverage: aCoverage({ complete: false }) },
      60_000,
    ],
  ])('is never said %s', (_, picture, untilMs) => {
    for (const overrides of [{}, deadline]) {
      const judgement = seen(picture, untilMs, { failFast: false }).judge(overrides);
      expect(judgement).not.toMatchObject({ verdict: 'healthy' });
      expect(judgement.kind).not.toBe('confirm');
    }
  });

  test.each(['events', 'nodes', 'namespaces'] as const)('does not need %s', (resource) => {
    const run = seen({ ...web, coverage: forbidden(resource) }, 15_000);
    expect(endOf(run.judge()).verdict).toBe('healthy');
  });

  test('is not said in the middle of a cure, but at the deadline it is', () => {
    const run = seen(web, 15_000);
    expect(run.judge({ cureInProgress: true })).toMatchObject({ kind: 'wait' });
    expect(endOf(run.judge({ cureInProgress: true, ...deadline })).verdict).toBe('healthy');
  });
});

describe('fail-fast', () => {
  test('ends a run as soon as a failure is certain', () => {
    expect(seen(noImage, 0).judge()).toMatchObject({ kind: 'wait' });
    expect(endOf(seen(noImage, 2_000).judge()).verdict).toBe('unhealthy');
  });

  test('off: the run goes on to the deadline', () => {
    const run = seen(noImage, 2_000, { failFast: false });
    expect(run.judge()).toMatchObject({ kind: 'wait' });
    expect(endOf(run.judge(deadline)).verdict).toBe('unhealthy');
  });

  test('ends the run only with what a fresh list still shows, where one can be had', () => {
    const run = seen(noImage, 2_000);
    expect(run.judge({ confirmed: false })).toEqual({ kind: 'confirm', verdict: 'unhealthy', withEvents: false });
    expect(endOf(run.judge({ confirmed: true })).verdict).toBe('unhealthy');
    const half = seen({ ...noImage, coverage: forbidden('pods', 'other') }, 2_000);
    expect(endOf(half.judge({ confirmed: false })).verdict).toBe('unhealthy');
  });

  test('never cuts a cure short, whatever else is certain', () => {
    const run = seen(noImage, 60_000);
    expect(run.judge({ cureInProgress: true })).toMatchObject({ kind: 'wait', why: 'a cure is under way' });
    expect(endOf(run.judge({ cureInProgress: true, ...deadline })).verdict).toBe('unhealthy');
  });

  test("ends with Calico's failure after its two minutes where nothing may be restarted", () => {
    const stuck = aStuckPod({ createdAtMs: ago(MINUTE) });
    const first = { firstAtMs: ago(MINUTE), lastAtMs: ago(MINUTE) };
    const picture = { pods: [stuck], sandboxErrors: new Map([[stuck.uid, aSandboxError(stuck, first)]]) };
    expect(seen(picture, 58_000).judge()).toMatchObject({ kind: 'wait' });
    expect(endOf(seen(picture, 60_000).judge()).verdict).toBe('unhealthy');
  });

  test('does not end for what only the deadline ends', () => {
    expect(seen(notReady, 9 * MINUTE).judge()).toMatchObject({ kind: 'wait' });
  });
});

describe('too few pods', () => {
  test('are unhealthy after 60 s', () => {
    expect(seen({}, 58_000).judge()).toMatchObject({ kind: 'wait' });
    expect(endOf(seen({}, 60_000).judge())).toEqual({
      verdict: 'unhealthy',
      reason:
        '0 pods in scope, expected at least 1 (min-pods) (for 1m); check namespaces and selector of the gate, and whether the deploy happened',
    });
  });

  test('are unhealthy at the deadline without fail-fast', () => {
    const run = seen({}, 60_000, { failFast: false });
    expect(run.judge()).toMatchObject({ kind: 'wait' });
    expect(endOf(run.judge(deadline)).verdict).toBe('unhealthy');
  });
});

describe('at the deadline', () => {
  test('what is not ready is unhealthy, and the reason says that time is up', () => {
    const { verdict, reason } = endOf(seen(notReady, MINUTE).judge(deadline));
    expect(verdict).toBe('unhealthy');
    expect(reason).toMatch(/^shop\/web: 1 of 2 pods is not ready: .*; the timeout of 10m is over$/);
  });

  test('a roll-out that its controller never observed is unhealthy', () => {
    const picture = { workloads: [aDeployment({ generation: 2 })], pods: webPods(2) };
    expect(endOf(seen(picture, MINUTE).judge(deadline))).toMatchObject({
      verdict: 'unhealthy',
      reason: expect.stringContaining('its controller has not carried out generation 2 yet'),
    });
  });

  test('everything ready, but not yet for stable-for, is inconclusive, with both times and who kept the window open', () => {
    const run = seen(web, 9_000);
    expect(endOf(run.judge(deadline))).toEqual({
      verdict: 'inconclusive',
      reason:
        'everything was ready at the timeout of 10m, but not yet for 15s (stable-for): shop/web for 9s (it was complete at the first look); raise timeout',
    });
  });

  test('everything stable, but not confirmed, is inconclusive', () => {
    expect(endOf(seen(web, 15_000).judge({ ...deadline, confirmed: false }))).toMatchObject({
      verdict: 'inconclusive',
    });
  });

  test('it is an end, whatever the picture', () => {
    for (const picture of [
      {},
      web,
      notReady,
      noImage,
      { ...web, coverage: gap('stale') },
      { coverage: gap('never-read') },
    ]) {
      for (const confirmed of [true, false]) {
        expect(seen(picture, 1_000).judge({ ...deadline, confirmed }).kind).toBe('end');
      }
    }
  });
});

describe('when the view is lost before the deadline', () => {
  function lostAfter(picture: Picture, seenMs: number, lostMs: number, settings: Partial<Settings> = {}): HealthRun {
    const run = seen(picture, seenMs, settings);
    const coverage = gap('stale', { sinceMs: NOW_MS + seenMs, message: 'connection refused' });
    run.look(seenMs + lostMs, { ...picture, coverage });
    return run;
  }

  test('trouble that was seen within the last minute counts, and the blindness is said as well', () => {
    const { verdict, reason } = endOf(lostAfter(notReady, 10_000, 60_000).judge(deadline));
    expect(verdict).toBe('unhealthy');
    expect(reason).toContain('besides, pods were last seen 1m ago: connection refused');
  });

  test('trouble that was seen before that does not: a lost view is only that, with its age', () => {
    expect(endOf(lostAfter(notReady, 10_000, 61_000).judge(deadline))).toEqual({
      verdict: 'inconclusive',
      reason:
        'no verdict within 10m: pods were last seen 1m1s ago: connection refused; check that the API server can be reached and answers; when last seen, shop/web: it runs and is not ready',
    });
  });

  test('trouble that was fatal already counts, however long ago', () => {
    const run = lostAfter(noImage, 10_000, 5 * MINUTE, { failFast: false });
    expect(endOf(run.judge(deadline)).verdict).toBe('unhealthy');
  });

  test('nothing is decided before the deadline: the view may come back', () => {
    expect(lostAfter(notReady, 10_000, 5 * MINUTE).judge()).toMatchObject({
      kind: 'wait',
      why: expect.stringContaining('pods were last seen'),
    });
  });
});

describe('a run that can ask the API server no more', () => {
  const refused = { apiFailure: { message: 'the API server refused new credentials twice (401): log in again' } };

  test('is inconclusive, with the words of what failed', () => {
    expect(endOf(seen(notReady, 10_000).judge(refused))).toEqual({
      verdict: 'inconclusive',
      reason: `${refused.apiFailure.message}; when last seen, shop/web: it runs and is not ready`,
    });
  });

  test('is unhealthy by what was already fatal, and by nothing else', () => {
    const { verdict, reason } = endOf(seen(noImage, 10_000, { failFast: false }).judge(refused));
    expect(verdict).toBe('unhealthy');
    expect(reason).toContain('besides, the API server refused new credentials twice');
  });

  test('is not healthy either, although all that was seen was', () => {
    expect(endOf(seen(web, MINUTE).judge(refused)).verdict).toBe('inconclusive');
  });
});

describe('what may not be read', () => {
  const other = forbidden('pods', 'other');

  test('ends the run at once with fail-fast, with the right to add', () => {
    expect(endOf(seen({ ...web, coverage: other }, 0).judge())).toEqual({
      verdict: 'inconclusive',
      reason:
        'pods in namespace other may not be read: pods is forbidden; grant list and watch on pods in namespace other',
    });
  });

  test('ends it when it is refused for another reason, too', () => {
    const refused = gap('refused', { namespace: 'other', message: 'list pods in namespace other: 404 NotFound' });
    expect(endOf(seen({ ...web, coverage: refused }, 0).judge())).toEqual({
      verdict: 'inconclusive',
      reason: expect.stringMatching(
        /^pods in namespace other cannot be read: list pods in namespace other: 404 NotFound; the API server says so each time, and waiting will not change it/,
      ),
    });
    expect(seen({ ...web, coverage: refused }, 0).judge({ cureInProgress: true })).toMatchObject({ kind: 'wait' });
    expect(seen({ ...web, coverage: refused }, 0, { failFast: false }).judge()).toMatchObject({ kind: 'wait' });
    expect(seen({ ...noImage, coverage: refused }, 0).judge()).toMatchObject({ kind: 'wait' });
  });

  test('names the API group of workloads', () => {
    const run = seen({ ...web, coverage: forbidden('statefulsets') }, 0);
    expect(endOf(run.judge()).reason).toContain('grant list and watch on statefulsets.apps');
  });

  test('leaves trouble elsewhere its patience, and then both are said', () => {
    expect(seen({ ...noImage, coverage: other }, 0).judge()).toMatchObject({ kind: 'wait' });
    const { verdict, reason } = endOf(seen({ ...noImage, coverage: other }, 2_000).judge());
    expect(verdict).toBe('unhealthy');
    expect(reason).toContain('InvalidImageName');
    expect(reason).toContain('besides, pods in namespace other may not be read');
  });

  test('leaves what is only starting its time, and is said when that is ready', () => {
    const run = seen({ ...notReady, coverage: other }, 10_000);
    expect(run.judge()).toMatchObject({ kind: 'wait' });
    run.look(12_000, { ...web, coverage: other });
    expect(endOf(run.judge()).verdict).toBe('inconclusive');
  });

  test('never cuts a cure short', () => {
    expect(seen({ ...web, coverage: other }, 0).judge({ cureInProgress: true })).toMatchObject({ kind: 'wait' });
  });

  test('without fail-fast is waited out, unless there is nothing to see at all', () => {
    expect(seen({ ...web, coverage: other }, 0, { failFast: false }).judge()).toMatchObject({ kind: 'wait' });
    const nothing = seen({ coverage: forbidden('pods') }, 0, { failFast: false });
    expect(endOf(nothing.judge()).verdict).toBe('inconclusive');
  });

  test('ends the run without fail-fast too when it is the pods of every namespace that was named', () => {
    const coverage = aCoverage({ ...other, gaps: [...other.gaps, ...forbidden('pods', 'shop').gaps] });
    const both = { failFast: false, namespaces: ['shop', 'other'] };
    expect(endOf(seen({ coverage }, 0, both).judge()).verdict).toBe('inconclusive');
    expect(seen({ ...web, coverage: other }, 0, both).judge()).toMatchObject({ kind: 'wait' });
  });

  test('does not keep the run waiting for trouble that was seen in it before', () => {
    const run = seen(notReady, 10_000);
    run.look(12_000, { ...notReady, coverage: forbidden('pods', 'shop') });
    expect(endOf(run.judge())).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('; when last seen, shop/web: it runs and is not ready'),
    });
  });

  test('does not hide what is still to be read', () => {
    const [first, second] = [...forbidden('pods', 'a').gaps, ...gap('never-read', { namespace: 'b' }).gaps];
    const coverage = aCoverage({ complete: false, gaps: [second as Gap, first as Gap] });
    expect(seen({ ...web, coverage }, 0).judge()).toMatchObject({ kind: 'wait' });
    const { reason } = endOf(seen({ ...web, coverage }, 0).judge(deadline));
    expect(reason).toContain('pods in namespace a may not be read');
  });

  test('when access is withdrawn, the run is unhealthy only by what was already fatal', () => {
    const run = seen(notReady, 10_000);
    run.look(12_000, { coverage: forbidden('pods') });
    expect(endOf(run.judge()).verdict).toBe('inconclusive');
    const fatal = seen(noImage, 10_000, { failFast: false });
    fatal.look(12_000, { coverage: forbidden('pods') });
    expect(endOf(fatal.judge()).verdict).toBe('unhealthy');
  });
});

describe('a cancelled run', () => {
  test.each<readonly [string, Picture, string]>([
    ['that saw nothing', {}, 'cancelled by SIGTERM after 4s'],
    ['that saw all ready', web, 'cancelled by SIGTERM after 4s: 2 of 2 pods were ready'],
    [
      'that saw trouble',
      notReady,
      'cancelled by SIGTERM after 4s: 1 of 2 pods were ready; shop/web: it runs and is not ready',
    ],
  ])('%s is inconclusive, before anything else', (_, picture, reason) => {
    const cancelled: Partial<JudgeInput> = { cancelled: 'SIGTERM', apiFailure: { message: 'too late' }, ...deadline };
    expect(endOf(seen(picture, 4 * SECOND, { minPods: 0 }).judge(cancelled))).toEqual({
      verdict: 'inconclusive',
      reason,
    });
  });
});

describe('what is waited for', () => {
  test.each<readonly [string, Picture, Partial<JudgeInput>, string]>([
    ['the worst of what holds back', notReady, {}, 'shop/web: it runs and is not ready'],
    ['too few pods', {}, {}, 'the scope: there are too few pods'],
    ['the window', web, {}, 'ready, and has to stay so: shop/web for 4s (it was complete at the first look)'],
    ['a picture', { coverage: gap('never-read') }, {}, 'pods could not be read even once'],
  ])('is said: %s', (_, picture, overrides, why) => {
    expect(seen(picture, 4 * SECOND).judge(overrides)).toMatchObject({
      kind: 'wait',
      why: expect.stringContaining(why),
    });
  });
});
