import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultScript } from '../../simulator/api/fault-script.ts';
import { startHttpsServer } from '../../simulator/https-server.ts';
import { scaledClock } from '../../simulator/scaled-clock.ts';
import type { VirtualClock } from '../../simulator/virtual-clock.ts';
import { sleep, systemClock } from '../../src/clock.ts';
import { connect } from '../../src/cluster/connection.ts';
import { type Inputs, type Played, type PlayOptions, play, type World } from '../harness.ts';
import { aShop } from '../scenarios/shop.ts';
import type { FaultRow, OverHttps, PlayedRow } from './row.ts';

export const INPUTS: Inputs = { namespaces: 'shop', timeout: '3m', 'stable-for': '5s' };

/**
 * How much faster time runs for rows over real connections: 90 s of silence pass in six, and a machine that stands still
 * for a second has not yet lost its half minute of patience.
 */
const TIME_FACTOR = 15;
/** Rows over HTTPS at a time. */
const LANES = 6;

/** Plays a row: in virtual time, or over HTTPS in time that runs faster. */
export async function playRow(row: FaultRow): Promise<PlayedRow> {
  if (row.https === undefined) {
    const world = row.world({});
    return await playIn(world, row, row.options?.(world) ?? {});
  }
  return await playOverHttps(row, row.https);
}

/** The same gate in a world where all is well: a row that is as expected here shows nothing. */
export async function playWithoutFault({
  options: _,
  play: __,
  faults: ___,
  happens: ____,
  ...row
}: FaultRow): Promise<PlayedRow> {
  return await playIn(aShop(), row, {});
}

/**
 * Plays all rows, and gives each to `tell` as soon as it is over: those in memory one after the other, since each has the
 * machine's idle moments for a clock; those over HTTPS, which wait most of their time, several at once.
 */
export async function playRows(
  rows: readonly FaultRow[],
  tell: (row: FaultRow, played: Promise<PlayedRow>) => Promise<void>,
): Promise<void> {
  for (const row of rows.filter(({ https }) => https === undefined)) await tell(row, playRow(row));
  const left = rows.filter(({ https }) => https !== undefined);
  const lane = async (): Promise<void> => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) await tell(row, playRow(row));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function playIn(world: World, row: FaultRow, options: PlayOptions): Promise<PlayedRow> {
  const { clock, sim } = world;
  let strikes = 0;
  if (row.faults !== undefined) {
    const script = faultScript(row.faults);
    sim.api.faults = (request) => {
      const fault = script(request);
      if (fault !== undefined) strikes += 1;
      return fault;
    };
  }
  for (const [afterMs, act] of row.happens ?? []) clock.after(afterMs, () => act(world));
  const inputs = { ...INPUTS, ...row.inputs };
  const played: Played = await (row.play ?? play)(world, inputs, options);
  sim.close();
  return { row, played, world, strikes };
}

async function playOverHttps(row: FaultRow, https: OverHttps): Promise<PlayedRow> {
  const clock = asIfVirtual(scaledClock(systemClock, TIME_FACTOR));
  const world = row.world({ clock });
  const folder = await mkdtemp(join(tmpdir(), 'faults-'));
  const { certificate } = https;
  const server = await startHttpsServer(world.sim, { folder, ...(certificate === undefined ? {} : { certificate }) });
  try {
    const kubeconfig = (await https.kubeconfig?.(server, world)) ?? server.kubeconfig;
    const options: PlayOptions = {
      ...row.options?.(world),
      connect: (asked, signal) => connect({ ...asked, kubeconfig, clock }, signal),
    };
    return await playIn(world, row, options);
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
}

/** A clock that goes by itself, for worlds that expect one that is driven. */
function asIfVirtual(clock: ReturnType<typeof scaledClock>): VirtualClock {
  return { ...clock, run: (promise) => promise, advance: (ms) => sleep(clock, ms), pending: () => 0 };
}
