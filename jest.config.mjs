export default {
  testEnvironment: 'node',
  testMatch: ['**/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/out/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/out/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  // Tests that start processes share small machines with other work; none of them measures time.
  testTimeout: 30_000,
  // All cores: the process that hands out the tests has nothing else to do.
  maxWorkers: '100%',
  // Modules of a test file stay in memory when it is over (nodejs/node#59118): a worker makes room in time.
  workerIdleMemoryLimit: '1GB',
};
