import { expect } from '@jest/globals';
import {
  ask,
  type ContractCase,
  type ContractWorld,
  dispose,
  type ObjectBody,
  podsOf,
  remove,
  type StatusBody,
} from './world.ts';

const OTHER_UID = '00000000-0000-4000-8000-000000000000';

async function podOf(world: ContractWorld, name: string): Promise<ObjectBody> {
  return (await ask<ObjectBody>(world.transport, `${podsOf(world)}/${name}`)).body;
}

/** The only write of the gate. */
export const DELETION: readonly ContractCase[] = [
  {
    name: 'a pod that is deleted gets its deletionTimestamp first, and is answered as it is then',
    run: async (world) => {
      const victim = await world.victim();
      const { metadata } = await podOf(world, victim);
      const options = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: metadata.uid } };
      const { status, headers, body } = await remove<ObjectBody>(world, victim, { ...options, gracePeriodSeconds: 15 });
      expect([status, body.kind, body.metadata.uid]).toEqual([200, 'Pod', metadata.uid]);
      expect(body.metadata.deletionGracePeriodSeconds).toBe(15);
      // It lies the grace ahead, in whole seconds.
      const aheadMs = Date.parse(body.metadata.deletionTimestamp ?? '') - Date.parse(headers.date ?? '');
      expect(aheadMs).toBeGreaterThan(10_000);
      expect(aheadMs).toBeLessThanOrEqual(16_000);
      expect((await podOf(world, victim)).metadata.deletionTimestamp).toBe(body.metadata.deletionTimestamp);
      await remove(world, victim, { gracePeriodSeconds: 0 });
    },
  },
  {
    name: 'a second DELETE may only shorten the grace, which runs from the first or ends now',
    run: async (world) => {
      const victim = await world.victim();
      const grace = async (options: object): Promise<readonly [number | undefined, number]> => {
        const { metadata } = (await remove<ObjectBody>(world, victim, options)).body;
        return [metadata.deletionGracePeriodSeconds, Date.parse(metadata.deletionTimestamp ?? '')];
      };
      const [seconds, endsMs] = await grace({ gracePeriodSeconds: 25 });
      expect(seconds).toBe(25);
      expect(await grace({ gracePeriodSeconds: 60 })).toEqual([25, endsMs]);
      expect(await grace({})).toEqual([25, endsMs]);
      expect(await grace({ gracePeriodSeconds: 10 })).toEqual([10, endsMs - 15_000]);
      // Whole seconds, and it may be the next one already.
      const [none, endedMs] = await grace({ gracePeriodSeconds: 0 });
      expect(none).toBe(0);
      expect(endedMs).toBeGreaterThanOrEqual(endsMs - 25_000);
      expect(endedMs).toBeLessThan(endsMs - 15_000);
      expect((await ask(world.transport, `${podsOf(world)}/${victim}`)).status).toBe(404);
    },
  },
  {
    name: 'a pod without a node goes at once, whatever grace it is granted',
    run: async (world) => {
      await world.makePod('nowhere');
      const { status, body } = await remove<ObjectBody>(world, 'nowhere', { gracePeriodSeconds: 20 });
      expect([status, body.metadata.deletionGracePeriodSeconds]).toEqual([200, 0]);
      expect((await ask(world.transport, `${podsOf(world)}/nowhere`)).status).toBe(404);
    },
  },
  {
    name: 'a finalizer keeps a pod, whatever its grace, and the pod goes with the last one',
    run: async (world) => {
      await world.makePod('kept', { finalizers: ['example.com/keep'] });
      const { status, body } = await remove<ObjectBody>(world, 'kept', { gracePeriodSeconds: 0 });
      expect([status, body.metadata.deletionGracePeriodSeconds]).toEqual([200, 0]);
      const kept = await podOf(world, 'kept');
      expect(kept.metadata.finalizers).toEqual(['example.com/keep']);
      expect(kept.metadata.deletionTimestamp).toBe(body.metadata.deletionTimestamp);
      await world.changePod('kept', { finalizers: [] });
      expect((await ask(world.transport, `${podsOf(world)}/kept`)).status).toBe(404);
    },
  },
  {
    name: 'a DELETE with the uid of another pod is refused as a conflict, and changes nothing',
    run: async (world) => {
      const victim = await world.victim();
      const { metadata } = await podOf(world, victim);
      const { status, body } = await remove<StatusBody>(world, victim, {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid: OTHER_UID },
      });
      expect([status, body.reason, body.code]).toEqual([409, 'Conflict', 409]);
      expect(body.message).toBe(
        `Operation cannot be fulfilled on Pod "${victim}": the UID in the precondition (${OTHER_UID}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      );
      expect(body.details).toEqual({ name: victim, kind: 'Pod' });
      expect((await podOf(world, victim)).metadata.deletionTimestamp).toBeUndefined();
    },
  },
  {
    name: 'so is one with another version',
    run: async (world) => {
      await world.makePod('versioned');
      const { metadata } = await podOf(world, 'versioned');
      const { status, body } = await remove<StatusBody>(world, 'versioned', {
        preconditions: { uid: metadata.uid, resourceVersion: '1' },
      });
      expect([status, body.reason, body.message]).toEqual([
        409,
        'Conflict',
        `Operation cannot be fulfilled on Pod "versioned": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
      ]);
      const { resourceVersion } = metadata;
      expect((await remove(world, 'versioned', { preconditions: { resourceVersion } })).status).toBe(200);
      expect((await ask(world.transport, `${podsOf(world)}/versioned`)).status).toBe(404);
    },
  },
  {
    name: 'a conflict about something in a group names the group',
    run: async (world) => {
      const { status, body } = await ask<StatusBody>(
        world.transport,
        `/apis/apps/v1/namespaces/${world.namespace}/deployments/${world.app}`,
        { method: 'DELETE', body: JSON.stringify({ preconditions: { uid: OTHER_UID } }) },
      );
      expect([status, body.details]).toEqual([409, { name: world.app, group: 'apps', kind: 'Deployment' }]);
      expect(body.message).toContain(`Operation cannot be fulfilled on Deployment.apps "${world.app}": the UID in`);
    },
  },
  {
    name: 'a dry run is answered as if, and changes nothing',
    run: async (world) => {
      await world.makePod('dry');
      const before = await podOf(world, 'dry');
      for (const options of [{ dryRun: ['All'], gracePeriodSeconds: 0 }, { dryRun: ['All'] }]) {
        const { status, body } = await remove<ObjectBody>(world, 'dry', options);
        expect([status, body.kind]).toEqual([200, 'Pod']);
        expect(body.metadata.deletionTimestamp).toMatch(/Z$/);
        expect(await podOf(world, 'dry')).toEqual(before);
      }
      expect((await remove(world, 'dry', { dryRun: ['All'], preconditions: { uid: OTHER_UID } })).status).toBe(409);
      await dispose(world, 'dry');
    },
  },
  {
    name: 'options that make no sense are refused before anything is done',
    run: async (world) => {
      await world.makePod('there');
      // What cannot be read at all is the server's error until 1.36.
      for (const [body, statuses, message] of [
        ['{"dryRun":["Foo"]}', [422], /dryRun: Unsupported value: .*"Foo".*: supported values: "All"$/],
        ['{"propagationPolicy":"Foo"}', [422], /propagationPolicy: Unsupported value: "Foo": supported values: "Fore/],
        [
          '{"gracePeriodSeconds":"x"}',
          [400, 500],
          /^json: cannot unmarshal string into Go struct field DeleteOptions\./,
        ],
        ['{', [400, 500], /couldn't get version\/kind; json parse error: /],
        ['{"kind":"Foo","apiVersion":"v1"}', [400, 500], /^no kind "Foo" is registered/],
      ] as const) {
        const answer = await ask<StatusBody>(world.transport, `${podsOf(world)}/there`, { method: 'DELETE', body });
        expect(statuses).toContain(answer.status);
        expect(answer.body.message).toMatch(message);
      }
      expect((await podOf(world, 'there')).metadata.deletionTimestamp).toBeUndefined();
      await dispose(world, 'there');
    },
  },
  {
    name: 'a DELETE of what is not there is 404, whatever uid it names',
    run: async (world) => {
      for (const options of [undefined, { preconditions: { uid: OTHER_UID } }]) {
        const { status, body } = await remove<StatusBody>(world, 'nosuchpod', options);
        expect([status, body.reason, body.message]).toEqual([404, 'NotFound', 'pods "nosuchpod" not found']);
      }
    },
  },
];
