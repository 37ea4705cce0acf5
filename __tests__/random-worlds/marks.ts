/**
 * What a played story was about: without them a thousand worlds in which nothing happens would look like a thousand in
 * which nothing goes wrong. Each is counted by `npm run soak`, and the tests want each of them.
 */

import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { Played } from '../harness.ts';
import type { Sent } from './scene.ts';
import type { Story } from './story.ts';

/** What was met and done in a story. */
export interface Course {
  readonly story: Story;
  /** What came about of the story's steps. */
  readonly happened: readonly string[];
  readonly faults: readonly MetFault[];
  readonly gates: readonly { readonly played: Played; readonly sent: readonly Sent[]; readonly wasCut: boolean }[];
}

export interface MetFault {
  readonly request: Pick<RequestSeen, 'verb' | 'path'>;
  readonly kind: Fault['kind'];
  /** How long before a gate had begun to read everything anew; null: none had. */
  readonly sinceConfirmingMs: number | null;
}

const HAPPENINGS: readonly (readonly [mark: string, what: RegExp])[] = [
  ['somebody restarts calico-node', /^somebody restarts calico-node on/],
  ['somebody restarts calico-node as the DELETE comes', /^somebody restarts calico-node there/],
  ['calico-node is evicted', /^calico-node on .* is evicted/],
  ['a token heals by itself', /^the token (of .*|there) heals by itself/],
  ['a restart does not cure', /^a restart does not cure/],
  ['a node is removed', /^(n\d|that node) is removed/],
  ['a node is lost', /^(n\d|that node) is lost/],
  ['a node is drained', /^drain /],
  ['a node joins', /^a node joins/],
  ['pods are moved away', /^the pods there are moved away/],
  ['Calico is upgraded', /^Calico is upgraded/],
  ["Calico's DaemonSet stands still", /its controller stands still/],
  ["Calico's DaemonSet is being deleted", /^Calico's DaemonSet is being deleted/],
  ['calico-node is gone after its restart', /^calico-node on .* is gone, and its controller stands still/],
  ['a node heals unseen', /^a pod shop\/pulling on/],
  ['a network from before the failure', /^a pod shop\/before on/],
  ['one of two installations loses a pod', /^one of two calico-node pods on/],
  ["another plugin's failure", /^a forged event about that pod: the failure of another plugin/],
  ["Calico's DaemonSet no longer wants a node", /no longer wants/],
  ['calico-node loses Ready', /is not Ready any more/],
  ['install-cni fails', /"installExitCode":1/],
  ['calico-node never comes back', /"readyAfterMs":"never"/],
  ['what only resembles the failure', /^the token of .* becomes (?!"unauthorized")/],
  ['a forged event about any pod', /^a forged event about a pod/],
  ['a forged event about a stuck pod', /^a forged event about that pod: (?!the failure)/],
  ['all watches are silent', /^all watches are silent/],
  ['watches lie', /^watches say nothing but bookmarks/],
  ['pods cannot leave a node', /are to leave it$/],
  ['controllers hang', /controllers? hangs? for/],
  ['a right is lost', /^the right .* is lost/],
  ['credentials are revoked', /credentials .* revoked/],
  ['an eviction', /^evict a pod/],
  ['a quota', /^a quota/],
];

/** The marks of a story. */
export function marksOf({ story, happened, faults, gates }: Course): ReadonlySet<string> {
  const marks = new Set<string>(gates.flatMap((gate) => [...marksOfRun(gate)]));
  const mark = (isSo: boolean, name: string): void => {
    if (isSo) marks.add(name);
  };
  for (const [name, what] of HAPPENINGS)
    mark(
      happened.some((each) => what.test(each)),
      name,
    );
  for (const { request, kind, sinceConfirmingMs } of faults) {
    marks.add(`fault: ${kind}`);
    mark(request.verb === 'delete', `fault of a DELETE: ${kind}`);
    mark(request.verb === 'watch', 'fault of a watch');
    mark(request.path.includes('continue='), 'fault of a page');
    mark(request.verb === 'list' && sinceConfirmingMs !== null && sinceConfirmingMs < 60_000, 'fault of a fresh list');
  }
  const { calico } = story.world;
  mark(story.world.pageLimit !== undefined, 'lists in many pages');
  mark(story.world.ageMs !== undefined, 'a young cluster');
  mark(Array.isArray(calico), 'two installations of Calico');
  mark(isAnyLate(story), 'kubelets that say late that there is a network');
  mark(gates.length > 1, 'two gates');
  const removers = gates.filter(({ sent }) => sent.some((each) => each.carriedOut()));
  mark(removers.length > 1, 'two gates that restart');
  return marks;
}

function isAnyLate({ world: { nodes = [] } }: Story): boolean {
  return nodes.some((node) => typeof node === 'object' && node.saysSandboxLate === true);
}

const REFUSALS: readonly (readonly [mark: string, why: RegExp])[] = [
  ['refused: the cap', /^max-node-restarts allows/],
  ['refused: in vain', /in vain/],
  ['refused: a restart before did not help', /^no further node is restarted, because the restart of/],
  ['refused: calico-node of a node before is not back', /^no further node is restarted, because calico-node on/],
  ['refused: a missing right', /^the right to/],
  ['refused: too little time', /of timeout is left/],
  ['refused: one tenant could have written it', /replaced another one/],
  ['refused: calico-node is not Ready', /is not Ready/],
  ['refused: misscheduled', /no longer wants them/],
  ['refused: OnDelete', /update strategy/],
  ['refused: two installations', /two Calico installations/],
  ['refused: policy-only', /policy-only/],
];

function marksOfRun({ played, sent, wasCut }: Course['gates'][number]): ReadonlySet<string> {
  const { report, cancelled, events } = played;
  const { verdict, calico, reason } = report;
  const marks = new Set<string>([cancelled ? 'cancelled' : verdict]);
  const mark = (isSo: boolean, name: string): void => {
    if (isSo) marks.add(name);
  };
  mark(verdict === 'inconclusive' && !cancelled, 'blind, or not stable, at the end');
  mark(/may not be read|were last seen|could not be read/.test(reason), 'blind at the end');
  mark(wasCut, 'cancelled while a DELETE is under way');
  mark(/the timeout of|within \d/.test(reason), 'ended by its timeout');
  const confirmed = events.filter((event) => event.type === 'confirming' && event.verdict === 'healthy').length;
  mark(confirmed > (verdict === 'healthy' ? 1 : 0), 'a fresh list shows that it is not healthy after all');
  mark(verdict === 'healthy' && confirmed > 0, 'healthy by a fresh list');
  mark(verdict === 'healthy' && confirmed === 0, 'healthy by the first list');
  for (const { outcome, action, why } of calico.nodes) {
    mark(outcome !== null, `outcome: ${outcome}`);
    marks.add(`action: ${action}`);
    if (action === 'refused') for (const [name, refusal] of REFUSALS) mark(refusal.test(why), name);
  }
  const done = sent.filter((each) => each.carriedOut());
  mark(done.length > 0, 'restarts');
  mark(done.length > 1, 'restarts several nodes');
  mark(
    sent.some((each) => each.elsewhere()),
    'somebody else was faster',
  );
  mark(
    done.some((each) => !each.wasAnswered()),
    'a DELETE is carried out, and no answer comes',
  );
  mark(
    sent.some((each) => !each.elsewhere() && !each.carriedOut()),
    'a DELETE is not carried out',
  );
  return marks;
}
