import type { NameKind } from './shape.ts';

/** Gives names their pseudonyms. */
export interface Pseudonyms {
  /** For a value that is a name. */
  readonly ofName: (name: string) => string;
  /**
   * For a text with names in it. `meaning` is what the gate reads from it and stays what it is: where a name is also a
   * word of the text around it (a namespace called `sandbox`), the word stays.
   */
  readonly inText: (text: string, meaning?: (text: string) => string) => string;
}

/** Everything stays as it is. */
export const REAL_NAMES: Pseudonyms = { ofName: (name) => name, inText: (text) => text };

/**
 * Names that say what something is and not whose it is: the gate, the simulator and every reader need them. Parts of
 * Calico and of Kubernetes itself, their namespaces, and folders of images.
 */
const COMMON_NAMES: ReadonlySet<string> = new Set([
  ...['default', 'kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'],
  ...['calico-system', 'calico-apiserver', 'tigera-operator', 'calico-node', 'calico-node-windows', 'canal'],
  ...['rke2-canal', 'calico-typha', 'calico-kube-controllers', 'csi-node-driver', 'install-cni', 'flexvol-driver'],
  ...['ebpf-bootstrap', 'mount-bpffs', 'upgrade-ipam', 'calico', 'tigera', 'operator', 'node', 'cni', 'typha'],
  ...['kube-controllers', 'calico-cni-plugin', 'felix', 'cni-bin-dir', 'cni-net-dir', 'kube-flannel'],
  ...['coredns', 'kube-proxy', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager', 'etcd', 'pause'],
  ...['metrics-server', 'kubernetes', 'library', 'kube-root-ca.crt', 'kubelet'],
]);

/** Endings that Kubernetes makes: `k8s.io/apimachinery/pkg/util/rand` (no vowels, no 0, 1, 3), ordinals and times, events' hex. */
const GENERATED = /^(?:[bcdfghjklmnpqrstvwxz2456789]{4,10}|\d{1,10})$/;
const EVENT_ENDING = /\.[0-9a-f]{12,20}$/;
/** `<deployment>-<template hash>-<pod>`; a CronJob's indexed pods have one more. */
const MOST_ENDINGS = 3;

/** Of these Kubernetes makes the names of pods, jobs and revisions. */
const STEM_KINDS: ReadonlySet<NameKind> = new Set([
  ...(['daemonset', 'deployment', 'job', 'object', 'replicaset', 'statefulset'] as const),
]);
/** The volume of every pod's token. */
const TOKEN_VOLUME = 'kube-api-access';

/** Names, each with the kinds of things that are called so. */
export type NamedThings = ReadonlyMap<string, ReadonlySet<NameKind>>;

/** The same name has the same pseudonym, whatever is called so. */
export function createPseudonyms(named: NamedThings): Pseudonyms {
  const known = new Map<string, string>();
  const stems = new Map<string, string>([[TOKEN_VOLUME, TOKEN_VOLUME]]);
  const counts = new Map<NameKind, number>();

  /** Of a name that begins with a known one and ends as Kubernetes makes endings: what belongs together stays so. */
  const derived = (name: string): string | null => {
    const event = EVENT_ENDING.exec(name);
    if (event !== null) {
      const about = known.get(name.slice(0, event.index));
      return about === undefined ? null : about + event[0];
    }
    let end = name.length;
    for (let count = 0; count < MOST_ENDINGS; count += 1) {
      const dash = name.lastIndexOf('-', end - 1);
      if (dash <= 0 || !GENERATED.test(name.slice(dash + 1, end))) return null;
      end = dash;
      const stem = stems.get(name.slice(0, end));
      if (stem !== undefined) return stem + name.slice(end);
    }
    return null;
  };
  const fresh = (kind: NameKind): string => {
    const number = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, number);
    return `${kind}-${number}`;
  };
  const find = (name: string): string | null => {
    if (COMMON_NAMES.has(name)) return null;
    return known.get(name) ?? derived(name);
  };

  // Stems before what is derived from them.
  const shortestFirst = [...named].toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  for (const [name, kinds] of shortestFirst) {
    const pseudonym = COMMON_NAMES.has(name) ? name : (derived(name) ?? fresh(kindFor(kinds)));
    known.set(name, pseudonym);
    if ([...kinds].some((kind) => STEM_KINDS.has(kind))) stems.set(name, pseudonym);
  }

  return {
    ofName: (name) => (name.endsWith('-') ? `${find(name.slice(0, -1)) ?? name.slice(0, -1)}-` : (find(name) ?? name)),
    inText: (text, meaning) => replaceNames(text, find, meaning),
  };
}

/** What an event or an owner reference names may be known better by itself. */
function kindFor(kinds: ReadonlySet<NameKind>): NameKind {
  return [...kinds].find((kind) => kind !== 'object') ?? 'object';
}

/** One place of a name in a text. */
interface Place {
  readonly at: number;
  readonly name: string;
  readonly pseudonym: string;
}

const TOKEN = /[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?/g;
/** `sandbox` may be the name of a namespace and is a word of half the texts; `web-1` is no word. */
const PLAIN_WORD = /^[A-Za-z]+$/;
/** What stands around names and hardly around words. */
const OPENS_A_NAME = /(?:["'/_([{=]|\b(?:namespace|namespaces|node|pod|container|deployment|job) )$/;
/** `namespaces `, and what stands before its first letter. */
const LONGEST_OPENING = 12;
/** Not the slash of `i/o timeout`. */
const CLOSES_A_NAME = /^(?:["'_(\]})]|\/(?!o\b))/;

function replaceNames(
  text: string,
  find: (name: string) => string | null,
  meaning: (text: string) => string = () => '',
): string {
  const places = placesIn(text, find);
  if (places.length === 0) return text;
  const all = written(text, places);
  const meant = meaning(text);
  if (meaning(all) === meant) return all;
  const kept: Place[] = [];
  for (const place of places) {
    if (meaning(written(text, [...kept, place])) === meant) kept.push(place);
  }
  return written(text, kept);
}

function placesIn(text: string, find: (name: string) => string | null): readonly Place[] {
  return [...text.matchAll(TOKEN)].flatMap(({ 0: token, index }) => {
    const pseudonym = find(token);
    if (pseudonym !== null) return isName(text, token, index) ? { at: index, name: token, pseudonym } : [];
    if (!token.includes('.')) return [];
    // `<service>.<namespace>.svc`: dots stand in few names, and between many.
    let end = index - 1;
    return token.split('.').flatMap((name) => {
      const at = end + 1;
      end = at + name.length;
      const found = find(name);
      return found === null ? [] : { at, name, pseudonym: found };
    });
  });
}

function isName(text: string, token: string, at: number): boolean {
  return (
    !PLAIN_WORD.test(token) ||
    OPENS_A_NAME.test(text.slice(Math.max(0, at - LONGEST_OPENING), at)) ||
    CLOSES_A_NAME.test(text.slice(at + token.length, at + token.length + 3))
  );
}

function written(text: string, places: readonly Place[]): string {
  let result = '';
  let end = 0;
  for (const { at, name, pseudonym } of places) {
    result += text.slice(end, at) + pseudonym;
    end = at + name.length;
  }
  return result + text.slice(end);
}
