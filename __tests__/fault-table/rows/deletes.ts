import type { FaultRule } from '../../../simulator/api/fault-script.ts';
import type { Fault } from '../../../simulator/api/faults.ts';
import type { Played, PlayOptions, World } from '../../harness.ts';
import { CURE, restartByHand } from '../../scenarios/broken-node.ts';
import { SECOND } from '../../scenarios/shop.ts';
import type { Bounds, Expected, FaultRow } from '../row.ts';
import { broken, CURED, instead, status } from '../worlds.ts';

const WEBHOOK: Fault = {
  kind: 'status',
  status: 403,
  body: JSON.stringify({
    kind: 'Status',
    status: 'Failure',
    reason: 'Forbidden',
    code: 403,
    message: 'admission webhook "guard.example" denied the request: not on a Friday',
  }),
};

/** A ValidatingAdmissionPolicy says what its refusals are: `reason: Forbidden`, or nothing, which is Invalid. */
function policy(code: number, reason: string): Fault {
  const message = `pods "calico-node-x" is forbidden: ValidatingAdmissionPolicy 'guard' with binding 'guard' denied request: only by uid`;
  const body = { kind: 'Status', status: 'Failure', reason, code, message };
  return { kind: 'status', status: code, body: JSON.stringify(body) };
}

/** Where answers are mixed up. */
const SOMEBODY = { kind: 'Pod', metadata: { namespace: 'shop', name: 'somebody', uid: 'u-1', resourceVersion: '1' } };

const BY_POLICY =
  "ValidatingAdmissionPolicy 'guard' with binding 'guard' denied request: only by uid; no right would help: ask who keeps that admission webhook or policy; by hand: kubectl delete pod";

/** What becomes of the DELETE of a calico-node pod whose node has the failure. */
function deleting(
  id: string,
  fault: string,
  requests: Bounds,
  timeMs: Bounds,
  rules: readonly FaultRule[],
  expected: Partial<Expected>,
  more: Partial<FaultRow> = {},
): FaultRow {
  return {
    id,
    fault: `DELETE: ${fault}`,
    world: broken(),
    inputs: CURE,
    faults: rules.map((rule) => ({ verb: 'delete', ...rule })),
    expected: {
      verdict: 'healthy',
      reason: CURED,
      requests,
      deletes: 1,
      nodes: ['n1: restarted/cured'],
      timeMs,
      ...expected,
    },
    ...more,
  };
}

function failing(reason: RegExp, nodes: string, deletes = 1): Partial<Expected> {
  return { verdict: 'unhealthy', reason, nodes: [nodes], deletes };
}

/** Somebody restarts calico-node in the very moment before the gate does. */
function fasterThanTheGate(world: World): PlayOptions {
  return {
    onEvent: ({ type }) => {
      if (type === 'restarting') restartByHand(world, 'n1');
    },
  };
}

/** Nothing is called restarted that still stands there as it did. */
function notRestarted({ report, restartedNodes }: Played): readonly string[] {
  return [
    ...restartedNodes.map((node) => `restarted-nodes has ${node}`),
    ...report.calico.nodes
      .filter(({ before }) => before !== null)
      .map(({ node }) => `the report has a before of ${node}`),
  ];
}

