// What holds on every page: nobody reaches the portal from elsewhere, a secret is nowhere in clear, the first load is small.
import { test, expect } from '@playwright/test';
import { createServer, request as ask } from 'node:http';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { House, approve, done, pill } from './people.mjs';
import { freePort } from './portal.mjs';

/** One answer of the portal to a program that says whatever it likes in its headers. */
const raw = (port, path, headers) =>
  new Promise((resolve, reject) => {
    ask({ host: '127.0.0.1', port, path, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    }).on('error', reject).end();
  });

let house;
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

test('a page from elsewhere cannot send a form, and a foreign host name gets no answer', async () => {
  const { portal } = house;
  const page = await house.signIn('admin');
  // 403 is the answer that is wanted; with no page of ours around it, the browser asks for an icon in vain.
  page.wanted = [403, 404];
  const port = await freePort();
  const evil = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end(`<form method=post action="${portal.at('admin')}/catalog/hello/request"><input name=name value=stolen><button>go</button></form>`);
  });
  await new Promise((resolve) => evil.listen(port, '127.0.0.1', resolve));
  try {
    await page.goto(`http://127.0.0.1:${port}/`);
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.locator('button').click();
    expect((await answer).status()).toBe(403);
  } finally {
    evil.closeAllConnections();
    evil.close();
  }
  expect(await raw(portal.port, '/sign-in', { host: `localhost:${portal.port}` })).toBe(200);
  expect(await raw(portal.port, '/sign-in', { host: 'evil.example' })).toBe(421);
  await page.context().close();
});

/** Every file below a folder that holds `needle`, links not followed. */
function holding(folder, needle, found = []) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) holding(path, needle, found);
    else if (entry.isFile()) {
      try {
        if (readFileSync(path).includes(needle)) found.push(path);
      } catch (error) {
        // PostgreSQL removes files of its own while we read.
        if (error.code !== 'ENOENT') throw error;
      }
    }
  }
  return found;
}

test('a secret is nowhere in clear, and the first load of a run is small', async () => {
  const { portal } = house;
  const stamp = Date.now().toString(36);
  const [password, token] = [`canary-p-${stamp}`, `canary-t-${stamp}`];
  const page = await house.signIn('developer');
  await page.goto(`${portal.at('developer')}/catalog/every-input/request`);
  await page.locator('[name="name"]').fill(`sealed-${stamp}`);
  await page.locator('[name="in.title"]').fill('Harbour');
  await page.locator('[name="in.password"]').fill(password);
  await page.locator('[name="in.api_token"]').fill(token);
  await page.locator('button[name="do"][value="send"]').last().click();
  await expect(page).toHaveURL(/\/runs\/\d+$/);
  const run = new URL(page.url()).pathname;
  await pill(page, /approval/i);
  if (process.env.SLIPWAY_SCREENSHOT) await page.screenshot({ path: process.env.SLIPWAY_SCREENSHOT });

  const lead = await house.signIn('lead');
  await lead.goto(portal.at('lead') + run);
  await approve(lead);
  await done(page);

  const seen = [];
  for (const path of [run, `${run}/log`, '/environments/1', '/environments/1/change', '/catalog/every-input/request', '/history', '/']) {
    await page.goto(portal.at('developer') + path);
    seen.push([path, await page.content()]);
  }
  seen.push(['log.txt', await page.evaluate(async (path) => (await fetch(path)).text(), `${run}/log.txt`)]);
  const home = join(portal.data, 'data');
  // The server itself says where its socket is: the fifth line of its lock file.
  const lock = readdirSync(home, { recursive: true }).find((file) => file.endsWith('postmaster.pid'));
  const socket = readFileSync(join(home, lock), 'utf8').split('\n')[4];
  const owner = statSync(socket).uid;
  const words = ['-h', socket, '-U', 'slipway', '--inserts', 'postgres'];
  const dump = process.getuid() === 0
    ? execFileSync('setpriv', [`--reuid=${owner}`, `--regid=${owner}`, '--clear-groups', '/usr/lib/postgresql/15/bin/pg_dump', ...words], { maxBuffer: 1 << 28, cwd: '/' })
    : execFileSync('pg_dump', words, { maxBuffer: 1 << 28 });
  expect(dump.includes(`sealed-${stamp}`), 'the dump is of this database').toBe(true);
  for (const secret of [password, token]) {
    expect(seen.filter(([, text]) => text.includes(secret)).map(([path]) => path)).toEqual([]);
    expect(dump.includes(secret), 'in the dump').toBe(false);
    expect(dump.includes(Buffer.from(secret).toString('hex')), 'in the dump, as bytes').toBe(false);
    expect(holding(portal.data, secret)).toEqual([]);
  }

  // As served to a browser that knows nothing yet: the run's page and all that it loads.
  const fresh = await house.signIn('lead');
  const wire = await fresh.context().newCDPSession(fresh);
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  let program;
  const ended = new Set();
  wire.on('Network.requestWillBeSent', (event) => event.request.url.endsWith('.wasm') && (program = event.requestId));
  wire.on('Network.loadingFinished', (event) => {
    bytes += event.encodedDataLength;
    ended.add(event.requestId);
  });
  const wasm = fresh.waitForResponse((response) => response.url().endsWith('.wasm'));
  await fresh.goto(portal.at('lead') + run, { waitUntil: 'load' });
  await (await wasm).finished();
  await expect.poll(() => ended.has(program), 'the program has arrived').toBe(true);
  console.log(`first load of a run: ${bytes} bytes`);
  expect(bytes).toBeLessThanOrEqual(100 * 1024);
  for (const one of [page, lead, fresh]) await one.context().close();
});
