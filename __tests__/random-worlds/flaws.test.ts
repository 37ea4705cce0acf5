import { expect, test } from '@jest/globals';
import type { ApiResponse, Transport } from '../../src/cluster/transport.ts';
import type { Played } from '../harness.ts';
import type { Flaw } from './play-gate.ts';
import { playSeed } from './play-seed.ts';
import type { StoryKind } from './story.ts';

/*
 * Gates that do what no gate may, in the same random worlds: each is caught, and soon. A judge that no gate can offend, and
 * worlds in which a gate without a rule does the same as one with it, would prove nothing.
 */

const PATIENCE_MS = 1_800_000;
/** Seeds until it has to be caught. */
const MOST_SEEDS = 60;

/** Reports as `change` makes them. */
function saying(change: (report: Played['report']) => Partial<Played['report']>): Flaw {
  return { says: (played) => ({ ...played, report: { ...played.report, ...change(played.report) } }) };
}

/** Gives the first answer to each list again and again. */
function oldLists(transport: Transport): Transport {
  const known = new Map<string, Promise<readonly Uint8Array[]>>();
  return async (request) => {
    const isList =
      request.method === 'GET' && /\/(pods|events|deployments|statefulsets|daemonsets)(\?|$)/.test(request.path);
    if (!isList || request.path.includes('watch=')) return await transport(request);
    const answer: ApiResponse = await transport(request);
    const body = known.get(request.path) ?? chunksOf(answer);
    known.set(request.path, body);
    const chunks = await body;
    return {
      ...answer,
      body: (async function* again() {
        yield* chunks;
      })(),
    };
  };
}

async function chunksOf({ body }: ApiResponse): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}

test.each<readonly [string, StoryKind, Flaw, RegExp]>([
  [
    'deletes whatever has the name',
    'restarts',
    {
      between: (transport) => (request) =>
        transport(request.method === 'DELETE' ? { ...request, body: '{}' } : request),
    },
    /it deletes no pod by its uid/,
  ],
  [
    'restarts more nodes than it may',
    'restarts',
    { inputs: (inputs) => ({ ...inputs, 'max-node-restarts': '9' }) },
    /nodes were restarted before, \d are allowed/,
  ],
  [
    'restarts where restarts are off',
    'restarts',
    { inputs: (inputs) => ({ ...inputs, 'restart-calico-node': 'true' }) },
    /restarts are off/,
  ],
  [
    'takes what is stuck for a moment for proof',
    'restarts',
    { timing: { calicoStuckMs: 0 } },
    /nothing is stuck on .* for 30 s/,
  ],
  ['decides at the first look', 'restarts', { timing: { observationGapMs: 0 } }, /it was decided by the first look/],
  [
    'overlooks other calico-node pods that are down',
    'restarts',
    { timing: { siblingNotReadyMs: 0 } },
    /is down as well/,
  ],
  ['restarts again what was just restarted', 'restarts', { timing: { newFailureMs: 0 } }, /never worked|one tenant/],
  [
    'forgets what it restarted',
    'restarts',
    { says: (played) => ({ ...played, restartedNodes: [] }) },
    /the report does not say so/,
  ],
  [
    'calls cured what is not',
    'restarts',
    saying(({ calico }) => ({
      calico: { ...calico, nodes: calico.nodes.map((node) => ({ ...node, outcome: 'cured' })) },
    })),
    /is called cured, and is not/,
  ],
  ['ends late', 'troubled', { inputs: (inputs) => ({ ...inputs, timeout: '900s' }) }, /it ended after/],
  ['calls everything healthy', 'troubled', saying(() => ({ verdict: 'healthy' })), /healthy, but/],
  ['believes old lists', 'veiled', { between: oldLists }, /healthy, but/],
  [
    'does not wait until all is stable',
    'veiled',
    { inputs: (inputs) => ({ ...inputs, 'stable-for': '0s' }) },
    /since a moment only/,
  ],
  ['does not count pods', 'veiled', { inputs: (inputs) => ({ ...inputs, 'min-pods': '0' }) }, /pods are in scope/],
  [
    'looks at one namespace of two',
    'veiled',
    { inputs: (inputs) => ({ ...inputs, namespaces: 'back' }) },
    /healthy, but/,
  ],
])(
  'a gate that %s is caught',
  async (_, kind, flaw, problem) => {
    const seen: string[] = [];
    for (let seed = 1; seed <= MOST_SEEDS && !seen.some((each) => problem.test(each)); seed += 1) {
      const { problems } = await playSeed(seed, kind, new Set(), flaw);
      seen.push(...problems);
    }
    expect(seen).toContainEqual(expect.stringMatching(problem));
  },
  PATIENCE_MS,
);
