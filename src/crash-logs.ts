import type { Api } from './cluster/api.ts';
import type { Finding } from './health/assessment.ts';
import { isAbnormal, newestEnd } from './health/container.ts';
import type { Pod } from './objects/pod.ts';

/** "The last 10 log lines" of a container that crashed. */
const LOG_LINES = 10;
/** Logs of this many pods are enough to understand a deploy that failed, and few enough not to keep a reader waiting. */
const PODS_LIMIT = 5;
const LOG_LIMIT_BYTES = 2_048;

/**
 * What a kubelet says, with status 200, in place of a log that is not there any more
 * (`kuberuntime_container.go`, GetContainerLogs; `cri-client/pkg/logs`, ReadLogs).
 */
const NO_LOG = /^(?:unable to retrieve container logs for \S+:\/\/\S+|failed to try resolving symlinks in path ".*)$/u;

/**
 * The findings with the last log lines of the containers that crashed, for the worst few, where `pods/log` may be read.
 * Never rejects: a log that cannot be read is left out.
 */
export async function withCrashLogs(
  findings: readonly Finding[],
  pods: readonly Pod[],
  api: Api,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const chosen = findings.filter((finding) => finding.stage === 'crash' && finding.pod !== null).slice(0, PODS_LIMIT);
  if (chosen.length === 0) return findings;
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]));
  const logs = await Promise.all(
    chosen.map(async (finding) => {
      const pod = byUid.get(finding.uid ?? '');
      return [finding, pod === undefined ? '' : await crashLog(pod, api, signal)] as const;
    }),
  );
  const found = new Map(logs.filter(([, log]) => log !== ''));
  return findings.map((finding) => {
    const log = found.get(finding);
    return log === undefined ? finding : { ...finding, message: `${finding.message}; last log lines: ${log}` };
  });
}

async function crashLog(pod: Pod, api: Api, signal: AbortSignal): Promise<string> {
  const container = crashedContainer(pod);
  if (container === null) return '';
  const query = new URLSearchParams({
    container: container.name,
    tailLines: String(LOG_LINES),
    limitBytes: String(LOG_LIMIT_BYTES),
    previous: String(container.previous),
  });
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}/log?${query}`;
    const text = await api.getText(path, { signal, tries: 1 });
    if (NO_LOG.test(text.trim())) return '';
    // The kubelet cuts in the middle of a line, and does not say so.
    const cut = Buffer.byteLength(text) < LOG_LIMIT_BYTES ? text : `${text}…`;
    return cut
      .trim()
      .split(/\r\n|\r|\n/u)
      .slice(-LOG_LINES)
      .join(' ⏎ ');
  } catch {
    return '';
  }
}

/**
 * The first container that ended badly, else one that ended again and again though it should not, and whether the end was
 * that of the instance before the present one.
 */
function crashedContainer({ containers }: Pod): { readonly name: string; readonly previous: boolean } | null {
  const ended = containers.flatMap((container) => {
    const end = newestEnd(container);
    return end === null ? [] : [{ container, end }];
  });
  const crashed = ended.find(({ end }) => isAbnormal(end)) ?? ended.find(({ container }) => container.restartCount > 0);
  if (crashed === undefined) return null;
  const { name, state } = crashed.container;
  return { name, previous: state.kind === 'running' };
}
