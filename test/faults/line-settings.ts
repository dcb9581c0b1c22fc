/** Settings of a line in a fault test: the hash engine, small chunks, everything else as a user has it. */
import { ENGINE_DIMENSION, STORED_DIMENSION } from './engine-server.ts';

export interface Servers {
  redisUrl: string;
  milvus: { address: string; username: string; password: string };
  engineUrl: string;
}

export function lineSettings(line: string, { redisUrl, milvus, engineUrl }: Servers): Record<string, string> {
  return {
    SLUICE_LINE: line,
    SLUICE_REDIS_URL: redisUrl,
    SLUICE_MILVUS_ADDRESS: milvus.address,
    SLUICE_MILVUS_USERNAME: milvus.username,
    SLUICE_MILVUS_PASSWORD: milvus.password,
    SLUICE_ENGINE: 'openai',
    SLUICE_ENGINE_URL: engineUrl,
    SLUICE_MODEL: 'hash',
    SLUICE_MODEL_REVISION: '1',
    SLUICE_FULL_DIMENSION: String(ENGINE_DIMENSION),
    SLUICE_DIMENSION: String(STORED_DIMENSION),
    // Nothing proves a hash; that engines are proven is another test's.
    SLUICE_ACCEPT_UNPROVEN: 'true',
    SLUICE_TARGET_TOKENS: '256',
    SLUICE_MAX_TOKENS: '512',
    SLUICE_CHUNK_THREADS: '1',
  };
}
