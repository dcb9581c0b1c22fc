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

/** A version, or a digest that the reader has to name. */
const PINNED_IMAGE = /:v?\d+\.\d+|@sha256:|^\$\{\w+:\?[^}]*digest/;
const OF_A_PACKAGE = /^"?[\w.-]+(?:\[[\w,]+\])?==\d[\w.]*"?$/;

const pages = (await readdir(folder, { recursive: true })).filter((path) =>
  /README\.md|\.(?:ya?ml|sh|py)$|Dockerfile/.test(path),
);

test.each(pages)('%s installs nothing without its version', async (path) => {
  const text = await readFile(join(folder, path), 'utf8');
  for (const [, wanted] of text.matchAll(/pip"? install (.+?)(?: &&.*)?$/gm)) {
    const words = wanted!
      .replace(/--(?:python|overrides) \S+/g, '')
      .split(' ')
      .filter((word) => word !== '' && !word.startsWith('--'));
    expect(words.length).toBeGreaterThan(0);
    for (const word of words) expect(word).toMatch(OF_A_PACKAGE);
  }
});

test.each(names)('the recipe of %s has a command for a CPU and one for a 3090, or says why not', async (name) => {
  const text = await readme(name);
  const commands = [...text.matchAll(/^```console\n(.*?)^```/gms)].map((match) => match[1]!).join('');
  // The hosted one has nothing to start; these two have no NVIDIA device; TensorRT has nothing else.
  const without = { 'jina-api': 2, tei: 1, openvino: 1, tensorrt: 1 }[name] ?? 0;
  if (without === 2) return expect(commands).toBe('');
  if (without === 1) return expect(text).toMatch(/CPU only|of no use|no NVIDIA card/);
  expect(commands).toMatch(/cuda|gpu|float16|sluice worker/);
  expect(commands.trim().split('\n').length + (name === 'onnx-runtime' ? 1 : 0)).toBeGreaterThan(1);
  // What Sluice itself is installed by is said elsewhere.
  if (name !== 'sluice') expect(commands).toMatch(/pip install|install-cpu/);
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
  for (const [, image] of text.matchAll(/^\s+(?:image:|FROM) (\S+.*)$/gm)) expect(image).toMatch(PINNED_IMAGE);
  for (const [, port] of text.matchAll(/^\s+- "([^"]*:\d+:\d+)"$/gm)) expect(port).toMatch(/^127\.0\.0\.1:/);
  for (const [, list] of text.matchAll(/(?:command|test): (\[.*\])$/gm)) {
    expect(JSON.parse(list!)).toEqual(expect.arrayContaining([expect.any(String)]));
  }
  const context = resolve(folder, name, /^ +context: (\S+)$/m.exec(text)?.[1] ?? '.');
  for (const [, sources] of text.matchAll(/COPY (?!--from)(.+) \S+$/gm)) {
    for (const source of sources!.split(' ')) {
      await expect(access(join(context, source)), `${name}: ${source}`).resolves.toBeUndefined();
    }
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
