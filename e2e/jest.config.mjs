// Scenarios that stop nodes, or change files on them, run only where that can be done.
const kubeconfig = process.env.E2E_KUBECONFIG ?? '';
const own = kubeconfig.startsWith('/var/lib/calico-health-gate-e2e/');
const nodes = own || Boolean(process.env.E2E_NODE_SHELL);

export default {
  rootDir: '..',
  roots: ['<rootDir>/e2e'],
  testEnvironment: 'node',
  testMatch: ['**/*.e2e.ts'],
  testSequencer: '<rootDir>/e2e/order.mjs',
  testPathIgnorePatterns: [...(nodes ? [] : ['/scenarios/nodes/']), ...(own ? [] : ['/scenarios/own/'])],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/out/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  // A cure takes half a minute, and a real kubelet retries when it likes.
  testTimeout: 300_000,
};
