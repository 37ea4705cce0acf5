import { describe, expect, test } from '@jest/globals';
import { readSandboxText } from '../../src/calico/signature.ts';
import { projectEvent } from '../../src/cluster/projection/event.ts';
import { created, crioAdd, delegated, killed, P1, POD, thick, thin, WRAPPERS } from './sandbox-texts.ts';

/** Calico's wordings of a 401 that name themselves, and those that any plugin could print. */
const NAMED_401S = [
  P1,
  'connection is unauthorized: Unauthorized',
  'error getting IP from IPAM: connection is unauthorized: Unauthorized',
  'failed to request IPv4 addresses: connection is unauthorized: Unauthorized',
  'failed to request IPv6 addresses: failed to look up reserved IPs: connection is unauthorized: Unauthorized',
  'failed to get namespace shop: connection is unauthorized: Unauthorized',
  'failed to get namespace shop: Unauthorized',
  'error getting IP from IPAM: Unauthorized',
  'error getting IP from IPAM: failed to get namespace shop: Unauthorized',
  'error getting ClusterInformation: connection is unauthorized: the server has asked for the client to provide credentials',
  'error getting ClusterInformation: connection is unauthorized: the server has asked for the client to provide credentials (get clusterinformations.crd.projectcalico.org default)',
  'connection is unauthorized: the server has asked for the client to provide credentials (get pods web-7d4b9c6f5-x2x9z)',
];
const BARE_401S = ['Unauthorized', 'the server has asked for the client to provide credentials (get namespaces shop)'];

describe.each(WRAPPERS)('$reason of $name', ({ wrap, reason, prefixed }) => {
  test.each(NAMED_401S)('is the failure behind: %s', (error) => {
    const read = readSandboxText(wrap(error, POD), reason);
    expect(read).toEqual({
      cause: 'CalicoUnauthorized',
      verb: reason === 'FailedKillPod' ? 'delete' : 'add',
      plugin: prefixed ? 'calico' : null,
      killedUid: reason === 'FailedKillPod' ? POD.uid : null,
      innerError: error,
    });
  });

  test('is the failure also when it is one of ten similar events', () => {
    const text = `(combined from similar events): ${wrap(P1, POD)}`;
    expect(readSandboxText(text, reason).cause).toBe('CalicoUnauthorized');
  });

  test('is no failure when it is the event of another reason', () => {
    const others = [
      'FailedCreatePodSandBox',
      'FailedKillPod',
      'FailedPodSandBoxStatus',
      'Failed',
      'BackOff',
      '',
      'constructor',
    ];
    for (const other of others.filter((name) => name !== reason))
      expect(readSandboxText(wrap(P1, POD), other).cause).not.toBe('CalicoUnauthorized');
  });

  test('is no failure when words stand before those of the kubelet', () => {
    for (const before of ['Warning: ', 'x', '"', '[', '(combined from similar events): Warning: '])
      expect(readSandboxText(before + wrap(P1, POD), reason).cause).not.toBe('CalicoUnauthorized');
  });

  test('is no failure when words stand before or behind it', () => {
    for (const error of [
      `invalid IP format: ${P1}`,
      `${P1}, and more`,
      `${P1}]`,
      `${P1}'`,
      `${P1}"`,
      `${P1}…`,
      `${P1.slice(0, -1)}`,
      P1.toLowerCase(),
      `error: ${P1}`,
      'pods: failed to get namespace shop: Unauthorized',
      `${P1}, failed to clean up the sandbox`,
      'error getting ClusterInformation: Unauthorized',
      'error getting ClusterInformation: connection is unauthorized:',
      'error getting ClusterInformation: connection is unauthorized: Unauthorized: token expired',
      'failed to get namespace a b: Unauthorized',
      'failed to get namespace "shop": Unauthorized',
    ])
      expect([error, readSandboxText(wrap(error, POD), reason).cause]).not.toEqual([error, 'CalicoUnauthorized']);
  });
});

