import { X509Certificate } from 'node:crypto';
import { quote } from '../printable.ts';
import type { Credentials } from './credentials.ts';
import type { Dial } from './dialer.ts';
import { expiryOfToken } from './json-web-token.ts';
import type { KubeconfigUser } from './kubeconfig.ts';

/**
 * Sentences about a token or client certificate that is out of date on this machine's clock. The server only ever says
 * 401, and clocks differ: so it is asked all the same.
 */
export function warningsAboutAge(
  { credentials, dial }: { readonly credentials: Credentials; readonly dial: Dial },
  user: KubeconfigUser | null,
  nowMs: number,
): readonly string[] {
  const of = `of user ${quote(user?.name ?? '')}`;
  return [...aboutToken(credentials, of, nowMs), ...aboutCertificate(dial.tls.cert, of, nowMs)];
}

function aboutToken({ headers }: Credentials, of: string, nowMs: number): readonly string[] {
  const authorization = headers.Authorization;
  const token = typeof authorization === 'string' ? authorization.replace(/^Bearer /, '') : '';
  const expiresAtMs = expiryOfToken(token);
  if (expiresAtMs === null || expiresAtMs > nowMs) return [];
  return [`the token ${of} expired at ${stamp(expiresAtMs)} (by this machine's clock): log in again before this step`];
}

function aboutCertificate(pem: Dial['tls']['cert'], of: string, nowMs: number): readonly string[] {
  if (!Buffer.isBuffer(pem) && typeof pem !== 'string') return [];
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    // TLS will say so.
    return [];
  }
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (toMs <= nowMs) {
    return [
      `the client certificate ${of} expired at ${stamp(toMs)} (by this machine's clock): renew it (kubeadm: \`kubeadm certs renew admin.conf\`), or log in again before this step`,
    ];
  }
  if (fromMs <= nowMs) return [];
  return [`the client certificate ${of} is valid only from ${stamp(fromMs)} on: check the clock of this machine`];
}

function stamp(atMs: number): string {
  return new Date(atMs).toISOString();
}
