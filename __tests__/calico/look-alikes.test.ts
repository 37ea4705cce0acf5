import { describe, expect, test } from '@jest/globals';
import { readSandboxText, type SandboxText } from '../../src/calico/signature.ts';
import { created, crioAdd, delegated, killed, POD, thick, thin, WRAPPERS } from './sandbox-texts.ts';

type Cause = SandboxText['cause'];

const URL_OF_CALICO = 'https://10.96.0.1:443/apis/crd.projectcalico.org/v1/clusterinformations/default';
const GET = `error getting ClusterInformation: Get "${URL_OF_CALICO}": `;
const FORBIDDEN = 'User "system:serviceaccount:calico-system:calico-cni-plugin" cannot get resource';

/** What Calico's plugin (or the IPAM plugin that it called) says, and how the contract calls it. */
const ERRORS: readonly (readonly [Cause, string])[] = [
  [
    'CalicoForbidden',
    `error getting ClusterInformation: connection is unauthorized: clusterinformations.crd.projectcalico.org "default" is forbidden: ${FORBIDDEN}`,
  ],
  ['CalicoForbidden', `connection is unauthorized: pods "web-1" is forbidden: ${FORBIDDEN}`],
  ['CalicoForbidden', `failed to get namespace shop: namespaces "shop" is forbidden: ${FORBIDDEN}`],
  ['CalicoForbidden', `ippools.crd.projectcalico.org is forbidden: ${FORBIDDEN}`],
  ['CalicoForbidden', 'error getting ClusterInformation: connection is unauthorized'],
  ['CniProxy', `${GET}Forbidden`],
  ['CniProxy', `${GET}Service Unavailable`],
  ['CniProxy', `${GET}Bad Gateway`],
  ['CniProxy', `${GET}Gateway Timeout`],
  ['CniProxy', `${GET}Proxy Authentication Required`],
  ['CniProxy', `${GET}proxyconnect tcp: dial tcp 10.77.40.15:3128: i/o timeout`],
  ['CniProxy', `${GET}proxyconnect tcp: EOF`],
  ['CniApiUnreachable', `${GET}dial tcp 10.96.0.1:443: connect: connection refused`],
  ['CniApiUnreachable', `${GET}dial tcp 10.96.0.1:443: i/o timeout`],
  ['CniApiUnreachable', `${GET}dial tcp 10.96.0.1:443: connect: no route to host`],
  ['CniApiUnreachable', `${GET}context deadline exceeded`],
  ['CniApiUnreachable', `${GET}EOF`],
  ['CniApiUnreachable', `${GET}net/http: TLS handshake timeout`],
  ['CniApiUnreachable', `error getting ClusterInformation: Get ${URL_OF_CALICO}: unexpected EOF`],
  [
    'CniApiUnreachable',
    'unexpected error when reading response body. Please retry. Original error: http2: client connection lost',
  ],
  ['CniApiUnreachable', 'context deadline exceeded'],
  ['CniCertificate', `${GET}x509: certificate signed by unknown authority`],
  ['CniCertificate', `${GET}tls: failed to verify certificate: x509: certificate is valid for 10.0.0.1, not 10.96.0.1`],
  [
    'CniCertificate',
    `${GET}x509: certificate has expired or is not yet valid: current time 2026-11-22T16:00:00Z is after 2026-11-21T16:00:00Z`,
  ],
  ['CniCertificate', `${GET}remote error: tls: bad certificate`],
  [
    'CalicoNodeDown',
    'stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/',
  ],
  [
    'CalicoNodeDown',
    'CreateFile /var/lib/calico/nodename: The system cannot find the file specified.: check that the calico/node container is running and has mounted /var/lib/calico/',
  ],
  [
    'IpamExhausted',
    'failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No IPs available in pools: [10.99.0.0/30]',
  ],
  ['IpamExhausted', 'cannot allocate new block due to per host block limit'],
  ['IpamExhausted', 'failed to request 1 IPv4 addresses. IPAM allocated only 0'],
  ['IpamExhausted', 'failed to allocate for range 0: no IP addresses available in range set: 10.244.0.10-10.244.0.11'],
  ['CniError', 'the given pool (10.233.64.0/18) does not exist, or is not enabled'],
  ['CniError', 'no configured Calico pools for node n1'],
  ['CalicoNotReady', 'Calico is currently not ready to process requests'],
  ['CniError', 'error creating calico client: host must be a URL or a host:port pair: "https://"'],
  [
    'CniError',
    'error getting ClusterInformation: resource does not exist: ClusterInformation(default) with error: clusterinformations.crd.projectcalico.org "default" not found',
  ],
  ['CniError', 'error getting ClusterInformation: the server could not find the requested resource'],
  [
    'CniError',
    'error adding host side routes for interface: cali1234, error: route (Ifindex: 4, Dst: 10.0.0.1/32) already exists',
  ],
  [
    'CniError',
    'invalid IP format: error getting ClusterInformation: connection is unauthorized: clusterinformations "default" is forbidden: x',
  ],
  ['CniError', 'invalid name "a\\"b\\\\\\"c"'],
  ['CniError', 'error getting node: Unauthorized'],
];

