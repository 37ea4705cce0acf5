import { describe, expect, test } from '@jest/globals';
import { type FaultRule, faultScript } from '../../simulator/api/fault-script.ts';
import type { Fault } from '../../simulator/api/faults.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';

const PODS = '/api/v1/namespaces/shop/pods';
const BUSY: Fault = { kind: 'status', status: 429 };

interface World {
  readonly clock: VirtualClock;
  readonly sim: Simulator;
  /** The status that is answered, or the code of the error. */
  readonly ask: (path: string, method?: 'GET' | 'DELETE') => Promise<number | string>;
}

function aWorld(...rules: readonly FaultRule[]): World {
  const clock = createVirtualClock();
  const sim = createSimulator({ clock, nodes: ['n1'] });
  sim.cluster.deploy({ namespace: 'shop', name: 'web' });
  sim.warmUp(60_000);
  sim.api.faults = faultScript(rules);
  const { signal } = new AbortController();
  const ask: World['ask'] = async (path, method = 'GET') => {
    try {
      return (await clock.run(sim.transport({ method, path, signal }))).status;
    } catch (error) {
      return String((error as { readonly code?: unknown }).code);
    }
  };
  return { clock, sim, ask };
}

describe('a script of faults', () => {
  test('strikes only the verb, resource and namespace that a rule names', async () => {
    const { ask } = aWorld({ verb: 'list', resource: 'pods', namespace: 'shop', fault: BUSY });
    expect(await ask(PODS)).toBe(429);
    expect(await ask(`${PODS}?watch=1`)).toBe(200);
    expect(await ask(`${PODS}/nobody`)).toBe(404);
    expect(await ask('/api/v1/pods')).toBe(200);
    expect(await ask('/api/v1/namespaces/bank/pods')).toBe(200);
    expect(await ask('/apis/apps/v1/namespaces/shop/deployments')).toBe(200);
  });

  test.each<[string, FaultRule['verb'], FaultRule['resource']]>([
    ['/version', 'get', 'version'],
    [`${PODS}/web/log`, 'get', 'pods/log'],
    ['/api/v1/nodes', ['watch', 'list'], ['nodes', 'pods']],
  ])('knows %s as %j %j', async (path, verb = '', resource = '') => {
    const { ask } = aWorld({ verb, resource, fault: BUSY });
    expect(await ask(path)).toBe(429);
  });

  test('strikes a DELETE, which is not carried out then', async () => {
    const { ask, sim } = aWorld({ verb: 'delete', fault: BUSY });
    const [pod] = sim.cluster.pods('shop');
    expect(await ask(`${PODS}/${pod?.metadata.name}`, 'DELETE')).toBe(429);
    expect(sim.cluster.pods('shop')).toHaveLength(1);
  });

  test('lets some pass before, and strikes so many', async () => {
    const { ask } = aWorld({ skip: 1, times: 2, fault: BUSY });
    const answers = [await ask(PODS), await ask(PODS), await ask('/version'), await ask(PODS)];
    expect(answers).toEqual([200, 429, 429, 200]);
  });

  test('strikes from then until then, counted from the first request', async () => {
    const { ask, clock } = aWorld({ fromMs: 1_000, untilMs: 2_000, fault: BUSY });
    await clock.advance(5_000);
    const answers = [await ask(PODS)];
    for (const ms of [999, 1, 999, 1]) {
      await clock.advance(ms);
      answers.push(await ask(PODS));
    }
    expect(answers).toEqual([200, 200, 429, 429, 200]);
  });

  test('asks the next rule about what one lets pass', async () => {
    const { ask } = aWorld(
      { times: 1, fault: BUSY },
      { fault: (_, count) => (count === 2 ? undefined : { kind: 'reset-before' }) },
      { fault: { kind: 'status', status: 503 } },
    );
    expect([await ask(PODS), await ask(PODS), await ask(PODS)]).toEqual([429, 'ECONNRESET', 503]);
  });
});

