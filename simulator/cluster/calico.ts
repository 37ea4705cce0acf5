import type { Container } from '../objects.ts';
import type { DaemonSet, PodTemplate } from '../workload-objects.ts';
import { afterRestart } from './cni.ts';
import { type ClusterContext, newMetadata, nowStamp } from './context.ts';
import type { Kubelet } from './kubelet.ts';
import {
  isReady,
  kubeletOf,
  NODE_READY,
  type NodeModel,
  nodeStamp,
  noteAboutNode,
  withNodeConditions,
} from './nodes.ts';
import { defaultedSpec } from './pod-template.ts';
import type { Program } from './programs.ts';

/** How Calico is installed, and what a restart of it brings. */
export interface CalicoOptions {
  /** Default `calico-system`. */
  readonly namespace?: string;
  /** Default `calico-node`; `canal`, `rke2-canal` or `calico-node-windows` in other installations. */
  readonly daemonSet?: string;
  /** Whether a new calico-node brings a token that works. Default true; can be changed per node with `setRestartCures`. */
  readonly restartCures?: boolean;
  /** How long install-cni takes. Default 700 ms. */
  readonly installMs?: number;
  /** install-cni fails and crash-loops: with this exit code. */
  readonly installExitCode?: number;
  /** From the start of calico-node to Ready; default 900 ms (a real one takes longer). */
  readonly readyAfterMs?: number | 'never';
  /** Default 0, as in the manifest; the operator's is 5. */
  readonly graceSeconds?: number;
  readonly updateStrategy?: 'RollingUpdate' | 'OnDelete';
  /** Policy only: no install-cni, because another CNI does the networking. */
  readonly policyOnly?: boolean;
}

const IMAGE = 'docker.io/calico/node:v3.31.7';
const CNI_IMAGE = 'docker.io/calico/cni:v3.31.7';
const INSTALL = 'install-cni';
const INSTALLER: Program = {
  exits: { code: 0, afterMs: 700 },
  log: ['Unable to create token for CNI kubeconfig error=Unauthorized'],
};
const AGENT: Program = { readyAfterMs: 900 };

