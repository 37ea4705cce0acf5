import type { Cause, Stage } from './assessment.ts';
import type { CauseFacts } from './cause-facts.ts';

const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;

const ON_THE_WAY_IN_OR_OUT: readonly Stage[] = ['sandbox', 'terminating'];

/** A plugin that cannot reach what it needs: a boot or a roll-out of the network passes within this time. */
const NETWORK_MS = 3 * MINUTES;
/** What somebody else delivers late: secrets of an operator, a registry, an autoscaler's node, a volume. */
const OTHERS_MS = 5 * MINUTES;

const DESCRIBE = 'run "kubectl describe pod -n {namespace} {pod}"';
const PREVIOUS_LOGS = 'read "kubectl logs -n {namespace} {pod} --previous"';

/** Every cause, worst first: what explains most of the others, then what is most certain not to heal by waiting. */
export const CAUSES: Readonly<Record<Cause, CauseFacts>> = {
  CalicoUnauthorized: {
    title: "Calico's token is rejected on its node",
    means:
      "Calico's CNI plugin on the node holds a token that the API server no longer accepts, so no pod there gets or gives back its network.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: 'calicoPatienceMs',
    advice:
      'restart the calico-node pod of node {node}: let the gate do it with restart-calico-node, or delete that pod by hand',
  },
  NodeNotReady: {
    title: 'its node is not ready',
    means:
      'The node does not report, or reports that it cannot run pods; what its pods last said about themselves is stale.',
    stages: ['node'],
    patience: OTHERS_MS,
    advice: 'look at node {node}: "kubectl describe node {node}", its kubelet and its machine',
  },
  CalicoForbidden: {
    title: 'Calico lacks a permission',
    means:
      "The API server knows the user of Calico's CNI plugin and forbids what it asks for; a restart does not help.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice:
      "restore Calico's ClusterRole and ClusterRoleBinding for the user that the message names (apply Calico's manifest again)",
  },
  CniCertificate: {
    title: 'the CNI plugin does not trust the API server',
    means: 'The CNI plugin and the API server disagree about a certificate: its issuer, its name or its dates.',
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice:
      "compare the API server's certificate and its CA with the plugin's kubeconfig on node {node}, and check the node's clock",
  },
  CniProxy: {
    title: 'a proxy stands between the CNI plugin and the API server',
    means: "The CNI plugin's requests go through an HTTP proxy that refuses them.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice:
      'add the service network and the API server to NO_PROXY of the container runtime and the kubelet on node {node}',
  },
  CniApiUnreachable: {
    title: 'the CNI plugin cannot reach the API server',
    means: "The CNI plugin's requests to the API server end without an answer.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'check from node {node} that the API server answers at the address in the message, and kube-proxy there',
  },
  CalicoNodeDown: {
    title: 'calico-node has not come up on its node',
    means: 'The CNI plugin waits for a file that calico-node writes when it starts on the node.',
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'find out why calico-node on node {node} does not start: read its logs and those of its install-cni',
  },
  CalicoNotReady: {
    title: "Calico's datastore is locked or not set up",
    means:
      "Calico's ClusterInformation says that its datastore may not be used yet (datastoreReady is not true): a migration has locked it, or calico-node has not set it up. A restart does not help.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice:
      'look at "kubectl get clusterinformations default -o yaml" (datastoreReady); a migration unlocks it with "calicoctl datastore migrate unlock"',
  },
  IpamExhausted: {
    title: 'no address is left for it',
    means: 'The pools that pods get their addresses from have none left.',
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'add an address pool, or release leaked addresses ("calicoctl ipam check")',
  },
  OtherPluginUnauthorized: {
    title: "another CNI plugin's token is rejected",
    means:
      'The API server rejects the token of a CNI plugin that is not known to be Calico; restarting calico-node does not help.',
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'restart the agent of the plugin that the message names on node {node}',
  },
  CniError: {
    title: 'its network cannot be set up',
    means: 'A CNI plugin reports an error.',
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'look up the error in the documentation of the CNI plugin on node {node}',
  },
  SandboxError: {
    title: 'its sandbox cannot be made',
    means: 'The container runtime cannot make or remove the sandbox that all containers of the pod share.',
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'look at the container runtime on node {node}; the message has its words',
  },
  OutOfMemory: {
    title: 'it runs out of memory',
    means: 'The kernel killed a container because it used more memory than its limit.',
    stages: ['crash'],
    patience: 'second end',
    advice: 'raise the memory limit of the container that the message names, or find out what it needs the memory for',
  },
  CrashLoop: {
    title: 'it keeps crashing',
    means: 'A container ends again and again; the kubelet waits longer before each restart.',
    stages: ['crash'],
    patience: 'third end',
    advice: PREVIOUS_LOGS,
  },
  InitCrash: {
    title: 'an init container keeps failing',
    means: 'An init container ends with an error again and again, and the pod cannot start before it succeeds.',
    stages: ['crash'],
    patience: 'third end',
    advice: 'read "kubectl logs -n {namespace} {pod} --previous -c" with the init container that the message names',
  },
  Failed: {
    title: 'it failed',
    means: 'It ended with an error and nothing will run it again.',
    stages: ['crash'],
    patience: 'at once',
    advice: 'read the logs of {owner} in namespace {namespace}, correct it and create it anew',
  },
  StartError: {
    title: 'a container cannot be started',
    means: 'The container runtime has the image and cannot start the program in it.',
    stages: ['start'],
    patience: 2 * MINUTES,
    advice: 'check command, args, working directory and file permissions of the container against its image',
  },
  InvalidImage: {
    title: 'its image name is invalid',
    means: 'The name of the image is not one that a registry could have.',
    stages: ['image'],
    patience: 'at once',
    advice: 'correct the image name in {owner}',
  },
  ImageNotFound: {
    title: 'its image does not exist',
    means: 'The registry answers, and has no such image, tag or platform (or the node has none and may not pull).',
    stages: ['image'],
    patience: 30 * SECONDS,
    advice: 'check that the image was pushed, and its tag and platform in {owner}',
  },
  ImageUnauthorized: {
    title: 'its image may not be pulled',
    means:
      'The registry refuses the credentials, or there are none; many registries also say so when there is no such image.',
    stages: ['image'],
    patience: 60 * SECONDS,
    advice: 'check the name of the image and the imagePullSecrets of {owner} and of its service account',
  },
  InvalidConfig: {
    title: 'its container settings are refused',
    means: 'The kubelet refuses to create the container as it is described.',
    stages: ['config'],
    patience: 30 * SECONDS,
    advice: 'correct what the message names in {owner}',
  },
  MissingConfig: {
    title: 'a Secret or ConfigMap that it needs is missing',
    means: 'A container takes settings from a Secret, a ConfigMap or a key of one that does not exist (yet).',
    stages: ['config'],
    patience: OTHERS_MS,
    advice: 'create what the message names in namespace {namespace}',
  },
  VolumeMissing: {
    title: 'something that it mounts is missing',
    means: 'A volume is made from a Secret, a ConfigMap, a claim or a key that does not exist (yet).',
    stages: ['volumes'],
    patience: OTHERS_MS,
    advice: 'create what the message names in namespace {namespace}',
  },
  VolumeAttach: {
    title: 'a volume cannot be attached to its node',
    means: 'The storage driver cannot attach a volume, often because another node still has it.',
    stages: ['volumes'],
    patience: OTHERS_MS,
    advice:
      'look where the volume is attached: "kubectl get volumeattachments"; a pod that still uses it must end first',
  },
  VolumeMount: {
    title: 'a volume cannot be mounted',
    means: 'The kubelet cannot mount a volume on the node.',
    stages: ['volumes'],
    patience: OTHERS_MS,
    advice: 'look at the storage driver on node {node} and at the volume that the message names',
  },
  RegistryUnavailable: {
    title: 'its registry does not answer',
    means: 'The registry of the image cannot be reached, limits requests or fails.',
    stages: ['image'],
    patience: OTHERS_MS,
    advice: 'check from node {node} that the registry in the message answers, and its rate limits',
  },
  ImageError: {
    title: 'its image cannot be pulled',
    means: 'The kubelet cannot get the image, for a reason that is none of the known ones.',
    stages: ['image'],
    patience: OTHERS_MS,
    advice: DESCRIBE,
  },
  CreateRefused: {
    title: 'its pods may not be created',
    means: 'A quota, an admission webhook or a policy refuses the pods of the workload.',
    stages: ['workload'],
    patience: 60 * SECONDS,
    advice: 'change the quota or policy that the message names, or what {owner} asks for',
  },
  Unschedulable: {
    title: 'no node can take it',
    means: 'The scheduler finds no node with what the pod asks for.',
    stages: ['scheduling'],
    patience: OTHERS_MS,
    advice:
      'compare what {owner} asks for (resources, affinity, tolerations, volumes) with the nodes; the message counts why each is out',
  },
  SchedulerSilent: {
    title: 'no scheduler looks at it',
    means: 'The pod has no node and no scheduler has said anything about it.',
    stages: ['scheduling'],
    patience: NETWORK_MS,
    advice: 'check that the scheduler that its schedulerName asks for runs',
  },
  ProgressDeadline: {
    title: 'its roll-out makes no progress',
    means: 'The Deployment controller saw no progress for progressDeadlineSeconds.',
    stages: ['workload'],
    patience: 'at once',
    advice: 'look at the newest pods of {owner}: "kubectl get pods -n {namespace}"',
  },
  TooFewPods: {
    title: 'there are too few pods',
    means: 'Fewer pods are in scope than min-pods, or a namespace of the scope does not exist.',
    stages: ['workload'],
    patience: 'tooFewPodsMs',
    advice: 'check namespaces and selector of the gate, and whether the deploy happened',
  },
  Unknown: {
    title: 'it is not ready for a reason that is not known here',
    means: 'The cluster gives a reason that is in none of the tables; the message has it in full.',
    stages: [
      'scheduling',
      'sandbox',
      'volumes',
      'image',
      'config',
      'start',
      'crash',
      'probe',
      'gate',
      'node',
      'workload',
    ],
    patience: NETWORK_MS,
    advice: DESCRIBE,
  },
  SandboxSilent: {
    title: 'it waits for its sandbox',
    means: 'The pod has a node and no sandbox there, and no event says why.',
    stages: ['sandbox'],
    patience: 'deadline',
    advice: 'look at the kubelet and the container runtime on node {node}; events may have expired or be disabled',
  },
  NotStarted: {
    title: 'it has not finished starting',
    means: 'A container is being created, an init container runs, or a startup probe has not passed.',
    stages: ['probe'],
    patience: 'deadline',
    advice: 'compare how long it takes to start with its startup probe, and read "kubectl logs -n {namespace} {pod}"',
  },
  NotReady: {
    title: 'it runs and is not ready',
    means: 'Its containers run, and a readiness probe does not pass.',
    stages: ['probe'],
    patience: 'deadline',
    advice: 'try what the readiness probe asks, and read "kubectl logs -n {namespace} {pod}"',
  },
  ReadinessGate: {
    title: 'a readiness gate is closed',
    means: 'Its containers are ready, and a condition that somebody else must set is not True.',
    stages: ['gate'],
    patience: 'deadline',
    advice: 'look at the controller that sets the condition in the message (often that of a load balancer)',
  },
  SchedulingGated: {
    title: 'its scheduling is held back',
    means: 'The pod has scheduling gates that somebody else must remove.',
    stages: ['scheduling'],
    patience: 'deadline',
    advice: 'look at the controller that owns the scheduling gates of the pod',
  },
  NotRolledOut: {
    title: 'it is not rolled out',
    means: 'Its controller has not carried out the newest specification.',
    stages: ['workload'],
    patience: 'deadline',
    advice: 'run "kubectl describe -n {namespace} {owner}"',
  },
  StuckTerminating: {
    title: 'it does not go away',
    means: 'The pod was deleted, its time is over, and something keeps it.',
    stages: ['terminating'],
    patience: 'never',
    advice: 'look at its finalizers and at the kubelet of node {node}',
  },
};

/** What a restart of calico-node can cure. Everything else that resembles it is a look-alike. */
export const CURED_BY_RESTART: readonly Cause[] = ['CalicoUnauthorized'];
