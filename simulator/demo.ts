/**
 * The gate's main job, to be watched without a cluster: a Deployment rolls into a node whose CNI token is dead; the
 * real built action finds it, restarts calico-node there, proves the cure and passes. With `--plan` it may not restart
 * anything and says what it would do.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { startHttpsServer } from './https-server.ts';
import { runAction } from './run-action.ts';
import { createSimulator } from './simulator.ts';

const isPlan = process.argv.includes('--plan');
const inputs = {
  namespaces: 'shop',
  timeout: isPlan ? '50s' : '2m',
  'stable-for': '5s',
  'restart-calico-node': String(!isPlan),
};

const title = (text: string): void => console.log(`\n${styleText('bold', text)}`);

const folder = await mkdtemp(join(tmpdir(), 'calico-health-gate-demo-'));
const sim = createSimulator({ seed: 3, nodes: ['n1', 'n2'], calico: { namespace: 'calico-system' } });
const server = await startHttpsServer(sim, { folder });
let isAsShown = false;
try {
  title('A simulated cluster: two nodes, Deployment shop/web with 4 replicas');
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  sim.warmUp(60_000);
  console.log('The CNI token of node n1 dies. Nobody notices: its pods run on, calico-node stays Ready.');
  sim.cluster.breakToken('n1');
  console.log('Then the next version of shop/web is deployed …');
  sim.cluster.deploy({ namespace: 'shop', name: 'web' });
  sim.warmUp(isPlan ? 100_000 : 40_000);

  title('… and the job reaches this step:');
  console.log(['- uses: calico-health-gate/calico-health-gate@v1', '  with:'].join('\n'));
  for (const [name, value] of Object.entries(inputs)) console.log(`    ${name}: ${value}`);

  title('The log of the step');
  const result = await runAction({
    inputs: { ...inputs, kubeconfig: server.kubeconfig },
    onOutput: (text) => process.stdout.write(text),
  });

  title('Its outputs');
  for (const [name, value] of Object.entries(result.outputs)) console.log(`${name}: ${value}`);

  title('What it asked of the API server besides reading');
  const deletes = sim.requests.filter(({ method }) => method === 'DELETE');
  for (const { method, path, body, status } of deletes) console.log(`${method} ${path} ${body} → ${status}`);
  if (deletes.length === 0) console.log('nothing: no object was changed');

  title('Files');
  console.log(`job summary: ${result.summaryPath}`);
  console.log(`JSON report: ${result.outputs['report-file']}`);

  isAsShown = isPlan
    ? result.exitCode === 1 && result.outputs.verdict === 'unhealthy' && deletes.length === 0
    : result.exitCode === 0 && result.outputs.verdict === 'healthy' && deletes.length === 1;
  title(isAsShown ? 'The demo did what it shows.' : 'The demo did not do what it is meant to show.');
} finally {
  await server.close();
  sim.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit(isAsShown ? 0 : 1);
