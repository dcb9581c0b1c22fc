/**
 * A real browser for tests: an installed Chromium, through playwright-core. Where there is none its tests are skipped, and the
 * closing lines of `npm test` say so; with REQUIRE_BROWSER=true (as in CI) that is a failure instead.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const KNOWN = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const candidates = process.env.BROWSER_PATH === undefined ? KNOWN : [process.env.BROWSER_PATH];
export const browserPath = candidates.find((path) => existsSync(path));
export const browserRequired = process.env.REQUIRE_BROWSER === 'true';

/** Talks to the page's own host alone: any other request is left unanswered and counted by whoever watches the page. */
export function startBrowser(): Promise<Browser> {
  if (browserPath === undefined) throw new Error('no Chromium is installed; BROWSER_PATH may name one');
  return chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
}
