import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

export interface ReportSchema {
  readonly $defs: Readonly<Record<string, { readonly enum?: readonly (string | null)[] }>> & {
    readonly node: { readonly properties: Readonly<Record<string, { readonly enum?: readonly (string | null)[] }>> };
  };
  readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
}

/** The schema as it is shipped. */
export const REPORT_SCHEMA = JSON.parse(
  readFileSync(new URL('../../schema/report.schema.json', import.meta.url), 'utf8'),
) as ReportSchema;

const validate = new Ajv2020({ allErrors: true, strict: true }).compile(REPORT_SCHEMA);

/** What a parsed report violates, one sentence each; empty for a valid one. */
export function schemaProblems(report: unknown): readonly string[] {
  if (validate(report)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
