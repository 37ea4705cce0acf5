import { generate } from 'selfsigned';

/** A certification authority of one run and a server's certificate by it, as PEM. */
export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Name of the authority; one of the same name and another key makes for another error text. */
  readonly authority?: string;
  /** Names and addresses that the certificate is for; default 127.0.0.1 and localhost. */
  readonly hosts?: readonly string[];
  /** Valid until yesterday. */
  readonly expired?: boolean;
}

const DAY_MS = 86_400_000;

/** Makes a new authority and a certificate of it; takes some ten milliseconds. */
export async function makeCertificates(options: CertificateOptions = {}): Promise<Certificates> {
  const hosts = options.hosts ?? ['127.0.0.1', 'localhost'];
  const shared = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
  const authority = await generate([{ name: 'commonName', value: options.authority ?? 'simulator-ca' }], {
    ...shared,
    notBeforeDate: new Date(Date.now() - 10 * DAY_MS),
    notAfterDate: new Date(Date.now() + 10 * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
    ...shared,
    notBeforeDate: new Date(Date.now() - 9 * DAY_MS),
    notAfterDate: new Date(Date.now() + (options.expired ? -1 : 9) * DAY_MS),
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) => (/^[\d.]+$|:/.test(host) ? { type: 7, ip: host } : { type: 2, value: host })),
      },
    ],
  });
  return { ca: authority.cert, certificate: server.cert, key: server.private };
}
