/** An engine behind HTTP: one request an `embed`, every reply checked before anything is believed. */
import { type Clock, isSluiceError, type Logger, SluiceError, systemClock } from '@sluice/core';
import type { Dispatcher } from 'undici';
import { paddedTokens } from '../batch-planner.ts';
import type { EmbedReply, EmbedRequest, Engine } from '../engine.ts';
import type { Profile } from '../profile.ts';
import { createHttpClient, type HttpReply } from './http-client.ts';
import { createPatience } from './patience.ts';
import { type Protocol, type Question, ReplyShapeError } from './protocol.ts';
import { jinaProtocol } from './protocol-jina.ts';
import { openaiProtocol } from './protocol-openai.ts';
import { teiProtocol } from './protocol-tei.ts';
import { refusal } from './refusal.ts';
import { parseReply } from './reply-json.ts';
import { readVectors } from './reply-vectors.ts';

const protocols: Readonly<Partial<Record<Profile['protocol'], Protocol>>> = {
  jina: jinaProtocol,
  openai: openaiProtocol,
  tei: teiProtocol,
};

export interface HttpEngineOptions {
  profile: Profile;
  url: string;
  apiKey?: string | undefined;
  servedModel: string;
  fullDimension: number;
  logger: Logger;
  deadline?: { baseMs: number; perTokenMs: number };
  clock?: Clock;
  dispatcher?: Dispatcher | undefined;
}

export function createHttpEngine(options: HttpEngineOptions): Engine {
  const { profile, url, apiKey, servedModel, fullDimension, logger, clock = systemClock, dispatcher } = options;
  const patience = createPatience(options.deadline ?? profile.deadline);
  const protocol = protocols[profile.protocol];
  if (protocol === undefined || profile.path === undefined) {
    throw new TypeError(`the profile ${profile.name} is not served over HTTP`);
  }
  const client = createHttpClient({ url, apiKey, dispatcher });
  const where = client.where + profile.path;
  const path = profile.path;

  async function embed({ texts, tokens, role, task, signal }: EmbedRequest): Promise<EmbedReply> {
    if (!profile.roles.includes(role)) {
      throw new SluiceError('bad_configuration', {
        message: `The engine ${profile.name} does not serve the role ${role}`,
        where,
        expected: profile.roles.join(' or '),
        got: role,
      });
    }
    if (texts.length === 0) return { vectors: [] };
    if (texts.length > profile.maxRows) throw tooLarge(`${profile.maxRows} rows`, `${texts.length} rows`);
    const question: Question = { texts: instructed(texts, role), role, task, servedModel, fullDimension, profile };
    const body = Buffer.from(protocol!.body(question));
    if (body.length > profile.maxBytes) throw tooLarge(`${profile.maxBytes} bytes`, `${body.length} bytes`);

    const padded = paddedTokens(tokens);
    const startedMs = clock.monotonicMs();
    const wait = patience.begin(padded);
    const reply = await client
      .exchange({
        method: 'POST',
        path,
        body,
        deadlineMs: wait.deadlineMs,
        // A JSON float is 25 characters at most; a right reply is far below this.
        maxReplyBytes: 65_536 + texts.length * (1_024 + fullDimension * 32),
        signal,
      })
      .catch((error: unknown) => {
        if (isSluiceError(error) && error.code === 'engine_timeout') wait.ranOut();
        throw error;
      });
    if (reply.status === 200) wait.answered(clock.monotonicMs() - startedMs);
    if (reply.status !== 200) throw refusal(reply, { where, nowMs: clock.now() });
    const { embeddings, usageTokens, model } = readItems(reply, texts.length);
    const vectors = readVectors(embeddings, { dimension: fullDimension, unitNorm: profile.unitNorm, where });
    logger.debug(
      { rows: texts.length, padded, role, ms: Math.round(clock.monotonicMs() - startedMs), usageTokens },
      'engine answered',
    );
    return { vectors, usageTokens, model };
  }

  function instructed(texts: readonly string[], role: EmbedRequest['role']): readonly string[] {
    if (profile.instruction !== 'client' || role === 'none') return texts;
    const instruction = role === 'passage' ? profile.passageInstruction : profile.queryInstruction;
    return texts.map((text) => instruction + text);
  }

  function readItems(reply: HttpReply, rows: number) {
    try {
      return protocol!.read(parseReply(reply.body), rows);
    } catch (error) {
      if (!(error instanceof ReplyShapeError)) throw error;
      throw new SluiceError('engine_bad_reply', {
        message: "The engine's reply does not follow its protocol",
        where,
        expected: error.expected,
        got: `${error.got} (${reply.headers['content-type'] ?? 'no content type'})`,
      });
    }
  }

  function tooLarge(expected: string, got: string): SluiceError {
    const message = `The request is larger than the profile ${profile.name} allows, so it was not sent`;
    return new SluiceError('engine_too_large', { message, where, expected: `at most ${expected}`, got });
  }

  return { profile, fullDimension, where, embed, close: () => client.close() };
}
