/** The part of `process` that ends it. */
export interface EndingProcess {
  readonly execPath: string;
  readonly getActiveResourcesInfo: () => readonly string[];
  readonly exit: (code: number) => unknown;
  /** Since Node 22.15; not on Windows. */
  readonly execve?:
    | ((file: string, args: readonly string[], env: Readonly<Record<string, string>>) => unknown)
    | undefined;
}

/** What runs in libuv's threads and may take as long as it likes: file access, and names that are being resolved. */
const IN_A_THREAD = /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/;

/**
 * Ends the process with `code`, now. `process.exit` waits for libuv's threads (`uv_library_shutdown`), and one that asks
 * a silent name server, or opens a file on a server that is away, keeps it from ending for many seconds. Nobody waits for
 * what they do any more: a process whose threads are busy is replaced by one that does nothing but end.
 */
export function endProcess(code: number, ending: EndingProcess = process): void {
  const { execPath } = ending;
  if (ending.execve !== undefined && ending.getActiveResourcesInfo().some((name) => IN_A_THREAD.test(name))) {
    try {
      ending.execve(execPath, [execPath, '-e', `process.exit(${code})`], {});
    } catch {
      // Not on this platform.
    }
  }
  ending.exit(code);
}
