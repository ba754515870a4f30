// The front door against a real OpenID provider: who becomes the first admin, who gets in, who does not, and who is out.
import { test, expect } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { Portal, freePort } from './portal.mjs';
import { startProvider } from './idp.mjs';

test.describe.configure({ mode: 'serial' });

let portal, provider, home;

test.beforeAll(async () => {
  const port = await freePort();
  home = `http://localhost:${port}`;
  provider = await startProvider(home);
  portal = await Portal.start({
    port,
    env: {
      SLIPWAY_GOOGLE_CLIENT_ID: 'portal',
      SLIPWAY_GOOGLE_CLIENT_SECRET: 'canary-client-secret',
      SLIPWAY_GOOGLE_DOMAINS: 'example.com',
      SLIPWAY_GOOGLE_ISSUER: provider.issuer,
      SLIPWAY_LOG: 'debug,sqlx=info',
    },
  });
});

test.afterAll(async () => {
  await portal?.stop();
  await provider?.stop();
});

const log = () => readFileSync(portal.log, 'utf8');

async function browse(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  return context.newPage();
}

/** Chooses an account at the provider, wherever the browser is now on the way in. */
async function choose(page, word) {
  if (page.url().startsWith(home)) await page.locator('a', { hasText: 'Continue with Google' }).click();
  await page.getByRole('link', { name: word, exact: true }).click();
}

async function signIn(browser, word, path = '/') {
  const page = await browse(browser);
  await page.goto(home + path);
  await choose(page, word);
  return page;
}

/** Begins a sign-in, chooses an account, and stops before going back to the portal: answers the way back. */
async function wayBack(page, word) {
  await page.goto(`${home}/sign-in`);
  await page.locator('a', { hasText: 'Continue with Google' }).click();
  const link = await page.getByRole('link', { name: word, exact: true }).getAttribute('href');
  let url = new URL(link, page.url()).href;
  while (!url.startsWith(`${home}/auth/callback`)) {
    const answer = await page.request.get(url, { maxRedirects: 0 });
    url = new URL(answer.headers().location, url).href;
  }
  expect(url).toContain('code=');
  return url;
}

const session = async (page) => (await page.context().cookies(home)).find((cookie) => cookie.name === 'slipway');

/** Where a page leads somebody, without following it. */
const leads = (page, path) =>
  page.evaluate(async (path) => {
    const answer = await fetch(path, { redirect: 'follow' });
    return { status: answer.status, path: new URL(answer.url).pathname };
  }, path);

let root, dana;

test('the first start prints a link; it makes one admin, who is asked first, and is dead after', async ({ browser }) => {
  const link = log().match(/http:\/\/\S+\/setup\/[0-9a-f]{64}/)[0];
  root = await browse(browser);
  await root.goto(link);
  await expect(root).toHaveURL(/\/sign-in\?/);
  await choose(root, 'root');
  await expect(root, 'back on the page that they wanted').toHaveURL(link);
  await root.locator('button', { hasText: 'the first admin' }).click();
  await expect(root).toHaveURL(`${home}/people`);
  const sam = await signIn(browser, 'sam');
  await expect(sam).toHaveURL(`${home}/`);
  for (const page of [root, sam]) {
    await page.goto(link);
    await expect(page.locator('main')).toContainText('Nothing here that you can see');
  }
  await root.goto(`${home}/settings`);
  await expect(root.locator('main')).toContainText(provider.issuer);
  expect(await root.content()).not.toContain('canary-client-secret');
  await sam.context().close();
});

