import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from './html.ts';
import { documentLink, shownData, shownName } from './shown-job.ts';

const job = {
  v: 1,
  documentId: 'guide.md',
  ordinal: 2,
  chunkCount: 12,
  tokens: { text: 2_000, special: 2, instruction: 9 },
  revision: '1795478981733000',
  run: 'r7',
  text: 'canary',
  context: 'canary heading',
  heading: ['canary'],
  metadata: { note: 'canary' },
};

test('which chunk it is, and nothing of what is in it', () => {
  const shown = shownData(job, { collection: 'sluice_main', text: false });
  expect(shown).toMatchObject({
    documentId: 'guide.md',
    ordinal: 2,
    tokens: 2_011,
    revision: '1795478981733000',
    collection: 'sluice_main',
    run: 'r7',
    text: '(20 characters, not shown)',
  });
  expect(JSON.stringify(shown)).not.toContain('canary');
  expect(shownName(job)).toBe('guide.md · 3 of 12');
  expect(documentLink({ ...job, tenant: 'a&b' })).toBe('/document?id=guide.md&tenant=a%26b');
});

test('text is shown to those whose setting says so', () => {
  expect(shownData(job, { collection: 'c', text: true })).toMatchObject({
    text: 'canary',
    metadata: { note: 'canary' },
  });
});

test('whatever anybody put into a queue, no field of an unknown name is shown, and nothing throws', () => {
  const known = new Set(Object.keys(shownData(job, { collection: 'c', text: false })));
  fc.assert(
    fc.property(fc.anything(), (data) => {
      const shown = shownData(data, { collection: 'c', text: false });
      shownName(data);
      documentLink(data);
      for (const [name, value] of Object.entries(shown)) {
        if (
          name !== 'hidden' &&
          !['id', 'tenant', 'generation', 'start', 'end', 'format', 'priority', 'key', 'epoch'].includes(name)
        )
          expect(known.has(name)).toBe(true);
        expect(['string', 'number']).toContain(typeof value);
      }
    }),
  );
});

test('an id with markup in it is text on a page', () => {
  expect(html`<h1>${'<img src=x onerror=alert(1)> "&\''}</h1>`.text).toBe(
    '<h1>&#60;img src=x onerror=alert(1)&#62; &#34;&#38;&#39;</h1>',
  );
});
