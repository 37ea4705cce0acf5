import { MINUTE, SECOND } from '../builders.ts';
import { AT_ONCE, podWaiting, type Row, testRows } from './ladder-rows.ts';

const PULL = 'failed to pull and unpack image "r/app:1": ';

const imagesAndConfig: readonly Row[] = [
  {
    when: 'its image name is invalid',
    pod: podWaiting('InvalidImageName', 'invalid reference format: repository name must be lowercase'),
    stage: 'image',
    cause: 'InvalidImage',
    fatalAfterMs: AT_ONCE,
    message: 'container app: InvalidImageName: invalid reference format',
  },
  {
    when: 'its image must not be pulled and is not there',
    pod: podWaiting('ErrImageNeverPull', 'Container image is not present with pull policy of Never'),
    stage: 'image',
    cause: 'ImageNotFound',
    fatalAfterMs: AT_ONCE,
    message: 'pull policy of Never',
  },
  {
    when: 'the signature of its image does not verify',
    pod: podWaiting('SignatureValidationFailed', 'no valid signature'),
    stage: 'image',
    cause: 'ImageError',
    fatalAfterMs: AT_ONCE,
    message: 'no valid signature',
  },
  {
    when: 'its image does not exist',
    pod: podWaiting('ErrImagePull', `${PULL}r/app:1: not found`),
    stage: 'image',
    cause: 'ImageNotFound',
    fatalAfterMs: 30 * SECOND,
    message:
      'container app: image registry.example/app:1: failed to pull and unpack image "r/app:1": r/app:1: not found',
  },
  {
    when: 'its image may not be pulled',
    pod: podWaiting('ImagePullBackOff', `Back-off pulling image "r/app:1": ErrImagePull: ${PULL}401 Unauthorized`),
    stage: 'image',
    cause: 'ImageUnauthorized',
    fatalAfterMs: 60 * SECOND,
    message: '401 Unauthorized',
  },
  {
    when: 'its registry does not answer',
    pod: podWaiting('ErrImagePull', `${PULL}dial tcp 10.0.0.1:443: i/o timeout`),
    stage: 'image',
    cause: 'RegistryUnavailable',
    fatalAfterMs: 5 * MINUTE,
    message: 'i/o timeout',
  },
  {
    when: 'the kubelet says that the registry is away',
    pod: podWaiting('RegistryUnavailable', 'service unavailable'),
    stage: 'image',
    cause: 'RegistryUnavailable',
    fatalAfterMs: 5 * MINUTE,
    message: 'service unavailable',
  },
  {
    when: 'an older kubelet backs off without a cause',
    pod: podWaiting('ImagePullBackOff', 'Back-off pulling image "r/app:1"'),
    stage: 'image',
    cause: 'ImageError',
    fatalAfterMs: 5 * MINUTE,
    message: 'ImagePullBackOff: Back-off pulling image',
  },
  {
    when: 'its image cannot be inspected',
    pod: podWaiting('ImageInspectError', 'disk trouble'),
    stage: 'image',
    cause: 'ImageError',
    fatalAfterMs: 2 * MINUTE,
    message: 'disk trouble',
  },
  {
    when: 'a Secret for its environment is missing',
    pod: podWaiting('CreateContainerConfigError', 'secret "nope" not found'),
    stage: 'config',
    cause: 'MissingConfig',
    fatalAfterMs: 5 * MINUTE,
    message: 'container app: secret "nope" not found',
  },
  {
    when: 'a key for its environment is missing',
    pod: podWaiting('CreateContainerConfigError', "couldn't find key k in ConfigMap shop/settings"),
    stage: 'config',
    cause: 'MissingConfig',
    fatalAfterMs: 5 * MINUTE,
    message: "couldn't find key k",
  },
  {
    when: "the kubelet's cache lags behind",
    pod: podWaiting('CreateContainerConfigError', 'failed to sync secret cache: timed out waiting for the condition'),
    stage: 'config',
    cause: 'MissingConfig',
    fatalAfterMs: 3 * MINUTE,
    message: 'failed to sync secret cache',
  },
  {
    when: 'the kubelet refuses its settings',
    pod: podWaiting('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root'),
    stage: 'config',
    cause: 'InvalidConfig',
    fatalAfterMs: 30 * SECOND,
    message: 'runAsNonRoot',
  },
];

testRows('a container that cannot be created', imagesAndConfig);
