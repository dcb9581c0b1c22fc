import { expect, test } from 'vitest';
import { isForeignWrite } from './same-site.ts';

const host = 'sluice.example:8070';

test.each([
  ['a form of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
  ['a page of another port of this host', { 'sec-fetch-site': 'same-site', origin: 'http://sluice.example:9000' }],
  ['a browser that says no site, only where from', { origin: 'https://evil.example' }],
  ['a sandboxed frame', { origin: 'null' }],
  ['a host that begins like ours', { origin: 'http://sluice.example:8070.evil.example' }],
])('%s may not write', (_, headers) => {
  expect(isForeignWrite('POST', { host, ...headers })).toBe(true);
});

test.each([
  ['a page of ours', { 'sec-fetch-site': 'same-origin', origin: 'http://sluice.example:8070' }],
  ['a page of ours behind a proxy that took the TLS off', { origin: 'https://sluice.example:8070' }],
  ['a program', {}],
])('%s may', (_, headers) => {
  expect(isForeignWrite('POST', { host, ...headers })).toBe(false);
});

test('reading is no write', () => {
  expect(isForeignWrite('GET', { host, 'sec-fetch-site': 'cross-site' })).toBe(false);
});
