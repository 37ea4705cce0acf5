import { expect } from '@jest/globals';
import {
  ask,
  type ContractCase,
  type ContractWorld,
  dispose,
  eventsOf,
  type ListBody,
  listPods,
  names,
  type ObjectBody,
  podsOf,
  remove,
  type StatusBody,
} from './world.ts';

/** All pages of a list from a token on. */
async function restOf(world: ContractWorld, path: string, token: string): Promise<readonly string[]> {
  const { body } = await ask<ListBody>(world.transport, `${path}?limit=1&continue=${encodeURIComponent(token)}`);
  const next = body.metadata.continue ?? '';
  return [...names(body), ...(next === '' ? [] : await restOf(world, path, next))];
}

/** What the gate reads first, and reads again whenever a watch was lost. */
export const LISTS: readonly ContractCase[] = [
  {
    name: 'a list names its kind and version, and its items do not',
    run: async (world) => {
      const { status, headers, body } = await ask<ListBody>(world.transport, podsOf(world));
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('application/json');
      expect(body.kind).toBe('PodList');
      expect(body.apiVersion).toBe('v1');
      expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
      expect(body.items.length).toBeGreaterThanOrEqual(3);
      for (const item of body.items) expect([item.kind, item.apiVersion]).toEqual([undefined, undefined]);
    },
  },
  {
    name: 'a list is sorted by namespace and name',
    run: async (world) => {
      const { body } = await ask<ListBody>(world.transport, '/api/v1/pods');
      const keys = names(body);
      expect(keys.length).toBeGreaterThan((await listPods(world)).items.length);
      expect(keys).toEqual(keys.toSorted());
    },
  },
  {
    name: 'a list of nothing is an empty list, also of a namespace that is not there',
    run: async (world) => {
      const { status, body } = await ask<ListBody>(world.transport, '/api/v1/namespaces/no-such-namespace/pods');
      expect([status, body.kind, body.items]).toEqual([200, 'PodList', []]);
      expect((await listPods(world, '?labelSelector=nosuchlabel')).items).toEqual([]);
    },
  },
  {
    name: 'pages of a list show the same version, say how many are left, and make up the whole list',
    run: async (world) => {
      const whole = await listPods(world);
      const seen: string[] = [];
      const versions = new Set<string>();
      let query = '?limit=1';
      for (let page = 0; page < 100; page += 1) {
        const body = await listPods(world, query);
        seen.push(...names(body));
        versions.add(body.metadata.resourceVersion);
        expect(body.items.length).toBeLessThanOrEqual(1);
        if (body.metadata.continue === undefined || body.metadata.continue === '') break;
        expect(body.metadata.remainingItemCount).toBe(whole.items.length - seen.length);
        query = `?limit=1&continue=${encodeURIComponent(body.metadata.continue)}`;
      }
      expect(seen).toEqual(names(whole));
      expect(versions.size).toBe(1);
    },
  },
  {
    name: 'the last page has neither a token nor a count',
    run: async (world) => {
      const { metadata } = await listPods(world, '?limit=500');
      expect(Object.keys(metadata)).toEqual(['resourceVersion']);
    },
  },
  {
    name: 'later pages show the list as it was at the first one',
    run: async (world) => {
      await world.makePod('zzz-last');
      const whole = await listPods(world);
      const first = await listPods(world, '?limit=1');
      await remove(world, 'zzz-last', { gracePeriodSeconds: 0 });
      const rest = await restOf(world, podsOf(world), first.metadata.continue ?? '');
      expect([...names(first), ...rest]).toEqual(names(whole));
      expect(rest.at(-1)).toBe(`${world.namespace}/zzz-last`);
      expect(names(await listPods(world))).not.toContain(`${world.namespace}/zzz-last`);
    },
  },
  {
    name: 'a list with a selector does not count what is left',
    run: async (world) => {
      for (const selector of ['labelSelector=app', 'fieldSelector=status.phase%3DRunning']) {
        const { metadata } = await listPods(world, `?limit=1&${selector}`);
        expect(metadata.continue).toMatch(/./);
        expect(metadata.remainingItemCount).toBeUndefined();
      }
    },
  },
  {
    name: 'a list of version 0 is whole, whatever its limit',
    run: async (world) => {
      const body = await listPods(world, '?limit=1&resourceVersion=0');
      expect(body.items.length).toBeGreaterThanOrEqual(3);
      expect(body.metadata.continue).toBeUndefined();
    },
  },
  {
    name: 'a token of a list that nobody made is a bad request',
    run: async (world) => {
      const { status, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}?limit=1&continue=garbage`);
      expect([status, body.reason]).toEqual([400, 'BadRequest']);
      expect(body.message).toMatch(/^invalid continue token: continue key is not valid: /);
    },
  },
  {
    name: 'a token goes with no version but its own',
    run: async (world) => {
      const token = (await listPods(world, '?limit=1')).metadata.continue ?? '';
      const { status, body } = await ask<StatusBody>(
        world.transport,
        `${podsOf(world)}?limit=1&continue=${token}&resourceVersion=5`,
      );
      expect([status, body.reason, body.message]).toEqual([
        400,
        'BadRequest',
        'specifying resource version is not allowed when using continue',
      ]);
    },
  },
  {
    name: 'a version that is still to come is a timeout that says when to ask again',
    waits: true,
    run: async (world) => {
      const { status, headers, body } = await ask<StatusBody>(
        world.transport,
        `${podsOf(world)}?resourceVersion=999999999`,
      );
      expect([status, headers['retry-after'], body.reason]).toEqual([504, '1', 'Timeout']);
      expect(body.message).toMatch(/^Timeout: Too large resource version: 999999999, current: \d+$/);
      expect(body.details).toEqual({
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      });
    },
  },
  {
    name: 'parameters that make no sense are refused, each in its own words',
    run: async (world) => {
      const parse = 'strconv.ParseUint: parsing "abc": invalid syntax';
      const wrong = 'ListOptions.meta.k8s.io "" is invalid: ';
      const match = 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden';
      for (const [query, status, message] of [
        ['limit=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
        ['limit=', 400, 'strconv.ParseInt: parsing "": invalid syntax'],
        ['resourceVersion=abc', 400, `invalid resource version: resourceVersion: Invalid value: "abc": ${parse}`],
        ['resourceVersionMatch=Exact', 422, `${wrong}${match} unless resourceVersion is provided`],
        [
          'resourceVersionMatch=Exact&resourceVersion=0',
          422,
          `${wrong}${match.replace('resourceVersionMatch is', 'resourceVersionMatch "exact" is')} for resourceVersion "0"`,
        ],
        [
          'resourceVersionMatch=Foo&resourceVersion=1',
          422,
          `${wrong}resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""`,
        ],
      ] as const) {
        const { body, ...answer } = await ask<StatusBody>(world.transport, `${podsOf(world)}?${query}`);
        expect([query, answer.status, body.code, body.message]).toEqual([query, status, status, message]);
      }
    },
  },
  {
    name: 'what is invalid is told field by field',
    run: async (world) => {
      const { body } = await ask<StatusBody>(world.transport, `${podsOf(world)}?resourceVersionMatch=Exact`);
      expect([body.reason, body.details]).toEqual([
        'Invalid',
        {
          group: 'meta.k8s.io',
          kind: 'ListOptions',
          causes: [
            {
              reason: 'FieldValueForbidden',
              message: 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
              field: 'resourceVersionMatch',
            },
          ],
        },
      ]);
    },
  },
  {
    name: 'one object is answered with kind and version',
    run: async (world) => {
      const name = (await listPods(world)).items[0]?.metadata.name;
      const { status, body } = await ask<ObjectBody>(world.transport, `${podsOf(world)}/${name}`);
      expect([status, body.kind, body.apiVersion, body.metadata.name]).toEqual([200, 'Pod', 'v1', name]);
    },
  },
  {
    name: 'a token expires with a 410, whose own token goes on with the rest of a newer list',
    compacts: true,
    run: async (world) => {
      const first = await ask<ListBody>(world.transport, `${eventsOf(world)}?limit=1`);
      const token = first.body.metadata.continue ?? '';
      await world.compact?.();
      const expired = await ask<StatusBody>(world.transport, `${eventsOf(world)}?limit=1&continue=${token}`);
      expect([expired.status, expired.body.reason, expired.body.code]).toEqual([410, 'Expired', 410]);
      expect(expired.body.message).toMatch(
        /^The provided continue parameter is too old to display a consistent list result\. You can start a new list without the continue parameter, or use the continue token in this response/,
      );
      const other = expired.body.metadata.continue ?? '';
      expect(other).not.toBe(token);
      const rest = await ask<ListBody>(world.transport, `${eventsOf(world)}?continue=${other}`);
      expect(rest.status).toBe(200);
      expect(Number(rest.body.metadata.resourceVersion)).toBeGreaterThan(Number(first.body.metadata.resourceVersion));
      expect(names(rest.body)).not.toContain(names(first.body)[0]);
    },
  },
  {
    name: 'an exact version that is forgotten is gone',
    compacts: true,
    run: async (world) => {
      const { metadata } = (await ask<ListBody>(world.transport, `${eventsOf(world)}?limit=1`)).body;
      await world.compact?.();
      const { status, body } = await ask<StatusBody>(
        world.transport,
        `${eventsOf(world)}?resourceVersionMatch=Exact&resourceVersion=${metadata.resourceVersion}`,
      );
      expect([status, body.reason, body.message]).toEqual([
        410,
        'Expired',
        'The resourceVersion for the provided list is too old.',
      ]);
    },
  },
  {
    name: 'every answer is dated by the clock that objects are dated by',
    run: async (world) => {
      await world.makePod('dated');
      const { headers, body } = await ask<ObjectBody>(world.transport, `${podsOf(world)}/dated`);
      const date = headers.date ?? '';
      expect(new Date(date).toUTCString()).toBe(date);
      const apartMs = Date.parse(date) - Date.parse(body.metadata.creationTimestamp);
      // Whole seconds, on a busy machine.
      expect(apartMs).toBeGreaterThanOrEqual(0);
      expect(apartMs).toBeLessThan(60_000);
      await dispose(world, 'dated');
      for (const path of [`${podsOf(world)}/none`, `${podsOf(world)}?limit=x`, '/version']) {
        expect(Date.parse((await ask(world.transport, path)).headers.date ?? '')).toBeGreaterThanOrEqual(
          Date.parse(date),
        );
      }
    },
  },
];
