import { describe, expect, test } from '@jest/globals';
import { classifyPull } from '../../src/health/image.ts';

const REF =
  'failed to pull and unpack image "docker.io/shop/web:1": failed to resolve reference "docker.io/shop/web:1": ';

describe('the words of a failed pull', () => {
  test.each([
    [`${REF}docker.io/shop/web:1: not found`, 'ImageNotFound'],
    ['Error response from daemon: manifest for shop/web:1 not found: manifest unknown', 'ImageNotFound'],
    [
      `${REF}unexpected status from HEAD request to https://r.example/v2/shop/web/manifests/1: 404 Not Found`,
      'ImageNotFound',
    ],
    [`${REF}no match for platform in manifest: not found`, 'ImageNotFound'],
    ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'ImageNotFound'],
    ['name unknown: The repository with name "web" does not exist', 'ImageNotFound'],
    [
      `${REF}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
      'ImageUnauthorized',
    ],
    [
      `${REF}failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized`,
      'ImageUnauthorized',
    ],
    ['pulling from host r.example failed with status code [manifests 1]: 403 Forbidden', 'ImageUnauthorized'],
    ['no basic auth credentials', 'ImageUnauthorized'],
    ['denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource', 'ImageUnauthorized'],
    [
      `${REF}failed to do request: Head "https://r.example/v2/": dial tcp: lookup r.example: no such host`,
      'RegistryUnavailable',
    ],
    [
      `${REF}failed to do request: Head "https://r.example/v2/": dial tcp 10.0.0.1:443: i/o timeout`,
      'RegistryUnavailable',
    ],
    [`${REF}failed to do request: Head "https://r.example/v2/": EOF`, 'RegistryUnavailable'],
    [`${REF}failed to do request: tls: failed to verify certificate: x509: unknown authority`, 'RegistryUnavailable'],
    ['toomanyrequests: You have reached your pull rate limit', 'RegistryUnavailable'],
    [
      `${REF}unexpected status from HEAD request to https://r.example/v2/: 503 Service Unavailable`,
      'RegistryUnavailable',
    ],
    [
      `${REF}failed to authorize: failed to fetch oauth token: Post "https://auth.example": dial tcp 10.0.0.1:443: connect: connection refused`,
      'RegistryUnavailable',
    ],
    ['http: server gave HTTP response to HTTPS client', 'RegistryUnavailable'],
    ['pull QPS exceeded', 'RegistryUnavailable'],
    ["couldn't parse image name: invalid reference format", 'InvalidImage'],
    ['write /var/lib/containerd/x: no space left on device', 'ImageError'],
    ['', 'ImageError'],
  ])('%s', (text, cause) => {
    expect(classifyPull(text)).toBe(cause);
  });

  test.each([
    'failed to resolve reference "r.example/denied/not-found:timeout": content is damaged',
    'docker.io/unauthorized/429:eof: content is damaged',
  ])('a name that a tenant chose decides nothing: %s', (text) => {
    expect(classifyPull(text)).toBe('ImageError');
  });
});
