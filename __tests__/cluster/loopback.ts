import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { type CertificateOptions, makeCertificates } from '../../simulator/certificates.ts';
import type { ApiRequest, ApiResponse } from '../../src/cluster/transport.ts';

/** A server on 127.0.0.1 that counts connections and keeps what was asked. */
export interface Loopback {
  readonly url: string;
  readonly port: number;
  readonly ca: string;
  readonly asked: IncomingMessage[];
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

export async function anHttpsServer(
  listener: RequestListener,
  options: CertificateOptions & { readonly clientCa?: string } = {},
): Promise<Loopback> {
  const { ca, certificate, key } = await makeCertificates(options);
  const asked: IncomingMessage[] = [];
  const server = createServer(
    {
      cert: certificate,
      key,
      ...(options.clientCa ? { ca: options.clientCa, requestCert: true, rejectUnauthorized: true } : {}),
    },
    (request, response) => {
      asked.push(request);
      listener(request, response);
    },
  );
  return { ...(await listening(server)), ca, asked };
}

export async function anHttpServer(listener: RequestListener): Promise<Loopback> {
  const asked: IncomingMessage[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request);
    listener(request, response);
  });
  return {
    ...(await listening(server)),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: '',
    asked,
  };
}

export interface Proxy extends Loopback {
  /** `host:port credentials` of each CONNECT. */
  readonly tunnels: string[];
}

/** A CONNECT proxy that leads every host to `target`; or answers with `refusal`. */
export async function aProxy(target: () => number, refusal?: number, { host = '127.0.0.1' } = {}): Promise<Proxy> {
  const proxy = await proxyOn(createHttpServer(), target, refusal, host);
  return { ...proxy, url: `http://127.0.0.1:${proxy.port}`, ca: '' };
}

/** The same, asked over TLS. */
export async function aTlsProxy(
  target: () => number,
  { host = '127.0.0.1', hosts = ['localhost'] }: { readonly host?: string; readonly hosts?: readonly string[] } = {},
): Promise<Proxy> {
  const { ca, certificate, key } = await makeCertificates({ hosts });
  const proxy = await proxyOn(createServer({ cert: certificate, key }), target, undefined, host);
  return { ...proxy, url: `https://localhost:${proxy.port}`, ca };
}

async function proxyOn(
  server: Server,
  target: () => number,
  refusal: number | undefined,
  host: string,
): Promise<Omit<Proxy, 'ca'>> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    tunnels.push(`${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
      return;
    }
    const upstream = connectTcp(target(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => undefined);
    }
  });
  const base = await listening(server, host);
  return {
    ...base,
    asked: [],
    tunnels,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await base.close();
    },
  };
}

/** What a SOCKS5 proxy does with what it is asked for. */
export interface SocksRules {
  /** Answers with this code (RFC 1928 §6) instead of connecting. */
  readonly reply?: number;
  /** Lets in only this user; default: everybody. */
  readonly user?: string;
  readonly password?: string;
}

/** A SOCKS5 proxy that leads every host to `target`. */
export async function aSocksProxy(
  target: () => number,
  { reply = 0, user, password }: SocksRules = {},
): Promise<{ readonly port: number; readonly tunnels: string[]; readonly close: () => Promise<void> }> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    void serveSocks(socket);
  });
  const serveSocks = async (socket: Socket): Promise<void> => {
    const next = (): Promise<Buffer> => new Promise((resolve) => socket.once('data', resolve));
    await next();
    socket.write(Buffer.from([5, user === undefined ? 0 : 2]));
    if (user !== undefined) {
      const given = await next();
      const name = given.subarray(2, 2 + (given[1] ?? 0));
      const isRight = `${name}:${given.subarray(3 + name.length)}` === `${user}:${password}`;
      socket.write(Buffer.from([1, isRight ? 0 : 1]));
      if (!isRight) return;
    }
    const asked = await next();
    const length = asked[4] ?? 0;
    const host = asked[3] === 3 ? asked.subarray(5, 5 + length).toString() : `address type ${asked[3]}`;
    tunnels.push(`${host}:${asked.readUInt16BE(asked.length - 2)}`);
    const granted = Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
    if (reply !== 0) {
      socket.end(granted);
      return;
    }
    const upstream = connectTcp(target(), '127.0.0.1', () => {
      socket.write(granted);
      upstream.pipe(socket).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => undefined);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    tunnels,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: Server, host = '127.0.0.1'): Promise<Omit<Loopback, 'ca' | 'asked'>> {
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A client certificate and the authority that made it, PEM. */
export async function aClientCertificate(): Promise<{
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}> {
  const shared = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
  const authority = await generate([{ name: 'commonName', value: 'client-ca' }], {
    ...shared,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const client = await generate([{ name: 'commonName', value: 'ci' }], {
    ...shared,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', clientAuth: true },
    ],
  });
  return { ca: authority.cert, certificate: client.cert, key: client.private };
}

/** A folder of a test's own, with a way to put files there. */
export interface Folder {
  readonly path: string;
  readonly write: (name: string, text: string) => string;
  readonly remove: () => void;
}

export function aFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'cluster-'));
  return {
    path,
    write: (name, text) => {
      const file = join(path, name);
      writeFileSync(file, text, { mode: 0o700 });
      return file;
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}

/** The text of a kubeconfig (JSON is YAML) with one context `test`. */
export function aKubeconfig(cluster: object, user: object = {}, name = 'test'): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function aRequest(path: string, more: Partial<ApiRequest> = {}): ApiRequest {
  return { method: 'GET', path, signal: new AbortController().signal, ...more };
}

export async function textOf(response: ApiResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
