import type { Container, PodSpec, Probe, Volume } from '../objects.ts';
import type { ClusterContext, ProgramSource } from './context.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';

/** What the containers of an image do, from pulling to ending. What is left out goes well. */
export interface Program {
  /** Default `present`: the image is on the node already. */
  readonly pull?:
    | 'present'
    | 'missing'
    | 'unauthorized'
    | 'registry-down'
    | 'invalid-name'
    | 'never'
    | { readonly tookMs: number }
    /** Fails in these words. */
    | { readonly error: string };
  /** `no-such-command`: the runtime cannot start it (StartError, exit 128). */
  readonly start?: 'ok' | 'no-such-command';
  /** It ends by itself after a while; `times`: only so often, then it goes on. */
  readonly exits?: {
    readonly code: number;
    readonly afterMs: number;
    readonly reason?: string;
    readonly times?: number;
    readonly message?: string;
  };
  /** From its start to its first passed readiness probe. */
  readonly readyAfterMs?: number | 'never';
  /** From its start to its first passed startup probe. */
  readonly startedAfterMs?: number | 'never';
  /** Ready for `readyMs`, then not ready for `notReadyMs`, and so on. */
  readonly flips?: { readonly readyMs: number; readonly notReadyMs: number };
  /** From SIGTERM to its end; longer than the grace period means killed (exit 137). */
  readonly stopMs?: number;
  readonly log?: readonly string[];
}

/** Why a workload's pods do, or do not, become ready. */
export type Behaviour =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'slow'; readonly readyAfterMs: number }
  | { readonly kind: 'imageMissing' }
  | { readonly kind: 'imageUnauthorized' }
  | { readonly kind: 'registryDown' }
  | { readonly kind: 'invalidImage' }
  | { readonly kind: 'imageNeverPull' }
  | { readonly kind: 'slowImage'; readonly tookMs: number }
  | {
      readonly kind: 'crash';
      readonly exitCode?: number;
      readonly afterMs?: number;
      readonly times?: number;
      readonly log?: readonly string[];
      readonly message?: string;
    }
  | { readonly kind: 'oom'; readonly afterMs?: number }
  | { readonly kind: 'startError' }
  | { readonly kind: 'missingSecret'; readonly as?: 'env' | 'volume'; readonly name?: string }
  | { readonly kind: 'missingConfigMap'; readonly as?: 'env' | 'volume'; readonly name?: string }
  | { readonly kind: 'neverReady' }
  | { readonly kind: 'neverStarted' }
  | { readonly kind: 'flips'; readonly readyMs: number; readonly notReadyMs: number }
  | { readonly kind: 'initCrash'; readonly exitCode?: number }
  | { readonly kind: 'readinessGate'; readonly conditionType?: string }
  | { readonly kind: 'unschedulable' }
  | { readonly kind: 'gated' }
  | { readonly kind: 'finalizer'; readonly name?: string }
  | { readonly kind: 'slowToStop'; readonly stopMs: number }
  | { readonly kind: 'completes'; readonly afterMs?: number };

export type BehaviourSource =
  | Behaviour
  | ((pod: { readonly name: string; readonly namespace: string; readonly node: string }) => Behaviour);

/** A name that a test chooses when it has no better one. */
const ABSENT = 'nope';

/** What the main container does. Behaviours that the pod's spec expresses run a healthy program. */
export function programOf(behaviour: Behaviour): Program {
  switch (behaviour.kind) {
    case 'healthy':
    case 'missingSecret':
    case 'missingConfigMap':
    case 'initCrash':
    case 'readinessGate':
    case 'unschedulable':
    case 'gated':
    case 'finalizer':
      return {};
    case 'slow':
      return { readyAfterMs: behaviour.readyAfterMs };
    case 'imageMissing':
      return { pull: 'missing' };
    case 'imageUnauthorized':
      return { pull: 'unauthorized' };
    case 'registryDown':
      return { pull: 'registry-down' };
    case 'invalidImage':
      return { pull: 'invalid-name' };
    case 'imageNeverPull':
      return { pull: 'never' };
    case 'slowImage':
      return { pull: { tookMs: behaviour.tookMs } };
    case 'crash':
      return {
        exits: {
          code: behaviour.exitCode ?? 1,
          afterMs: behaviour.afterMs ?? 300,
          ...(behaviour.times === undefined ? {} : { times: behaviour.times }),
          ...(behaviour.message === undefined ? {} : { message: behaviour.message }),
        },
        log: behaviour.log ?? ['panic: cannot reach the database', 'goroutine 1 [running]:', 'main.main()'],
      };
    case 'oom':
      return { exits: { code: 137, afterMs: behaviour.afterMs ?? 2000, reason: 'OOMKilled' } };
    case 'startError':
      return { start: 'no-such-command' };
    case 'neverReady':
      return { readyAfterMs: 'never' };
    case 'neverStarted':
      return { startedAfterMs: 'never', readyAfterMs: 'never' };
    case 'flips':
      return { flips: { readyMs: behaviour.readyMs, notReadyMs: behaviour.notReadyMs } };
    case 'slowToStop':
      return { stopMs: behaviour.stopMs };
    case 'completes':
      return { exits: { code: 0, afterMs: behaviour.afterMs ?? 1000 } };
  }
}

