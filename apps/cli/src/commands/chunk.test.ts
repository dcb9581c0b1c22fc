/** `sluice chunk` as a person or a program calls it: no server, and the fields that are documented. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const sluice = fileURLToPath(new URL('../../bin/sluice.mjs', import.meta.url));
/** Three processes on a machine that has other things to do. */
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-chunk-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function chunk(...words: string[]) {
  const values = { SLUICE_TARGET_TOKENS: '40', SLUICE_MAX_TOKENS: '80' };
  return spawnSync(process.execPath, [sluice, 'chunk', ...words], {
    cwd: folder,
    env: { ...process.env, ...values },
    encoding: 'utf8',
  });
}

it('prints a line of JSON for each chunk, with the documented fields alone', async () => {
  const source = `# Mill\n\n## Gate\n\n${'Water turns the wheel of the mill. '.repeat(20)}\n\n## Đập\n\n${'Sông nước chảy qua. '.repeat(20)}`;
  const file = join(folder, 'mill.md');
  writeFileSync(file, source);
  const { status, stdout, stderr } = chunk('mill.md', '--json');
  expect([status, stderr]).toEqual([0, '']);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const tokenizer = createTokenizer(await loadTokenizerModel());
  expect(lines.length).toBeGreaterThan(3);
  for (const [ordinal, line] of lines.entries()) {
    const { start, end, text, embeddedText, heading } = line;
    expect(line).toEqual({
      file,
      ordinal,
      start,
      end,
      startByte: Buffer.byteLength(source.slice(0, start)),
      endByte: Buffer.byteLength(source.slice(0, end)),
      text: source.slice(start, end),
      embeddedText,
      heading,
      tokens: { text: tokenizer.count(embeddedText), special: 2, instruction: 0 },
    });
    expect(embeddedText.endsWith(text.trimEnd())).toBe(true);
  }
  expect(lines.at(-1).heading).toEqual(['Mill', 'Đập']);
  expect(lines.at(-1).embeddedText).toMatch(/^Mill › Đập\n\n/);
});

it('makes one page of all files to look at, and says which file it could not read', () => {
  writeFileSync(join(folder, 'gate.py'), 'def gate():\n    return 1\n');
  writeFileSync(join(folder, 'weir.py'), 'def weir():\n    return 2\n');
  writeFileSync(join(folder, 'broken.md'), Buffer.from([0x61, 0xff]));
  const { status, stdout, stderr } = chunk('gate.py', 'broken.md', 'weir.py', '--html');
  expect(status).toBe(3);
  expect(stdout).toMatch(/^<!doctype html>[\s\S]*return 1[\s\S]*return 2/);
  for (const once of ['<!doctype html>', '<title>', '</html>']) expect(stdout.split(once)).toHaveLength(2);
  expect(stderr).toMatch(/broken\.md\s+invalid_utf8/);
});
