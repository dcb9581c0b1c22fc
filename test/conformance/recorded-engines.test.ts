/**
 * Every engine of test/engines, as it answered when it ran: its recorded replies go through the real client to preflight, which must
 * say what the table of engines says. And every way of getting wrong vectors with status 200 that is known is seen in one of them.
 */
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { preflight, refuseUnlessRight } from '@sluice/embedder';
import { describe, expect, it } from 'vitest';
import type { EngineRow } from '../engines/engine-row.ts';
import { engineTable } from '../engines/engine-table.ts';
import { engineOf } from '../engines/measure.ts';
import { readRecording, recordingPath, replayEngine } from '../support/engine-recording.ts';

/** Sluice's own run themselves: own-engines.test.ts. */
const served = engineTable.filter(({ own }) => own !== true);

async function judge(row: EngineRow) {
  const recording = await readRecording(row.name);
  if (recording === undefined) throw new Error(`no recording: npm run test:engines -- "${row.name}" --record`);
  await using door = await replayEngine(recording);
  const { engine, resolved, ...known } = await engineOf(row, door.url);
  try {
    return await preflight(engine, resolved, known);
  } finally {
    await engine.close();
  }
}

/** What mends each mistake must be named: a setting of Sluice, or a flag or a file of the engine. */
const mends: Partial<Record<EngineRow['expect'], RegExp>> = {
  task_ignored: /SLUICE_ENGINE/,
  wrong_adapter: /passage adapter.*SLUICE_ENGINE_URL/,
  wrong_pooling: /--pooling mean/,
  wrong_space: /SLUICE_ENGINE_URL.*SLUICE_GOLDEN/,
  wrong_model: /SLUICE_ENGINE_URL.*SLUICE_SERVED_MODEL/,
  wrong_dimension: /truncate_dim.*SLUICE_FULL_DIMENSION/,
  prefix_missing: /SLUICE_ENGINE/,
  prefix_doubled: /default prompt.*SLUICE_ENGINE/,
  silent_truncation: /--auto-truncate false|SLUICE_MAX_TOKENS/,
  not_normalised: /Normalize.*SLUICE_ENGINE=openai/,
};

describe('as recorded', () => {
  it.each(served.map((row) => [row.name, row.expect, row] as const))('%s: %s', async (_, expected, row) => {
    const report = await judge(row);
    // A request that was not recorded would show as a failure of its own.
    expect(report.findings.filter(({ measured }) => measured.includes('501'))).toEqual([]);
    const taken = expected === 'right' || expected === 'imprecise';
    expect(report.code ?? report.verdict).toBe(taken ? 'right' : expected);
    if (taken) return refuseUnlessRight(report);
    const failure = report.findings.find(({ status }) => status === 'fail')!;
    expect(failure.fix).toMatch(row.forQueries === true ? /SLUICE_QUERY_ENGINE/ : mends[expected]!);
    expect(() => refuseUnlessRight(report, { acceptUnproven: true })).toThrow(row.profile);
  });

  it('nothing is kept of engines that nobody asks any more', async () => {
    const kept = await readdir(dirname(recordingPath('any')));
    const wanted = served.map(({ name }) => recordingPath(name).split('/').at(-1)!);
    expect(kept.toSorted()).toEqual(wanted.toSorted());
  });
});

/**
 * What was found when every engine was run and asked for passages, and the row above that shows it. `right`: looks odd, and is no
 * mistake.
 */
const known: readonly [what: string, shownBy: string, code: EngineRow['expect']][] = [
  // left to its defaults, or asked as its documentation says
  ['jina-on-prem without a task', 'jina-on-prem 4.0.0, no task sent', 'task_ignored'],
  ['TEI without --pooling mean', 'TEI 1.9.3, default pooling', 'wrong_pooling'],
  ['Infinity with pooling auto', 'infinity 0.0.78, default pooling', 'wrong_pooling'],
  ['vLLM over five adapters', 'vLLM 0.32.0, five adapters', 'wrong_adapter'],
  ['vLLM without 1_Pooling', 'vLLM 0.32.0, merged, no 1_Pooling', 'wrong_pooling'],
  ['FastEmbed, which adds no instruction', 'fastembed 0.9.1, nobody adds the instruction', 'prefix_missing'],
  ['sentence-transformers encode(task=…)', 'sentence-transformers 6.2, encode(task=…)', 'task_ignored'],
  // calls in process that give vectors and no error
  ['transformers: the adapter loaded last is active', 'transformers 5.23, set_adapter forgotten', 'wrong_adapter'],
  ['transformers: no adapter loaded', 'transformers 5.23, no adapter loaded', 'task_ignored'],
  ['transformers: set_adapter with two names adds them up', 'transformers 5.23, two adapters set', 'wrong_space'],
  [
    "sentence-transformers: encode_document without the checkpoint's prompts",
    'sentence-transformers 6.2, encode_document',
    'prefix_missing',
  ],
  [
    'sentence-transformers without Normalize: length 4 to 8',
    'sentence-transformers 6.2, no Normalize',
    'not_normalised',
  ],
  ['sentence-transformers truncate_dim', 'sentence-transformers 6.2, truncate_dim', 'wrong_dimension'],
  ['sentence-transformers in bfloat16: lengths off by 0.4 %', 'sentence-transformers 6.2, merged, bfloat16', 'right'],
  [
    'OpenVINO left to itself: bfloat16 where the processor has it',
    'openvino 2026.4.1, precision of its own choice',
    'imprecise',
  ],
  // what a probe must tell apart
  ['the instruction forgotten', 'fastembed 0.9.1, nobody adds the instruction', 'prefix_missing'],
  ['the instruction twice', 'TEI 1.9.3, --default-prompt and a client that adds it too', 'prefix_doubled'],
  ['another adapter', 'transformers 5.23, text-matching set', 'wrong_adapter'],
  ['the bare model', 'transformers 5.23, no adapter loaded', 'task_ignored'],
  ['the first token', 'transformers 5.23, first token', 'wrong_pooling'],
  ['over-long texts cut with 200', 'TEI 1.9.3, --auto-truncate left on, OpenAI route', 'silent_truncation'],
  ['passages where queries are asked for', 'TEI 1.9.3, the passage adapter merged, for queries', 'wrong_adapter'],
  ['a window below that of the profile', 'sentence-transformers 6.2, max_seq_length 512', 'silent_truncation'],
  ['another model, under whatever name it is asked for', 'onnxruntime 1.32, Python, other weights', 'wrong_model'],
];

describe('every known way to wrong vectors is among them', () => {
  it.each(known)('%s: %s', (_, shownBy, code) => {
    expect(engineTable.find(({ name }) => name === shownBy)?.expect).toBe(code);
  });

  it('and every wrong row shows one', () => {
    const wrong = engineTable.filter(({ expect }) => expect !== 'right').map(({ name }) => name);
    expect(wrong.filter((name) => !known.some(([, shownBy]) => shownBy === name))).toEqual([]);
  });
});
