/** It looks back on all others. */
const LAST = 'audit.e2e.ts';

/** Runs the files in one order, whatever failed or took long before: what one leaves behind meets the same next one. */
// biome-ignore lint/style/noDefaultExport: jest wants it so
export default class Order {
  sort(tests) {
    const key = ({ path }) => `${path.endsWith(`/${LAST}`) ? 1 : 0} ${path}`;
    return [...tests].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  shard(tests) {
    return tests;
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {
    // Nothing depends on earlier runs.
  }
}
