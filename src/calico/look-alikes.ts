import type { SandboxCause } from '../health/assessment.ts';
import {
  GETTING_CLUSTER_INFORMATION,
  GETTING_NAMESPACE_OR_ADDRESS,
  REQUESTING_ADDRESSES,
  UNAUTHORIZED,
} from './wordings.ts';
import type { Unwrapped } from './wrapper.ts';

type LookAlike = Exclude<SandboxCause, 'CalicoUnauthorized' | 'SandboxSilent'>;

/** What Calico puts in front of the answer to a request of its own. The last two are calico-node's and calicoctl's. */
const CALICO_WORDS = new RegExp(
  `^(?:${GETTING_CLUSTER_INFORMATION}|${GETTING_NAMESPACE_OR_ADDRESS}|${REQUESTING_ADDRESSES}|error creating calico client: ` +
    '|unable to query ClusterInformation to determine Calico version: |Unable to retrieve Cluster Version or Type: )+',
);
/** Multus without its pod in brackets, as people shorten it. */
const MULTUS_WORDS = /^error adding container to network "[^"]{1,253}": /;

/**
 * Why a sandbox could not be made or removed, other than by Calico's authorization failure. The first error decides,
 * and its beginning: these are advice for people and cause no restart, so a text that fits nothing is a `CniError` (the
 * network could not be set up or torn down) or a `SandboxError` (all else), never a guess.
 */
export function causeOfLookAlike(unwrapped: Unwrapped): LookAlike {
  const { plugin, layer } = unwrapped;
  if (layer === 'runtime') return 'SandboxError';
  const error = unwrapped.error.replace(MULTUS_WORDS, '');
  if (plugin !== null && plugin !== 'calico') return ofOtherPlugin(error);
  const said = error.replace(CALICO_WORDS, '');
  const calico = plugin === 'calico' || said !== error || CALICO_URL.test(said);
  if (layer === 'bare' && !calico && !NODENAME.test(said)) return 'SandboxError';
  if (IPAM_EXHAUSTED.test(said)) return 'IpamExhausted';
  if (NODENAME.test(said)) return 'CalicoNodeDown';
  if (calico && NOT_READY.test(said)) return 'CalicoNotReady';
  if (FORBIDDEN.test(said)) return 'CalicoForbidden';
  return ofRequest(said, calico) ?? ofUnnamedPlugin(said, plugin);
}

/** The API server's 403, raw or in libcalico-go's words; old calico-node versions end after those (calico#2063). */
const FORBIDDEN =
  /^(?:connection is unauthorized$|(?:connection is unauthorized: )?[a-z][A-Za-z0-9.-]{0,252}(?: "[^"]{0,253}")? is forbidden: )/;

/** `plugin.go`: the file that calico-node writes when it starts. Windows' os.Stat has other words for "stat". */
const NODENAME = /^[A-Za-z]{1,32} \S{1,255}: [^:]{1,200}: check that the calico\/node container is running/;

/** `plugin.go`, when the ClusterInformation says `datastoreReady: false`. */
const NOT_READY = /^Calico is currently not ready to process requests$/;

/** calico-ipam (`libcalico-go/lib/ipam`), host-local, and Amazon's plugin. */
const IPAM_EXHAUSTED = new RegExp(
  '^(?:Assigned [0-9]+ out of [0-9]+ requested IPv[46] addresses|No IPs available in pools|cannot allocate new block due to per host block limit' +
    '|failed to request [0-9]+ IPv[46] addresses\\. IPAM allocated only [0-9]' +
    '|(?:failed to delegate add: )?failed to allocate for range [0-9]+: no IP addresses available in range set' +
    '|add cmd: failed to assign an IP address to container)',
);

/** Go's `url.Error`; up to Go 1.13 without quotes. */
const REQUEST = /^(?:Get|Post|Put|Patch|Delete) (?:"https?:\/\/[^\s"]{1,2048}"|https?:\/\/[^\s"]{1,2048}): /;
const CALICO_URL = /^[A-Z][a-z]{2,5} "?https?:\/\/[^\s"/]{1,255}\/apis\/(?:crd\.)?projectcalico\.org\//;

/** A proxy's answer to CONNECT becomes the whole error (`net/http`, `dialConn`). */
const PROXY =
  /^(?:proxyconnect |(?:Forbidden|Service Unavailable|Bad Gateway|Gateway Time-?out|Proxy Authentication Required)$)/;
const CERTIFICATE = /^(?:tls: |remote error: tls: |x509: )/;
const CONNECTION =
  /^(?:dial |read tcp |write tcp |http2: |net\/http: |(?:unexpected )?EOF$|context deadline exceeded|unexpected error when reading response body)/;

function ofRequest(said: string, calico: boolean): LookAlike | null {
  const answer = said.replace(REQUEST, '');
  if (answer === said) return calico && CONNECTION.test(said) ? 'CniApiUnreachable' : null;
  if (PROXY.test(answer)) return 'CniProxy';
  return CERTIFICATE.test(answer) ? 'CniCertificate' : 'CniApiUnreachable';
}

/** The token of whoever reports it was refused. */
const ENDS_UNAUTHORIZED = new RegExp(`(?:^|: )${UNAUTHORIZED}$`);
/** Nothing but a 401, or an error of Multus' own, which begins with its name. */
const ONLY_UNAUTHORIZED = new RegExp(
  `^(?:connection is unauthorized: |Multus: \\[[^\\]\\s]{1,600}\\]: [^:]{1,80}: )?${UNAUTHORIZED}$`,
);

function ofOtherPlugin(error: string): LookAlike {
  if (IPAM_EXHAUSTED.test(error)) return 'IpamExhausted';
  return ENDS_UNAUTHORIZED.test(error) ? 'OtherPluginUnauthorized' : 'CniError';
}

function ofUnnamedPlugin(said: string, plugin: string | null): LookAlike {
  return plugin === null && ONLY_UNAUTHORIZED.test(said) ? 'OtherPluginUnauthorized' : 'CniError';
}
