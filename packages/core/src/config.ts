/**
 * Loading configuration is a pure function of its sources: it reports every problem at once, each with name, expected and
 * got. Unknown SLUICE_ names are errors. A secret may come from a file: NAME_FILE instead of NAME. Secrets are never printed.
 */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { SluiceError } from './errors.ts';
import { type Setting, type SettingName, settings } from './settings.ts';

type Value<N extends SettingName> = (typeof settings)[N] extends { default: infer D }
  ? D
  : (typeof settings)[N] extends { schema: infer S extends z.ZodType }
    ? z.output<S> | undefined
    : never;

export type Config = { readonly [N in SettingName]: Value<N> };

/** Where values come from, strongest first: command line, environment, `.env` file, embedded stack. */
export interface ConfigSource {
  name: string;
  values: Readonly<Record<string, string | undefined>>;
  /** Unknown SLUICE_ names in here are errors (not so for the environment of tests that pass a subset). */
}

export interface LoadedConfig {
  config: Config;
  /** The name of the source that each value came from. */
  origin: Readonly<Record<SettingName, string>>;
}

/** Throws `bad_configuration` naming every problem. Reads the files that *_FILE settings of secrets name. */
export function loadConfig(
  sources: readonly ConfigSource[],
  readFile = (path: string) => readFileSync(path, 'utf8'),
): LoadedConfig {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  const origin: Record<string, string> = {};

  for (const source of sources) {
    for (const name of Object.keys(source.values)) {
      if (source.values[name] !== undefined && name.startsWith('SLUICE_') && !isKnown(name)) {
        problems.push(`${name} (${source.name}): no such setting${suggestion(name)}`);
      }
    }
  }
  for (const [name, row] of Object.entries(settings) as [SettingName, Setting][]) {
    const found = find(name, row);
    if (found === undefined) {
      config[name] = row.default;
      origin[name] = 'default';
      continue;
    }
    const parsed = row.schema.safeParse(found.value);
    if (parsed.success) {
      config[name] = parsed.data;
      origin[name] = found.origin;
    } else {
      problems.push(
        `${name} (${found.origin}): expected ${row.form}, got ${row.secret ? '***' : JSON.stringify(withoutUserinfo(found.value))}`,
      );
    }
  }
  if (problems.length === 0) problems.push(...contradictions(config as Config));
  if (problems.length > 0) {
    throw new SluiceError('bad_configuration', {
      message: `${problems.length === 1 ? 'One setting is' : `${problems.length} settings are`} wrong: ${problems.join('; ')}`,
    });
  }
  return { config: config as Config, origin: origin as Record<SettingName, string> };

  function find(name: SettingName, row: Setting): { value: string; origin: string } | undefined {
    for (const source of sources) {
      const value = source.values[name];
      if (value !== undefined && value !== '') return { value, origin: source.name };
      const file = row.secret ? source.values[`${name}_FILE`] : undefined;
      if (file === undefined || file === '') continue;
      try {
        return { value: readFile(file).trim(), origin: `${source.name}, ${name}_FILE` };
      } catch (error) {
        problems.push(
          `${name}_FILE (${source.name}): cannot read ${JSON.stringify(file)}: ${(error as Error).message}`,
        );
        return undefined;
      }
    }
    return undefined;
  }
}

/** What may be printed: secrets as ***. */
export function printableConfig({
  config,
  origin,
}: LoadedConfig): { name: SettingName; value: string; origin: string }[] {
  return (Object.entries(settings) as [SettingName, Setting][]).map(([name, row]) => {
    const value = config[name];
    const shown = value === undefined ? '' : row.secret ? '***' : withoutUserinfo(String(value));
    return { name, value: shown, origin: origin[name] };
  });
}

/** An address may carry a name and a password although nobody asked for one. */
export function withoutUserinfo(text: string): string {
  return text.replace(/(\w:\/\/)[^/?#\s]*@/g, '$1***@');
}

function isKnown(name: string): boolean {
  if (Object.hasOwn(settings, name)) return true;
  const secretOf = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : undefined;
  return (
    secretOf !== undefined &&
    Object.hasOwn(settings, secretOf) &&
    (settings[secretOf as SettingName] as Setting).secret === true
  );
}

function contradictions(config: Config): string[] {
  const problems: string[] = [];
  if (config.SLUICE_MILVUS_TOKEN !== undefined && config.SLUICE_MILVUS_PASSWORD !== undefined) {
    problems.push('SLUICE_MILVUS_TOKEN: expected either a token or a password, got both');
  }
  const address = config.SLUICE_MILVUS_ADDRESS ?? '';
  const milvusDefault = config.SLUICE_MILVUS_PASSWORD === 'Milvus' || config.SLUICE_MILVUS_TOKEN === 'root:Milvus';
  if (milvusDefault && !/^(https?:\/\/)?(localhost|127\.|\[::1\])/.test(address)) {
    problems.push(
      `SLUICE_MILVUS_PASSWORD: expected a password of your own for a Milvus that others can reach (${withoutUserinfo(address)}), got the one that every Milvus begins with`,
    );
  }
  return problems;
}

function suggestion(name: string): string {
  const near = Object.keys(settings).find((known) => distance(known, name) <= 3);
  return near === undefined ? '' : `; ${near} was meant?`;
}

/** Levenshtein distance; the names are short and few. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
