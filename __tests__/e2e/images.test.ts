import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { PAUSE_IMAGE, STAND_IN_IMAGE, writeImages } from '../../e2e/cluster/images.ts';

/** Unpacks an archive with tar(1), which is nobody's double. */
function unpack(archive: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'images-'));
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  return folder;
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

describe('the archive of container images', () => {
  let layout: string;
  let images: readonly Descriptor[];

  const blob = ({ digest }: Descriptor): Buffer => readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
  const json = <T>(descriptor: Descriptor): T => JSON.parse(blob(descriptor).toString()) as T;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'images-'));
    writeFileSync(join(folder, 'binary'), 'not a multiple of 512 bytes');
    writeImages(join(folder, 'binary'), join(folder, 'images.tar'));
    layout = unpack(join(folder, 'images.tar'));
    const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: readonly Descriptor[] };
    images = index.manifests;
  });

  test('names both images as containerd reads names', () => {
    expect(images.map(({ annotations }) => annotations?.['io.containerd.image.name'])).toEqual([
      PAUSE_IMAGE,
      STAND_IN_IMAGE,
    ]);
  });

  test('holds every blob under its digest, with its size', () => {
    for (const image of images) {
      const { config, layers } = json<{ config: Descriptor; layers: readonly Descriptor[] }>(image);
      for (const descriptor of [image, config, ...layers]) {
        const content = blob(descriptor);
        expect(descriptor.size).toBe(content.length);
        expect(descriptor.digest).toBe(`sha256:${createHash('sha256').update(content).digest('hex')}`);
      }
      expect(json<{ rootfs: object }>(config).rootfs).toEqual({
        type: 'layers',
        diff_ids: layers.map(({ digest }) => digest),
      });
    }
  });

  test('has one layer with the binary, which may be executed', () => {
    const [image] = images;
    const { layers } = json<{ layers: readonly Descriptor[] }>(image as Descriptor);
    const file = join(layout, 'layer.tar');
    writeFileSync(file, blob(layers[0] as Descriptor));
    const root = unpack(file);

    expect(readFileSync(join(root, 'stand-in'), 'utf8')).toBe('not a multiple of 512 bytes');
    expect(statSync(join(root, 'stand-in')).mode & 0o777).toBe(0o755);
  });
});
