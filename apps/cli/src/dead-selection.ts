/** Which dead letters a `sluice dead` command means: chunk ids, `submission:` names, and --run, --document, --code. */
import { SluiceError } from '@sluice/core';
import { type DeadSelection, isSubmissionName } from '@sluice/line';

export interface DeadOptions {
  run?: string;
  document?: string;
  code?: string;
  all?: boolean;
  json?: boolean;
  yes?: boolean;
  line?: string;
}

export function deadSelection(chunks: readonly string[], { run, document, code }: DeadOptions): DeadSelection {
  return {
    chunks,
    ...(run !== undefined && { run }),
    ...(document !== undefined && { documentId: document }),
    ...(code !== undefined && { code }),
  };
}

/** For what only a chunk can have done to it. Throws `bad_usage` for a submission. */
export function chunksOnly(names: readonly string[]): readonly string[] {
  const submission = names.find(isSubmissionName);
  if (submission === undefined) return names;
  throw new SluiceError('bad_usage', {
    message: `${submission} is no chunk: it was rejected before it was cut`,
    fix: 'Mend the document and hand it in again; `npx sluice dead drop` removes the submission.',
  });
}

/** For what changes something: nothing chosen is a mistake, not everything. Throws `bad_usage`. */
export function chosenDead(chunks: readonly string[], options: DeadOptions): DeadSelection {
  const selection = deadSelection(chunks, options);
  if (chunks.length > 0 || Object.keys(selection).length > 1 || options.all === true) return selection;
  throw new SluiceError('bad_usage', {
    message: 'No dead letter was chosen',
    fix: 'Name chunks, choose with --run, --document or --code, or say --all.',
  });
}
