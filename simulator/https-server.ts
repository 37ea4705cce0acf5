import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Answer } from './api/answer.ts';
import { isWatch } from './api/request-words.ts';
import type { ApiServer } from './api-server.ts';
import { type CertificateOptions, makeCertificates } from './certificates.ts';
import { GATE_TOKEN, type Simulator } from './simulator.ts';

export interface HttpsServerOptions {
  /** Where the kubeconfig is written. */
  readonly folder: string;
  readonly certificate?: CertificateOptions;
  /** Default: any free port. */
  readonly port?: number;
}

/** The API server over HTTPS on 127.0.0.1, for clients in other processes. */
export interface HttpsServer {
  readonly url: string;
  readonly port: number;
  /** Path of a kubeconfig for the user `gate`. */
  readonly kubeconfig: string;
  /** The authority's certificate, PEM. */
  readonly ca: string;
  /** Writes another kubeconfig into the folder; returns its path. */
  readonly writeKubeconfig: (name: string, options: KubeconfigOptions) => Promise<string>;
  /** How many TCP connections were accepted. */
  readonly connections: () => number;
  /** Bytes of bodies sent. */
  readonly bytesSent: () => number;
  readonly close: () => Promise<void>;
}

export interface KubeconfigOptions {
  readonly token?: string;
  /** A file that holds the token instead. */
  readonly tokenFile?: string;
  readonly context?: string;
  /** An exec plugin instead of a token. */
  readonly exec?: { readonly command: string; readonly args: readonly string[] };
  /** Another server than this one; its certificate will not match. */
  readonly server?: string;
  /** Leaves the authority out, so that the certificate is unknown. */
  readonly withoutCa?: boolean;
}

/** The real server compresses what is larger (`responsewriters/writers.go`). */
const GZIP_FROM_BYTES = 128 * 1024;
/** Checksum and length (RFC 1952): without them gzip is not complete. */
const GZIP_END_BYTES = 8;

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

function tokenLine({ token = GATE_TOKEN, tokenFile }: KubeconfigOptions): string {
  return tokenFile === undefined
    ? `      token: ${JSON.stringify(token)}`
    : `      tokenFile: ${JSON.stringify(tokenFile)}`;
}

function kubeconfigText(url: string, ca: string, options: KubeconfigOptions): string {
  const context = options.context ?? 'simulator';
  const authority = options.withoutCa
    ? []
    : [`      certificate-authority-data: ${Buffer.from(ca).toString('base64')}`];
  const user = options.exec
    ? [
        '      exec:',
        '        apiVersion: client.authentication.k8s.io/v1',
        `        command: ${JSON.stringify(options.exec.command)}`,
        `        args: ${JSON.stringify(options.exec.args)}`,
        '        interactiveMode: Never',
      ]
    : [tokenLine(options)];
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${context}`,
    'clusters:',
    '  - name: simulator',
    '    cluster:',
    `      server: ${options.server ?? url}`,
    ...authority,
    'users:',
    '  - name: gate',
    '    user:',
    ...user,
    'contexts:',
    `  - name: ${context}`,
    '    context:',
    '      cluster: simulator',
    '      user: gate',
    '',
  ].join('\n');
}

/** Sends a body that is there at once; one that breaks off is sent as far as it goes, then the connection is cut. */
async function sendWhole(answer: Answer, gzip: boolean, response: ServerResponse): Promise<number> {
  const chunks: Uint8Array[] = [];
  let broken = false;
  try {
    for await (const chunk of answer.body) chunks.push(chunk);
  } catch {
    broken = true;
  }
  const whole = Buffer.concat(chunks);
  const compress = gzip && whole.length > GZIP_FROM_BYTES;
  const body = compress ? gzipSync(whole, { level: 1 }) : whole;
  const headers = { ...answer.headers, ...(compress ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } : {}) };
  if (broken) {
    // Without a length, and what is compressed without its end: as a connection breaks in the middle.
    const sent = compress ? body.subarray(0, -GZIP_END_BYTES) : body;
    response.writeHead(answer.status, headers);
    await new Promise<void>((resolve) => {
      response.write(sent, () => resolve());
    });
    response.destroy();
    return sent.length;
  }
  response.writeHead(answer.status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
  return body.length;
}

/** Sends a watch line by line, at the reader's pace. */
async function sendStream(answer: Answer, response: ServerResponse, sent: (bytes: number) => void): Promise<void> {
  response.writeHead(answer.status, answer.headers);
  response.flushHeaders();
  try {
    for await (const chunk of answer.body) {
      sent(chunk.length);
      if (!response.write(chunk)) {
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
      }
      if (response.destroyed) return;
    }
    response.end();
  } catch {
    response.destroy();
  }
}

async function serve(
  api: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
  sent: (bytes: number) => void,
): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    const body = await readBody(request);
    const answer = await api.handle({
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      authorization: request.headers.authorization,
      accept: request.headers.accept,
      body: body === '' ? undefined : body,
      signal: abort.signal,
    });
    if (response.destroyed) return;
    const { searchParams } = new URL(request.url ?? '/', 'https://simulator');
    const isStream = answer.paced || (answer.status === 200 && isWatch(searchParams));
    if (isStream) await sendStream(answer, response, sent);
    else sent(await sendWhole(answer, takesGzip(request.headers['accept-encoding']), response));
  } catch {
    // What the handler rejects with is a broken connection.
    request.socket.destroy();
  }
}

/** The real server takes the bare word only, without a weight (`responsewriters/writers.go`). */
function takesGzip(acceptEncoding: string | readonly string[] | undefined): boolean {
  return String(acceptEncoding ?? '')
    .split(',')
    .some((encoding) => encoding.trim() === 'gzip');
}

/** Starts to serve a simulator on 127.0.0.1 and writes `kubeconfig` into the folder. Stop it with `close`. */
export async function startHttpsServer(sim: Pick<Simulator, 'api'>, options: HttpsServerOptions): Promise<HttpsServer> {
  const { ca, certificate, key } = await makeCertificates(options.certificate);
  let connections = 0;
  let bytes = 0;
  const server = createServer({ cert: certificate, key, keepAlive: true }, (request, response) => {
    void serve(sim.api, request, response, (count) => {
      bytes += count;
    });
  });
  // Longer than any test waits between two requests, so that the client decides about its connections.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  const writeKubeconfig = async (name: string, settings: KubeconfigOptions): Promise<string> => {
    const path = join(options.folder, name);
    await writeFile(path, kubeconfigText(url, ca, settings), { mode: 0o600 });
    return path;
  };
  const kubeconfig = await writeKubeconfig('kubeconfig', {});
  return {
    url,
    port,
    kubeconfig,
    ca,
    writeKubeconfig,
    connections: () => connections,
    bytesSent: () => bytes,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
