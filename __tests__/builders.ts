/**
 * Builders of the objects that decisions are made from: each call gives a healthy specimen, and a test names only what
 * differs. Uids follow from kind and name, so that two calls with the same name are the same object; give `uid` for
 * a namesake.
 */
export * from './builders/calico.ts';
export * from './builders/events.ts';
export { aCondition, aController } from './builders/metadata.ts';
export * from './builders/nodes-and-workloads.ts';
export * from './builders/pods.ts';
export * from './builders/run.ts';
export * from './builders/times.ts';
