import { type Clock, systemClock } from '../../src/clock.ts';
import { createApi } from '../../src/cluster/api.ts';
import { type Connection, type ConnectOptions, connect } from '../../src/cluster/connection.ts';
import { createServerClock } from '../../src/cluster/server-clock.ts';
import { logLine } from '../../src/report/untrusted.ts';
import { filesOf, whyNotInto, writeFiles } from './folder.ts';
import { parseRecordOptions, type RecordOptions, USAGE } from './options.ts';
import { readRecording } from './read-cluster.ts';
import { scrubRecording } from './recording.ts';

export interface RecordIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told every line for people. */
  readonly tell: (line: string) => void;
  /** Ends the lists with an error, and the watches early. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly connect?: (options: ConnectOptions, signal: AbortSignal) => Promise<Connection>;
}

const RECORD_EXIT_CODES = { recorded: 0, failed: 2, usage: 64 } as const;

/** Records a cluster into a folder; resolves to the exit code. Nothing is written unless all of it can be. */
export async function runRecorder(argv: readonly string[], io: RecordIo): Promise<number> {
  // Servers and plugins have a word in many of the lines.
  const tell = (line: string): void => io.tell(logLine(line));
  const parsed = parseRecordOptions(argv);
  if ('help' in parsed) {
    io.tell(USAGE);
    return RECORD_EXIT_CODES.recorded;
  }
  const problems =
    'problems' in parsed ? parsed.problems : [whyNotInto(parsed.options.out)].filter((why) => why !== null);
  if ('problems' in parsed || problems.length > 0) {
    for (const problem of problems) tell(`record: ${problem}`);
    io.tell(USAGE);
    return RECORD_EXIT_CODES.usage;
  }
  try {
    await record(parsed.options, { ...io, tell });
    return RECORD_EXIT_CODES.recorded;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    tell(`record: ${error.message}`);
    return RECORD_EXIT_CODES.failed;
  }
}

async function record(options: RecordOptions, io: RecordIo): Promise<void> {
  const { clock = systemClock, connect: dial = connect } = io;
  const { kubeconfig, context, out, pseudonyms } = options;
  const connection = await dial({ kubeconfig, context, env: io.env, clock }, io.signal);
  try {
    io.tell(`recording ${connection.server} (${connection.source})`);
    const serverClock = createServerClock(clock);
    const api = createApi({
      transport: connection.transport,
      clock,
      serverClock,
      renewCredentials: connection.renewCredentials,
      signal: io.signal,
    });
    const seen = await readRecording({ ...options, api, clock, signal: io.signal, tell: io.tell });
    const recording = scrubRecording(seen, { ...options, secrets: connection.secrets() });
    writeFiles(out, filesOf(recording, pseudonyms));
    io.tell(`written to ${out}; read through it before you give it away: names and messages are in it`);
  } finally {
    connection.close();
  }
}