describe('a body', () => {
  /** What came of it within a minute, and how it ended; null: it has not. */
  async function bodyOf(
    fault: Fault,
    path = PODS,
  ): Promise<{ readonly text: string; readonly end: string | null; readonly tookMs: number }> {
    const { clock, sim } = aWorld({ fault });
    const abort = new AbortController();
    let text = '';
    let end: string | null = null;
    const read = async (): Promise<void> => {
      try {
        const { body } = await sim.transport({ method: 'GET', path, signal: abort.signal });
        for await (const chunk of body) text += Buffer.from(chunk).toString('utf8');
        end ??= 'ended';
      } catch (error) {
        end ??= String((error as { readonly code?: unknown }).code);
      }
    };
    const reading = read();
    const startedMs = clock.monotonicMs();
    let tookMs = 0;
    while (end === null && tookMs < 60_000) {
      await clock.advance(100);
      tookMs = clock.monotonicMs() - startedMs;
    }
    const came = { text, end, tookMs };
    abort.abort(new Error('over'));
    await clock.run(Promise.race([reading, Promise.resolve()]));
    return came;
  }

  test('that is cut off ends with an error, or in the regular way', async () => {
    expect(await bodyOf({ kind: 'truncate', afterBytes: 10 })).toMatchObject({ text: '{"kind":"P', end: 'ECONNRESET' });
    expect(await bodyOf({ kind: 'truncate', afterBytes: 10, clean: true })).toMatchObject({ end: 'ended' });
  });

  test('that is half-open stays open', async () => {
    expect(await bodyOf({ kind: 'stall', afterBytes: 10 })).toMatchObject({ text: '{"kind":"P', end: null });
  });

  test('that is slow comes in pieces, and all of it', async () => {
    const whole = await bodyOf({ kind: 'delay', delayMs: 0 });
    const slow = await bodyOf({ kind: 'slow', pieceBytes: 500, everyMs: 1_000 });
    expect(slow).toMatchObject({ text: whole.text, end: 'ended' });
    expect(slow.tookMs).toBeGreaterThanOrEqual(Math.floor(whole.text.length / 500) * 1_000);
  });

  test('that never ends is never complete, and never wrong', async () => {
    const { text, end } = await bodyOf({ kind: 'endless', pieceBytes: 7, everyMs: 1_000 });
    expect(end).toBeNull();
    expect(text).toMatch(/\] {400,420}$/);
    expect(() => JSON.parse(text)).toThrow();
    expect(JSON.parse(`${text}}`)).toMatchObject({ kind: 'PodList' });
  });

  test('of a watch that never ends brings each line when the next one comes', async () => {
    const { text, end } = await bodyOf({ kind: 'endless', pieceBytes: 1, everyMs: 1_000 }, `${PODS}?watch=1`);
    expect(end).toBeNull();
    expect(text).toMatch(/^\{"type":"ADDED".* {50,60}$/);
  });

  test('that is over after a while ends in the regular way, or breaks', async () => {
    const closed = await bodyOf({ kind: 'cut', afterMs: 2_000, clean: true }, `${PODS}?watch=1`);
    expect(closed).toMatchObject({ text: expect.stringMatching(/^\{"type":"ADDED"/), end: 'ended', tookMs: 2_000 });
    expect(await bodyOf({ kind: 'cut', afterMs: 2_000 }, `${PODS}?watch=1`)).toMatchObject({ end: 'ECONNRESET' });
  });

  test('is rewritten as a whole, and a watch line by line', async () => {
    expect(await bodyOf({ kind: 'rewrite', rewrite: () => 'other' })).toMatchObject({ text: 'other', end: 'ended' });
    const { text } = await bodyOf(
      { kind: 'lines', rewrite: (line) => ['before', line.slice(0, 7), 'after'] },
      `${PODS}?watch=1`,
    );
    expect(text).toBe('before\n{"type"\nafter\n');
  });
});
