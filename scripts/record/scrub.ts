import { canonical } from '../../simulator/cluster/deployments.ts';
import { readSandboxText } from '../../src/calico/signature.ts';
import { projectEvent } from '../../src/cluster/projection/event.ts';
import { type Raw, record, strings, text } from '../../src/cluster/projection/raw.ts';
import { classifyPull } from '../../src/health/image.ts';
import { createMaskIdentifiers } from './identifiers.ts';
import { isNodeLabel, keepsLabelKey, keepsLabelValue } from './labels.ts';
import { createPseudonyms, REAL_NAMES } from './pseudonyms.ts';
import type { Recorded } from './resources.ts';
import { createMaskSecrets } from './secrets.ts';
import { keepShape, type Visit } from './shape.ts';
import { ENDING, SHAPES, TEMPLATE } from './shapes.ts';
import { createStandIns } from './stand-ins.ts';
import { learnVocabulary } from './vocabulary.ts';

export interface ScrubOptions {
  /** Namespaces, workloads, pods, nodes and all else that people give names to get others. */
  readonly pseudonyms: boolean;
  /** Names of registries and other hosts stay. */
  readonly keepHosts: boolean;
  /** Credentials that are known, such as the recorder's own. */
  readonly secrets: readonly string[];
}

/** Makes objects fit for strangers; the same text becomes the same text in all of them. */
export interface Scrubber {
  readonly object: (resource: Recorded, object: Raw) => Raw;
  readonly name: (name: string) => string;
  /** Words of an API server. */
  readonly text: (words: string) => string;
}

/** Stands where something was that is nobody's business. */
const LEFT_OUT = 'redacted';

/** What the gate reads, and what the simulator needs to go on. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  'cni.projectcalico.org/containerID',
  'cni.projectcalico.org/podIP',
  'cni.projectcalico.org/podIPs',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
  'kubernetes.io/config.mirror',
]);
/** Tells templates apart that differ in nothing that was recorded. */
export const TEMPLATE_ANNOTATION = 'recording/template';

