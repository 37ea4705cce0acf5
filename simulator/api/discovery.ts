import { type Answer, jsonAnswer, textAnswer } from './answer.ts';
import type { Resource } from './resources.ts';

const VERBS = ['delete', 'get', 'list', 'watch'];

function resourceList(resources: readonly Resource[], group: string): Answer {
  return jsonAnswer(200, {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? 'v1' : `${group}/v1`,
    resources: resources
      .filter((entry) => entry.group === group)
      .map((entry) => ({
        name: entry.plural,
        singularName: entry.kind.toLowerCase(),
        namespaced: entry.namespaced,
        kind: entry.kind,
        verbs: VERBS,
      })),
  });
}

/** What a server says about itself: its version, its health and its resources. `undefined` for any other path. */
export function discovery(path: string, resources: readonly Resource[], version: string): Answer | undefined {
  const groups = [...new Set(resources.map((entry) => entry.group))].filter((group) => group !== '');
  switch (path) {
    case '/version': {
      const [major = '1', minor = '34'] = version.slice(1).split('.');
      return jsonAnswer(200, {
        major,
        minor,
        gitVersion: version,
        gitCommit: '0'.repeat(40),
        gitTreeState: 'clean',
        buildDate: '2026-01-01T00:00:00Z',
        goVersion: 'go1.24.6',
        compiler: 'gc',
        platform: 'linux/amd64',
      });
    }
    case '/healthz':
    case '/livez':
    case '/readyz':
      return textAnswer(200, 'ok', 'text/plain; charset=utf-8');
    case '/api':
      return jsonAnswer(200, { kind: 'APIVersions', versions: ['v1'] });
    case '/api/v1':
      return resourceList(resources, '');
    case '/apis':
      return jsonAnswer(200, {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: groups.map((name) => {
          const preferredVersion = { groupVersion: `${name}/v1`, version: 'v1' };
          return { name, versions: [preferredVersion], preferredVersion };
        }),
      });
    default: {
      const group = /^\/apis\/([^/]+)\/v1$/.exec(path)?.[1];
      return group !== undefined && groups.includes(group) ? resourceList(resources, group) : undefined;
    }
  }
}
