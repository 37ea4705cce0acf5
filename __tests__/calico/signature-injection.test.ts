/**
 * Real plugins and runtimes write text that a tenant chose into real events. Whatever the tenant chooses, including
 * whole events of every runtime and the ends of every quoting that they stand in: an echo is never Calico's failure.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSandboxText } from '../../src/calico/signature.ts';
import {
  created,
  crioAdd,
  delegated,
  killed,
  P1,
  POD,
  quoted,
  type TextPod,
  thick,
  thin,
  WRAPPERS,
} from './sandbox-texts.ts';

/** What a tenant would like to be believed: the failure, bare, with a plugin's name, and as a whole event. */
const FORGERIES: readonly string[] = [
  P1,
  'connection is unauthorized: Unauthorized',
  'Unauthorized',
  'failed to get namespace shop: Unauthorized',
  `plugin type="calico" failed (add): ${P1}`,
  `calico" failed (add): ${P1}`,
  `calico" name="Calico" failed (delete): ${P1}`,
  `k8s-pod-network]: error adding container to network "k8s-pod-network": ${P1}`,
  `k8s-pod-network]: error adding container to network "k8s-pod-network": plugin type="calico" failed (add): ${P1}`,
  `k8s-pod-network]: error adding container to network "k8s-pod-network": Unauthorized`,
  `k8s-pod-network": ${P1}`,
  `web" network: ${P1}`,
  `x": ${P1}`,
  delegated(P1, POD),
  thin(delegated(P1, POD)),
  thick(delegated(P1, POD), POD),
  ...WRAPPERS.map(({ words }) => words(P1, POD)),
  ...WRAPPERS.map(({ wrap }) => wrap(P1, POD)),
];

/** Ends of the quoting, list, or answer that an echo stands in. */
const ENDS: readonly string[] = [
  '"',
  "'",
  "\n'",
  "': StdinData: {}",
  `': StdinData: ${'x'.repeat(70_000)}`,
  ']',
  ', failed to clean up sandbox container "x" network for pod "x": networkPlugin cni failed to teardown pod "x" network: ',
  '"]',
  '\n',
  '; ',
  ' / ',
  '…',
  '%',
  '%[1]',
  '" failed (add): ',
];

/** How quotes can be smuggled past whoever escapes or reads them. */
const DISGUISES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replaceAll('"', '&quot;'),
  (text) => text.replaceAll('"', '”'),
  (text) => text.replaceAll('"', '\\"'),
  (text) => text.replaceAll('"', '\\\\"'),
  (text) => text.replaceAll('"', '\\u0022'),
  (text) => text.replaceAll(' ', '\n> '),
  (text) => quoted(text),
];

/** Often nothing: what is forged must be able to stand alone and at the very end. */
function oftenNothing(...texts: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom(...texts) });
}

const chosen: fc.Arbitrary<string> = fc
  .tuple(
    oftenNothing('"', "'", '\n', '["', ', ', ': ', '\\', '”', '&quot;', 'x', ...ENDS),
    fc.constantFrom(...FORGERIES),
    oftenNothing(...ENDS),
    oftenNothing('x', '"', "'", ']', P1),
    fc.constantFrom(...DISGUISES),
  )
  .map(([before, forgery, end, after, disguise]) => disguise(before + forgery + end + after));

/** Every forgery as it is, and with the quotes that are restored in pasted texts. */
const UNADORNED: readonly string[] = DISGUISES.slice(0, 3).flatMap((disguise) => FORGERIES.map(disguise));

