/**
 * What every command needs: the configuration with its origins, a logger, and a stack of what to close. Values come from
 * the command line, then the environment, then `.env` in the working folder, then the embedded stack if one is running.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import {
  type Config,
  type ConfigSource,
  createLogger,
  createReleaser,
  type LoadedConfig,
  type Logger,
  loadConfig,
  type Releaser,
  type SettingName,
} from '@sluice/core';
import { readStack } from '@sluice/embedded';
import { projectFolder } from './project.ts';

export interface Context {
  /** With an absolute SLUICE_HOME: what is opened with it may not know where the project lies. */
  config: Config;
  loaded: LoadedConfig;
  logger: Logger;
  releaser: Releaser;
  /** Aborted by the first SIGINT or SIGTERM. */
  signal: AbortSignal;
}

export type Flags = Partial<Record<SettingName, string>>;

export interface GlobalOptions {
  line?: string;
}

export async function loadContext(
  service: string,
  options: GlobalOptions,
  signal: AbortSignal,
  extra: Flags = {},
): Promise<Context> {
  const loaded = await loadSettings({ ...extra, ...(options.line !== undefined && { SLUICE_LINE: options.line }) });
  const logger = createLogger({ service, level: loaded.config.SLUICE_LOG_LEVEL });
  const config = { ...loaded.config, SLUICE_HOME: homeOf(loaded.config) };
  return { config, loaded, logger, releaser: createReleaser(), signal };
}

export async function loadSettings(flags: Flags): Promise<LoadedConfig> {
  const sources: ConfigSource[] = [
    { name: 'command line', values: flags },
    { name: 'environment', values: process.env },
    ...dotEnv(),
  ];
  const first = loadConfig(sources);
  const stack = await readStack(homeOf(first.config));
  if (stack === undefined) return first;
  return loadConfig([...sources, { name: 'embedded stack', values: stackSettings(stack, first.config) }]);
}

/** The embedded stack's folder, absolute: `SLUICE_HOME` is relative to the project. */
export function homeOf(config: Config): string {
  return resolve(projectFolder, config.SLUICE_HOME);
}

/** What the stack offers for settings that are not set; a Milvus of one's own never meets the embedded one's password. */
function stackSettings(
  stack: { redisUrl?: string; milvus?: { address: string; username: string; password: string } },
  config: Config,
): Flags {
  return {
    ...(stack.redisUrl !== undefined && { SLUICE_REDIS_URL: stack.redisUrl }),
    ...(stack.milvus !== undefined &&
      config.SLUICE_MILVUS_ADDRESS === undefined && {
        SLUICE_MILVUS_ADDRESS: stack.milvus.address,
        // milvus-lite knows no users.
        ...(stack.milvus.username !== '' && {
          SLUICE_MILVUS_USERNAME: stack.milvus.username,
          SLUICE_MILVUS_PASSWORD: stack.milvus.password,
        }),
      }),
  };
}

function dotEnv(): ConfigSource[] {
  const path = join(process.cwd(), '.env');
  if (!existsSync(path)) return [];
  return [{ name: '.env', values: parseEnv(readFileSync(path, 'utf8')) as Record<string, string> }];
}