export const DELETE_ROWS: readonly FaultRow[] = [
  deleting(
    '13',
    'the connection is reset after it was carried out',
    [57, 85],
    [16_800, 21_700],
    [{ times: 1, fault: { kind: 'reset-after' } }],
    {
      of: { 'get calico-system/pods': 1 },
    },
  ),
  deleting(
    '13b',
    'the connection is reset before it was read, once',
    [68, 100],
    [20_100, 25_600],
    [{ times: 1, fault: { kind: 'reset-before' } }],
    {
      deletes: 2,
      of: { 'get calico-system/pods': 2 },
    },
  ),
  deleting(
    '13c',
    'the connection is reset before it was read, each time',
    [71, 105],
    [55_300, 66_100],
    [{ fault: { kind: 'reset-before' } }],
    failing(
      /the DELETE of calico-system\/calico-node-\w+ got no answer 2 times .*, and the pod is still there; by hand: kubectl delete pod/,
      'n1: refused/-',
      2,
    ),
  ),
  deleting('13d', 'no answer, once', [70, 102], [49_700, 59_500], [{ times: 1, fault: { kind: 'hang' } }], {
    deletes: 2,
  }),
  deleting(
    '13e',
    'the answer is cut off',
    [57, 85],
    [16_800, 21_700],
    [{ times: 1, fault: { kind: 'truncate', afterBytes: 10 } }],
    {},
  ),
  deleting(
    '13f',
    'the answer never ends',
    [69, 101],
    [117_700, 137_900],
    [{ times: 1, fault: { kind: 'endless', pieceBytes: 1, everyMs: SECOND } }],
    {},
    { inputs: { ...CURE, timeout: '10m' } },
  ),
  deleting(
    '13g',
    'the answer is half-open',
    [57, 85],
    [34_000, 41_600],
    [{ times: 1, fault: { kind: 'stall', afterBytes: 10 } }],
    {},
  ),
  deleting(
    '13h',
    '503 before it was carried out, once',
    [68, 100],
    [20_100, 25_600],
    [{ times: 1, fault: status(503) }],
    { deletes: 2 },
  ),
  deleting(
    '13i',
    '500, each time',
    [71, 105],
    [55_300, 66_100],
    [{ fault: status(500) }],
    failing(
      /the DELETE of calico-system\/calico-node-\w+ got no answer 2 times .*, and the pod is still there; by hand: kubectl delete pod/,
      'n1: refused/-',
      2,
    ),
  ),
  deleting(
    '13j',
    '200 with a login page, each time',
    [71, 105],
    [55_300, 66_100],
    [{ fault: { kind: 'garbage' } }],
    failing(
      /the DELETE of calico-system\/calico-node-\w+ got no answer 2 times .*, and the pod is still there; by hand: kubectl delete pod/,
      'n1: refused/-',
      2,
    ),
  ),
  deleting(
    '13k',
    '200, and nothing is done',
    [59, 89],
    [55_200, 66_000],
    [{ fault: instead({ kind: 'Status', status: 'Success' }) }],
    failing(
      /was answered with success, and the same pod is still there, not being deleted; look at what .*: nothing was restarted; by hand: kubectl delete pod/,
      'n1: refused/-',
      1,
    ),
    { inputs: { ...CURE, 'restart-timeout': '1m' }, check: notRestarted },
  ),
  deleting(
    '13m',
    '200, and nothing is done, and the pod cannot be read',
    [59, 89],
    [57_500, 68_600],
    [{ fault: instead({ kind: 'Status', status: 'Success' }) }, { verb: 'get', resource: 'pods', fault: status(503) }],
    failing(
      /was answered with success, and 1m later the same pod is still there, not being deleted; look at what .*; by hand: kubectl delete pod/,
      'n1: refused/-',
      1,
    ),
    { inputs: { ...CURE, 'restart-timeout': '1m' }, check: notRestarted },
  ),
  deleting(
    '13n',
    'TLS breaks after it was carried out',
    [57, 85],
    [16_800, 21_700],
    [{ times: 1, fault: { kind: 'reset-after', code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' } }],
    {},
  ),
  deleting(
    '13o',
    'reset after it was carried out, and another pod is read in its place',
    [57, 90],
    [16_800, 25_700],
    [
      { times: 1, fault: { kind: 'reset-after' } },
      { verb: 'get', resource: 'pods', fault: instead(SOMEBODY) },
    ],
    {},
  ),
  deleting(
    '13t',
    'reset before it was read, and another pod is read in its place',
    [60, 120],
    [16_800, 60_000],
    [
      { times: 1, fault: { kind: 'reset-before' } },
      { verb: 'get', resource: 'pods', fault: instead(SOMEBODY) },
    ],
    { deletes: 2 },
  ),
  deleting(
    '13l',
    'reset after it was carried out, and the pod cannot be read',
    [59, 89],
    [16_800, 21_700],
    [
      { times: 1, fault: { kind: 'reset-after' } },
      { verb: 'get', resource: 'pods', fault: status(503) },
    ],
    {},
  ),
  deleting(
    '14',
    '409, for somebody else was faster',
    [56, 84],
    [16_800, 21_700],
    [{ times: 1, fault: status(409) }],
    { nodes: ['n1: none/-'] },
    { options: fasterThanTheGate },
  ),
  deleting(
    '15',
    '404, for somebody else was faster',
    [56, 84],
    [16_800, 21_700],
    [{ times: 1, fault: status(404) }],
    { nodes: ['n1: none/-'] },
    { options: fasterThanTheGate },
  ),
  deleting(
    '15b',
    '404, each time, and the pod is still there',
    [59, 87],
    [55_200, 66_000],
    [{ fault: status(404) }],
    failing(
      /was answered as if it were gone \(.*404.*\), and the same pod is still there, not being deleted; look at what .*; by hand: kubectl delete pod/,
      'n1: refused/-',
      1,
    ),
    { check: notRestarted },
  ),
  deleting(
    '16',
    '403',
    [59, 87],
    [55_200, 66_000],
    [{ fault: status(403) }],
    failing(
      /the right to delete pods in namespace calico-system is missing: .*verbs: \["delete"\] in a Role in namespace calico-system; by hand: kubectl delete pod/,
      'n1: refused/-',
    ),
  ),
  deleting(
    '16b',
    '403 of an admission webhook',
    [59, 87],
    [55_200, 66_000],
    [{ fault: WEBHOOK }],
    failing(
      /failed to delete .*403 Forbidden: admission webhook "guard\.example" denied the request: not on a Friday; no right would help/,
      'n1: refused/-',
    ),
  ),
  deleting(
    '16c',
    '422 of an admission policy',
    [59, 87],
    [55_200, 66_000],
    [{ fault: policy(422, 'Invalid') }],
    failing(new RegExp(`failed to delete .*: 422 Invalid: ${BY_POLICY}`), 'n1: refused/-'),
  ),
  deleting(
    '16f',
    '403 of an admission policy',
    [59, 87],
    [55_200, 66_000],
    [{ fault: policy(403, 'Forbidden') }],
    failing(new RegExp(`failed to delete .*: 403 Forbidden: ${BY_POLICY}`), 'n1: refused/-'),
  ),
  deleting(
    '16d',
    '405',
    [59, 87],
    [55_200, 66_000],
    [{ fault: status(405) }],
    failing(
      /failed to delete calico-system\/calico-node-\w+: .*405 MethodNotAllowed.*; by hand: kubectl delete pod/,
      'n1: refused/-',
    ),
  ),
  deleting(
    '16e',
    'a redirect',
    [59, 87],
    [55_200, 66_000],
    [{ fault: status(302, { location: '/login' }) }],
    failing(/302, a redirect to \/login; redirects are never followed.*; by hand: kubectl delete pod/, 'n1: refused/-'),
  ),
  deleting(
    '71',
    '429 with Retry-After: 1, once',
    [67, 99],
    [23_100, 29_000],
    [{ times: 1, fault: status(429, { 'retry-after': '1' }) }],
    {
      deletes: 2,
    },
  ),
  deleting(
    '71b',
    '429 with Retry-After: 50, and the node heals meanwhile',
    [58, 86],
    [53_600, 64_000],
    [{ fault: status(429, { 'retry-after': '50' }) }],
    { nodes: ['n1: none/-'] },
    { happens: [[20 * SECOND, ({ sim }) => sim.cluster.restoreToken('n1')]] },
  ),
  deleting(
    '71c',
    '429, each time',
    [80, 116],
    [54_900, 65_500],
    [{ fault: status(429, { 'retry-after': '5' }) }],
    failing(/was not deleted: .*429 TooManyRequests.*; by hand: kubectl delete pod/, 'n1: refused/-', 3),
  ),
];