test('a newcomer is nothing until somebody gives them something, and then sees why', async ({ browser }) => {
  dana = await signIn(browser, 'dana', '/catalog/hello');
  await expect(dana).toHaveURL(`${home}/catalog/hello`);
  await dana.goto(`${home}/access`);
  await expect(dana.locator('main')).toContainText('You belong to no team yet');
  const before = (await session(dana)).value;

  await root.goto(`${home}/teams`);
  await root.locator('#name').fill('checkout');
  await root.locator('button', { hasText: 'Make the team' }).click();
  await expect(root).toHaveURL(/\/teams\/\d+$/);
  await root.locator('#who').fill('dana@example.com');
  await root.locator('button', { hasText: 'Add to the team' }).click();
  await expect(root.locator('main')).toContainText('given by hand');

  await dana.reload();
  await expect(dana.locator('main')).toContainText('you are a member of checkout');
  expect((await session(dana)).value, 'another token for other rights').not.toBe(before);
  await dana.goto(`${home}/people`);
  await expect(dana.locator('main')).toContainText('Nothing here that you can see');
});

for (const word of ['gmail', 'suffix', 'dressed', 'unverified']) {
  test(`the account “${word}” is not let in`, async ({ browser }) => {
    const page = await signIn(browser, word);
    await expect(page).toHaveURL(/\/sign-in\?trouble=foreign/);
    await expect(page.getByRole('alert')).toContainText('not let in');
    expect(await session(page)).toBeUndefined();
    await root.goto(`${home}/audit?action=sign_in.refused`);
    await expect(root.locator('main')).toContainText(word === 'unverified' ? 'not verified' : 'another organisation');
    await root.goto(`${home}/people?name=mallory`);
    await expect(root.locator('main')).toContainText('Nobody like that');
    await page.context().close();
  });
}

test('somebody who was given an address inherits nothing with it', async ({ browser }) => {
  const heir = await signIn(browser, 'danas_heir', '/access');
  await expect(heir.locator('main')).toContainText('You belong to no team yet');
  await heir.context().close();
});

test('a sign-in belongs to one browser and works once', async ({ browser }) => {
  // The attacker begins, chooses their own account, and keeps the way back for somebody else.
  const attacker = await browse(browser);
  const back = await wayBack(attacker, 'sam');

  const victim = await browse(browser);
  await victim.goto(back);
  await expect(victim, 'nothing was begun here').toHaveURL(/\/sign-in\?trouble=again/);
  await victim.goto(`${home}/sign-in`);
  await victim.locator('a', { hasText: 'Continue with Google' }).click();
  await expect(victim).toHaveURL(/\/choose\//);
  await victim.goto(back);
  await expect(victim, 'something else was begun here').toHaveURL(/\/sign-in\?trouble=again/);
  expect(await session(victim)).toBeUndefined();

  // In its own browser it works, once.
  await attacker.goto(back);
  await expect(attacker).toHaveURL(`${home}/`);
  const stolen = await session(attacker);
  await attacker.locator('form[action="/sign-out"] button').first().click();
  await expect(attacker).toHaveURL(`${home}/sign-in`);
  await attacker.goto(back);
  await expect(attacker).toHaveURL(/\/sign-in\?trouble=again/);
  expect(await session(attacker)).toBeUndefined();
  // Nor does the cookie of the session that was ended.
  await attacker.context().addCookies([stolen]);
  await attacker.goto(home);
  await expect(attacker).toHaveURL(/\/sign-in/);

  // The code again, in a sign-in that was honestly begun: the provider knows it was used, and for another verifier.
  await attacker.context().clearCookies();
  const begun = await attacker.request.get(`${home}/auth/start`, { maxRedirects: 0 });
  const state = new URL(begun.headers().location).searchParams.get('state');
  expect(state).toMatch(/^[0-9a-f]{64}$/);
  const code = new URL(back).searchParams.get('code');
  await attacker.goto(`${home}/auth/callback?code=${code}&state=${state}`);
  await expect(attacker).toHaveURL(/\/sign-in\?trouble=again/);
  expect(await session(attacker)).toBeUndefined();
  for (const page of [attacker, victim]) await page.context().close();
});

test('a planted session is not continued', async ({ browser }) => {
  const attacker = await signIn(browser, 'sam');
  const planted = await session(attacker);
  const victim = await browse(browser);
  await victim.context().addCookies([planted]);
  await victim.goto(`${home}/auth/start?next=/access`);
  await choose(victim, 'danas_heir');
  await expect(victim).toHaveURL(`${home}/access`);
  expect((await session(victim)).value).not.toBe(planted.value);
  await attacker.goto(home);
  await expect(attacker, 'what was planted has ended').toHaveURL(/\/sign-in/);
  for (const page of [attacker, victim]) await page.context().close();
});

test('whoever wanted another site lands on ours', async ({ browser }) => {
  for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example', '/%5Cevil.example']) {
    const page = await browse(browser);
    await page.goto(`${home}/sign-in?next=${encodeURIComponent(next)}`);
    await choose(page, 'sam');
    await expect(page, next).toHaveURL((url) => url.origin === home);
    await page.context().close();
  }
});