/** First errors that echo what a tenant chose, as the plugins' sources format them. */
const ECHOES: Readonly<Record<string, (chosen: string, pod: TextPod) => string>> = {
  'Calico: ipAddrs, an address': (text) => `invalid IP format: ${text}`,
  'Calico: ipAddrs, no JSON': (text) =>
    `failed to parse IPs ${text} for annotation "cni.projectcalico.org/ipAddrs": failed to parse '${text}' as JSON: invalid character 'x' looking for beginning of value`,
  'Calico: ipv4pools': (text) => `the given pool (${text}) does not exist, or is not enabled`,
  'Calico: floatingIPs': (text) => `failed to parse '${text}' as JSON: unexpected end of JSON input`,
  'calico-ipam': (text) => `failed to request IPv4 addresses: invalid pool ${text}`,
  'Calico: a resource that may not be read': (text) =>
    `connection is unauthorized: ippools.crd.projectcalico.org "${text}" is forbidden: User "calico-cni-plugin" cannot get`,
  'Multus: annotation': (text, pod) =>
    `Multus: [${pod.namespace}/${pod.name}/${pod.uid}]: error loading k8s delegates k8s args: TryLoadPodDelegates: parsePodNetworkAnnotation: failed to parse pod Network Attachment Selection Annotation JSON format: ${text}`,
  'Multus: name of a network': (text, pod) =>
    `${delegated('invalid characters found in network name; ', pod, text)}${text}`,
  'Multus: name that begins as Calico’s': (text, pod) => delegated('plugin not found', pod, `k8s-pod-network${text}`),
  'Multus: name that is a format': (text, pod) =>
    delegated('', pod, text).replace(']: error', '%!](string=x): error').concat('%!(EXTRA string=x)'),
  'libcni: type of a plugin': (text, pod) =>
    delegated(
      `plugin type=${quoted(text)} failed (add): failed to find plugin ${quoted(text)} in path [/opt/cni/bin]`,
      pod,
      'mine',
    ),
  'libcni: type that begins as Calico’s': (text, pod) =>
    delegated(`plugin type=${quoted(`calico${text}`)} failed (add): failed to find plugin`, pod, 'k8s-pod-network'),
  'libcni: name of a plugin': (text, pod) =>
    delegated(`plugin type="calico" name=${quoted(text)} failed (add): invalid network name`, pod, 'k8s-pod-network'),
  'a plugin that echoes a label': (text) => `unable to create endpoint for ${text}`,
  'a plugin that quotes a label': (text) => `unable to create endpoint for ${quoted(text)}`,
};

/** Errors of the runtime that name what a tenant chose, before any network is set up. */
const RUNTIME_ECHOES: Readonly<Record<string, (chosen: string) => string>> = {
  annotation: (text) => `failed to generate sandbox container spec: invalid annotation value ${text}`,
  image: (text) => `failed to get sandbox image ${quoted(text)}: not found`,
  'seccomp profile': (text) =>
    `failed to start sandbox: cannot load seccomp profile "/var/lib/kubelet/seccomp/${text}"`,
  'runtime class': (text) => `failed to get sandbox runtime: no runtime for ${quoted(text)} is configured`,
  'volume mount': (text) =>
    `failed to create containerd task: error mounting "/var/lib/kubelet/pods/${text}" to rootfs`,
  sysctl: (text) => `failed to create shim: open /proc/sys/${text}: no such file or directory: unknown`,
};

/** Five places to choose from, some of them thirty ways: a hundred runs would miss most pairs. */
const RUNS = { numRuns: 500 };

function expectNoFailure(text: string, reason: string): void {
  if (readSandboxText(text, reason).cause === 'CalicoUnauthorized') throw new Error(`taken for the failure: ${text}`);
}

