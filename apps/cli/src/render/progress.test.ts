import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { IngestEvent } from '@sluice/producer';
import { expect, test } from 'vitest';
import { createProgressDisplay } from './progress.ts';

const progress: Extract<IngestEvent, { type: 'progress' }> = {
  type: 'progress',
  reading: false,
  seconds: 40,
  tokensPerSecond: 500,
  documents: {
    read: 1,
    unchanged: 0,
    skipped: 0,
    accepted: 1,
    stored: 0,
    superseded: 0,
    partial: 0,
    deleted: 0,
    rejected: 0,
  },
  // `stored` holds the reused ones.
  chunks: { accepted: 300, stored: 225, reused: 224, dead: 0 },
  tokens: { accepted: 8_000, stored: 6_000, useful: 2_000, padded: 2_000 },
  engineRequests: 1,
};

function shown(isTTY: boolean): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24 });
  let time = 0;
  const display = createProgressDisplay(stream as unknown as NodeJS.WriteStream, () => time);
  time = 31_000;
  display.show(progress);
  return stripVTControlCharacters(String(stream.read()));
}

test('the display counts a reused chunk once, and goes by what is stored', () => {
  const display = shown(true);
  expect(display).toContain('chunks    225 of 300, 224 reused');
  expect(display).toContain('75 %');
  expect(display).toContain('tokens    6,000 of 8,000');
});

test('without a terminal there is a line every 30 seconds, of what is stored', () => {
  expect(shown(false)).toContain('stored 0 of 1 documents, 6,000 of 8,000 tokens');
});
