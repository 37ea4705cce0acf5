import { beforeAll, describe, test } from '@jest/globals';
import { HAPPENINGS } from './happenings/checks.ts';
import { type Story, tellStory } from './happenings/story.ts';
import { stage } from './looks.ts';

const STEP_MS = 500;
const LONGEST_MS = 300_000;

describe('a token that dies and is replaced, in the simulator as on a real cluster', () => {
  let story: Story;

  beforeAll(async () => {
    const { sim, pass } = stage();
    const spec = { nodeSelector: { 'kubernetes.io/hostname': 'n1' } };
    const web = { namespace: 'shop', name: 'web' };
    sim.cluster.deploy({ ...web, replicas: 4, graceSeconds: 1, spec });
    sim.warmUp(30_000);
    story = await tellStory({
      transport: sim.transport,
      namespace: 'shop',
      calicoNamespace: 'calico-system',
      node: 'n1',
      deploy: () => Promise.resolve(),
      breakToken: () => {
        sim.cluster.breakToken('n1');
        return Promise.resolve();
      },
      roll: () => {
        sim.cluster.deploy(web);
        return Promise.resolve();
      },
      until: async (what, isSo) => {
        for (let passedMs = 0; !(await isSo()); passedMs += STEP_MS) {
          if (passedMs > LONGEST_MS) throw new Error(`${what}: not within ${LONGEST_MS} ms`);
          await pass(STEP_MS);
        }
      },
    });
    sim.close();
  });

  test.each(HAPPENINGS)('$name', ({ check }) => check(story));
});
