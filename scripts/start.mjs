/** `npm start`: installs what is missing, then runs `sluice demo` with the arguments given. */
import './require-node.mjs';

const { main } = await import('./start-main.mjs');
process.exitCode = await main(process.argv.slice(2));
