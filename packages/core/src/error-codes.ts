/**
 * Every error code there is: its verdict, what it means and the fix. `docs/errors.md` is this table; a test keeps the two
 * equal. Codes are stable: programs may match on them.
 *
 * Verdicts: `retry` an outage, wait and try again, no attempt used · `split` too big, halve · `dead` this item alone ·
 * `stop` configuration, the line stops · `unknown` five attempts, then a dead letter.
 */
export type Verdict = 'retry' | 'split' | 'dead' | 'stop' | 'unknown';

interface Row {
  verdict: Verdict;
  means: string;
  fix: string;
}

const row = (verdict: Verdict, means: string, fix: string): Row => ({ verdict, means, fix });

export const errorCodes = {
  // — configuration and command line
  bad_configuration: row(
    'stop',
    'A setting is missing, unknown or of the wrong form.',
    'Mend the settings named above; `npx sluice config show --origin` prints where each value comes from.',
  ),
  bad_usage: row('stop', 'The command line does not say what to do.', 'Add --help to the command to see its examples.'),
  unsupported_platform: row(
    'stop',
    'A part of the embedded stack has no server for this platform.',
    'Use WSL2, or set SLUICE_REDIS_URL, SLUICE_MILVUS_ADDRESS and SLUICE_ENGINE_URL to servers of your own.',
  ),
  setup_failed: row(
    'stop',
    'The embedded stack could not be installed or started.',
    'Read the log file named above, mend the cause, and run the command again.',
  ),
  stack_running: row(
    'stop',
    'Another process runs the embedded stack of this folder.',
    'Use it as it is, or stop that process first.',
  ),
  port_taken: row('stop', 'A port that was asked for is in use.', 'Stop the other program, or choose another port.'),
  source_root_changed: row(
    'stop',
    'A source of this name was read from another folder before.',
    'Give this folder its own name with --source NAME.',
  ),
  prune_refused: row(
    'stop',
    'Pruning would delete more than it may, or the read was not complete.',
    'Look at `--dry-run --prune`; raise --prune-max if the deletions are meant.',
  ),

  bad_tokenizer: row(
    'stop',
    'The tokenizer file cannot be used.',
    'Point SLUICE_TOKENIZER at the tokenizer.json (or .json.br) of the model, or unset it for XLM-R.',
  ),

  // — documents and files (cost themselves only)
  invalid_utf8: row('dead', 'The file is not valid UTF-8.', 'Convert it to UTF-8, for instance with iconv.'),
  unsupported_encoding: row(
    'dead',
    'The file is UTF-16, UTF-32 or another encoding.',
    'Convert it to UTF-8, for instance with iconv.',
  ),
  malformed_unicode: row(
    'dead',
    'The text has a lone surrogate, which no store can keep.',
    'Repair the text where it is made.',
  ),
  unsupported_type: row(
    'dead',
    'The file is of a type that Sluice does not read.',
    'Convert it to text or Markdown, or leave it out with .ingestignore.',
  ),
  reader_not_installed: row(
    'dead',
    'Reading this type of file needs a library that is optional and not installed.',
    'Run the command named above, which installs it.',
  ),
  encrypted_document: row('dead', 'The document asks for a password.', 'Save it without a password.'),
  broken_document: row(
    'dead',
    'The PDF or Word document is damaged.',
    'Make the file again, or open and save it with the program that made it.',
  ),
  no_text_layer: row(
    'dead',
    'The PDF has pages but no text: they are pictures.',
    'Recognise its text first, for instance with ocrmypdf.',
  ),
  extraction_stopped: row(
    'dead',
    'Taking the text out of the document took more time, memory or pages than one document may take.',
    'Split the document, or convert it to text or Markdown.',
  ),
  empty_document: row(
    'dead',
    'The document has no text.',
    'Nothing needs doing; to delete a document use `npx sluice delete ID`.',
  ),
  document_too_large: row(
    'dead',
    'The document is larger than a document may be.',
    'Split it into several documents, or raise SLUICE_MAX_DOCUMENT_BYTES.',
  ),
  too_many_chunks: row(
    'dead',
    'The document has more chunks than a document may have.',
    'Split it into several documents.',
  ),
  chunker_died: row(
    'unknown',
    'A thread ended while it cut the document.',
    'Memory is the usual cause: give the process more, use fewer SLUICE_CHUNK_THREADS, or split the document.',
  ),
  chunker_failed: row(
    'dead',
    'The chunker failed on the document, with an error that is a defect of Sluice.',
    'Report it with a document that shows it; leave the document out meanwhile.',
  ),
  unreadable_file: row(
    'dead',
    'The file or folder cannot be read.',
    'Grant read permission, or leave it out with .ingestignore.',
  ),
  missing_path: row(
    'dead',
    'There is no such file or folder, or a pattern matched nothing.',
    'Check the path; quote patterns so that the shell leaves them alone.',
  ),
  changed_while_reading: row(
    'dead',
    'The file changed while it was read.',
    'Run the command again when the file is at rest.',
  ),
  symlink_skipped: row(
    'dead',
    'A symbolic link met while walking a folder is not followed.',
    'Name its target on the command line if it is meant.',
  ),
  special_file: row('dead', 'A device, pipe or socket is not a document.', 'Leave it out with .ingestignore.'),
  inflated_too_large: row(
    'dead',
    'A compressed file inflates to more than a document may be.',
    'Unpack it yourself and split it.',
  ),
  broken_gzip: row('dead', 'The gzip data is damaged or ends early.', 'Make the file again.'),
  broken_ndjson: row(
    'dead',
    'A line is not a JSON object of the documented form.',
    'Mend the line: {"id": "…", "text": "…", "metadata"?: {…}, "tenant"?: "…"}.',
  ),
  line_too_long: row(
    'dead',
    'A line is longer than a line may be.',
    'Split the document, or raise SLUICE_MAX_LINE_BYTES.',
  ),
  too_deep: row('dead', 'The JSON is nested deeper than 32 levels.', 'Flatten the metadata.'),
  duplicate_id: row('dead', 'The same id came twice in one run with different text.', 'Give each document its own id.'),
  invalid_id: row('dead', 'A document id is 1 to 512 bytes of UTF-8 without control characters.', 'Choose another id.'),
  invalid_tenant: row(
    'dead',
    'A tenant is 1 to 128 bytes of UTF-8 without control characters.',
    'Choose another tenant name.',
  ),
  invalid_metadata: row(
    'dead',
    'Metadata is a JSON object of at most 16 KiB without reserved keys or unsafe numbers.',
    'Make it smaller, send large integers as strings, rename keys such as __proto__.',
  ),

  // — chunks
  malformed_job: row(
    'dead',
    'A job in the queue does not follow the job schema.',
    'Hand the document in again with `npx sluice ingest` or the documented schema.',
  ),
  newer_job: row(
    'retry',
    'A job in the queue was made by a later version of Sluice.',
    'Nothing needs doing while workers are updated; later workers take it.',
  ),
  text_refused: row(
    'dead',
    'The engine refuses this text while it accepts others.',
    'Look at the document; hand it in again with other text.',
  ),
  bad_vector: row(
    'dead',
    'The engine returned NaN, infinity or null for this text twice.',
    'Look at the engine; fp16 overflow on odd texts is the usual cause.',
  ),
  zero_vector: row(
    'dead',
    'The vector is zero after cutting, so it has no direction.',
    'Choose a larger dimension, or look at the text.',
  ),
  poison: row(
    'dead',
    'Processes died three times while they had this chunk, or this submission, in hand alone.',
    "Look at the engine's and the process's logs, then at the text.",
  ),
  row_refused: row('dead', 'Milvus refuses this row while it accepts others.', 'Look at the field named above.'),

  // — engine
  engine_unreachable: row(
    'retry',
    'The engine refuses connections or cannot be resolved.',
    'Start it, or mend SLUICE_ENGINE_URL.',
  ),
  engine_timeout: row(
    'retry',
    'The engine did not answer within the deadline.',
    'Look at its load. Sluice gives a slow engine more time and less at a time; raise SLUICE_ENGINE_MS_PER_TOKEN where even that is too short.',
  ),
  engine_busy: row(
    'retry',
    'The engine is overloaded or still loading.',
    'Nothing needs doing; Sluice waits and tries again.',
  ),
  engine_too_large: row(
    'split',
    'The request is larger than the engine takes.',
    'Nothing needs doing; Sluice halves the request and remembers the size.',
  ),
  engine_out_of_memory: row(
    'split',
    "The engine's device ran out of memory on this request.",
    'Nothing needs doing while Sluice halves requests; where single texts fail, lower SLUICE_MAX_TOKENS or use a larger device.',
  ),
  engine_rejected: row(
    'dead',
    'The engine rejects the request as invalid.',
    "Look at the engine's log for the reason.",
  ),
  engine_refused_key: row('stop', 'The engine refuses the API key.', 'Mend SLUICE_ENGINE_API_KEY.'),
  engine_failed: row('unknown', 'The engine failed in a way that Sluice does not know.', "Look at the engine's log."),
  engine_bad_reply: row(
    'unknown',
    "The engine's reply is not what its protocol promises.",
    'Check SLUICE_ENGINE_URL and the protocol chosen for it.',
  ),
  wrong_dimension: row(
    'stop',
    "The engine's vectors have another dimension than the line's space.",
    'Serve the model that the line was made with, at its full width (sentence-transformers: no truncate_dim), or mend SLUICE_FULL_DIMENSION, or start a new line with --line NAME.',
  ),
  not_normalised: row(
    'stop',
    "The engine's vectors are not of unit length, although its profile promises it.",
    'Let the engine normalise (sentence-transformers: a Normalize module), or set SLUICE_ENGINE=openai, the profile with which Sluice does it.',
  ),
  wrong_model: row(
    'stop',
    'The engine serves another model than it is asked for.',
    'Serve the model of the line there (SLUICE_ENGINE_URL), or say what the engine calls it (SLUICE_SERVED_MODEL).',
  ),
  wrong_space: row(
    'stop',
    "The engine's vectors are not of the line's space.",
    'Serve the model of the line (SLUICE_ENGINE_URL) with one adapter, mean pooling and its own instruction, or name the golden vectors of the model that is served (SLUICE_GOLDEN).',
  ),
  task_ignored: row(
    'stop',
    'The engine ignores the task: its vectors are those of the bare model.',
    'Use an engine that takes a task, or one that serves a checkpoint with the adapter merged (SLUICE_ENGINE).',
  ),
  wrong_adapter: row(
    'stop',
    'The engine answers with the adapter of another task.',
    'Serve the passage adapter (SLUICE_ENGINE_URL): merged into the checkpoint, as merge-adapter does, or chosen by the task.',
  ),
  prefix_missing: row(
    'stop',
    "Nobody puts the instruction before the text, so short texts' vectors are wrong.",
    'Choose the profile whose client adds the instruction (SLUICE_ENGINE), or let the engine add it.',
  ),
  prefix_doubled: row(
    'stop',
    'Engine and client both put the instruction before the text.',
    "Take the default prompt off the engine's command line, or choose the profile whose engine adds it (SLUICE_ENGINE).",
  ),
  wrong_pooling: row(
    'stop',
    "The engine takes the first token's vector instead of the mean of all.",
    'Start the engine with mean pooling (TEI: --pooling mean, Infinity: --pooling-method mean, vLLM: a 1_Pooling folder).',
  ),
  silent_truncation: row(
    'stop',
    'The engine cuts over-long texts and says nothing.',
    'Start the engine so that it refuses them (TEI: --auto-truncate false).',
  ),
  unstable_vectors: row(
    'stop',
    'Equal texts get different vectors: from call to call, or in the company of longer texts.',
    'See that the engine obeys the attention mask, which is the usual cause, and start it in float32 or bfloat16 (--dtype).',
  ),
  model_swapped: row(
    'stop',
    'The engine gives other vectors than when the worker started.',
    'Serve the model that the line was made with again, or start a new line with --line NAME.',
  ),
  unproven_space: row(
    'stop',
    "Nothing proves that the engine's vectors are of the right space.",
    'Record golden vectors from a trusted engine (`npx sluice golden record --engine URL`), or set SLUICE_ACCEPT_UNPROVEN=true.',
  ),

  hub_unreachable: row(
    'retry',
    'The model hub cannot be reached, or the transfer broke off.',
    'Run the command again: it goes on where it stopped. Without a way out, copy the model here and set SLUICE_MODEL_DIR.',
  ),
  hub_refused: row(
    'stop',
    'The model hub refuses this model or revision.',
    'Check the name and revision; for a gated model accept its terms there and set HF_TOKEN.',
  ),
  download_damaged: row(
    'retry',
    'A downloaded file has another checksum than the hub says; it was thrown away.',
    'Run the command again.',
  ),

  // — Milvus
  store_unreachable: row(
    'retry',
    'Milvus refuses connections or did not answer in time.',
    'Start it, or mend SLUICE_MILVUS_ADDRESS.',
  ),
  store_busy: row(
    'retry',
    'Milvus limits the rate, is out of quota or recovering.',
    'Nothing needs doing; Sluice waits and tries again.',
  ),
  store_too_large: row(
    'split',
    'The request is larger than Milvus takes.',
    'Nothing needs doing; Sluice halves the request.',
  ),
  store_refused_key: row(
    'stop',
    'Milvus refuses the user name, password or token.',
    'Mend SLUICE_MILVUS_USERNAME and SLUICE_MILVUS_PASSWORD.',
  ),
  store_failed: row('unknown', 'Milvus failed in a way that Sluice does not know.', 'Look at the log of Milvus.'),
  missing_collection: row(
    'stop',
    "The line's collection is not there any more.",
    'Run `npx sluice lines list`; ingest makes a new collection for a new line.',
  ),
  schema_drift: row(
    'stop',
    'The collection has another schema than the line writes.',
    'Use another --line NAME, or `npx sluice lines drop NAME` to begin anew.',
  ),
  space_drift: row(
    'stop',
    'The collection holds vectors of another space than this configuration makes.',
    'Use another --line NAME, or `npx sluice lines drop NAME` to begin anew.',
  ),
  unknown_line: row('stop', 'There is no line of this name.', '`npx sluice lines list` shows the lines there are.'),

  // — queue and ledger
  queue_unreachable: row(
    'retry',
    'Redis refuses connections or did not answer in time.',
    'Start it, or mend SLUICE_REDIS_URL.',
  ),
  queue_busy: row(
    'retry',
    'Redis is loading, read-only, out of memory or cannot write its AOF.',
    'Nothing needs doing while it recovers; give it memory or disk if it does not.',
  ),
  queue_refused_key: row('stop', 'Redis refuses the user name or password.', 'Mend SLUICE_REDIS_URL.'),
  queue_unsafe: row(
    'stop',
    'Redis is configured to lose data: it evicts keys or keeps no AOF.',
    'Set maxmemory-policy noeviction and appendonly yes; SLUICE_ALLOW_UNSAFE_REDIS=true overrides.',
  ),
  queue_failed: row('unknown', 'Redis failed in a way that Sluice does not know.', 'Look at the log of Redis.'),
  backlog_full: row(
    'retry',
    'The backlog or Redis memory is above its mark.',
    'Start more workers, or wait; producers go on by themselves.',
  ),
  ledger_full: row('stop', 'The ledger alone fills Redis, so waiting makes no room.', 'Raise maxmemory of Redis.'),
  too_many_dead: row(
    'stop',
    'Dead letters have used up their share of Redis memory.',
    'Look at `npx sluice dead list`; mend the cause, then `npx sluice dead retry` or `npx sluice dead drop`.',
  ),
  epoch_changed: row(
    'stop',
    'The collection was dropped and made anew under the same name.',
    'Run `npx sluice reconcile PATH…` with the sources of the line: what is not there is embedded again.',
  ),
  ledger_lost: row(
    'stop',
    'The ledger has no record of work that is in the queue.',
    'Redis has lost its data. Run `npx sluice reconcile PATH…` with the sources of the line: what is whole in Milvus is kept.',
  ),
  line_busy: row(
    'retry',
    'The ledger of the line is made again only while nobody else works on it.',
    'Stop the workers of the line and other `npx sluice reconcile` commands, then run it again.',
  ),
  no_worker: row('retry', 'No worker serves this line.', 'Start one with `npx sluice worker`, or ingest with --wait.'),
  unknown_document: row(
    'dead',
    'The line has no document of this id.',
    'Check the id; ids of files are source name + / + path.',
  ),
  unknown_dead_letter: row(
    'dead',
    'The chunk has no dead letter (any more).',
    '`npx sluice dead list` shows those there are.',
  ),
  unknown_run: row('dead', 'There is no run of this id.', '`npx sluice runs list` shows the latest runs.'),
  max_errors: row(
    'stop',
    'More items failed than --max-errors allows.',
    '`npx sluice runs show RUN --rejected` lists them.',
  ),

  // — the service
  bad_request: row('dead', 'The request cannot be read.', 'Send what /docs shows.'),
  invalid_request: row('dead', 'A part of the request has a value that it may not have.', 'Mend the parts pointed to.'),
  unauthorized: row(
    'dead',
    'The request has no key, or one that is unknown or revoked.',
    'Send `Authorization: Bearer KEY`; `npx sluice keys add NAME` makes a key.',
  ),
  forbidden: row(
    'dead',
    'The key may not do this.',
    'Use a key with the scope, line and tenant named above; `npx sluice keys list` shows what each may do.',
  ),
  unknown_path: row('dead', 'The service has nothing at this address.', 'Look at /docs.'),
  method_not_allowed: row('dead', 'The address does not take this method.', 'Use a method that `Allow` names.'),
  slow_request: row('retry', 'The request did not arrive in time.', 'Send it again, in smaller parts.'),
  request_too_large: row(
    'dead',
    'The request is larger than a request may be.',
    'Send fewer documents at a time, or use `documents:stream`.',
  ),
  unsupported_media_type: row('dead', 'The service does not read this content type.', 'Use one that /docs shows.'),
  idempotency_conflict: row(
    'dead',
    'This idempotency key came before with another document.',
    'Use a new key for each request; the same one only to send the same request again.',
  ),
  rate_limited: row('retry', 'The key has used up its allowance.', 'Wait as long as `Retry-After` says.'),
  service_busy: row(
    'retry',
    'The service has as much in hand as it can answer soon.',
    'Wait as long as `Retry-After` says, or run another `npx sluice serve` beside it.',
  ),
  service_failed: row('unknown', 'The service failed in a way that Sluice does not know.', 'Look at its log.'),
  keys_needed: row(
    'stop',
    'Without an API key the service answers on loopback only.',
    'Make one with `npx sluice keys add NAME`, or listen on 127.0.0.1.',
  ),
  unknown_key: row('dead', 'There is no API key of this name.', '`npx sluice keys list` shows those there are.'),
  key_exists: row('dead', 'An API key of this name exists.', 'Choose another name, or revoke the old one first.'),
} satisfies Record<string, Row>;

export type ErrorCode = keyof typeof errorCodes;
