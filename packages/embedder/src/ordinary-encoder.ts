/**
 * An ordinary encoder behind a profile that was made for jina-embeddings-v3: no adapters, the same weights for passages and queries, told
 * apart by instructions of their own, such as those of E5. Naming an instruction, even an empty one, says that it is one.
 */
import type { Config } from '@sluice/core';
import type { Profile } from './profile.ts';

export function isOrdinaryEncoder(config: Config): boolean {
  return config.SLUICE_PASSAGE_INSTRUCTION !== undefined || config.SLUICE_QUERY_INSTRUCTION !== undefined;
}

export function ordinaryEncoder(profile: Profile, config: Config): Profile {
  return {
    ...profile,
    task: 'none',
    // Our own engine puts it in front itself; over HTTP nobody but the client would.
    instruction: profile.protocol === 'onnx' ? 'engine' : 'client',
    passageInstruction: config.SLUICE_PASSAGE_INSTRUCTION ?? '',
    queryInstruction: config.SLUICE_QUERY_INSTRUCTION ?? '',
    roles: ['passage', 'query'],
    spaceTask: 'passage',
    trainedDimensions: [],
  };
}

/** What speaks against it, as sentences of `resolveEngine`. */
export function ordinaryEncoderProblems(config: Config, profile: Profile): string[] {
  if (!isOrdinaryEncoder(config)) return [];
  const named = ['SLUICE_PASSAGE_INSTRUCTION', 'SLUICE_QUERY_INSTRUCTION'].filter(
    (name) => config[name as 'SLUICE_PASSAGE_INSTRUCTION'] !== undefined,
  );
  const own = !['onnx', 'openai', 'tei'].includes(profile.protocol) || profile.roleField !== undefined;
  if (own)
    return [`${named.join(', ')}: expected nothing, because this engine puts its model's own instructions in front`];
  return (['SLUICE_MODEL', 'SLUICE_FULL_DIMENSION'] as const)
    .filter((name) => config[name] === undefined)
    .map((name) => `${name}: expected the encoder's own, because ${named.join(' and ')} are not for ${profile.model}`);
}
