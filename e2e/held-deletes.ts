import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificates } from '../simulator/certificates.ts';
import type { Cluster } from './harness.ts';

/** Holds somebody's DELETEs of pods inside the API server: received, and not carried out yet. */
export interface HeldDeletes {
  /** `namespace/name` of the pods, in the order in which the API server received the DELETEs. */
  readonly received: () => readonly string[];
  /** Those of this pod are carried out, the one that is held and all that come. */
  readonly letThrough: (pod: string) => void;
  readonly letAllThrough: () => void;
  /** Everybody's DELETEs are carried out as before. */
  readonly close: () => Promise<void>;
}

interface Review {
  readonly request: { readonly uid: string; readonly namespace: string; readonly name: string };
}

const NAME = 'held-deletes.calico-health-gate.example';
const PATH = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
/** The longest that an API server waits for a webhook (admissionregistration/v1). */
const TIMEOUT_SECONDS = 30;

/** By an admission webhook that is asked about pods' deletion by `user` and nobody else. */
export async function holdDeletes({ api }: Cluster, user: string): Promise<HeldDeletes> {
  const { hostname } = new URL(api.server);
  const { ca, certificate, key } = await makeCertificates({ authority: 'webhook-ca', hosts: [hostname] });
  const received: string[] = [];
  const held = new Map<string, PromiseWithResolvers<void>>();
  let isOpen = false;
  const gateOf = (pod: string): PromiseWithResolvers<void> => {
    const gate = held.get(pod) ?? Promise.withResolvers<void>();
    held.set(pod, gate);
    return gate;
  };

  const server = createServer({ cert: certificate, key }, async (asked, answer) => {
    const { request } = await reviewIn(asked);
    const pod = `${request.namespace}/${request.name}`;
    received.push(pod);
    if (!isOpen) await gateOf(pod).promise;
    const response = { uid: request.uid, allowed: true };
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
  });
  server.listen(0, hostname);
  await once(server, 'listening');
  await api.remove(`${PATH}/${NAME}`);
  await api.create(PATH, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: NAME },
    webhooks: [
      {
        name: NAME,
        clientConfig: {
          url: `https://${hostname}:${(server.address() as AddressInfo).port}/`,
          caBundle: Buffer.from(ca).toString('base64'),
        },
        rules: [{ operations: ['DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        matchConditions: [{ name: 'user', expression: `request.userInfo.username == "${user}"` }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: TIMEOUT_SECONDS,
      },
    ],
  });

  const letAllThrough = (): void => {
    isOpen = true;
    for (const gate of held.values()) gate.resolve();
  };
  return {
    received: () => received,
    letThrough: (pod) => gateOf(pod).resolve(),
    letAllThrough,
    close: async () => {
      letAllThrough();
      await api.remove(`${PATH}/${NAME}`);
      server.closeAllConnections();
      server.close();
    },
  };
}

async function reviewIn(asked: IncomingMessage): Promise<Review> {
  const pieces: Buffer[] = [];
  for await (const piece of asked) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString('utf8')) as Review;
}
