/** Why there is no connection to talk through. */
export type ConnectErrorReason = 'KubeconfigNotFound' | 'KubeconfigInvalid' | 'ContextNotFound' | 'CredentialsFailed';

/** `message` says what was tried and what to do, and holds no credentials. */
export class ConnectError extends Error {
  readonly reason: ConnectErrorReason;

  constructor(
    message: string,
    { reason, ...options }: { readonly reason: ConnectErrorReason; readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'ConnectError';
    this.reason = reason;
  }
}

export function isConnectError(error: unknown): error is ConnectError {
  return error instanceof ConnectError;
}
