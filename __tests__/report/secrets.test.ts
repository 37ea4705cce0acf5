import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogSink } from '../../src/report/log.ts';
import type { Report } from '../../src/report/report.ts';
import { createSecrets, secretFreeReport, secretFreeSink } from '../../src/report/secrets.ts';
import { aReport, aReportedFinding, aReportedNode } from './reports.ts';

const TOKEN = 'a/b+c=d "tøken" \\ with everything';

function hiding(...secrets: readonly string[]): (text: string) => string {
  const all = createSecrets();
  for (const secret of secrets) all.add(secret);
  return all.hide;
}

describe('a secret is hidden', () => {
  test.each([
    ['as it is', TOKEN],
    ['in JSON', JSON.stringify({ token: TOKEN })],
    ['in a query', `?token=${encodeURIComponent(TOKEN)}`],
    ['in a URL', encodeURI(`https://example.com/${TOKEN}`)],
    ['in base64', Buffer.from(TOKEN).toString('base64')],
    ['in base64url', Buffer.from(TOKEN).toString('base64url')],
    ['behind others in base64', Buffer.from(`me:${TOKEN}`).toString('base64')],
    ['between others in base64', Buffer.from(`user:${TOKEN}:more`).toString('base64')],
  ])('%s', (_, text) => {
    const hidden = hiding(TOKEN)(text);
    expect(hidden).toContain('***');
    expect(hidden).not.toContain('everything');
    expect(Buffer.from(hidden, 'base64').toString()).not.toContain('tøken');
  });

  test('line by line, but not the lines that every key has', () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n${'B'.repeat(20)}\n-----END PRIVATE KEY-----\n`;
    const hide = hiding(key);
    expect(hide(`error near ${'A'.repeat(64)}`)).toBe('error near ***');
    expect(hide(`or ${'B'.repeat(20)}`)).toBe('or ***');
    expect(hide('no -----BEGIN PRIVATE KEY----- here')).toBe('no -----BEGIN PRIVATE KEY----- here');
    expect(hide(key)).toBe('***');
  });

  test('with the longer one first, when one holds another', () => {
    expect(hiding('secret', 'secret-of-others')('secret-of-others, secret')).toBe('***, ***');
  });

  test.each([
    ['as it is', TOKEN],
    ['in JSON', JSON.stringify(TOKEN)],
    ['in a query', encodeURIComponent(TOKEN)],
    ['in base64', Buffer.from(TOKEN).toString('base64')],
    ['behind others in base64', Buffer.from(`me:${TOKEN}`).toString('base64')],
  ])('also where a text was cut in the middle of it, %s', (_, text) => {
    for (let length = 14; length < text.length; length += 1) {
      const hidden = hiding(TOKEN)(`said ${text.slice(0, length)}…; and more`);
      expect(hidden).toMatch(/^said .{0,8}\*\*\*.{0,4}…; and more$/u);
    }
  });

  test('also where several texts were cut in the middle of it, but not what only resembles it', () => {
    const hide = hiding('s3cr3t-token-of-somebody');
    expect(hide('a s3cr3t-tok…, b s3cr3t-token-of-some…')).toBe('a ***…, b ***…');
    expect(hide('s3cr3t-…, s3cr3t-trees…, s3cr3t-token, -token-of-some…')).toBe(
      's3cr3t-…, s3cr3t-trees…, s3cr3t-token, -token-of-some…',
    );
  });

  test('only from the moment on that it is known', () => {
    const secrets = createSecrets();
    expect(secrets.hide('s3cr3t-token')).toBe('s3cr3t-token');
    secrets.add('s3cr3t-token');
    expect(secrets.hide('s3cr3t-token')).toBe('***');
  });

  test.each(['', 'web', ' web  '])('not when it is as short as %j: it is part of ordinary words', (short) => {
    expect(hiding(short)('shop/web-1')).toBe('shop/web-1');
  });

  test('whatever it is and wherever it stands', () => {
    const secret = fc.stringMatching(/^[\x21-\x7e]{12,40}$/);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (token, before, after) => {
        const hide = hiding(token);
        expect(hide(before + token + after)).not.toContain(token);
        const encoded = hide(Buffer.from(before + token + after).toString('base64'));
        expect(Buffer.from(encoded, 'base64').toString('latin1')).not.toContain(token);
        expect(encoded).toContain('***');
      }),
      { seed: 5 },
    );
  });

  test('and nothing else is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(hiding('a-token-that-is-not-there')(text)).toBe(text);
      }),
      { seed: 5 },
    );
  });
});

test('a log without secrets has none in lines, groups, debug lines and the status', () => {
  const written: string[] = [];
  const sink: LogSink = {
    line: (text) => written.push(text),
    group: (title, lines) => written.push(title, ...lines),
    debug: (text) => written.push(text),
    status: (text) => written.push(text),
  };
  const secrets = createSecrets();
  secrets.add('s3cr3t-token');
  const free = secretFreeSink(sink, secrets);
  free.line('line s3cr3t-token');
  free.group('title s3cr3t-token', ['detail s3cr3t-token']);
  free.debug('debug s3cr3t-token');
  free.status('status s3cr3t-token');
  expect(written).toEqual(['line ***', 'title ***', 'detail ***', 'debug ***', 'status ***']);
});

test('a report without secrets has none in what others said, and says all else', () => {
  const said = 'the server said s3cr3t-token';
  const clean = 'the server said ***';
  const reportSaying = (text: string): Report =>
    aReport({
      reason: text,
      cluster: { server: 'https://example.com', kubernetesVersion: text },
      findings: [aReportedFinding({ message: text })],
      calico: {
        detected: true,
        installations: [],
        nodes: [
          aReportedNode({
            why: text,
            evidence: [{ pod: 'shop/web-1', reason: 'FailedCreatePodSandBox', message: text, count: 1, lastSeen: '' }],
          }),
        ],
      },
      timeline: [{ at: '', what: text }],
      warnings: [text],
    });
  const secrets = createSecrets();
  secrets.add('s3cr3t-token');
  expect(secretFreeReport(reportSaying(said), secrets.hide)).toEqual(reportSaying(clean));
});
