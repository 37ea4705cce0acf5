import { expect } from '@jest/globals';
import {
  ask,
  type ContractCase,
  type ContractWorld,
  dispose,
  eventsOf,
  type ListBody,
  listPods,
  type ObjectBody,
  podsOf,
  remove,
  type StatusBody,
  type WatchLine,
  watchUntil,
} from './world.ts';

async function versionNow(world: ContractWorld): Promise<string> {
  return (await listPods(world, '?limit=1')).metadata.resourceVersion;
}

/** A watch of one pod by its name, to its end after `seconds`. */
async function watchOf(
  world: ContractWorld,
  pod: string,
  query: string,
  seconds: number,
  onOpen?: () => Promise<void>,
): Promise<readonly WatchLine[]> {
  const path = `${podsOf(world)}?watch=1&timeoutSeconds=${seconds}&fieldSelector=metadata.name%3D${pod}&${query}`;
  return await watchUntil(world.transport, path, undefined, onOpen);
}

const INITIAL_END = { 'k8s.io/initial-events-end': 'true' };

/** How the gate hears what happens, and how it notices that it does not. */
export const WATCHES: readonly ContractCase[] = [
  {
    name: 'a watch from a version tells what changed since, with kind and version',
    run: async (world) => {
      const { metadata } = await listPods(world);
      const victim = await world.victim();
      await remove(world, victim, { gracePeriodSeconds: 0 });
      const isGone = (line: WatchLine): boolean => line.type === 'DELETED' && line.object.metadata.name === victim;
      const lines = await watchUntil(
        world.transport,
        `${podsOf(world)}?watch=1&timeoutSeconds=20&resourceVersion=${metadata.resourceVersion}`,
        (seen) => seen.some(isGone),
      );
      const gone = lines.find(isGone);
      expect([gone?.object.kind, gone?.object.apiVersion]).toEqual(['Pod', 'v1']);
      expect(Number(gone?.object.metadata.resourceVersion)).toBeGreaterThan(Number(metadata.resourceVersion));
    },
  },
  {
    name: 'what happens to one object comes in order, each time with a newer version',
    run: async (world) => {
      const from = await versionNow(world);
      await world.makePod('story', { labels: { app: 'story' } });
      await world.changePod('story', { labels: { tier: 'a' } });
      await dispose(world, 'story');
      const lines = await watchUntil(
        world.transport,
        `${podsOf(world)}?watch=1&timeoutSeconds=20&labelSelector=app%3Dstory&resourceVersion=${from}`,
        (seen) => seen.some(({ type }) => type === 'DELETED'),
      );
      const types = lines.map(({ type }) => type);
      expect([types[0], types.at(-1), new Set(types.slice(1, -1))]).toEqual([
        'ADDED',
        'DELETED',
        new Set(['MODIFIED']),
      ]);
      const versions = lines.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
      expect(versions[0]).toBeGreaterThan(Number(from));
    },
  },
  {
    name: 'what leaves the selection is DELETED as it was before, what enters it is ADDED',
    run: async (world) => {
      await world.makePod('moving', { labels: { tier: 'a' } });
      const from = await versionNow(world);
      await world.changePod('moving', { labels: { tier: 'b' } });
      await world.changePod('moving', { labels: { tier: 'a' } });
      const lines = await watchUntil(
        world.transport,
        `${podsOf(world)}?watch=1&labelSelector=tier%3Da&timeoutSeconds=20&resourceVersion=${from}`,
        (seen) => seen.length >= 2,
      );
      expect(lines.map(({ type, object }) => [type, object.metadata.labels?.tier])).toEqual([
        ['DELETED', 'a'],
        ['ADDED', 'a'],
      ]);
      await dispose(world, 'moving');
    },
  },
  {
    name: 'a watch is answered at once, before there is anything to tell',
    run: async (world) => {
      const from = await versionNow(world);
      const abort = new AbortController();
      const query = `watch=1&timeoutSeconds=20&fieldSelector=metadata.name%3Dlate&resourceVersion=${from}`;
      const answer = await world.transport({ method: 'GET', path: `${podsOf(world)}?${query}`, signal: abort.signal });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
      // Whoever got no answer so far would not see what begins only now.
      await world.makePod('late');
      let text = '';
      for await (const chunk of answer.body) {
        text += Buffer.from(chunk).toString('utf8');
        if (text.includes('\n')) break;
      }
      abort.abort();
      expect((JSON.parse(text.split('\n')[0] ?? '') as WatchLine).type).toBe('ADDED');
      await dispose(world, 'late');
    },
  },
  {
    name: 'a watch without a version, or of version 0, begins with what is there',
    run: async (world) => {
      const all = (await listPods(world)).items;
      for (const version of ['', '&resourceVersion=0', '&resourceVersion=']) {
        const lines = await watchUntil(
          world.transport,
          `${podsOf(world)}?watch=true&timeoutSeconds=20${version}`,
          (seen) => seen.length >= all.length,
        );
        expect(new Set(lines.slice(0, all.length).map((line) => line.type))).toEqual(new Set(['ADDED']));
        expect(new Set(lines.map(({ object }) => object.metadata.uid)).size).toBe(all.length);
      }
    },
  },
  {
    name: 'whoever asks for the initial events gets a bookmark where they end',
    sinceMinor: 34,
    run: async (world) => {
      const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
      for (const path of [podsOf(world), eventsOf(world)]) {
        const { items } = (await ask<ListBody>(world.transport, path)).body;
        const lines = await watchUntil(world.transport, `${path}?watch=1&timeoutSeconds=20&${query}`, (seen) =>
          seen.some(({ type }) => type === 'BOOKMARK'),
        );
        const last = lines.at(-1);
        expect([last?.type, last?.object.metadata.annotations]).toEqual(['BOOKMARK', INITIAL_END]);
        expect(new Set(lines.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['ADDED']));
        const added = lines.map(({ object }) => object.metadata.uid);
        expect(added).toEqual(expect.arrayContaining(items.map(({ metadata }) => metadata.uid)));
      }
    },
  },
  {
    name: 'initial events go with no other way to match versions',
    sinceMinor: 34,
    run: async (world) => {
      for (const [query, message] of [
        [
          'sendInitialEvents=true',
          'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        ],
        [
          'resourceVersionMatch=NotOlderThan&resourceVersion=1',
          'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ],
      ] as const) {
        const { status, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}?watch=1&${query}`);
        expect([status, body.reason, body.message]).toEqual([
          422,
          'Invalid',
          `ListOptions.meta.k8s.io "" is invalid: ${message}`,
        ]);
      }
    },
  },
  {
    name: 'a watch ends after its timeoutSeconds, in the regular way',
    waits: true,
    run: async (world) => {
      const { status, headers, text } = await ask(
        world.transport,
        `${podsOf(world)}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone&resourceVersion=${await versionNow(world)}`,
      );
      expect([status, headers['content-type'], text]).toEqual([200, 'application/json', '']);
    },
  },
  {
    name: 'shortly before that a bookmark says how far things came meanwhile, and nothing else',
    waits: true,
    run: async (world) => {
      const from = await versionNow(world);
      const query = `allowWatchBookmarks=true&resourceVersion=${from}`;
      // No single one of them is promised (`cacher.go`).
      const watches = [4, 5, 6, 7].map((seconds) =>
        watchOf(world, 'none', query, seconds, async () => await world.makePod(`meanwhile-${seconds}`)),
      );
      const lines = (await Promise.all(watches)).flat();
      for (const seconds of [4, 5, 6, 7]) await dispose(world, `meanwhile-${seconds}`);
      expect(lines.length).toBeGreaterThan(0);
      for (const { type, object } of lines) {
        // Before 1.34 it is written out as null.
        const { creationTimestamp, ...metadata } = object.metadata;
        expect(creationTimestamp ?? null).toBeNull();
        expect([type, { ...object, metadata }]).toEqual([
          'BOOKMARK',
          {
            kind: 'Pod',
            apiVersion: 'v1',
            metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
            spec: { containers: null },
            status: {},
          },
        ]);
        expect(Number(object.metadata.resourceVersion)).toBeGreaterThan(Number(from));
      }
    },
  },
  {
    name: 'nobody gets a bookmark unasked, or of events',
    waits: true,
    run: async (world) => {
      const from = await versionNow(world);
      const asked = 'watch=1&allowWatchBookmarks=1';
      const none = `fieldSelector=metadata.name%3Dnone&timeoutSeconds=4&resourceVersion=${from}`;
      const lines = await Promise.all([
        watchUntil(world.transport, `${podsOf(world)}?watch=1&${none}`, undefined, async () => {
          await world.makePod('meanwhile');
        }),
        watchUntil(world.transport, `${eventsOf(world)}?${asked}&${none}`),
      ]);
      await dispose(world, 'meanwhile');
      expect(lines).toEqual([[], []]);
    },
  },
  {
    name: 'a watch from a version that is still to come says nothing until its end',
    waits: true,
    run: async (world) => {
      const watching = watchOf(world, 'early', 'resourceVersion=999999999', 2, async () => {
        await world.makePod('early');
      });
      expect(await watching).toEqual([]);
      await dispose(world, 'early');
    },
  },
  {
    name: 'a watch from a version that is no number is an error of the server',
    run: async (world) => {
      const { status, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}?watch=1&resourceVersion=abc`);
      expect([status, body.reason, body.message]).toEqual([
        500,
        undefined,
        'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
      ]);
    },
  },
  {
    name: 'a watch with a wrong selector or a wrong time is a bad request',
    run: async (world) => {
      for (const query of ['labelSelector=%3D', 'fieldSelector=foo%3D1', 'timeoutSeconds=abc']) {
        const { status, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}?watch=1&${query}`);
        expect([query, status, body.reason]).toEqual([query, 400, 'BadRequest']);
      }
    },
  },
  {
    name: 'a version that is forgotten ends the watch by an ERROR event with a 410',
    compacts: true,
    run: async (world) => {
      const from = (await ask<ListBody>(world.transport, `${eventsOf(world)}?limit=1`)).body.metadata.resourceVersion;
      await world.compact?.();
      for (const bookmarks of ['', '&allowWatchBookmarks=true']) {
        const lines = await watchUntil(
          world.transport,
          `${eventsOf(world)}?watch=1&timeoutSeconds=20&resourceVersion=${from}${bookmarks}`,
        );
        expect(lines).toEqual([
          {
            type: 'ERROR',
            object: {
              kind: 'Status',
              apiVersion: 'v1',
              metadata: {},
              status: 'Failure',
              message: 'The resourceVersion for the provided watch is too old.',
              reason: 'Expired',
              code: 410,
            },
          },
        ]);
      }
    },
  },
  {
    name: 'whatever is not false asks for a watch, and one object by its name is never watched',
    waits: true,
    run: async (world) => {
      const query = `timeoutSeconds=1&resourceVersion=${await versionNow(world)}&fieldSelector=metadata.name%3Dnone`;
      await Promise.all(
        ['1', 'true', 'TRUE', 'yes', ''].map(async (watch) => {
          const { status, text } = await ask(world.transport, `${podsOf(world)}?watch=${watch}&${query}`);
          expect([watch, status, text]).toEqual([watch, 200, '']);
        }),
      );
      for (const watch of ['0', 'false', 'False']) {
        const { body } = await ask<ListBody>(world.transport, `${podsOf(world)}?watch=${watch}`);
        expect([watch, body.kind]).toEqual([watch, 'PodList']);
      }
      const name = (await listPods(world)).items[0]?.metadata.name;
      const one = await ask<ObjectBody>(world.transport, `${podsOf(world)}/${name}?watch=1&timeoutSeconds=1`);
      expect(one.body.metadata.name).toBe(name);
    },
  },
  {
    name: 'a watch that is aborted ends with an error',
    run: async (world) => {
      const abort = new AbortController();
      const answer = await world.transport({
        method: 'GET',
        path: `${podsOf(world)}?watch=1&timeoutSeconds=30`,
        signal: abort.signal,
      });
      const reading = (async () => {
        for await (const chunk of answer.body) if (chunk.length > 0) abort.abort();
      })();
      await expect(reading).rejects.toThrow();
    },
  },
];
