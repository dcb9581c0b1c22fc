/** `npm test`: installs what is missing, then checks everything and runs every test. Arguments go to Vitest. */
import './require-node.mjs';

const { main } = await import('./test-main.mjs');
process.exitCode = await main(process.argv.slice(2));
