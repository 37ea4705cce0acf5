import { isIP } from 'node:net';
import { isRecord } from '../../src/cluster/body.ts';
import { type Raw, record, records, strings, text } from '../../src/cluster/projection/raw.ts';
import { hostsIn, isTelling, registryOf } from './hosts.ts';
import { keepsLabelKey, keepsLabelValue } from './labels.ts';
import type { NamedThings } from './pseudonyms.ts';
import type { Recorded } from './resources.ts';
import type { MaskSecrets } from './secrets.ts';
import { keepShape, type NameKind, type Treatment, type Visit } from './shape.ts';
import { SHAPES, TEMPLATE } from './shapes.ts';

/** What has to be known of all objects before the first of them can be treated. */
export interface Vocabulary {
  /** Of the objects, their owners, and what events are about. */
  readonly uids: ReadonlySet<string>;
  /** Registries, and hosts in the words of clients, that tell whose cluster this is. */
  readonly hosts: ReadonlySet<string>;
  /** Every name that somebody chose, and all that is called so. */
  readonly names: NamedThings;
  /** Labels of nodes that pods are placed by. */
  readonly placementLabels: ReadonlySet<string>;
}

/** `mask` goes first over everything that is looked at: what is secret is no host. */
export function learnVocabulary(objects: Iterable<readonly [Recorded, Raw]>, mask: MaskSecrets): Vocabulary {
  const uids = new Set<string>();
  const hosts = new Set<string>();
  const names = new Map<string, Set<NameKind>>();
  const placementLabels = new Set<string>();
  const nodes = new Set<string>();

  const learnName = (kind: NameKind, value: string): void => {
    const name = value.replace(/-$/, '');
    if (name === '') return;
    const kinds = names.get(name);
    if (kinds === undefined) names.set(name, new Set([kind]));
    else kinds.add(kind);
  };
  const learnHosts = (words: unknown): void => {
    if (typeof words === 'string') for (const host of hostsIn(mask(words))) hosts.add(host);
  };
  const learnImage = (image: string): void => {
    const registry = registryOf(image);
    if (registry !== null) hosts.add(registry);
    for (const folder of foldersOf(image)) learnName('image', folder);
  };
  const learnLabels = (value: unknown): void => {
    for (const [key, label] of Object.entries(record(value))) {
      if (!keepsLabelKey(key)) learnName('label', key);
      if (typeof label === 'string' && !keepsLabelValue(key, label)) learnName('label', label);
    }
  };

  const visit: Visit = (treatment: Treatment, value: unknown): unknown => {
    switch (treatment) {
      case 'labels':
      case 'node-labels':
        learnLabels(value);
        return undefined;
      case 'node-selector':
        for (const key of Object.keys(record(value))) placementLabels.add(key);
        learnLabels(value);
        return undefined;
      case 'requirement': {
        const { key, values } = record(value);
        placementLabels.add(text(key));
        for (const label of strings(values)) learnLabels({ [text(key)]: label });
        return undefined;
      }
      case 'template':
        keepShape(TEMPLATE, value, visit);
        return undefined;
      case 'address':
        if (typeof value !== 'string' || isIP(value) !== 0) return undefined;
        if (value.includes('.') && !nodes.has(value) && isTelling(value)) hosts.add(value);
        else learnName('node', value);
        return undefined;
      case 'annotations':
      case 'blank':
      case 'path':
      case 'word':
        return undefined;
      case 'ending':
        learnHosts(record(value).message);
        return undefined;
      case 'text':
      case 'event-message':
        learnHosts(value);
        return undefined;
      case 'image':
        learnImage(mask(text(value)));
        return undefined;
      default:
        learnName(kindOf(treatment), text(value));
        return undefined;
    }
  };

  for (const [resource, object] of objects) {
    const { uid, name, ownerReferences } = record(object.metadata);
    for (const known of [
      uid,
      record(object.involvedObject).uid,
      ...records(ownerReferences).map((owner) => owner.uid),
    ]) {
      if (typeof known === 'string') uids.add(known);
    }
    if (resource === 'nodes') nodes.add(text(name));
    if (isRecord(object)) keepShape(SHAPES[resource], object, visit);
  }
  for (const node of nodes) hosts.delete(node);
  return { uids, hosts, names, placementLabels };
}

function kindOf(treatment: `name:${NameKind}`): NameKind {
  return treatment.slice('name:'.length) as NameKind;
}

/** `acme` and `web` of `registry.example/acme/web:1`. */
function foldersOf(image: string): readonly string[] {
  if (image.startsWith('sha256:')) return [];
  const parts =
    image
      .replace(/^[a-z-]+:\/\//, '')
      .split('@')[0]
      ?.split('/') ?? [];
  const folders = parts.length > 1 && /[.:]/.test(parts[0] ?? '') ? parts.slice(1) : parts;
  return folders.map((folder) => folder.split(':')[0] ?? '');
}
