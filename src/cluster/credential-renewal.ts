import { ConnectError, isConnectError } from './connect-error.ts';

/** Renews credentials once for all requests that were refused with the same ones. */
export interface CredentialRenewal {
  /** Which credentials are in use; taken before a request is sent. */
  readonly generation: () => number;
  /**
   * Obtains new ones, unless those of `refusedGeneration` were replaced already. Rejects with `ConnectError` when none
   * can be had.
   */
  readonly renew: (refusedGeneration: number) => Promise<void>;
}

export function createCredentialRenewal(renewCredentials: () => Promise<void>): CredentialRenewal {
  let generation = 0;
  let renewal: Promise<void> | null = null;

  const renewNow = async (): Promise<void> => {
    try {
      await renewCredentials();
      generation += 1;
    } catch (cause) {
      if (isConnectError(cause)) throw cause;
      throw new ConnectError('credentials could not be obtained anew', { reason: 'CredentialsFailed', cause });
    } finally {
      renewal = null;
    }
  };

  return {
    generation: () => generation,
    renew: async (refusedGeneration) => {
      if (refusedGeneration !== generation) return;
      renewal ??= renewNow();
      await renewal;
    },
  };
}
