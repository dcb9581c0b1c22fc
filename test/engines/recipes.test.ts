/**
 * The recipes of infra/engines: what they set is accepted, what they start is pinned and watched, and the overview knows them all.
 * Whether an engine is right, `npm run test:engines` measures.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadConfig } from '@sluice/core';
import { resolveEngine } from '@sluice/embedder';
import { describe, expect, test } from 'vitest';

const folder = resolve(import.meta.dirname, '../../infra/engines');
const names = (await readdir(folder, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== 'merge-adapter')
  .map(({ name }) => name);
const readme = (name: string) => readFile(join(folder, name, 'README.md'), 'utf8');
const row = (text: string, name: string) => new RegExp(`^\\| ${name} \\| (.*) \\|$`, 'm').exec(text)?.[1];

describe.each(names)('%s', (name) => {
  test('says profile, version and verdict, and whether a GPU was seen', async () => {
    const text = await readme(name);
    for (const field of ['profile', 'version', 'adapter, instruction', 'verdict'])
      expect(row(text, field)).toBeDefined();
    expect(text).toMatch(/not run here|CPU only|no NVIDIA device/);
  });

  test('its settings are accepted, and are those of the profile that it names', async () => {
    const text = await readme(name);
    const blocks = [...text.matchAll(/^```env\n(.*?)^```/gms)].map((match) => match[1]!.trim().split('\n'));
    // Only what has a server, or runs in the worker, has settings.
    if (blocks.length === 0) expect(row(text, 'profile')).toMatch(/^none/);
    for (const lines of blocks) {
      const values = Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]));
      const { config } = loadConfig([{ name, values }], () => 'a-key');
      const { profile } = resolveEngine(config);
      if (row(text, 'profile') !== 'none yet') expect(row(text, 'profile')).toContain(`\`${profile.name}\``);
    }
  });
});

const composed = (
  await Promise.all(
    names.map(async (name) => ((await readdir(join(folder, name))).includes('compose.yaml') ? [name] : [])),
  )
).flat();

test.each(composed)('the compose fragment of %s is pinned, watched, and open to this machine only', async (name) => {
  const text = await readFile(join(folder, name, 'compose.yaml'), 'utf8');
  expect(text).toContain('healthcheck:');
  expect(text).toContain('restart: unless-stopped');
  for (const [, image] of text.matchAll(/^\s+(?:image:|FROM) (.+)$/gm)) {
    expect(image).toMatch(/\$\{\w+:[?-]|:v?\d+\.\d+/);
  }
  for (const [, wanted] of text.matchAll(/pip install --no-cache-dir (.*)$/gm)) {
    for (const word of wanted!.split(' ')) expect(word).toMatch(/==\d/);
  }
  for (const [, port] of text.matchAll(/^\s+- "([^"]*:\d+:\d+)"$/gm)) expect(port).toMatch(/^127\.0\.0\.1:/);
  for (const [, list] of text.matchAll(/(?:command|test): (\[.*\])$/gm)) {
    expect(JSON.parse(list!)).toEqual(expect.arrayContaining([expect.any(String)]));
  }
  const context = resolve(folder, name, /^ +context: (\S+)$/m.exec(text)?.[1] ?? '.');
  for (const [, source] of text.matchAll(/COPY (\S+) /g)) {
    await expect(access(join(context, source!)), `${name}: ${source}`).resolves.toBeUndefined();
  }
});

test('every recipe has a compose fragment', () => {
  expect(composed.flat().toSorted()).toEqual(names.toSorted());
});

test('the overview names every recipe, and every link of the recipes leads somewhere', async () => {
  const overview = await readFile(join(folder, 'README.md'), 'utf8');
  for (const name of names) expect(overview).toContain(`(${name}/README.md)`);
  for (const name of ['.', ...names]) {
    for (const [, link] of (await readme(name)).matchAll(/\]\(([^)#:]+)\)/g)) {
      await expect(access(join(folder, name, link!)), `${name}: ${link}`).resolves.toBeUndefined();
    }
  }
});

/** What no GPU has been seen to run is said wherever a reader could think otherwise. Whoever has run it takes its line out here, with the figure. */
const NEVER_ON_A_GPU: [page: string, mark: RegExp][] = [
  ['docs/engines.md', /^\*\*Nothing here has ever run on a GPU\*\*: not CUDA in `sluice engine`/m],
  ['docs/engines.md', /not TensorRT, nothing on a 3090/],
  ['docs/real-gpu.md', /\*\*CUDA, Docker and a 3090 have not been run\.\*\*/],
  ['docs/performance.md', /^## On a GPU\n\nNothing here was measured on one\./m],
  ['infra/engines/README.md', /^\| \[Sluice's own\].*\| not run here \|$/m],
  ['infra/engines/README.md', /^\| \[TensorRT\].*\| – \| not run here \|$/m],
  ['infra/engines/tensorrt/README.md', /^\| verdict \| .*not run here/m],
  ['infra/engines/sluice/README.md', /^\| verdict \| .*not run here/m],
];

test.each(NEVER_ON_A_GPU)('%s marks what never ran on a GPU: %s', async (page, mark) => {
  expect(await readFile(resolve(folder, '../..', page), 'utf8')).toMatch(mark);
});
