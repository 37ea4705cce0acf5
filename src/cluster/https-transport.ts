import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { pipeline } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import type { Credentials } from './credentials.ts';
import type { Dial } from './dialer.ts';
import { throughProxy } from './proxy-error.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface HttpsTransportOptions {
  readonly server: URL;
  /** Credentials and connection of the next request; rejects with ConnectError. */
  readonly dial: () => Promise<{ readonly dial: Dial; readonly credentials: Credentials }>;
  /** The proxy's name for people, or null. */
  readonly proxy: string | null;
  /** Whether to ask for gzip. */
  readonly compress: boolean;
}

/** Names beginning with curl, Wget or Mozilla would get pretty-printed JSON, twice as long. */
const USER_AGENT = 'calico-health-gate';

/** Exchanges over node:https, HTTP/1.1 and connections that are kept alive. Redirects are answers like any other. */
export function createHttpsTransport(options: HttpsTransportOptions): Transport {
  const { server, proxy } = options;
  // Clusters behind Rancher and the like have a path of their own.
  const basePath = server.pathname.replace(/\/+$/, '');
  const send = server.protocol === 'https:' ? httpsRequest : httpRequest;

  return async (request) => {
    const { dial, credentials } = await unlessAborted(options.dial(), request.signal);
    const requestOptions: RequestOptions = {
      ...dial.tls,
      agent: dial.agent,
      method: request.method,
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      ...(server.port === '' ? {} : { port: server.port }),
      path: basePath + request.path,
      headers: {
        ...headersOf(request, options.compress),
        ...(credentials.headers as Readonly<Record<string, string | string[]>>),
      },
    };
    return new Promise<ApiResponse>((resolve, reject) => {
      const { signal } = request;
      const exchange = send(requestOptions);
      const onAbort = (): void => {
        const error = new Error('the request was aborted', { cause: signal.reason });
        exchange.destroy(error);
        // While the proxy is silent the request has no socket yet, and its end is told to nobody.
        reject(error);
      };
      exchange.on('error', (error) => reject(proxy === null ? error : throughProxy(error, proxy)));
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      exchange.on('response', (message) => resolve(responseOf(message)));
      exchange.on('close', () => {
        signal.removeEventListener('abort', onAbort);
        // Of an answer 101, which nobody asked for, Node closes the connection and says nothing else.
        reject(new Error('the connection was closed without an answer'));
      });
      exchange.end(request.body);
    });
  };
}

function headersOf(request: ApiRequest, compress: boolean): Record<string, string> {
  const { accept = 'application/json', body } = request;
  return {
    Accept: accept,
    'User-Agent': USER_AGENT,
    ...(compress ? { 'Accept-Encoding': 'gzip' } : {}),
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }),
  };
}

function responseOf(message: IncomingMessage): ApiResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: message.statusCode ?? 0, headers, body: decoded(message) };
}

/** A cut body ends in an error, compressed or not; of a watch each piece is given on as soon as it comes. */
function decoded(message: IncomingMessage): AsyncIterable<Uint8Array> {
  if (message.headers['content-encoding'] !== 'gzip') return message;
  const gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH });
  // Whoever reads the one sees the error of the other.
  pipeline(message, gunzip, () => {});
  return gunzip;
}
