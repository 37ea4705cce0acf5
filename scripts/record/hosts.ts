import { isIP } from 'node:net';

/** Registries that everybody uses: they tell nothing of who pulls from them. */
const PUBLIC_REGISTRIES: ReadonlySet<string> = new Set([
  'docker.io',
  'registry-1.docker.io',
  'index.docker.io',
  'auth.docker.io',
  'gcr.io',
  'k8s.gcr.io',
  'ghcr.io',
  'mcr.microsoft.com',
  'public.ecr.aws',
  'quay.io',
  'registry.gitlab.com',
  'registry.k8s.io',
]);
/** Inside of every cluster, and the projects' own pages. */
const COMMON_HOST =
  /(?:^|\.)(?:localhost|svc|cluster\.local|example|example\.(?:com|net|org)|kubernetes\.io|k8s\.io|projectcalico\.org|tigera\.io)$|^kubernetes(?:\.default)?$/;

/** A name with at least one dot that does not end in digits. */
const HOST = '[A-Za-z0-9](?:[A-Za-z0-9_-]*\\.)+[A-Za-z][A-Za-z0-9-]*';
const IN_URL = new RegExp(`:\\/\\/(?:[^\\s"/@]*@)?(${HOST})`, 'g');
/** Go's resolver: `lookup api.example.com on 10.0.0.2:53: no such host`. */
const LOOKED_UP = new RegExp(`\\blookup (${HOST})`, 'g');
/** Go's `x509.HostnameError`. */
const CERTIFICATE = /certificate is (?:not )?valid for [^"]*/g;
const EACH_HOST = new RegExp(HOST, 'g');

/** Names of hosts in the words of clients, without those that are the same everywhere. */
export function hostsIn(text: string): readonly string[] {
  if (!text.includes('.')) return [];
  const named = [...text.matchAll(IN_URL), ...text.matchAll(LOOKED_UP)].map(([, host = '']) => host);
  const certified = [...text.matchAll(CERTIFICATE)].flatMap(([words]) => words.match(EACH_HOST) ?? []);
  return [...named, ...certified].filter(isTelling);
}

/** The registry that `image` names; null for none, and for one that everybody uses. */
export function registryOf(image: string): string | null {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  if (!/[.:]/.test(first) || first.includes('@')) return null;
  const host = first.replace(/:\d+$/, '');
  // Without a dot the port is what tells it from a word.
  const named = host.includes('.') ? host : first;
  return isTelling(named) ? named : null;
}

export function isTelling(host: string): boolean {
  return isIP(host) === 0 && !PUBLIC_REGISTRIES.has(host) && !COMMON_HOST.test(host);
}
