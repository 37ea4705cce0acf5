import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPseudonyms } from '../../scripts/record/pseudonyms.ts';
import type { Recorded } from '../../scripts/record/resources.ts';
import { createScrubber } from '../../scripts/record/scrub.ts';
import type { NameKind } from '../../scripts/record/shape.ts';
import { readSandboxText } from '../../src/calico/signature.ts';
import { type Raw, record } from '../../src/cluster/projection/raw.ts';
import { classifyPull } from '../../src/health/image.ts';

const RECORDINGS = join(import.meta.dirname, '../recordings');

interface EventText {
  readonly text: string;
  readonly class: string;
  readonly reason?: string;
}

const TEXTS = readFileSync(join(RECORDINGS, 'event-texts.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as EventText);

const PULLS = [
  'failed to pull and unpack image "reg.acme.test/shop/web:1": failed to resolve reference "reg.acme.test/shop/web:1": reg.acme.test/shop/web:1: not found',
  'failed to do request: Head "https://reg.acme.test/v2/web/manifests/1": dial tcp: lookup reg.acme.test on 10.0.0.2:53: no such host',
  'failed to do request: Head "https://reg.acme.test/v2/web/manifests/1": dial tcp 10.0.0.9:443: i/o timeout',
  'failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.acme.test/token?scope=x: 401 Unauthorized',
  'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
];

const SANDBOX_REASONS = ['FailedCreatePodSandBox', 'FailedKillPod'] as const;

/** Words that stand in these texts: names chosen from them are the worst there are. */
const VOCABULARY = [
  ...new Set(
    [...TEXTS.map(({ text }) => text), ...PULLS].flatMap((text) => text.match(/[a-z0-9][a-z0-9.-]*[a-z0-9]/g) ?? []),
  ),
];

/** An event with this text, about a pod of a cluster whose objects are called `names`. */
function clusterWith(text: string, reason: string, names: readonly string[]): readonly (readonly [Recorded, Raw])[] {
  const at = (index: number): string => names[index % names.length] ?? 'web';
  const uid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/u.exec(text)?.[0] ?? 'a';
  const pod: Raw = {
    metadata: { name: `${at(1)}-6c8c6944cc-d55q4`, namespace: at(0), uid },
    spec: { nodeName: at(2), containers: [{ name: at(3), image: `reg.acme.test/${at(4)}/${at(5)}:1` }] },
  };
  const about = { kind: 'Pod', namespace: at(0), name: record(pod.metadata).name, uid };
  return [
    ['nodes', { metadata: { name: at(2), uid: 'n' } }],
    ['deployments', { metadata: { name: at(1), namespace: at(0), uid: 'd' } }],
    ['pods', pod],
    ['events', { metadata: { name: 'e', namespace: at(0), uid: 'e' }, involvedObject: about, reason, message: text }],
  ];
}

function recordedMessage(text: string, reason: string, names: readonly string[], pseudonyms: boolean): string {
  const objects = clusterWith(text, reason, names);
  const scrubber = createScrubber(objects, { pseudonyms, keepHosts: false, secrets: [] });
  return String(scrubber.object('events', objects.at(-1)?.[1] ?? {}).message);
}

function meaningOf(text: string, reason: string): unknown {
  const { cause, verb, plugin, killedUid } = readSandboxText(text, reason);
  return { cause, verb, plugin, killedUid };
}

describe('the meaning of a text', () => {
  const cases = TEXTS.flatMap((entry) =>
    (entry.reason === undefined ? SANDBOX_REASONS : [entry.reason]).map(
      (reason) => [entry.class, reason, entry.text] as const,
    ),
  );

  test.each(cases)('stays the same without pseudonyms: %s, %s', (_class, reason, text) => {
    expect(meaningOf(recordedMessage(text, reason, ['web'], false), reason)).toEqual(meaningOf(text, reason));
  });

  test('stays the same under pseudonyms, whatever things are called', () => {
    const property = fc.property(
      fc.constantFrom(...cases),
      fc.array(fc.constantFrom(...VOCABULARY), { minLength: 1, maxLength: 6 }),
      ([, reason, text], names) => {
        expect(meaningOf(recordedMessage(text, reason, names, true), reason)).toEqual(meaningOf(text, reason));
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });

  test('of a failed pull stays the same, too', () => {
    const property = fc.property(
      fc.constantFrom(...PULLS),
      fc.array(fc.constantFrom(...VOCABULARY), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      (text, names, pseudonyms) => {
        const before = `Failed to pull image "reg.acme.test/shop/web:1": ${text}`;
        expect(classifyPull(recordedMessage(before, 'Failed', names, pseudonyms))).toBe(classifyPull(before));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test('that is spoilt by a name that is a word of the text keeps that word, and loses the name elsewhere', () => {
    const text =
      'Failed to create sandbox for pod "sandbox-6c8c6944cc-d55q4_sandbox(7f759422-7124-45a1-b5e3-64df840a6b74)": rpc error: code = Unknown desc = failed to setup network for sandbox "c7f0": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized';
    const written = recordedMessage(text, 'FailedCreatePodSandBox', ['sandbox'], true);
    expect(written).toMatch(
      /^Failed to create sandbox for pod "(\S+)-6c8c6944cc-d55q4_\1\([\w-]+\)": .* for sandbox "c7f0": plugin type="calico"/u,
    );
    expect(written).not.toMatch(/sandbox-6|_sandbox/u);
    expect(meaningOf(written, 'FailedCreatePodSandBox')).toMatchObject({ cause: 'CalicoUnauthorized' });
  });
});

describe('pseudonyms', () => {
  const NAMES: readonly (readonly [string, ...NameKind[]])[] = [
    ['shop', 'namespace'],
    ['kube-system', 'namespace'],
    ['web', 'namespace', 'container', 'deployment'],
    ['web-899997f4b', 'replicaset'],
    ['web-899997f4b-zk598', 'pod'],
    ['db', 'statefulset'],
    ['db-0', 'pod'],
    ['backup', 'object'],
    ['backup-29384857', 'job'],
    ['calico-node', 'daemonset'],
    ['calico-node-nmdv4', 'pod'],
    ['ip-10-0-0-7.ec2.internal', 'node'],
    ['node', 'image'],
    ['node-2345', 'node'],
    ['i', 'container'],
  ];
  const { ofName, inText } = createPseudonyms(
    new Map(NAMES.map(([name, ...kinds]) => [name, new Set(kinds)] as const)),
  );

  test.each([
    ['shop', 'namespace-2'],
    ['kube-system', 'kube-system'],
    ['web', 'namespace-1'],
    ['web-899997f4b', 'namespace-1-899997f4b'],
    ['web-899997f4b-', 'namespace-1-899997f4b-'],
    ['web-899997f4b-zk598', 'namespace-1-899997f4b-zk598'],
    ['web-899997f4b-zk598.18ea68d22e024208', 'namespace-1-899997f4b-zk598.18ea68d22e024208'],
    ['web-84c5c9947d-new42', 'web-84c5c9947d-new42'],
    ['web-84c5c9947d-gone4', 'web-84c5c9947d-gone4'],
    ['web-84c5c9947d-g2n44', 'namespace-1-84c5c9947d-g2n44'],
    ['db-0', 'statefulset-1-0'],
    ['db-1', 'statefulset-1-1'],
    ['backup-29384857-abcde', 'backup-29384857-abcde'],
    ['backup-29384857-bcdfg', 'object-1-29384857-bcdfg'],
    ['calico-node-nmdv4', 'calico-node-nmdv4'],
    ['node-2345', 'node-1'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (name, pseudonym) => expect(ofName(name)).toBe(pseudonym));

  test.each([
    ['pod web-899997f4b-zk598_shop(c29b)', 'pod namespace-1-899997f4b-zk598_namespace-2(c29b)'],
    ['failed to get namespace shop: x', 'failed to get namespace namespace-2: x'],
    ['lookup db.shop.svc on', 'lookup statefulset-1.namespace-2.svc on'],
    ['a web of shop windows', 'a web of shop windows'],
    ['container i: i/o timeout', 'container container-1: i/o timeout'],
    ['no node node-2345', 'no node node-1'],
    ['ip-10-0-0-7.ec2.internal is gone', 'node-2 is gone'],
  ])('in a text: %s', (text, expected) => expect(inText(text)).toBe(expected));

  test('are different for different names', () => {
    const property = fc.property(fc.uniqueArray(fc.constantFrom(...VOCABULARY), { maxLength: 40 }), (names) => {
      const kinds: readonly NameKind[] = ['namespace', 'deployment', 'pod', 'node', 'image'];
      const made = createPseudonyms(
        new Map(names.map((name, index) => [name, new Set([kinds[index % kinds.length] ?? 'pod'])] as const)),
      );
      expect(new Set(names.map(made.ofName)).size).toBe(names.length);
    });
    fc.assert(property);
  });
});
