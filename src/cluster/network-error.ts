import { isRecord } from './body.ts';

/** What a failed exchange means, and what helps; found by the code of the network's or TLS layer's error. */
export interface NetworkProblem {
  readonly kind: 'certificate' | 'not-kubernetes' | 'unreachable';
  readonly code: string;
  /** What happened, for people. */
  readonly what: string;
  /** What to do; '' when nothing but waiting helps. */
  readonly fix: string;
}

type Meaning = Omit<NetworkProblem, 'code'>;

const CA_FIX =
  'check certificate-authority-data in the kubeconfig; where a proxy re-signs TLS, give its CA to Node with NODE_EXTRA_CA_CERTS';
const untrusted = (what: string): Meaning => ({ kind: 'certificate', what, fix: CA_FIX });
const unreachable = (what: string, fix = ''): Meaning => ({ kind: 'unreachable', what, fix });
const DNS_FIX =
  "check the host name of the kubeconfig's server, and whether this machine can resolve it (VPN, private DNS)";
const ROUTE_FIX =
  "check that this machine may reach the kubeconfig's server (VPN, firewall, authorized networks, proxy)";

/** Codes of node:dns, node:net, node:tls and OpenSSL that clusters are known to cause. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: unreachable('the host name does not resolve', DNS_FIX),
  EAI_AGAIN: unreachable('the host name cannot be resolved at present', DNS_FIX),
  ECONNREFUSED: unreachable('the connection was refused', `is the API server running? ${ROUTE_FIX}`),
  EHOSTUNREACH: unreachable('there is no route to the host', ROUTE_FIX),
  ENETUNREACH: unreachable('the network is unreachable', ROUTE_FIX),
  ETIMEDOUT: unreachable('the connection timed out', ROUTE_FIX),
  ECONNRESET: unreachable('the connection was reset'),
  EPIPE: unreachable('the connection was closed'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted("the server's certificate is signed by an unknown authority"),
  UNABLE_TO_GET_ISSUER_CERT: untrusted("the server's certificate is signed by an unknown authority"),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted("the server's certificate is signed by an unknown authority"),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted("the server's certificate is signed by an unknown authority"),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted("the server's certificate is self-signed and not trusted"),
  CERT_SIGNATURE_FAILURE: untrusted("the server's certificate has another CA's signature"),
  CERT_HAS_EXPIRED: {
    kind: 'certificate',
    what: "the server's certificate has expired",
    fix: 'renew it (kubeadm: `kubeadm certs renew`), and check the clock of this machine',
  },
  CERT_NOT_YET_VALID: {
    kind: 'certificate',
    what: "the server's certificate is not valid yet",
    fix: 'check the clock of this machine',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    kind: 'certificate',
    what: "the server's certificate is for another name",
    fix: "use a host name that it names as the kubeconfig's server, or set tls-server-name there",
  },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    kind: 'certificate',
    what: 'the server does not speak TLS',
    fix: "check scheme and port of the kubeconfig's server, and of the proxy",
  },
  ERR_PROXY_REFUSED: {
    kind: 'not-kubernetes',
    what: 'the proxy refused the connection',
    fix: 'give the proxy its credentials, or add the API server to NO_PROXY',
  },
  ERR_PROXY_FAILED: unreachable(
    'the proxy could not reach the API server',
    'add the API server to NO_PROXY, or check the proxy',
  ),
  ERR_PROXY_NO_SOCKS: {
    kind: 'not-kubernetes',
    what: 'the proxy does not speak SOCKS',
    fix: 'check scheme and port of the proxy',
  },
};

/** Alerts by which a server refuses our certificate (`ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`, `…_ALERT_CERTIFICATE_REQUIRED` …). */
const ALERT_ABOUT_OURS = /^ERR_SSL_.*ALERT.*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;

/** The meaning of an error that a transport rejected with; any value at all. */
export function networkProblemOf(error: unknown): NetworkProblem {
  const problem = problemOf(codeOf(error), error);
  const proxy = textOf(error, 'proxy');
  return proxy === '' ? problem : { ...problem, what: `${problem.what} (through the proxy ${proxy})` };
}

function problemOf(code: string, error: unknown): NetworkProblem {
  const known = MEANINGS[code];
  if (known !== undefined) {
    const said = code.startsWith('ERR_PROXY_') ? `${known.what}: ${textOf(error, 'message')}` : known.what;
    return { code, ...known, what: said };
  }
  if (ALERT_ABOUT_OURS.test(code)) {
    const fix = 'renew the client certificate of the kubeconfig';
    return { code, kind: 'certificate', what: 'the server refused the client certificate', fix };
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    const fix = "check the kubeconfig's server, and proxies on the way";
    return { code, kind: 'certificate', what: `TLS failed (${code})`, fix };
  }
  if (code.startsWith('ERR_OSSL_')) {
    const fix = 'check client-certificate-data and client-key-data of the kubeconfig';
    return { code, kind: 'certificate', what: `the certificates of the kubeconfig cannot be used (${code})`, fix };
  }
  return { code, kind: 'unreachable', what: textOf(error, 'message') || 'the exchange failed', fix: '' };
}

/** OpenSSL's reason in the text of an EPROTO: `write EPROTO 400D…:error:0A00010B:SSL routines:function:reason:file`. */
const OPENSSL_REASON = /:error:[\dA-F]+:SSL routines:[^:]*:([^:]+):/;

/** Happy eyeballs reports one error per address, which are of one kind. */
function codeOf(error: unknown): string {
  const errors = isRecord(error) ? error.errors : undefined;
  const [first] = Array.isArray(errors) ? errors : [];
  const code = textOf(error, 'code') || textOf(first, 'code');
  const reason = code === 'EPROTO' ? OPENSSL_REASON.exec(textOf(error, 'message'))?.[1] : undefined;
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}

/** By what it has, not by what it is: errors of other realms (a worker, a test's) are no `Error` here. */
function textOf(error: unknown, name: string): string {
  const value = isRecord(error) ? error[name] : undefined;
  return typeof value === 'string' ? value : '';
}
