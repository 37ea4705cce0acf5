import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RECORDED, type Recorded } from '../../scripts/record/resources.ts';
import { createScrubber, type ScrubOptions } from '../../scripts/record/scrub.ts';
import { createMaskSecrets } from '../../scripts/record/secrets.ts';
import { createStandIns } from '../../scripts/record/stand-ins.ts';
import { type Raw, record } from '../../src/cluster/projection/raw.ts';

const RECORDINGS = join(import.meta.dirname, '../recordings');
const PLAIN: ScrubOptions = { pseudonyms: false, keepHosts: false, secrets: [] };

function recorded(state: string): readonly (readonly [Recorded, Raw])[] {
  return RECORDED.flatMap((resource) => {
    const text = readFileSync(join(RECORDINGS, state, `${resource}.json`), 'utf8');
    const { items } = JSON.parse(text) as { readonly items: readonly Raw[] };
    return items.map((item) => [resource, item] as const);
  });
}

function scrubbed(objects: readonly (readonly [Recorded, Raw])[], options: ScrubOptions = PLAIN): string {
  const scrubber = createScrubber(objects, options);
  return objects.map(([resource, object]) => JSON.stringify(scrubber.object(resource, object))).join('\n');
}

/** One of each kind, and of pods the different ones. */
const OBJECTS = [...recorded('2-one-node-unauthorized'), ...recorded('6-ordinary-failures')].filter(
  ([resource, object], index, all) => {
    const shapeOf = ([kind, raw]: readonly [Recorded, Raw]): string =>
      `${kind} ${String(raw.reason)} ${JSON.stringify(record(raw.status), (key, value) => (/Time|At$|IP|ID$|[uU]id/u.test(key) ? null : value)).length}`;
    const shape = shapeOf([resource, object]);
    return all.findIndex((other) => shapeOf(other) === shape) === index;
  },
);

type Path = readonly (string | number)[];

/** Where something can be planted: every string, every key of a map, every object that may get another field. */
function placesIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value === 'string') return [path];
  if (value === null || typeof value !== 'object') return [];
  const inside = Object.entries(value).flatMap(([key, entry]) =>
    placesIn(entry, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return Array.isArray(value) ? inside : [...inside, [...path, 'planted'], [...path, 'PLANTED_KEY']];
}

function planted(value: unknown, [step, ...rest]: Path, secret: string, around: (secret: string) => string): unknown {
  if (step === undefined) return `${typeof value === 'string' ? value : ''}${around(secret)}`;
  if (step === 'PLANTED_KEY') return { ...(value as object), [around(secret)]: 'x' };
  if (Array.isArray(value)) {
    return value.map((entry, index) => (index === step ? planted(entry, rest, secret, around) : (entry as unknown)));
  }
  const fields = value as Readonly<Record<string, unknown>>;
  return { ...fields, [step]: planted(fields[step], rest, secret, around) };
}

/** Half of the time where something is recorded: most of an object is not. */
const PLACES = OBJECTS.map(([resource, object]) => {
  const everywhere = placesIn(object);
  const kept = placesIn(JSON.parse(scrubbed([[resource, object]])));
  const known = new Set(everywhere.map((path) => path.join('\n')));
  return { everywhere, kept: kept.filter((path) => known.has(path.join('\n'))) };
});

const bytes = (least: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: least, maxLength: least + 64 }).map((array) => Buffer.from(array));
const words = (least: number): fc.Arbitrary<string> => bytes(least).map((buffer) => buffer.toString('base64url'));

/** A credential as it is written down, and the part of it that nobody may see. */
const CREDENTIALS: Readonly<Record<string, fc.Arbitrary<{ readonly text: string; readonly secret: string }>>> = {
  'a JSON Web Token': fc
    .tuple(words(10), words(30), words(32))
    .map(([header, claims, signature]) => `eyJ${header}.${claims}.${signature}`)
    .map((text) => ({ text, secret: text.slice(-40) })),
  'a private key': bytes(48).map((body) => ({
    text: `-----BEGIN RSA PRIVATE KEY-----\n${body.toString('base64')}\n-----END RSA PRIVATE KEY-----`,
    secret: body.toString('base64'),
  })),
  'a private key that was cut': bytes(48).map((body) => ({
    text: `-----BEGIN PRIVATE KEY-----\\n${body.toString('base64')}`,
    secret: body.toString('base64'),
  })),
  base64: bytes(32).map((buffer) => ({ text: buffer.toString('base64'), secret: buffer.toString('base64') })),
  'base64 for URLs': words(32).map((text) => ({ text, secret: text })),
  hex: bytes(32).map((buffer) => ({ text: buffer.toString('hex'), secret: buffer.toString('hex') })),
  'a URL with a password': fc
    .tuple(fc.constantFrom('https', 'postgres', 'amqp+ssl'), fc.string({ minLength: 8, unit: passwordLetter() }))
    .map(([scheme, password]) => ({ text: `${scheme}://app:${password}@db.shop.svc/x`, secret: password })),
  'a signed URL': words(12).map((secret) => ({ text: `https://store.shop.svc/x?sig=${secret}&t=1`, secret })),
  'an assignment': fc
    .tuple(fc.constantFrom('--token=', 'DB_PASSWORD=', 'api_key: ', '"password":"', "client-secret='"), words(9))
    .map(([before, secret]) => ({ text: `${before}${secret}`, secret })),
  'a header': words(9).map((secret) => ({ text: `Authorization: Bearer ${secret}`, secret })),
};

