import { connectApiKeys } from '../api-keys.ts';
import { runCommand } from '../run-command.ts';

export async function run(name: string, options: { line?: string }): Promise<void> {
  await runCommand('keys', options, async (context) => {
    await connectApiKeys(context).revoke(name);
    process.stdout.write(`Revoked ${name}; services that run notice within two seconds.\n`);
  });
}
