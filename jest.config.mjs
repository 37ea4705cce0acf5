export default {
  testEnvironment: 'node',
  testMatch: ['**/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/out/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/out/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  // Tests that start processes share small machines with other work; none of them measures time.
  testTimeout: 30_000,
};