describe.each(ERRORS)('%s', (cause, error) => {
  test(`is what Calico means on every runtime by: ${error}`, () => {
    for (const { wrap, reason, prefixed } of WRAPPERS.filter((wrapper) => wrapper.prefixed)) {
      const read = readSandboxText(wrap(error, POD), reason);
      expect(read).toMatchObject({ cause, plugin: prefixed ? 'calico' : null, innerError: error });
    }
  });
});

describe('errors of other plugins', () => {
  const others: readonly (readonly [Cause, string | null, string])[] = [
    [
      'OtherPluginUnauthorized',
      'consul-cni',
      'plugin type="consul-cni" name="consul-cni" failed (add): error retrieving pod: Unauthorized',
    ],
    [
      'OtherPluginUnauthorized',
      'kmesh-cni',
      'plugin type="kmesh-cni" failed (add): failed to get pod: the server has asked for the client to provide credentials (get pods web)',
    ],
    ['OtherPluginUnauthorized', 'multus', thin(`Multus: [shop/web-1/${POD.uid}]: error getting pod: Unauthorized`)],
    [
      'OtherPluginUnauthorized',
      'multus-shim',
      thick(`Multus: [shop/web-1/${POD.uid}]: error waiting for pod: Unauthorized`, POD),
    ],
    ['OtherPluginUnauthorized', null, 'Multus: [shop/web-1]: error getting pod: Unauthorized'],
    [
      'OtherPluginUnauthorized',
      'whereabouts',
      thin(delegated('plugin type="whereabouts" failed (add): error at storage engine: Unauthorized', POD, 'net1')),
    ],
    [
      'CniError',
      'multus',
      thin(
        'Multus: [shop/web-1/x]: error getting pod: Get "https://10.96.0.1:443/api/v1/namespaces/shop/pods/web-1": dial tcp 10.96.0.1:443: connect: connection refused',
      ),
    ],
    [
      'CniError',
      'multus-shim',
      'plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): timed out waiting for the condition',
    ],
    ['CniError', 'portmap', 'plugin type="portmap" failed (add): could not initialize iptables'],
    [
      'IpamExhausted',
      'flannel',
      'plugin type="flannel" failed (add): failed to delegate add: failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.254',
    ],
    [
      'IpamExhausted',
      'aws-cni',
      'plugin type="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
    ],
    ['CniError', null, 'cni plugin not initialized'],
    ['CniError', null, 'dial tcp 127.0.0.1:50051: connect: connection refused'],
  ];

  test.each(others)('%s of %s: %s', (cause, plugin, error) => {
    expect(readSandboxText(created(crioAdd(error, POD)), 'FailedCreatePodSandBox')).toMatchObject({ cause, plugin });
  });
});

describe('sandboxes that fail before or without a network', () => {
  test.each([
    'failed to get sandbox image "registry.k8s.io/pause:3.9": failed to pull image: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    'failed to get sandbox runtime: no runtime for "gvisor" is configured',
    'failed to reserve sandbox name "web-1_shop_x_0": name is reserved for "0123"',
    'context deadline exceeded',
    'failed to create containerd task: failed to create shim task: Unauthorized',
  ])('are a SandboxError: %s', (error) => {
    expect(readSandboxText(created(error), 'FailedCreatePodSandBox')).toMatchObject({
      cause: 'SandboxError',
      verb: null,
      plugin: null,
      innerError: error,
    });
    expect(readSandboxText(killed(error, POD), 'FailedKillPod')).toMatchObject({
      cause: 'SandboxError',
      killedUid: POD.uid,
      innerError: error,
    });
  });

  test('are a SandboxError also where nothing is known of the text', () => {
    for (const text of ['', 'x', 'Unauthorized', 'Get "https://registry.example/v2/": Forbidden'])
      expect(readSandboxText(text, 'FailedCreatePodSandBox')).toMatchObject({
        cause: 'SandboxError',
        innerError: text,
      });
  });
});
