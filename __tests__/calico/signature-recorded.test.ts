import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readSandboxText, type SandboxText } from '../../src/calico/signature.ts';

type Cause = SandboxText['cause'];

interface RecordedText {
  readonly text: string;
  readonly positive: boolean;
  readonly class: string;
  readonly reason: string;
}

const recordings = new URL('../recordings/', import.meta.url);
const RECORDED: readonly RecordedText[] = readFileSync(new URL('event-texts.jsonl', recordings), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedText);

/** What each class of recorded text is called in reports. Texts that are no sandbox event are not read. */
const CAUSES: Readonly<Record<string, Cause>> = {
  'cni-401-add': 'CalicoUnauthorized',
  'cni-401-add-windows': 'CalicoUnauthorized',
  'cni-401-add-noprefix': 'CalicoUnauthorized',
  'cni-401-add-crio': 'CalicoUnauthorized',
  'cni-401-add-dockershim': 'CalicoUnauthorized',
  'cni-401-add-cri-dockerd': 'CalicoUnauthorized',
  'cni-401-del': 'CalicoUnauthorized',
  'cni-401-del-dockershim': 'CalicoUnauthorized',
  'cni-401-del-windows': 'CalicoUnauthorized',
  'cni-401-bare': 'CalicoUnauthorized',
  'cni-401-multus': 'CalicoUnauthorized',
  'rbac-403': 'CalicoForbidden',
  'rbac-403-log': 'CalicoForbidden',
  'proxy-403': 'CniProxy',
  'proxy-503': 'CniProxy',
  'proxy-timeout': 'CniProxy',
  'x509-unknown-ca': 'CniCertificate',
  'x509-san': 'CniCertificate',
  'x509-expired': 'CniCertificate',
  'api-unreachable': 'CniApiUnreachable',
  'api-timeout': 'CniApiUnreachable',
  'api-eof': 'CniApiUnreachable',
  'api-lost': 'CniApiUnreachable',
  'nodename-missing': 'CalicoNodeDown',
  'ipam-blocklimit': 'IpamExhausted',
  'ipam-pool': 'CniError',
  'bad-kubeconfig': 'CniError',
  'other-plugin-401': 'OtherPluginUnauthorized',
  'multus-own-401': 'OtherPluginUnauthorized',
  'ambiguous-401': 'OtherPluginUnauthorized',
  'multus-shim-oom': 'CniError',
  'vpc-cni-grpc': 'CniError',
  'calicoctl-403': 'SandboxError',
  'calico-node-401-log': 'SandboxError',
  'calico-node-rbac-log': 'SandboxError',
  probe: 'SandboxError',
  noise: 'SandboxError',
};

describe('texts from public issue threads', () => {
  test('cover every class that is known, and no other', () => {
    expect([...new Set(RECORDED.map((row) => row.class))].sort()).toEqual(Object.keys(CAUSES).sort());
  });

  test.each(RECORDED.map((row) => [row.class, row] as const))('%s is read as what it was labelled', (_, row) => {
    const { cause } = readSandboxText(row.text, row.reason);
    expect(cause).toBe(CAUSES[row.class]);
    expect(cause === 'CalicoUnauthorized').toBe(row.positive);
  });
});

describe('events that an API server recorded', () => {
  interface RecordedEvent {
    readonly reason: string;
    readonly message: string;
    readonly involvedObject: { readonly uid: string; readonly name: string };
  }

  function sandboxEvents(folder: string): readonly RecordedEvent[] {
    const list = JSON.parse(readFileSync(new URL(`${folder}/events.json`, recordings), 'utf8')) as {
      readonly items: readonly RecordedEvent[];
    };
    return list.items.filter(({ reason }) => reason === 'FailedCreatePodSandBox' || reason === 'FailedKillPod');
  }

  function countsByReasonAndCause(folder: string): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const event of sandboxEvents(folder)) {
      const key = `${event.reason} ${readSandboxText(event.message, event.reason).cause}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }

  const UNAUTHORIZED = { 'FailedCreatePodSandBox CalicoUnauthorized': 2, 'FailedKillPod CalicoUnauthorized': 2 };
  const FORBIDDEN = { 'FailedCreatePodSandBox CalicoForbidden': 2, 'FailedKillPod CalicoForbidden': 1 };

  test.each([
    ['1-healthy', {}],
    ['2-one-node-unauthorized', UNAUTHORIZED],
    ['4-cured', UNAUTHORIZED],
    ['5-forbidden', { ...UNAUTHORIZED, ...FORBIDDEN }],
    ['6-ordinary-failures', { ...UNAUTHORIZED, ...FORBIDDEN }],
  ])('in %s are all told apart', (folder, counts) => {
    expect(countsByReasonAndCause(folder)).toEqual(counts);
  });

  test('a FailedKillPod names the uid of the pod that it is about', () => {
    const kills = ['2-one-node-unauthorized', '5-forbidden']
      .flatMap(sandboxEvents)
      .filter(({ reason }) => reason === 'FailedKillPod');
    expect(kills).not.toHaveLength(0);
    for (const kill of kills)
      expect(readSandboxText(kill.message, kill.reason).killedUid).toBe(kill.involvedObject.uid);
  });
});