function installer(daemonSet: string): Container {
  const windows = daemonSet === 'calico-node-windows';
  return {
    name: INSTALL,
    image: CNI_IMAGE,
    command: ['/opt/cni/bin/install'],
    env: [
      { name: 'SLEEP', value: 'false' },
      { name: 'CNI_CONF_NAME', value: '10-calico.conflist' },
      { name: 'CNI_NET_DIR', value: '/etc/cni/net.d' },
      { name: 'KUBERNETES_NODE_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } },
    ],
    resources: {},
    volumeMounts: [
      { name: 'cni-bin-dir', mountPath: windows ? '/host/etc/cni/bin' : '/host/opt/cni/bin' },
      { name: 'cni-net-dir', mountPath: '/host/etc/cni/net.d' },
    ],
  };
}

function template(options: CalicoOptions, daemonSet: string): PodTemplate {
  const windows = daemonSet === 'calico-node-windows';
  const canal = daemonSet.endsWith('canal');
  const app = canal ? 'canal' : daemonSet;
  const main: readonly Container[] = windows
    ? [
        { name: 'felix', image: IMAGE, command: ['felix.exe'] },
        { name: 'node', image: IMAGE, command: ['node.exe'] },
      ]
    : [
        {
          name: 'calico-node',
          image: IMAGE,
          command: ['/bin/calico-node'],
          readinessProbe: readiness(canal),
        },
        ...(canal
          ? [{ name: 'kube-flannel', image: 'docker.io/flannel/flannel:v0.27.3', command: ['/opt/bin/flanneld'] }]
          : []),
      ];
  return {
    metadata: { labels: { 'k8s-app': app } },
    spec: defaultedSpec({
      volumes: [
        { name: 'cni-bin-dir', hostPath: { path: '/opt/cni/bin', type: 'DirectoryOrCreate' } },
        { name: 'cni-net-dir', hostPath: { path: '/etc/cni/net.d', type: '' } },
      ],
      ...(options.policyOnly ? {} : { initContainers: [installer(daemonSet)] }),
      containers: main,
      terminationGracePeriodSeconds: options.graceSeconds ?? 0,
      hostNetwork: true,
      nodeSelector: { 'kubernetes.io/os': windows ? 'windows' : 'linux' },
      tolerations: [{ operator: 'Exists' }],
      serviceAccountName: 'calico-node',
      serviceAccount: 'calico-node',
      ...(windows
        ? { securityContext: { windowsOptions: { hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM' } } }
        : {}),
    }),
  };
}

function readiness(canal: boolean): NonNullable<Container['readinessProbe']> {
  const command = ['/bin/calico-node', '-felix-ready', ...(canal ? [] : ['-bird-ready'])];
  return { exec: { command }, timeoutSeconds: 10, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
}

/** What the pods of Calico do from their next start on; what is left out goes on as before. */
export interface CalicoChange extends Pick<CalicoOptions, 'installMs' | 'installExitCode' | 'readyAfterMs'> {
  /** Only on this node. */
  readonly node?: string;
}

/** Changes the programs of Calico's images, on one node or on all. */
function learnPrograms(context: ClusterContext, change: CalicoChange): void {
  const { node, installMs, installExitCode, readyAfterMs } = change;
  const learn = (image: string, first: Program, next: (old: Program) => Program): void => {
    const before = context.programs.get(image) ?? first;
    context.programs.set(image, (pod) => {
      const old = typeof before === 'function' ? before(pod) : before;
      return node === undefined || node === pod.node ? next(old) : old;
    });
  };
  learn(CNI_IMAGE, INSTALLER, (old) => ({
    ...old,
    exits: { code: installExitCode ?? old.exits?.code ?? 0, afterMs: installMs ?? old.exits?.afterMs ?? 700 },
  }));
  learn(IMAGE, AGENT, (old) => (readyAfterMs === undefined ? old : { ...old, readyAfterMs }));
}

/** What can be done to an installed Calico. */
export interface CalicoActions {
  /** Installs Calico (once more). */
  readonly installCalico: (options: CalicoOptions) => void;
  /** Changes what its pods do from their next start on, such as an install-cni that fails. */
  readonly changeCalico: (change: CalicoChange) => void;
  /** Changes the template of Calico's DaemonSets, or of those in one namespace: RollingUpdate begins, OnDelete waits. */
  readonly upgradeCalico: (namespace?: string) => void;
}

export function createCalicoActions(context: ClusterContext, createNamespace: (name: string) => void): CalicoActions {
  return {
    installCalico: (options) => {
      createNamespace(options.namespace ?? 'calico-system');
      installCalico(context, options);
      if (options.restartCures === false) for (const node of context.nodes.values()) node.restartCures = false;
    },
    changeCalico: (change) => learnPrograms(context, change),
    upgradeCalico: (namespace) => {
      for (const set of context.database.list('daemonsets', namespace)) {
        if (!set.spec.template.spec.containers.some((container) => container.image === IMAGE)) continue;
        const generation = (set.metadata.generation ?? 1) + 1;
        context.database.put('daemonsets', {
          ...set,
          metadata: {
            ...set.metadata,
            generation,
            annotations: {
              ...set.metadata.annotations,
              'deprecated.daemonset.template.generation': String(generation),
            },
          },
          spec: {
            ...set.spec,
            template: {
              ...set.spec.template,
              metadata: {
                ...set.spec.template.metadata,
                annotations: { 'kubectl.kubernetes.io/restartedAt': nowStamp(context) },
              },
            },
          },
        });
      }
    },
  };
}

/** Puts Calico's DaemonSet into the cluster. Two installations may live side by side. */
function installCalico(context: ClusterContext, options: CalicoOptions): DaemonSet {
  const namespace = options.namespace ?? 'calico-system';
  const name = options.daemonSet ?? 'calico-node';
  const podTemplate = template(options, name);
  learnPrograms(context, options);
  const set: DaemonSet = {
    metadata: newMetadata(context, {
      name,
      namespace,
      labels: podTemplate.metadata.labels ?? {},
      annotations: { 'deprecated.daemonset.template.generation': '1' },
    }),
    spec: {
      selector: { matchLabels: podTemplate.metadata.labels ?? {} },
      template: podTemplate,
      updateStrategy:
        options.updateStrategy === 'OnDelete'
          ? { type: 'OnDelete' }
          : { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    },
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  };
  context.managed.add(set.metadata.uid);
  return context.database.put('daemonsets', set);
}

/** Lets install-cni write what it writes: a fresh token, and the CNI configuration that makes a new node ready. */
export function createCalico(context: ClusterContext, kubelet: Kubelet): void {
  const becomeReady = (node: NodeModel): void => {
    const object = context.database.get('nodes', undefined, node.name);
    if (!object || isReady(object) || !node.alive) return;
    const { taints: _taints, ...spec } = object.spec;
    context.database.put(
      'nodes',
      withNodeConditions({ ...object, spec }, [NODE_READY], nodeStamp(context, node), true),
    );
    noteAboutNode(
      context,
      kubeletOf(node),
      object,
      'Normal',
      'NodeReady',
      `Node ${node.name} status is now: NodeReady`,
    );
  };
  kubelet.onExit((run, container, exitCode) => {
    if (container.spec.name !== INSTALL || exitCode !== 0) return;
    run.node.restarts += 1;
    run.node.token = afterRestart(run.node.token, run.node.restartCures);
    kubelet.after(run, 500, () => becomeReady(run.node));
  });
}
