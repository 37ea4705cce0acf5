import type { Refusal } from './body.ts';

/** An object as it is stored: by uid, with the version that it was read in. */
export interface Entry<T> {
  readonly key: string;
  readonly version: string;
  /** null: read, and not wanted. */
  readonly item: T | null;
}

/** The slim object of that key if it is known in that very version: it need not be read again, and stays the same object. */
export type Recall<T> = (key: string, version: string) => T | undefined;

export interface Page<T> {
  readonly entries: readonly Entry<T>[];
  /** Of the whole list: all its pages have the same. */
  readonly resourceVersion: string;
  /** '' on the last page. */
  readonly continueToken: string;
}

export type WatchEvent<T> =
  | { readonly type: 'put'; readonly entry: Entry<T> }
  | { readonly type: 'deleted'; readonly key: string; readonly version: string }
  | { readonly type: 'bookmark'; readonly version: string }
  | { readonly type: 'error'; readonly status: Refusal & { readonly code: number } };

/**
 * How the lists and watches of one resource are read: JSON today, and whatever else a server offers. Both kinds of
 * reading throw `GarbledBody` for what cannot be what it should be.
 */
export interface Decoder<T> {
  /** Accept header. */
  readonly accept: string;
  /** The continue token, found without reading the page; '' for none. For asking for the next page early. */
  readonly peekContinue: (body: Buffer) => string;
  readonly decodePage: (body: Buffer, recall: Recall<T>) => Page<T>;
  /** A reader of one watch: takes the pieces as they come, gives the events that are complete. */
  readonly readWatch: (recall: Recall<T>) => (chunk: Uint8Array) => readonly WatchEvent<T>[];
}
