/**
 * One line a step, on standard error, for steps over two seconds only: quick ones say nothing. Standard output stays free
 * for `--json`.
 */
const QUIET_MS = 2_000;
const TICK_MS = 1_000;

/**
 * @template T
 * @param {string} text what is being done: "installing the packages"
 * @param {() => Promise<T>} work
 * @param {{ stream?: NodeJS.WriteStream, now?: () => number }} [options]
 * @returns {Promise<T>}
 */
export async function step(text, work, { stream = process.stderr, now = () => performance.now() } = {}) {
  const started = now();
  const seconds = () => `${((now() - started) / 1000).toFixed(0)} s`;
  let shown = false;
  /** @type {NodeJS.Timeout | undefined} */
  let ticker;
  const timer = setTimeout(() => {
    shown = true;
    if (!stream.isTTY) {
      stream.write(`  ${text} …\n`);
      return;
    }
    const draw = () => stream.write(`\r\x1b[K  ${text} … ${seconds()}`);
    draw();
    ticker = setInterval(draw, TICK_MS);
  }, QUIET_MS);
  try {
    const result = await work();
    if (shown) stream.write(`${stream.isTTY ? '\r\x1b[K' : ''}  ${text}: ${seconds()}\n`);
    return result;
  } catch (error) {
    if (shown) stream.write(`${stream.isTTY ? '\r\x1b[K' : ''}  ${text}: failed after ${seconds()}\n`);
    throw error;
  } finally {
    clearTimeout(timer);
    clearInterval(ticker);
  }
}
