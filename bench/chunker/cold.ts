/**
 * One cold pass in a process of its own, with the flags that Sluice gives its processes: no code compiled, no word known. The folder of
 * texts is the argument, and every so manieth document is cut; the result is one line of JSON.
 *
 *     node bench/chunker/cold.ts FOLDER [EVERY]
 */
import { loadTokenizerModel } from '@sluice/tokenizer';
import { sluice } from './contenders.ts';
import { readCorpus } from './corpus.ts';

const [folder, every = '1'] = process.argv.slice(2);
const documents = readCorpus(folder!).filter((_, at) => at % Number(every) === 0);
process.stdout.write(`${JSON.stringify(sluice(documents, await loadTokenizerModel(), 'Sluice, cold'))}\n`);
