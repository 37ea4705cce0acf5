const DECIMAL = /^[1-9]\d*$/;

/**
 * Whether `version` is an older resourceVersion than the other; of the same resource only. Versions are decimal numbers
 * that grow (KEP-5504); what is none cannot be compared, and is never older.
 */
export function isOlder(version: string, than: string): boolean {
  if (!DECIMAL.test(version) || !DECIMAL.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}