function passwordLetter(): fc.Arbitrary<string> {
  return fc.constantFrom(...'abcXYZ0189!$%&*+-._~:/?#=@');
}

const AROUND: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => ` ${secret}`,
  (secret) => ` "${secret}"`,
  (secret) => ` (${secret}), and so on`,
  (secret) => `: ${secret}: EOF`,
];

describe('no credential survives, wherever it is planted', () => {
  test.each(Object.keys(CREDENTIALS))('%s', (kind) => {
    const place = fc
      .tuple(fc.nat(OBJECTS.length - 1), fc.constantFrom('everywhere', 'kept'))
      .chain(([index, where]) => fc.tuple(fc.constant(index), fc.constantFrom(...(PLACES[index]?.[where] ?? []))));
    const property = fc.property(
      place,
      CREDENTIALS[kind] as fc.Arbitrary<{ readonly text: string; readonly secret: string }>,
      fc.constantFrom(...AROUND),
      fc.boolean(),
      ([index, path], { text, secret }, around, pseudonyms) => {
        const [resource, object] = OBJECTS[index] ?? ['pods', {}];
        const bad = planted(object, path, text, around) as Raw;
        const others = OBJECTS.filter((_, other) => other !== index).slice(0, 20);
        const written = scrubbed([[resource, bad], ...others], { ...PLAIN, pseudonyms });
        // Not `toContain`: its message would be a whole cluster.
        expect(written.includes(JSON.stringify(secret).slice(1, -1))).toBe(false);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });
});

describe('what may hold secrets of any form is left out', () => {
  const HUSH = 'hush';
  const container = {
    name: 'web',
    image: 'docker.io/library/nginx:1',
    command: ['/bin/sh', HUSH],
    args: [HUSH],
    env: [{ name: 'A', value: HUSH }],
    envFrom: [{ prefix: HUSH }],
    workingDir: HUSH,
    lifecycle: { preStop: { exec: { command: [HUSH] } } },
    readinessProbe: { exec: { command: ['cat', HUSH] } },
    livenessProbe: { httpGet: { path: `/live?key=${HUSH}`, port: 80, httpHeaders: [{ name: 'X', value: HUSH }] } },
  };
  const spec = {
    containers: [container],
    initContainers: [{ ...container, name: 'init' }],
    ephemeralContainers: [{ ...container, name: 'debug' }],
    hostAliases: [{ ip: '10.0.0.1', hostnames: [HUSH] }],
    dnsConfig: { options: [{ name: HUSH, value: HUSH }] },
    volumes: [{ name: 'v', csi: { driver: 'x', volumeAttributes: { key: HUSH } } }],
    overhead: { [HUSH]: HUSH },
  };
  const metadata = {
    name: 'web',
    namespace: 'shop',
    uid: '1',
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': HUSH,
      'example.com/anything': HUSH,
      'cni.projectcalico.org/podIP': '10.1.2.3/32',
    },
    managedFields: [{ manager: HUSH, fieldsV1: { [HUSH]: {} } }],
  };
  const ended = { exitCode: 1, reason: 'Error', message: HUSH };
  const pod = {
    metadata,
    spec,
    status: {
      containerStatuses: [{ name: 'web', state: { terminated: ended }, lastState: { terminated: ended } }],
      resourceClaimStatuses: [{ name: HUSH }],
    },
  };
  const node = {
    metadata: { ...metadata, name: 'n1', labels: { 'example.com/serial': HUSH } },
    spec: { providerID: HUSH, externalID: HUSH },
    status: {
      images: [{ names: [HUSH] }],
      volumesInUse: [HUSH],
      nodeInfo: { machineID: HUSH, systemUUID: HUSH, bootID: HUSH, kubeletVersion: 'v1.34.4' },
    },
  };
  const event = (reason: string, message: string): Raw => ({
    metadata: { name: 'web.1', namespace: 'shop', uid: '2' },
    involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web', uid: '1' },
    reason,
    message,
  });

  test.each<readonly [string, Recorded, Raw]>([
    ['a pod', 'pods', pod],
    ['a workload', 'deployments', { metadata, spec: { template: { metadata: { annotations: { a: HUSH } }, spec } } }],
    ['a StatefulSet', 'statefulsets', { metadata, spec: { template: { spec }, volumeClaimTemplates: [{ metadata }] } }],
    ['a node', 'nodes', node],
    ['an event that nothing is decided from', 'events', event('PaymentSynced', HUSH)],
    ['the event of a hook', 'events', event('FailedPostStartHook', `PostStartHook failed: ${HUSH}`)],
    ['the output of a probe', 'events', event('Unhealthy', `Readiness probe failed: ${HUSH}`)],
    [
      'the command of a hook',
      'events',
      event('Failed', `Error: Exec lifecycle hook ([sh -c ${HUSH}]) for Container "web" failed`),
    ],
    [
      'what a command wrote',
      'events',
      event('FailedSync', `command 'sh -c ${HUSH}' exited with 1: , message: "${HUSH}"`),
    ],
    [
      'a configuration in numbers',
      'events',
      event(
        'FailedSync',
        `StdinData:[${[...'{"cniVersion":"0.3.1","k":"hush"}'].map((c) => c.charCodeAt(0)).join(' ')}]`,
      ),
    ],
  ])('of %s', (_what, resource, object) => {
    const written = scrubbed([[resource, object]]);
    expect(written).not.toContain(HUSH);
    expect(written).not.toContain('104 117 115 104');
    expect(written.length).toBeGreaterThan(50);
  });

  test('but that there was something stays', () => {
    const written = JSON.parse(scrubbed([['pods', pod]])) as Record<string, Record<string, unknown>>;
    expect(written.spec?.containers).toMatchObject([
      {
        name: 'web',
        args: ['redacted'],
        env: [{ name: 'A' }],
        livenessProbe: { httpGet: { path: '/live', port: 80 } },
      },
    ]);
    expect(written.status?.containerStatuses).toMatchObject([
      { state: { terminated: { exitCode: 1, reason: 'Error', message: 'redacted' } } },
    ]);
    expect(written.metadata?.annotations).toEqual({ 'cni.projectcalico.org/podIP': '198.18.0.1/32' });
  });
});

describe('words without secrets', () => {
  const mask = createMaskSecrets({
    secret: createStandIns((number) => `redacted${number}`),
    hexId: createStandIns((number, id) => number.toString(16).padStart(id.length, '0')),
  });

  test.each([
    'MountVolume.SetUp failed for volume "db-password" : secret "db-credentials" not found',
    'failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token: 401 Unauthorized',
    'failed to authorize: failed to fetch oauth token: denied',
    'error getting ClusterInformation: connection is unauthorized: Unauthorized',
    'User "system:serviceaccount:calico-system:calico-cni-plugin" cannot get resource "clusterinformations"',
    '/var/lib/kubelet/pods/0184be03-7142-4874-8019-97debf388d92/volumes/kubernetes.io~projected/kube-api-access-7qtqg',
    'Back-off restarting failed container c in pod a-very-long-name-of-a-workload-indeed-84c5c9947d-d55q4_shop(0184be03)',
    'requiredDuringSchedulingIgnored',
    'no basic auth credentials',
    'WWW-Authenticate: Bearer realm="https://auth.docker.io/token"',
    'docker.io/library/nginx:1.27@sha256',
    '0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/not-ready: }',
    'Get "https://10.96.0.1:443/apis/crd.projectcalico.org/v1/clusterinformations/default": EOF',
  ])('stay as they are: %s', (text) => expect(mask(text)).toBe(text));

  test.each([
    ['Get https://a:b@api.example/x?limit=1: EOF', 'Get https://api.example/x: EOF'],
    ['pull https://u:pa/ss@reg.example/v2, then', 'pull https://reg.example/v2, then'],
    ['PASSWORD="two words" next', 'PASSWORD=redacted1 next'],
    ['dsn app:hunter2@tcp(db:3306)', 'dsn redacted2@tcp(db:3306)'],
    ['for sandbox "f00dcafef00dcafef00dcafef00dcafe": x', 'for sandbox "00000000000000000000000000000001": x'],
    ['key AKIAIOSFODNN7EXAMPLE!', 'key redacted3!'],
  ])('lose the secret and keep the rest: %s', (text, left) => expect(mask(text)).toBe(left));
});
