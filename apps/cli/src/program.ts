/** The commands and their help: examples first. What a command does lies in `commands/`. One table, so long as it is. */

import { SluiceError, textFormats } from '@sluice/core';
import { Command, InvalidArgumentError, Option } from 'commander';

type Loader = () => Promise<{ run: (...args: never[]) => Promise<void> }>;

const integer =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min)
      throw new InvalidArgumentError(`Expected a whole number of at least ${min}.`);
    return value;
  };

const milliseconds = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw new InvalidArgumentError('Expected milliseconds.');
  return value;
};

const share = (text: string): number => {
  const value = Number(text.replace(/\s*%$/, ''));
  if (!(value >= 0 && value <= 100)) throw new InvalidArgumentError('Expected a percentage, 0 to 100.');
  return value / 100;
};

export function createProgram(): Command {
  const program = new Command('sluice')
    .description('Fills a Milvus collection with embeddings and keeps it up to date.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(add --help for examples)')
    .configureHelp({ sortSubcommands: false, styleTitle: (text) => text })
    .action(() => {
      program.outputHelp();
      throw new SluiceError('bad_usage', { message: 'No command was given' });
    });
  examples(program, ['sluice up', 'sluice ingest docs/', 'sluice query "how do I restore a backup?"', 'sluice status']);

  command(
    program,
    'up',
    'Start the embedded servers and one worker; stays until Ctrl-C.',
    () => import('./commands/up.ts'),
    ['sluice up', 'sluice up --line manuals'],
  ).option('--json', 'print the addresses as one JSON line');

  command(
    program,
    'demo [paths...]',
    'Start everything, ingest the example corpus or PATHS on the line `demo`, search it.',
    () => import('./commands/demo.ts'),
    ['sluice demo', 'sluice demo ~/notes', 'sluice demo --once --json'],
  )
    .addOption(new Option('--from <folder>', 'what PATHS are relative to').hideHelp())
    .option('--once', 'leave nothing running; the default where there is no terminal')
    .option('--json', 'one JSON summary as the last line of standard output');

  command(
    program,
    'ingest <paths...>',
    'Read files, folders, patterns or standard input (-), and enqueue their chunks.',
    () => import('./commands/ingest.ts'),
    [
      'sluice ingest docs/',
      'sluice ingest "docs/**/*.md" notes.ndjson.gz',
      'sluice ingest --source wiki --prune export/',
      'zcat dump.ndjson.gz | sluice ingest - --source dump',
      'sluice ingest docs/ --dry-run --engine-rate 40000',
    ],
  )
    .option('--source <name>', 'name of the source; default: the folder’s name')
    .option('--prune', 'delete documents of this source that the read no longer found')
    .option('--prune-max <percent>', 'refuse to prune more than this share of the source', share, 0.1)
    .option('--recut', 'cut unchanged documents anew when the cut has changed')
    .option('--wait', 'wait until everything is stored (default on a terminal)')
    .option('--no-wait', 'return when everything is accepted')
    .option('--dry-run', 'read, cut and count; touch nothing, and forecast what the run will cost')
    .option('--engine-rate <tokens>', 'for the forecast: padded tokens that the engine computes a second', integer(1))
    .option(
      '--engine-request-ms <ms>',
      'for the forecast, with --engine-rate: what each request takes besides; default: 8, as a modelled 3090',
      milliseconds,
    )
    .option('--calibrate', 'for the forecast: measure the engine first, in a few requests')
    .option('--max-errors <n>', 'stop after more rejected items than this', integer(0))
    .addOption(
      new Option('--format <format>', 'what standard input holds')
        .choices(['ndjson', ...textFormats])
        .default('ndjson'),
    )
    .option('--id <id>', 'id of the document on standard input, when it is not NDJSON')
    .option('--json', 'typed lines on standard output, the last one the summary');

  command(
    program,
    'worker',
    'Embed and store the chunks of one line until stopped.',
    () => import('./commands/worker.ts'),
    ['sluice worker', 'sluice worker --line manuals'],
  );

  command(program, 'status', 'What the line holds, what waits, who works.', () => import('./commands/status.ts'), [
    'sluice status',
    'sluice status --json',
  ]).option('--json', 'one JSON object');

  command(
    program,
    'pause',
    'Hold every worker of the line between batches; survives restarts.',
    () => import('./commands/pause.ts'),
    ['sluice pause', 'sluice pause --line manuals --reason "a new graphics card"'],
  ).option('--reason <text>', 'shown by `status` and a waiting `ingest`', 'by hand');
  command(program, 'resume', 'Let a paused line go on.', () => import('./commands/resume.ts'), ['sluice resume']);

  command(program, 'query <text>', 'Search the line.', () => import('./commands/query.ts'), [
    'sluice query "restore a backup"',
    'sluice query "khôi phục" -k 3 --json',
  ])
    .option('-k, --hits <n>', 'how many hits', integer(1), 5)
    .option('--tenant <name>', 'only this tenant’s documents')
    .option('--json', 'a line a hit: {rank,score,docId,revision,ordinal,start,end,heading,text}');

  command(program, 'delete <ids...>', 'Delete documents by id.', () => import('./commands/delete.ts'), [
    'sluice delete docs/old.md',
    'sluice delete a1 a2 --tenant acme',
  ])
    .option('--tenant <name>', 'the tenant that the documents belong to')
    .option('--json', 'one JSON line a document');

  command(program, 'rows <id>', 'The rows of a document’s readable revision.', () => import('./commands/rows.ts'), [
    'sluice rows docs/guide.md',
    'sluice rows docs/guide.md --all --json',
  ])
    .option('--tenant <name>', 'the tenant that the document belongs to')
    .option('--all', 'rows of every revision')
    .option('--vectors', 'with the vectors (only with --json)')
    .option('--json', 'a line a row');

  command(
    program,
    'chunk <files...>',
    'What the chunker makes of files; needs no server.',
    () => import('./commands/chunk.ts'),
    ['sluice chunk guide.md', 'sluice chunk guide.md --html > guide.chunks.html'],
  )
    .option('--json', 'a line a chunk')
    .option('--html', 'one page to look at');

  command(
    program,
    'doctor',
    'Check every dependency: OK, WARN or FAIL with the fix.',
    () => import('./commands/doctor.ts'),
    ['sluice doctor', 'sluice doctor --json', 'sluice doctor --deep'],
  )
    .option('--deep', 'ask the Milvus, in a scratch collection, for everything that Sluice takes for granted of one')
    .option('--json', 'one JSON object');

  command(
    program,
    'verify',
    'Compare the collection with the ledger; exits with 3 while something is wrong.',
    () => import('./commands/verify.ts'),
    ['sluice verify', 'sluice verify --repair --json'],
  )
    .option('--repair', 'mend what is wrong')
    .option('--json', 'a line a fault, the last line the summary');

  command(
    program,
    'serve',
    'Take documents over HTTP, and show the line; stays until Ctrl-C.',
    () => import('./commands/serve.ts'),
    ['sluice serve', 'sluice keys add crawler --scope ingest', 'sluice serve --host 0.0.0.0 --port 8070'],
  )
    .option('--host <address>', 'address to listen on; default: SLUICE_SERVE_HOST')
    .option('--port <port>', 'port to listen on; 0 chooses a free one; default: SLUICE_SERVE_PORT', integer(0))
    .option('--no-chunk', 'leave what is submitted to `sluice chunk-worker`')
    .option('--json', 'print the address as one JSON line, when it listens');

  command(
    program,
    'chunk-worker',
    'Chunk what is submitted to the line, beside services or without any; stays until Ctrl-C.',
    () => import('./commands/chunk-worker.ts'),
    ['sluice chunk-worker', 'sluice serve --no-chunk & sluice chunk-worker'],
  );

  const keys = group(program, 'keys', 'API keys of `sluice serve`.');
  command(keys, 'add <name>', 'Make a key; it is shown once.', () => import('./commands/keys-add.ts'), [
    'sluice keys add crawler --scope ingest',
    'sluice keys add acme --scope ingest,read --tenant acme --lines main',
    'sluice keys add me --scope admin --lines "*"',
  ])
    .option('--scope <scopes>', 'ingest, read, admin; several with commas', 'read')
    .option('--lines <names>', 'lines that it may use, with commas; * is every line; default: --line')
    .option('--tenant <name>', 'its documents belong to this tenant, and it sees no others')
    .option('--requests <n>', 'requests a minute', integer(1))
    .option('--bytes <n>', 'bytes a minute', integer(1))
    .option('--tokens <n>', 'tokens a minute', integer(1))
    .option('--json', 'one JSON object');
  command(keys, 'list', 'The keys, without their secrets.', () => import('./commands/keys-list.ts'), [
    'sluice keys list',
  ]).option('--json', 'a line a key');
  command(keys, 'revoke <name>', 'Take a key away.', () => import('./commands/keys-revoke.ts'), [
    'sluice keys revoke crawler',
  ]);

  command(
    program,
    'reconcile [paths...]',
    'Make the ledger again from the collection after Redis was lost, then hand the sources at PATHS in.',
    () => import('./commands/reconcile.ts'),
    ['sluice reconcile docs/', 'sluice reconcile --source wiki export/', 'sluice reconcile --prune'],
  )
    .option('--source <name>', 'name of the source; default: the folder’s name')
    .option('--prune', 'delete what is left over; without it, only what the documents of PATHS replaced')
    .option('--json', 'JSON lines, the summary of the ledger among them');

  command(program, 'board', 'Serve the live page and Bull Board on loopback.', () => import('./commands/board.ts'), [
    'sluice board',
    'sluice board --port 3000',
  ]).option('--port <port>', 'port to listen on; 0 chooses a free one', integer(0));

  command(
    program,
    'engine',
    'Serve jina-embeddings-v3 over HTTP for workers elsewhere; stays until Ctrl-C.',
    () => import('./commands/engine.ts'),
    [
      'sluice engine --model jinaai/jina-embeddings-v3 --device cuda --host 0.0.0.0',
      'sluice engine --model-dir ~/models/jina-embeddings-v3 --port 8081',
      'sluice engine --model static',
      'sluice engine --model modelled --tokens-per-second 40000',
    ],
  )
    .option('--model-dir <folder>', 'folder with onnx/model.onnx and tokenizer.json; default: SLUICE_MODEL_DIR')
    .option(
      '--model <name>',
      'owner/name or owner/name@revision, fetched from the model hub; or static, null or modelled',
    )
    .addOption(
      new Option('--device <device>', 'where it computes; default: SLUICE_ENGINE_DEVICE').choices(['cpu', 'cuda']),
    )
    .option('--host <address>', 'address to listen on; set SLUICE_ENGINE_API_KEY before you open it', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 chooses a free one', integer(0), 8080)
    .option(
      '--tokens-per-second <n>',
      'modelled: padded tokens that a device computes; default: a 3090',
      integer(1),
      40_000,
    )
    .option('--request-ms <ms>', 'modelled: fixed part of a request', integer(0), 8)
    .option('--memory-tokens <n>', 'modelled: padded tokens above which it is out of memory', integer(1), 65_536)
    .option('--devices <n>', 'modelled: devices behind this address', integer(1), 1)
    .option('--json', 'print what is served as one JSON line, when it is ready');

  const benches = group(program, 'bench', 'Measure what is yours.');
  command(
    benches,
    'engine',
    'How fast the engine is, the best settings, and how long a corpus will take.',
    () => import('./commands/bench-engine.ts'),
    ['SLUICE_ENGINE_URL=http://gpu:8080 sluice bench engine', 'sluice bench engine --corpus-tokens 250000000 --json'],
  )
    .option(
      '--max-batch-tokens <n>',
      'largest request tried, padded tokens, at least SLUICE_MAX_TOKENS; default: SLUICE_BATCH_TOKENS',
      integer(256),
    )
    .option('--corpus-tokens <n>', 'tokens of the corpus whose time is forecast', integer(1), 1_000_000_000)
    .option('--repeats <n>', 'timed requests of each shape', integer(1), 3)
    .option('--json', 'one JSON object');

  const golden = group(program, 'golden', 'Golden vectors, which other engines are compared with.');
  command(golden, 'record', 'Record them from an engine that you trust.', () => import('./commands/golden-record.ts'), [
    'sluice golden record --engine http://gpu:8080',
    'sluice golden record --engine http://gpu:8080 --out golden.json',
    'SLUICE_GOLDEN=golden.json SLUICE_ENGINE_URL=http://other:8080 sluice doctor',
  ])
    .option('--engine <url>', 'the engine; default: the one that the settings name')
    .addOption(new Option('--engine-url <url>', 'the same').hideHelp())
    .option('--out <file>', 'the file to write; default: where preflight looks for it, under SLUICE_HOME')
    .option('--json', 'one JSON object');

  command(
    program,
    'dims',
    'What a smaller stored dimension would cost, measured on the chunks of the line.',
    () => import('./commands/dims.ts'),
    ['sluice dims', 'sluice dims --sample 2000 --json'],
  )
    .option('--sample <n>', 'chunks to compare; the time grows with its square', integer(11), 1_000)
    .option('--json', 'one JSON object');

  const runs = group(program, 'runs', 'Bulk runs of a line.');
  command(runs, 'list', 'The latest runs.', () => import('./commands/runs-list.ts'), ['sluice runs list']).option(
    '--json',
    'a line a run',
  );
  command(runs, 'show <run>', 'One run, its counts and its rejected items.', () => import('./commands/runs-show.ts'), [
    'sluice runs show r1a2b3 --rejected',
  ])
    .option('--rejected', 'list rejected and skipped items')
    .option('--json', 'JSON lines');

  const dead = group(
    program,
    'dead',
    'Dead letters: chunks whose verdict is final, and submissions that were rejected.',
  );
  choosing(
    command(
      dead,
      'list',
      'The dead letters, oldest first; never their text.',
      () => import('./commands/dead-list.ts'),
      ['sluice dead list', 'sluice dead list --run r7 --code engine_rejected --json'],
    ),
    'a line a dead letter',
  );
  choosing(
    command(dead, 'show [chunks...]', 'Reason, history and fix.', () => import('./commands/dead-show.ts'), [
      'sluice dead show --document docs/guide.md',
    ]),
    'a line a dead letter',
  );
  choosing(
    command(dead, 'retry [chunks...]', 'Try them again.', () => import('./commands/dead-retry.ts'), [
      'sluice dead retry --code engine_rejected',
      'sluice dead retry --all',
    ]),
    'one JSON object',
  ).option('--all', 'every dead letter of the line');
  choosing(
    command(
      dead,
      'drop [chunks...]',
      'Give their revisions up: the older one is current again, or the document is deleted.',
      () => import('./commands/dead-drop.ts'),
      ['sluice dead drop --document docs/guide.md', 'sluice dead drop --all --yes'],
    ),
    'one JSON object',
  )
    .option('--all', 'every dead letter of the line')
    .option('--yes', 'do not ask');
  choosing(
    command(
      dead,
      'export [chunks...]',
      'Their text and metadata as NDJSON, each chunk a document that `sluice ingest -` reads.',
      () => import('./commands/dead-export.ts'),
      ['sluice dead export --run r7 > dead.ndjson'],
    ),
  );

  const lines = group(program, 'lines', 'The lines that Milvus holds.');
  command(lines, 'list', 'Every line, its space and its rows.', () => import('./commands/lines-list.ts'), [
    'sluice lines list',
  ]).option('--json', 'a line a line');
  command(
    lines,
    'drop <name>',
    'Delete a line: collection, queue and ledger.',
    () => import('./commands/lines-drop.ts'),
    ['sluice lines drop demo --yes'],
  ).option('--yes', 'do not ask');

  const config = group(program, 'config', 'Settings.');
  command(config, 'show', 'Every setting and its value; secrets as ***.', () => import('./commands/config-show.ts'), [
    'sluice config show --origin',
  ])
    .option('--origin', 'where each value comes from')
    .option('--json', 'one JSON object');
  return program;
}

function command(parent: Command, usage: string, description: string, load: Loader, shown: readonly string[]): Command {
  const added = parent.command(usage).description(description).exitOverride();
  added.option('--line <name>', 'the line; default: SLUICE_LINE or main');
  examples(added, shown);
  added.action(async (...args: unknown[]) => {
    const { run } = await load();
    await (run as (...values: unknown[]) => Promise<void>)(...args.slice(0, -1));
  });
  return added;
}

/** The options by which every `dead` command chooses. */
function choosing(target: Command, json?: string): Command {
  target
    .option('--run <run>', 'of this run')
    .option('--document <id>', 'of this document')
    .option('--code <code>', 'with this error code');
  return json === undefined ? target : target.option('--json', json);
}

function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).exitOverride();
}

function examples(target: Command, lines: readonly string[]): void {
  target.addHelpText('before', `Examples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
}
