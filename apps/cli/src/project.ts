/** The project's folder: four levels above this file (apps/cli/src). The embedded stack and the corpus live in it. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[\\/]$/, '');
/** Where the bootstrap installed the servers; `SLUICE_HOME` may put their data elsewhere. */
export const programsFolder = join(projectFolder, '.sluice');
export const mainModule = fileURLToPath(new URL('./main.ts', import.meta.url));
