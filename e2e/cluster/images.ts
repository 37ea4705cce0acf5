import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TarEntry, tarOf } from './tar.ts';

/** Holds the namespaces of every pod. */
export const PAUSE_IMAGE = 'calico-health-gate.example/pause:1';

/** Everything that runs in a container of the suite: `args` choose what it does (`e2e/stand-in/main.go`). */
export const STAND_IN_IMAGE = 'calico-health-gate.example/stand-in:1';

/**
 * Writes an archive with the images of the suite in the layout of the OCI image specification, for `ctr images import`
 * or `kind load image-archive`. Both images are the one static binary.
 */
export function writeImages(binary: string, archive: string): void {
  const layer = tarOf([{ name: 'stand-in', content: readFileSync(binary), executable: true }]);
  const images = [imageOf(PAUSE_IMAGE, layer, ['pause']), imageOf(STAND_IN_IMAGE, layer, [])];
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: images.map(({ manifest }) => manifest),
  };
  const entries: readonly TarEntry[] = [
    { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', content: json(index) },
    blobOf(layer),
    ...images.flatMap(({ blobs }) => blobs.map(blobOf)),
  ];
  writeFileSync(archive, tarOf(entries));
}

interface Image {
  readonly manifest: object;
  readonly blobs: readonly Buffer[];
}

function imageOf(reference: string, layer: Buffer, Cmd: readonly string[]): Image {
  // Go's names of the architectures, which image configurations use.
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = json({
    architecture,
    os: 'linux',
    config: { Entrypoint: ['/stand-in'], Cmd },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptorOf('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptorOf('application/vnd.oci.image.layer.v1.tar', layer)],
  });
  return {
    manifest: {
      ...descriptorOf('application/vnd.oci.image.manifest.v1+json', manifest),
      annotations: { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': reference },
      platform: { architecture, os: 'linux' },
    },
    blobs: [config, manifest],
  };
}

function descriptorOf(mediaType: string, content: Buffer): object {
  return { mediaType, digest: digestOf(content), size: content.length };
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function blobOf(content: Buffer): TarEntry {
  return { name: `blobs/${digestOf(content).replace(':', '/')}`, content };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
