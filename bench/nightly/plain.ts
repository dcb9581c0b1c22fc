/**
 * Reads every document of a folder or an NDJSON file and hashes its text, one after the other; no ledger is asked, no format is looked at.
 * `node plain.ts PATH`; prints {"documents": n}.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const path = process.argv[2]!;
const hash = (text: string) => createHash('sha256').update(text).digest('base64url');
let documents = 0;

if (statSync(path).isDirectory()) {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    hash(readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    documents += 1;
  }
} else {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    hash((JSON.parse(line) as { text: string }).text);
    documents += 1;
  }
}
process.stdout.write(`${JSON.stringify({ documents })}\n`);