describe('what a tenant chose is never taken for the failure', () => {
  test.each(Object.entries(ECHOES))('%s', (_, echo) => {
    for (const text of UNADORNED)
      for (const { wrap, reason } of WRAPPERS) expectNoFailure(wrap(echo(text, POD), POD), reason);
    fc.assert(
      fc.property(chosen, fc.constantFrom(...WRAPPERS), (text, { wrap, reason }) => {
        expectNoFailure(wrap(echo(text, POD), POD), reason);
      }),
      RUNS,
    );
  });

  test.each(Object.entries(ECHOES))('%s, by thin and thick Multus on every runtime', (_, echo) => {
    const around = [thin, (error: string) => thick(error, POD), (error: string) => thick(error, POD, '', '')];
    const adding = WRAPPERS.filter(
      ({ reason, prefixed, name }) => reason === 'FailedCreatePodSandBox' && !prefixed && !name.includes('Multus'),
    );
    expect(adding.map(({ name }) => name)).toContain('dockershim, cleaning up fails too');
    fc.assert(
      fc.property(chosen, fc.constantFrom(...adding), fc.constantFrom(...around), (text, { wrap, reason }, multus) => {
        expectNoFailure(wrap(multus(echo(text, POD)), POD), reason);
      }),
      RUNS,
    );
  });

  test.each(Object.entries(RUNTIME_ECHOES))('%s, by the runtime', (_, echo) => {
    for (const text of UNADORNED) {
      expectNoFailure(created(echo(text)), 'FailedCreatePodSandBox');
      expectNoFailure(killed(echo(text), POD), 'FailedKillPod');
    }
    fc.assert(
      fc.property(chosen, (text) => {
        expectNoFailure(created(echo(text)), 'FailedCreatePodSandBox');
        expectNoFailure(killed(echo(text), POD), 'FailedKillPod');
      }),
    );
  });

  test('names of containers in the text of a pod that could not be killed', () => {
    fc.assert(
      fc.property(chosen, (text) => {
        const container = `failed to "KillContainer" for ${quoted(text)} with KillContainerError: ${quoted(text)}`;
        expectNoFailure(`error killing pod: ${container}`, 'FailedKillPod');
        expectNoFailure(
          `error killing pod: [${container}, ${killed(P1, POD).slice('error killing pod: '.length)}]`,
          'FailedKillPod',
        );
      }),
    );
  });

  test('any first error that does not begin as Calico’s, with any pieces of genuine texts behind it', () => {
    const pieces = fc.array(fc.constantFrom(...FORGERIES, ...ENDS, '"', ' ', 'error killing pod: '), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom('failed', 'invalid', 'netplugin', 'x', '"', '\\', "'", '{', '>', '”', '&quot;', '(', ':'),
        pieces,
        fc.constantFrom(...DISGUISES),
        fc.constantFrom(...WRAPPERS),
        (begin, rest, disguise, { wrap, reason }) => {
          expectNoFailure(wrap(`${begin} ${disguise(rest.join(''))}`, POD), reason);
        },
      ),
    );
  });
});

describe('the name of a network in a NetworkAttachmentDefinition', () => {
  // Multus writes it unescaped and before anybody checked it: all that comes next is in the tenant's hands.
  const forged = (end: string): string =>
    delegated(
      'invalid characters found in network name',
      POD,
      `k8s-pod-network]: error adding container to network "k8s-pod-network": ${P1}${end}`,
    );

  test('cannot end the thick plugin’s answer', () => {
    expectNoFailure(created(crioAdd(thick(forged("': StdinData: "), POD), POD)), 'FailedCreatePodSandBox');
    expectNoFailure(created(crioAdd(thick(forged("\n'"), POD, '', ''), POD)), 'FailedCreatePodSandBox');
  });

  test('cannot begin a second error of dockershim', () => {
    const [docker] = WRAPPERS.filter(({ name }) => name === 'dockershim, cleaning up fails too');
    const text = docker?.wrap(thin(forged(', failed to clean up sandbox container "x')), POD) ?? '';
    expect(text).toContain(P1);
    expectNoFailure(text, 'FailedCreatePodSandBox');
  });

  test('cannot be so long that what gives it away is cut off', () => {
    const text = created(crioAdd(thick(forged(`': StdinData: ${'x'.repeat(5_000)}`), POD), POD));
    for (const length of [4_000, 2_000, 1_500]) expectNoFailure(`${text.slice(0, length)}…`, 'FailedCreatePodSandBox');
    expectNoFailure(
      created(crioAdd(thick(forged(`': StdinData: ${'x'.repeat(70_000)}`), POD), POD)),
      'FailedCreatePodSandBox',
    );
  });
});

describe('quotes that only look like quotes', () => {
  test.each([
    ['&quot;', '&quot;'],
    ['typographic quotes', '”'],
    ['escaped quotes', '"'],
  ])('%s in the type of a plugin do not end it', (_, quote) => {
    const type = `calico${quote} failed (add): ${P1}': StdinData: `;
    const error = `plugin type=${quoted(type)} failed (add): failed to find plugin ${quoted(type)} in path [/opt/cni/bin]`;
    expectNoFailure(created(crioAdd(thick(delegated(error, POD), POD), POD)), 'FailedCreatePodSandBox');
    expectNoFailure(killed(crioAdd(thick(delegated(error, POD), POD), POD), POD), 'FailedKillPod');
  });
});
