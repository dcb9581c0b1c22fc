import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { expect, test } from 'vitest';
import { createTokenMeter } from './token-meter.ts';

const meter = createTokenMeter(undefined);

test.each([
  ['several texts of ordinary length', ['One text.', 'Hai văn bản.', '三つの文。', '']],
  ['a text of many pieces', ['A backup is restored with the newest snapshot, or not at all.\n'.repeat(4_000)]],
])('%s count as the tokenizer counts them', async (_, texts) => {
  const tokenizer = createTokenizer(await loadTokenizerModel());
  const expected = texts.reduce((sum, text) => sum + tokenizer.count(text), 0);
  expect(await meter.count(texts)).toBe(expected);
});

test('a text without white space costs a token a piece more at most', async () => {
  const tokenizer = createTokenizer(await loadTokenizerModel());
  const text = '水門は水車に水を送る。'.repeat(5_000);
  const counted = await meter.count([text]);
  const exact = tokenizer.count(text);
  expect(Math.abs(counted - exact)).toBeLessThanOrEqual(Math.ceil(text.length / 16_384));
});

test('others are served while a long text is counted', async () => {
  let served = false;
  setImmediate(() => {
    served = true;
  });
  const counting = meter.count(['a word '.repeat(50_000)]).then(() => served);
  expect(await counting).toBe(true);
});