/** Ends whose message is the runtime's; of all others it is whatever the program wrote. */
const RUNTIME_ENDS: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/** A hook's event holds its command and what that wrote. */
const HOOK_REASONS: ReadonlySet<string> = new Set(['FailedPostStartHook', 'FailedPreStopHook']);
const PROBE_RESULT = /^(\w+ probe (?:failed|errored|error|warning)[\w ]*: )([\s\S]*)$/;
/** The kubelet's probers' own words (`pkg/probe`); anything else is the output of a command. */
const PROBERS_WORDS =
  /^(?:HTTP probe failed|Get "|dial |rpc error|timeout:|command timed out|service unhealthy|error: |context deadline|failed to |read |write |EOF|calico\/node is not ready)/;

/** `objects`: all that will be scrubbed. */
export function createScrubber(
  objects: readonly (readonly [Recorded, Raw])[],
  { pseudonyms: wanted, keepHosts, secrets }: ScrubOptions,
): Scrubber {
  const secret = createStandIns((number) => `${LEFT_OUT}${number}`);
  const hexId = createStandIns((number, id) => number.toString(16).padStart(id.length, '0'));
  const maskSecrets = createMaskSecrets({ secret, hexId }, secrets);
  const { uids, hosts, names, placementLabels } = learnVocabulary(objects, maskSecrets);
  const maskIdentifiers = createMaskIdentifiers({ uids, hosts: keepHosts ? new Set() : hosts });
  const known = new Map<string, string>();
  const clean = (word: string): string => {
    const before = known.get(word);
    if (before !== undefined) return before;
    const after = maskIdentifiers(maskSecrets(word));
    known.set(word, after);
    return after;
  };
  const pseudonyms = wanted
    ? createPseudonyms(new Map([...names].map(([real, kinds]) => [clean(real), kinds] as const)))
    : REAL_NAMES;
  const templates = createStandIns((number) => String(number));

  const name = (value: string): string => pseudonyms.ofName(clean(value));
  const words = (value: string, reason = ''): string =>
    pseudonyms.inText(clean(value), (said) => meaningOf(said, reason));
  const label = (key: string, value: string): string =>
    wanted && !keepsLabelValue(key, value) ? name(value) : clean(value);
  const labels = (value: unknown, isKept: (key: string) => boolean = () => true): Raw =>
    Object.fromEntries(
      Object.entries(record(value))
        .filter(([key, entry]) => isKept(key) && typeof entry === 'string')
        .map(([key, entry]) => [wanted && !keepsLabelKey(key) ? name(key) : clean(key), label(key, text(entry))]),
    );

  const visit: Visit = (treatment, value, parent) => {
    switch (treatment) {
      case 'labels':
      case 'node-selector':
        return labels(value);
      case 'node-labels':
        return labels(value, (key) => isNodeLabel(key) || placementLabels.has(key));
      case 'requirement': {
        const { key, operator, values } = record(value);
        const said = text(key);
        return {
          key: wanted && !keepsLabelKey(said) ? name(said) : clean(said),
          operator: clean(text(operator)),
          ...(values === undefined ? {} : { values: strings(values).map((entry) => label(said, entry)) }),
        };
      }
      case 'annotations':
        return Object.fromEntries(
          Object.entries(record(value))
            .filter(([key]) => ANNOTATIONS.has(key))
            .map(([key, entry]) => [key, clean(text(entry))]),
        );
      case 'template':
        return templateOf(value);
      case 'ending':
        return endingOf(record(value));
      case 'blank':
        return blank(value);
      default:
        return scalar(value, (said) => {
          switch (treatment) {
            case 'word':
              return clean(said);
            case 'text':
              return words(said);
            case 'event-message':
              return messageOf(parent, said);
            case 'image':
              // In quotes, as events name it: the two must stay the same.
              return words(`"${said}"`).slice(1, -1);
            case 'path':
              return words(said.replace(/[?#][\s\S]*$/, ''));
            default:
              return name(said);
          }
        });
    }
  };

  const templateOf = (value: unknown): unknown => {
    const { metadata, ...rest } = record(value);
    const { 'pod-template-hash': _hash, ...withoutHash } = record(record(metadata).labels);
    const whole = canonical({ ...rest, metadata: { ...record(metadata), labels: withoutHash } });
    const kept = record(keepShape(TEMPLATE, value, visit));
    const { annotations, ...others } = record(kept.metadata);
    return {
      ...kept,
      metadata: { ...others, annotations: { ...record(annotations), [TEMPLATE_ANNOTATION]: templates(whole) } },
    };
  };
  const endingOf = (end: Raw): unknown => {
    const kept = record(keepShape(ENDING, end, visit));
    const said = typeof end.message === 'string' ? end.message : '';
    if (said === '') return kept;
    return { ...kept, message: RUNTIME_ENDS.has(text(end.reason)) ? words(said) : LEFT_OUT };
  };
  const messageOf = (event: Raw, said: string): string => {
    const reason = text(event.reason);
    // What nothing is decided from is not worth the risk.
    if (said === '' || projectEvent(event, 0) === null || HOOK_REASONS.has(reason)) return '';
    const [, beginning = '', result = ''] = (reason === 'Unhealthy' && PROBE_RESULT.exec(said)) || [];
    if (beginning !== '' && !PROBERS_WORDS.test(result)) return beginning + LEFT_OUT;
    return words(said, reason);
  };

  return {
    object: (resource, object) => record(keepShape(SHAPES[resource], object, visit)),
    name,
    text: (said) => words(said),
  };
}

function scalar(value: unknown, treat: (said: string) => string): unknown {
  if (typeof value === 'string') return treat(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** Only that there was something. */
function blank(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [LEFT_OUT];
  return typeof value === 'string' && value !== '' ? LEFT_OUT : undefined;
}

/** Everything that the gate reads from the words of an event or a status. */
function meaningOf(said: string, reason: string): string {
  const { cause, verb, plugin, killedUid } = readSandboxText(said, reason);
  return JSON.stringify([cause, verb, plugin, killedUid, classifyPull(said)]);
}
