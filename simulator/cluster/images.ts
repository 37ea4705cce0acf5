import { retryDelayMs } from './cni.ts';
import type { Kubelet } from './kubelet.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';
import { programFor, pullError } from './programs.ts';

/** The kubelet's image back-off: 10 s, doubled up to 5 minutes. */
const BACK_OFF_MS = 10_000;
const BACK_OFF_MAX_MS = 300_000;

/** Gets the image of a container, however long it takes; then calls `present`. */
export type ImagePuller = (run: PodRun, container: ContainerRun, present: () => void) => void;

export function createImagePuller(kubelet: Kubelet): ImagePuller {
  const { context } = kubelet;
  const { random, world } = context;

  const waitWith = (run: PodRun, container: ContainerRun, reason: string, message: string): void => {
    container.state = { waiting: { reason, message } };
    kubelet.report(run);
  };

  /** Tries to pull; then `present`, or back-off and again. */
  const pull = (run: PodRun, container: ContainerRun, failures: number, present: () => void): void => {
    const program = programFor(context, run, container);
    const { image } = container.spec;
    const how = program.pull ?? 'present';
    const retry = (): void =>
      kubelet.after(run, retryDelayMs(random), () => pull(run, container, failures + 1, present));
    if (how === 'present') {
      kubelet.note(run, 'Normal', 'Pulled', `Container image "${image}" already present on machine`, container);
      present();
    } else if (how === 'never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      kubelet.note(run, 'Warning', 'ErrImageNeverPull', message, container);
      kubelet.note(run, 'Warning', 'Failed', 'Error: ErrImageNeverPull', container);
      waitWith(run, container, 'ErrImageNeverPull', message);
      retry();
    } else if (how === 'invalid-name') {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format: repository name (Valid) must be lowercase`;
      kubelet.note(run, 'Warning', 'InspectFailed', message, container);
      kubelet.note(run, 'Warning', 'Failed', 'Error: InvalidImageName', container);
      waitWith(run, container, 'InvalidImageName', message);
      retry();
    } else if (typeof how === 'object' && 'tookMs' in how) {
      kubelet.note(run, 'Normal', 'Pulling', `Pulling image "${image}"`, container);
      kubelet.after(run, how.tookMs, () => {
        const took = `${(how.tookMs / 1000).toFixed(3)}s`;
        kubelet.note(
          run,
          'Normal',
          'Pulled',
          `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: 5755528 bytes.`,
          container,
        );
        present();
      });
    } else {
      kubelet.note(run, 'Normal', 'Pulling', `Pulling image "${image}"`, container);
      kubelet.after(run, random.between(300, 1500), () => {
        const error = typeof how === 'object' ? how.error : pullError(how, image);
        kubelet.note(run, 'Warning', 'Failed', `Failed to pull image "${image}": ${error}`, container);
        kubelet.note(run, 'Warning', 'Failed', 'Error: ErrImagePull', container);
        waitWith(run, container, 'ErrImagePull', error);
        const untilMs = world.nowMs() + Math.min(BACK_OFF_MS * 2 ** failures, BACK_OFF_MAX_MS);
        kubelet.after(run, random.between(800, 1500), () =>
          backOffPull(run, container, failures, error, untilMs, present),
        );
      });
    }
  };

  const backOffPull = (
    run: PodRun,
    container: ContainerRun,
    failures: number,
    error: string,
    untilMs: number,
    present: () => void,
  ): void => {
    if (world.nowMs() >= untilMs) {
      pull(run, container, failures + 1, present);
      return;
    }
    const { image } = container.spec;
    kubelet.note(run, 'Normal', 'BackOff', `Back-off pulling image "${image}"`, container);
    kubelet.note(run, 'Warning', 'Failed', 'Error: ImagePullBackOff', container);
    waitWith(run, container, 'ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error}`);
    kubelet.after(run, retryDelayMs(random), () => backOffPull(run, container, failures, error, untilMs, present));
  };

  return (run, container, present) => pull(run, container, 0, present);
}