test('somebody who is suspended is out within seconds, open tabs and streams and all', async () => {
  await dana.goto(home);
  // Tabs that nobody touches from here on: one that keeps itself up to date, and one where nothing ever moves.
  const tabs = [await dana.context().newPage(), await dana.context().newPage()];
  await tabs[0].goto(home);
  await tabs[1].goto(`${home}/teams`);
  // And a stream of its own, in a tab that has no script of ours to take it away.
  const bare = await dana.context().newPage();
  await bare.goto(`${home}/health/live`);
  await bare.evaluate(() => {
    window.ended = 0;
    fetch('/live').then(async (answer) => {
      const reader = answer.body.getReader();
      window.open_ = true;
      while (!(await reader.read()).done);
      window.ended = Date.now();
    });
  });
  await expect.poll(() => bare.evaluate(() => window.open_)).toBe(true);
  await root.goto(`${home}/people?name=dana`);
  const people = await root.locator('main tbody a').evaluateAll((links) => links.map((a) => a.href));
  // The older of the two is Dana: the list is newest first.
  await root.goto(people.at(-1));
  const at = Date.now();
  await root.locator('button', { hasText: 'Suspend' }).click();
  await expect(root.locator('main')).toContainText('All sessions, tokens and open streams ended');
  await expect.poll(() => bare.evaluate(() => window.ended), { timeout: 5_000 }).toBeGreaterThan(0);
  for (const [n, tab] of tabs.entries()) {
    await expect(tab, 'it goes by itself').toHaveURL(/\/sign-in\?trouble=suspended/, { timeout: 5_000 });
    await expect(tab.getByRole('alert')).toContainText('Your account was suspended');
    expect(new URL(tab.url()).searchParams.get('next')).toBe(['/', '/teams'][n]);
    await tab.close();
  }
  console.log(`the tabs had gone ${Date.now() - at} ms after the press`);
  console.log(`the stream ended ${(await bare.evaluate(() => window.ended)) - at} ms after the press`);
  await bare.close();
  expect((await leads(dana, '/environments')).path).toBe('/sign-in');
  // Signing in again does not help, either.
  await dana.context().clearCookies();
  await dana.goto(home);
  await choose(dana, 'dana');
  await expect(dana).toHaveURL(/\/sign-in\?trouble=foreign/);
});

test('no secret, code or token is in the log, at its most talkative', async () => {
  const said = log();
  expect(said).toContain('a sign-in was refused');
  for (const [what, pattern] of [
    ['the client’s secret', /canary-client-secret/],
    ['an ID token', /eyJ[A-Za-z0-9_-]{20}/],
    ['a code', /[?&]code=/],
    ['a session', new RegExp((await session(root)).value)],
  ]) {
    expect(said.match(pattern)?.[0], what).toBeUndefined();
  }
});

test('Google goes away in the middle: the page says so, and who is inside stays inside', async ({ browser }) => {
  const page = await browse(browser);
  const back = await wayBack(page, 'sam');
  await provider.stop();
  await page.goto(back);
  await expect(page).toHaveURL(/\/sign-in\?trouble=away/);
  await expect(page.getByRole('alert')).toContainText('Google does not answer');
  await root.goto(`${home}/people`);
  await expect(root.locator('h1')).toHaveText('People');
  await page.context().close();
});
