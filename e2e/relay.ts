import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a gate and the API server as a load balancer does: TLS goes through it unread. */
export interface Relay {
  /** URL of the API server through it. */
  readonly server: string;
  /** From now on requests get through, and no answer does. */
  readonly holdAnswers: () => void;
  /** What was held is lost: all connections end. New ones go through again, both ways. */
  readonly cut: () => void;
  readonly close: () => void;
}

/** A relay on the API server's own address, which its certificate is for, with another port. */
export async function startRelay(server: string): Promise<Relay> {
  const { hostname, port } = new URL(server);
  const sockets = new Set<Socket>();
  const answering = new Set<Socket>();
  let isHolding = false;

  const relay = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    answering.add(upstream);
    for (const [socket, other] of [[client, upstream] as const, [upstream, client] as const]) {
      sockets.add(socket);
      // Whatever ends one side ends the other: nobody is left waiting.
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          answering.delete(socket);
          other.destroy();
        });
    }
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => client.write(bytes));
    if (isHolding) upstream.pause();
  });
  relay.listen(0, hostname);
  await once(relay, 'listening');

  const cut = (): void => {
    isHolding = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    server: `https://${hostname}:${(relay.address() as AddressInfo).port}`,
    holdAnswers: () => {
      isHolding = true;
      for (const socket of answering) socket.pause();
    },
    cut,
    close: () => {
      relay.close();
      cut();
    },
  };
}
