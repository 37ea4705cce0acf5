import type { Api, GetOptions } from './api.ts';
import { isApiError } from './api-error.ts';
import { isRecord } from './body.ts';
import { capText } from './cap-text.ts';

/** No version is longer: `v1.34.4-gke.1234567`. */
const VERSION_LIMIT_BYTES = 100;

/**
 * The server's version (`v1.34.4`), and the first contact with it. '' where `/version` may not be read: hardened
 * clusters take `system:public-info-viewer` away. Rejects with ApiError when there is no API server to talk to.
 */
export async function readKubernetesVersion(api: Api, options: GetOptions): Promise<string> {
  try {
    const version = await api.getJson('/version', options);
    const gitVersion = isRecord(version) ? version.gitVersion : undefined;
    return typeof gitVersion === 'string' ? capText(gitVersion, VERSION_LIMIT_BYTES) : '';
  } catch (error) {
    if (isApiError(error) && (error.kind === 'forbidden' || error.kind === 'not-found')) return '';
    throw error;
  }
}
