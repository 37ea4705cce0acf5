import { expect } from '@jest/globals';
import { ask, type ContractCase, eventsOf, type ListBody, listPods, names, podsOf, type StatusBody } from './world.ts';

const NAME = "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'";
const EXAMPLES = "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is";
const CHARACTERS =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** Label selectors, and in what words the server refuses them (null: it does not). `a` is a label that no pod has. */
export const LABEL_SELECTORS: readonly (readonly [string, string | RegExp | null])[] = [
  ['a=b', null],
  ['a==b', null],
  ['a!=b', null],
  ['a=', null],
  ['a==', null],
  [' a = b ', null],
  ['a in (b,c)', null],
  ['a in(b)', null],
  ['a in (b,)', null],
  ['a notin ( b , c )', null],
  ['in in (in,notin)', null],
  ['example.com/a,!b', null],
  ['a>1,b<5', null],
  ['a in ()', null],
  ['=', "found '=', expected: !, identifier, or 'end of string'"],
  [',', "found ',', expected: !, identifier, or 'end of string'"],
  ['a=b=c', "found '=', expected: ',' or 'end of string'"],
  ['!a=b', "found '=', expected: ',' or 'end of string'"],
  ['a=b,', "found '', expected: identifier after ','"],
  ['a,,b', "found ',', expected: identifier after ','"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a!', "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"],
  ['a!==b', "unable to parse requirement: found '=', expected: identifier"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['a notin', "unable to parse requirement: found '' expected: '('"],
  ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
  ['a in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
  [
    'a>x',
    `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
  ],
  [
    '-a=b',
    `unable to parse requirement: <nil>: Invalid value: "-a": name part must ${CHARACTERS} ${EXAMPLES} ${NAME})`,
  ],
  // "a qualified name" until 1.36.
  [
    'a/b/c',
    /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a (?:qualified name|valid label key) must /,
  ],
  [
    'a=-b',
    `unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string or ${CHARACTERS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
  ],
  // Characters on 1.34, bytes on 1.37.
  [
    `a=${'x'.repeat(64)}`,
    /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "x{64}": must be no more than 63 (?:characters|bytes)$/,
  ],
];

/** What the gate asks the server to leave out. */
export const SELECTORS: readonly ContractCase[] = [
  {
    name: 'equality- and set-based label selectors select',
    run: async (world) => {
      const all = (await listPods(world)).items;
      const count = async (selector: string): Promise<number> =>
        (await listPods(world, `?labelSelector=${encodeURIComponent(selector)}`)).items.length;
      const having = all.filter((item) => item.metadata.labels?.app === world.app).length;
      expect(having).toBeGreaterThan(0);
      expect(having).toBeLessThan(all.length);
      expect(await count(`app=${world.app}`)).toBe(having);
      expect(await count(`app==${world.app}`)).toBe(having);
      expect(await count(`app!=${world.app}`)).toBe(all.length - having);
      expect(await count(`app in (${world.app}, other)`)).toBe(having);
      expect(await count(`app notin (${world.app})`)).toBe(all.length - having);
      expect(await count(`app,nosuchlabel`)).toBe(0);
      expect(await count(`nosuchlabel!=x`)).toBe(all.length);
      expect(await count(`!nosuchlabel,app=${world.app}`)).toBe(having);
    },
  },
  {
    name: 'label selectors are accepted or refused, in these words',
    run: async (world) => {
      for (const [selector, refusal] of LABEL_SELECTORS) {
        const { status, body } = await ask<StatusBody>(
          world.transport,
          `${podsOf(world)}?labelSelector=${encodeURIComponent(selector)}`,
        );
        expect([selector, status, status === 200 ? null : body.message]).toEqual([
          selector,
          refusal === null ? 200 : 400,
          refusal instanceof RegExp ? expect.stringMatching(refusal) : refusal,
        ]);
      }
    },
  },
  {
    name: 'field selectors select by name, node and phase',
    run: async (world) => {
      const all = (await listPods(world)).items;
      const first = all[0];
      const select = async (selector: string): Promise<readonly string[]> =>
        names(await listPods(world, `?fieldSelector=${encodeURIComponent(selector)}`));
      const node = first?.spec?.nodeName ?? '';
      expect(await select(`metadata.name=${first?.metadata.name}`)).toEqual([
        `${world.namespace}/${first?.metadata.name}`,
      ]);
      expect(await select(`spec.nodeName=${node}`)).toEqual(
        all.filter((item) => item.spec?.nodeName === node).map((item) => `${world.namespace}/${item.metadata.name}`),
      );
      expect(await select(`status.phase!=Running,metadata.namespace=${world.namespace}`)).toEqual(
        all
          .filter((item) => item.status?.phase !== 'Running')
          .map((item) => `${world.namespace}/${item.metadata.name}`),
      );
    },
  },
  {
    name: 'a field that is no selector is refused in the words of its group',
    run: async (world) => {
      for (const [path, selector, message] of [
        [podsOf(world), 'spec.dnsPolicy=Default', 'field label not supported: spec.dnsPolicy'],
        [podsOf(world), 'foo', "invalid selector: 'foo'; can't understand 'foo'"],
        ['/api/v1/nodes', 'foo=1', 'field label not supported: foo'],
        [eventsOf(world), 'foo=1', 'field label not supported: foo'],
        [
          '/apis/apps/v1/deployments',
          'spec.replicas=1',
          '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ],
        ['/apis/batch/v1/jobs', 'foo=1', 'field label "foo" not supported for Job'],
      ] as const) {
        const { status, body } = await ask<StatusBody>(
          world.transport,
          `${path}?fieldSelector=${encodeURIComponent(selector)}`,
        );
        expect([path, status, body.reason, body.message]).toEqual([path, 400, 'BadRequest', message]);
      }
    },
  },
  {
    name: 'events can be selected by what they are about, and why',
    run: async (world) => {
      const select = async (selector: string): Promise<readonly EventBody[]> => {
        const path = `${eventsOf(world)}?fieldSelector=${encodeURIComponent(selector)}`;
        return (await ask<{ items: readonly EventBody[] }>(world.transport, path)).body.items;
      };
      const about = await select('involvedObject.kind=Pod');
      const [one] = about;
      expect(new Set(about.map(({ involvedObject }) => involvedObject.kind))).toEqual(new Set(['Pod']));
      const { uid = '' } = one?.involvedObject ?? {};
      const same = await select(`involvedObject.uid=${uid},involvedObject.kind=Pod`);
      expect(same.length).toBeGreaterThan(0);
      expect(new Set(same.map(({ involvedObject }) => involvedObject.uid))).toEqual(new Set([uid]));
      expect((await select('reason=Scheduled')).length).toBeGreaterThan(0);
      expect((await select('reason!=Scheduled')).some(({ reason }) => reason === 'Scheduled')).toBe(false);
      expect((await select('type=Warning')).some(({ type }) => type !== 'Warning')).toBe(false);
    },
  },
  {
    name: 'label and field selectors go together',
    run: async (world) => {
      const all = (await ask<ListBody>(world.transport, podsOf(world))).body.items;
      const other = all.find((item) => item.metadata.labels?.app !== world.app)?.metadata.name ?? '';
      expect(other).not.toBe('');
      expect((await listPods(world, `?fieldSelector=metadata.name%3D${other}&labelSelector=app`)).items).toHaveLength(
        1,
      );
      const none = await listPods(world, `?fieldSelector=metadata.name%3D${other}&labelSelector=app%3D${world.app}`);
      expect(none.items).toEqual([]);
    },
  },
];

interface EventBody {
  readonly involvedObject: { readonly uid: string; readonly kind: string };
  readonly reason: string;
  readonly type: string;
}