/** The program of an image whose behaviour is given for all pods, or for each one. */
export function programSource(behaviour: BehaviourSource): ProgramSource {
  return typeof behaviour === 'function' ? (pod) => programOf(behaviour(pod)) : programOf(behaviour);
}

/** Secrets and ConfigMaps that a behaviour leaves out: `secrets/nope`. */
export function missingOf(behaviour: Behaviour): string | undefined {
  if (behaviour.kind === 'missingSecret') return `secrets/${behaviour.name ?? ABSENT}`;
  if (behaviour.kind === 'missingConfigMap') return `configmaps/${behaviour.name ?? ABSENT}`;
  return undefined;
}

/** Finalizers of the pods, if the behaviour needs them. */
export function finalizersOf(behaviour: Behaviour): readonly string[] {
  return behaviour.kind === 'finalizer' ? [behaviour.name ?? 'example.com/keep'] : [];
}

function withFirst(spec: PodSpec, change: (container: Container) => Container): PodSpec {
  const [first, ...rest] = spec.containers;
  return first ? { ...spec, containers: [change(first), ...rest] } : spec;
}

function referring(spec: PodSpec, kind: 'secret' | 'configMap', as: 'env' | 'volume', name: string): PodSpec {
  if (as === 'env') {
    const key = { name, key: 'k' };
    const valueFrom = kind === 'secret' ? { secretKeyRef: key } : { configMapKeyRef: key };
    return withFirst(spec, (container) => ({
      ...container,
      env: [...(container.env ?? []), { name: 'X', valueFrom }],
    }));
  }
  const volume: Volume =
    kind === 'secret'
      ? { name: 'v', secret: { secretName: name, defaultMode: 420 } }
      : { name: 'v', configMap: { name, defaultMode: 420 } };
  return {
    ...withFirst(spec, (container) => ({
      ...container,
      volumeMounts: [...(container.volumeMounts ?? []), { name: 'v', mountPath: '/v' }],
    })),
    volumes: [volume, ...(spec.volumes ?? [])],
  };
}

/** The pod spec that expresses a behaviour; most need none. `initImage` is what a crashing init container runs. */
export function specFor(behaviour: Behaviour, spec: PodSpec, initImage: string): PodSpec {
  switch (behaviour.kind) {
    case 'missingSecret':
      return referring(spec, 'secret', behaviour.as ?? 'env', behaviour.name ?? ABSENT);
    case 'missingConfigMap':
      return referring(spec, 'configMap', behaviour.as ?? 'volume', behaviour.name ?? ABSENT);
    case 'readinessGate':
      return { ...spec, readinessGates: [{ conditionType: behaviour.conditionType ?? 'example.com/lb' }] };
    case 'unschedulable':
      return withFirst(spec, (container) => ({ ...container, resources: { requests: { cpu: '64' } } }));
    case 'gated':
      return { ...spec, schedulingGates: [{ name: 'example.com/wait' }] };
    case 'initCrash':
      return {
        ...spec,
        initContainers: [
          {
            name: 'prepare',
            image: initImage,
            command: ['/agent', 'exit'],
            resources: {},
            imagePullPolicy: 'IfNotPresent',
          },
        ],
      };
    case 'imageNeverPull':
      return withFirst(spec, (container) => ({ ...container, imagePullPolicy: 'Never' }));
    case 'invalidImage':
      return withFirst(spec, (container) => ({ ...container, image: 'Not/Valid:Image:x' }));
    case 'neverReady':
    case 'slow':
    case 'flips':
      return withFirst(spec, (container) => ({
        ...container,
        readinessProbe: container.readinessProbe ?? httpProbe(2, 3),
      }));
    case 'neverStarted':
      return withFirst(spec, (container) => ({
        ...container,
        startupProbe: container.startupProbe ?? httpProbe(2, 100),
      }));
    default:
      return spec;
  }
}

/** An httpGet probe with the server's defaults filled in. */
export function httpProbe(periodSeconds: number, failureThreshold: number): Probe {
  return {
    httpGet: { path: '/', port: 8080, scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds,
    successThreshold: 1,
    failureThreshold,
  };
}

/** Why an image cannot be pulled, in containerd's words. */
export function pullError(pull: 'missing' | 'unauthorized' | 'registry-down', image: string): string {
  const [host = '', ...path] = image.split('/');
  const [repository = '', tag = 'latest'] = path.join('/').split(':');
  const resolving = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": `;
  switch (pull) {
    case 'missing':
      return `rpc error: code = NotFound desc = ${resolving}${image}: not found`;
    case 'unauthorized':
      return `${resolving}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`;
    case 'registry-down':
      return `${resolving}failed to do request: Head "https://${host}/v2/${repository}/manifests/${tag}": dial tcp 203.0.113.9:443: connect: connection refused`;
  }
}

/** What a container does now; asked anew at every attempt, so that a behaviour can change. */
export function programFor(context: ClusterContext, run: PodRun, container: ContainerRun): Program {
  const { image, name } = container.spec;
  if (container.program) return container.program;
  const source = context.programs.get(`${image}#${name}`) ?? context.programs.get(image) ?? {};
  const program =
    typeof source === 'function' ? source({ name: run.name, namespace: run.namespace, node: run.node.name }) : source;
  return container.role === 'init' && !program.exits ? { ...program, exits: { code: 0, afterMs: 200 } } : program;
}
