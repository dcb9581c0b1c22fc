/**
 * `npm run screenshots -- URL`: pictures of a running service for the documentation, light and dark, without anything
 * of the machine in them. Wants a line at work, so that there is something to see.
 */
import { fileURLToPath } from 'node:url';
import { startBrowser } from '../support/browser.ts';

const [url = 'http://127.0.0.1:8070'] = process.argv.slice(2);
const pages = [
  { name: 'live', path: '/', ready: '#latency:has-text("request")' },
  { name: 'board', path: '/board/queue/chunks', ready: 'text=not shown' },
  { name: 'docs', path: '/docs', ready: 'text=Hand in one document' },
];

const browser = await startBrowser();
for (const scheme of ['light', 'dark'] as const) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1200, height: 720 } });
  for (const { name, path, ready } of pages) {
    const page = await context.newPage();
    await page.goto(new URL(path, url).href);
    await page.locator(ready).first().waitFor();
    // Fonts, theme and the first curve.
    await page.waitForTimeout(2_500);
    const file = fileURLToPath(new URL(`../../docs/images/${name}-${scheme}.png`, import.meta.url));
    await page.screenshot({ path: file });
    await page.close();
    process.stdout.write(`${file}\n`);
  }
  await context.close();
}
await browser.close();
