import type { Finding } from './assessment.ts';
import { CAUSES } from './causes.ts';

/** What a placeholder becomes when the finding has no such thing. */
const WITHOUT: Readonly<Record<string, string>> = {
  pod: 'the pod',
  node: 'of the pod',
  owner: 'the pod',
};

/**
 * What to do next about `finding`: its cause's advice with the finding's names filled in. The names come from the
 * cluster: untrusted text.
 */
export function adviceFor(finding: Pick<Finding, 'cause' | 'namespace' | 'pod' | 'node' | 'owner'>): string {
  const { namespace, pod, node, owner } = finding;
  const podName = pod === null ? null : `pod ${pod}`;
  const names: Readonly<Record<string, string | null>> = {
    namespace,
    pod,
    node,
    owner: owner === null ? podName : `${owner.kind} ${owner.name}`,
  };
  return CAUSES[finding.cause].advice.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    return names[name] ?? WITHOUT[name] ?? whole;
  });
}
