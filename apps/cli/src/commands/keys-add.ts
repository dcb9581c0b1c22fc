import { SluiceError } from '@sluice/core';
import { type Scope, scopes } from '@sluice/queue';
import { connectApiKeys } from '../api-keys.ts';
import { dim } from '../render/style.ts';
import { printJson, runCommand } from '../run-command.ts';

interface KeysAddOptions {
  scope: string;
  lines?: string;
  tenant?: string;
  requests?: number;
  bytes?: number;
  tokens?: number;
  json?: boolean;
  line?: string;
}

export async function run(name: string, options: KeysAddOptions): Promise<void> {
  await runCommand('keys', options, async (context) => {
    const { requests, bytes, tokens, tenant } = options;
    const { key, token } = await connectApiKeys(context).add({
      name,
      scopes: options.scope.split(',').map(scopeOf),
      lines: (options.lines ?? context.config.SLUICE_LINE).split(','),
      ...(tenant !== undefined && { tenant }),
      limits: {
        ...(requests !== undefined && { requests }),
        ...(bytes !== undefined && { bytes }),
        ...(tokens !== undefined && { tokens }),
      },
    });
    if (options.json === true) return printJson({ ...key, token });
    process.stdout.write(`${token}\n`);
    process.stderr.write(`${dim('Keep it: only its digest is stored, so it cannot be shown again.')}\n`);
  });
}

function scopeOf(text: string): Scope {
  const scope = scopes.find((known) => known === text.trim());
  if (scope !== undefined) return scope;
  throw new SluiceError('bad_usage', {
    message: 'There is no such scope',
    expected: scopes.join(', '),
    got: JSON.stringify(text.slice(0, 40)),
  });
}