describe('a 401 that does not say whose it is', () => {
  test.each(BARE_401S)('is the failure only where the plugin is named: %s', (error) => {
    for (const { wrap, reason, prefixed } of WRAPPERS.filter(({ name }) => !name.includes('Multus')))
      expect(readSandboxText(wrap(error, POD), reason).cause).toBe(
        prefixed ? 'CalicoUnauthorized' : 'OtherPluginUnauthorized',
      );
  });

  test.each([
    ['k8s-pod-network', 'CalicoUnauthorized'],
    ['rke-pod-network', 'CalicoUnauthorized'],
    ['macvlan-conf', 'OtherPluginUnauthorized'],
  ])('behind Multus is read by the name of the network: %s', (network, cause) => {
    for (const error of BARE_401S)
      for (const wrap of [thin, (text: string) => thick(text, POD)])
        expect(
          readSandboxText(created(crioAdd(wrap(delegated(error, POD, network)), POD)), 'FailedCreatePodSandBox').cause,
        ).toBe(cause);
  });

  test('is another plugin’s where another plugin reports it', () => {
    for (const { wrap, reason } of WRAPPERS.filter(({ prefixed }) => prefixed)) {
      const text = wrap(P1, POD).replace(/type=(\\?)"calico/, 'type=$1"cilium-cni');
      expect(readSandboxText(text, reason)).toMatchObject({ cause: 'OtherPluginUnauthorized', plugin: 'cilium-cni' });
    }
  });
});

describe('words that do not fit together', () => {
  test('a plugin that failed to delete proves nothing about adding, nor the other way round', () => {
    for (const { wrap, reason } of WRAPPERS.filter(({ prefixed }) => prefixed)) {
      const text = wrap(P1, POD).replace(/failed \((add|delete)\): error getting/, (_, verb: string) =>
        verb === 'add' ? 'failed (delete): error getting' : 'failed (add): error getting',
      );
      expect(readSandboxText(text, reason).cause).toBe('CniError');
    }
  });

  test.each([
    ['no runtime', created(`plugin type="calico" failed (add): ${P1}`)],
    ['no network set-up', created(P1)],
    ['nothing at all', P1],
    ['only the plugin', `plugin type="calico" failed (add): ${P1}`],
    [
      'a runtime that is not known',
      created(`failed to set up the network of sandbox "x": plugin type="calico" failed (add): ${P1}`),
    ],
    ['words before those of the kubelet', `Warning: ${created(`failed to setup network for sandbox "x": ${P1}`)}`],
    ['Multus that nobody named', created(crioAdd(delegated(P1, POD), POD))],
    ['Multus that says nothing of a delegate', created(crioAdd(thin(P1), POD))],
    [
      'two names of one network',
      created(crioAdd(thin(delegated(P1, POD).replace('"k8s-pod-network"', '"other"')), POD)),
    ],
    [
      'Multus that another plugin reports',
      created(crioAdd(thin(delegated(P1, POD)).replace('"multus"', '"other"'), POD)),
    ],
    ['a network whose name CNI does not allow', created(crioAdd(thin(delegated(P1, POD, 'my network')), POD))],
    ['a network with a bracket in its name', created(crioAdd(thin(delegated(P1, POD, 'my]network')), POD))],
    ['a plugin whose type is no file name', created(crioAdd(`plugin type="calico x" failed (add): ${P1}`, POD))],
    [
      'CRI-O before it named the network',
      created(crioAdd(P1, POD).replace(/error adding pod .*"k8s-pod-network": /, '')),
    ],
    ['a check', created(crioAdd(`plugin type="calico" failed (check): ${P1}`, POD))],
    ['a plugin that begins with Calico’s name', created(crioAdd(`plugin type="calico-x" failed (add): ${P1}`, POD))],
    [
      'a plugin within the plugin',
      created(crioAdd(`plugin type="calico" failed (add): plugin type="calico" failed (add): ${P1}`, POD)),
    ],
  ])('%s around the error is no proof', (_, text) => {
    expect(readSandboxText(text, 'FailedCreatePodSandBox').cause).not.toBe('CalicoUnauthorized');
  });

  test.each([
    ['Multus’ words about adding', crioAdd(thin(delegated(P1, POD)), POD).replaceAll('(add)', '(delete)')],
    ['what dockershim writes behind an error of adding', `${P1}, failed to clean up sandbox container "x`],
  ])('%s say nothing about removing', (_, error) => {
    for (const { wrap, reason } of WRAPPERS.filter(({ reason: name }) => name === 'FailedKillPod'))
      expect(readSandboxText(wrap(error, POD), reason).cause).not.toBe('CalicoUnauthorized');
    const removing = error.replace('create pod network sandbox', 'destroy network for pod sandbox');
    const asRemoved = removing.replace('error adding pod', 'error removing pod').replace('to CNI', 'from CNI');
    expect(readSandboxText(killed(asRemoved, POD), 'FailedKillPod').cause).not.toBe('CalicoUnauthorized');
  });

  test('a container that could not be killed came first, whatever followed', () => {
    const sandbox = killed(
      `failed to destroy network for sandbox "x": plugin type="calico" failed (delete): ${P1}`,
      POD,
    );
    const text = sandbox.replace(
      'failed to "KillPod',
      'failed to "KillContainer" for "app" with KillContainerError: "gone", failed to "KillPod',
    );
    expect(readSandboxText(text, 'FailedKillPod').cause).toBe('SandboxError');
    expect(readSandboxText(text.replace('pod: failed', 'pod: [failed').concat(']'), 'FailedKillPod').cause).toBe(
      'SandboxError',
    );
  });
});

describe('a text of a megabyte', () => {
  const LONG = 'x'.repeat(1_000_000);

  test('is read up to a limit, and its end is not taken for the end of the error', () => {
    const read = readSandboxText(
      created(crioAdd(`plugin type="calico" failed (add): ${LONG}`, POD)),
      'FailedCreatePodSandBox',
    );
    expect(read.cause).toBe('CniError');
    expect(read.innerError.length).toBeLessThan(70_000);
    expect(read.innerError.endsWith('…')).toBe(true);
  });

  test.each([
    ['quotes', '"'],
    ['backslashes', '\\'],
    ['line breaks', '\n'],
    ['quoting', '\n> '],
    ['spaces', ' '],
    ['arguments', 'A:"" '],
    ['Multus’ networks', 'error adding container to network '],
    ['Calico’s words', 'error getting IP from IPAM: '],
    ['401s', ': Unauthorized'],
    ['names', 'a_'],
    ['plugins', 'plugin type="calico" failed (add): '],
  ])('of nothing but %s ends in an answer', (_, piece) => {
    const filler = piece.repeat(1_000_000 / piece.length);
    for (const { wrap, reason } of WRAPPERS.filter(({ name }) => /^containerd$|on dockershim$/.test(name))) {
      expect(readSandboxText(filler, reason).cause).not.toBe('CalicoUnauthorized');
      expect(readSandboxText(wrap(filler, POD), reason).cause).not.toBe('CalicoUnauthorized');
      const named = wrap(P1, { ...POD, name: filler });
      if (named.includes(filler)) expect(readSandboxText(named, reason).cause).not.toBe('CalicoUnauthorized');
    }
  });
});

test('the thick Multus plugin with a configuration of 8 KB is read to its end, as the gate reads events', () => {
  const numbers = `&{ContainerID:x StdinData:[${[...Buffer.from('{"a":"b"}'.repeat(900))].join(' ')}]} `;
  const message = created(
    crioAdd(thick(delegated(`plugin type="calico" failed (add): ${P1}`, POD), POD, numbers), POD),
  );
  expect(message.length).toBeGreaterThan(16 * 1024);
  const event = projectEvent({ reason: 'FailedCreatePodSandBox', message }, 0);
  expect(readSandboxText(event?.message ?? '', 'FailedCreatePodSandBox')).toMatchObject({
    cause: 'CalicoUnauthorized',
    innerError: P1,
  });
});
