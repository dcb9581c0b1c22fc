import { connectApiKeys } from '../api-keys.ts';
import { table } from '../render/table.ts';
import { printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { json?: boolean; line?: string }): Promise<void> {
  await runCommand('keys', options, async (context) => {
    const keys = await connectApiKeys(context).list();
    if (options.json === true) return keys.forEach(printJson);
    if (keys.length === 0) {
      process.stdout.write('No key: the service answers on loopback only.\n');
      return;
    }
    process.stdout.write(
      `${table(
        keys.map(({ name, scopes, lines, tenant, limits, createdAt }) => [
          printable(name),
          scopes.join(', '),
          `lines ${lines.join(', ')}`,
          tenant === undefined ? '' : `tenant ${printable(tenant)}`,
          Object.entries(limits)
            .map(([what, much]) => `${much} ${what}/min`)
            .join(', '),
          new Date(createdAt).toISOString().slice(0, 10),
        ]),
      )}\n`,
    );
  });
}
