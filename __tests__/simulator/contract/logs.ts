import { expect } from '@jest/globals';
import {
  ask,
  type ContractCase,
  type ContractWorld,
  dispose,
  listPods,
  podsOf,
  type Reply,
  type StatusBody,
} from './world.ts';

async function readLog<T>(world: ContractWorld, pod: string, query: string): Promise<Reply<T>> {
  return await ask<T>(world.transport, `${podsOf(world)}/${pod}/log?${query}`, { accept: '*/*' });
}

/** The last words of what crashed. */
export const LOGS: readonly ContractCase[] = [
  {
    name: 'a log is plain text, whole, or its last lines',
    run: async (world) => {
      const { pod, container, log } = await world.crashed();
      const [first = ''] = log;
      expect(log.length).toBeGreaterThan(1);
      const whole = await readLog(world, pod, `container=${container}`);
      expect([whole.status, whole.headers['content-type'], whole.text]).toEqual([
        200,
        'text/plain',
        log.map((line) => `${line}\n`).join(''),
      ]);
      expect((await readLog(world, pod, '')).text).toBe(whole.text);
      expect((await readLog(world, pod, 'tailLines=1')).text).toBe(`${log.at(-1)}\n`);
      expect((await readLog(world, pod, 'tailLines=0')).text).toBe('');
      expect((await readLog(world, pod, 'tailLines=1000&previous=false')).text).toBe(whole.text);
      // Bytes are counted from the front, also of last lines.
      expect((await readLog(world, pod, `limitBytes=${first.length - 1}`)).text).toBe(first.slice(0, -1));
      expect((await readLog(world, pod, 'tailLines=1&limitBytes=2')).text).toBe(log.at(-1)?.slice(0, 2));
    },
  },
  {
    name: 'a log that there cannot be is a bad request that says why',
    run: async (world) => {
      const calm = (await listPods(world, `?labelSelector=app%3D${world.app}`)).items[0]?.metadata.name ?? '';
      const { pod, container } = await world.crashed();
      for (const [name, query, status, message] of [
        [pod, 'container=nope', 400, `container nope is not valid for pod ${pod}`],
        [
          calm,
          'previous=true',
          400,
          expect.stringMatching(/^previous terminated container "\S+" in pod "\S+" not found$/),
        ],
        [pod, `container=${container}&tailLines=x`, 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
        [
          pod,
          'tailLines=-1',
          422,
          `PodLogOptions "${pod}" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0`,
        ],
        [
          pod,
          'limitBytes=0',
          422,
          `PodLogOptions "${pod}" is invalid: limitBytes: Invalid value: 0: must be greater than 0`,
        ],
      ] as const) {
        const answer = await readLog<StatusBody>(world, name, query);
        expect([query, answer.status, answer.body.message]).toEqual([query, status, message]);
      }
    },
  },
  {
    name: 'a pod that is not scheduled has no log, and no error either',
    run: async (world) => {
      await world.makePod('mute');
      const { status, text } = await readLog(world, 'mute', 'tailLines=10');
      expect([status, text]).toEqual([204, '']);
      await dispose(world, 'mute');
    },
  },
];
