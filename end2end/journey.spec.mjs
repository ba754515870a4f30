// The path that everything hangs on, as its people walk it: asked for, read, approved, applied, seen; with and without
// JavaScript. What else each of them does is in the file of that person.
import { test, expect } from '@playwright/test';

const port = () => process.env.SLIPWAY_E2E_PORT;
const at = (who, path = '/') => `http://${who}.localhost:${port()}${path}`;
const unique = (word) => `${word}-${Date.now().toString(36)}`;

/** Signs a persona in on their own host. Nothing may go wrong in the console. */
async function signIn(browser, who, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(message.text()));
  await page.goto(at(who, '/sign-in'));
  await page.locator('form[action="/sign-in"] button[type=submit]').click();
  await expect(page).toHaveURL(at(who));
  return Object.assign(page, { wrong });
}

/** Fills the form of `hello` or another template, and sends it. Answers the run's path. */
async function request(page, who, template, name, fields = {}) {
  await page.goto(at(who, `/catalog/${template}/request`));
  await page.locator('[name="name"]').fill(name);
  for (const [field, value] of Object.entries(fields)) await page.locator(`[name="${field}"]`).fill(value);
  await page.locator('button[name="do"][value="send"]').last().click();
  await expect(page).toHaveURL(/\/runs\/\d+$/);
  return new URL(page.url()).pathname;
}

/** Fetches a path as the page's own script would (only the browser resolves *.localhost). */
const get = (page, path) =>
  page.evaluate(async (path) => {
    const answer = await fetch(path);
    return { status: answer.status, text: await answer.text() };
  }, path);

const pill = (page, word) => expect(page.locator('main .head .pill').first()).toHaveText(word);

test('a developer asks, a lead approves that plan, both see it applied without a reload', async ({ browser }) => {
  const canary = `canary-${Date.now().toString(36)}-secret`;
  const name = unique('journey');
  const developer = await signIn(browser, 'developer');
  const lead = await signIn(browser, 'lead');
  const run = await request(developer, 'developer', 'every-input', name, { 'in.title': 'Harbour', 'in.password': canary });
  await pill(developer, /approval/i);
  await developer.evaluate(() => (window.notReloaded = true));

  await lead.goto(at('lead', '/approvals'));
  await expect(lead.locator('main')).toContainText(name);
  await lead.goto(at('lead', run));
  await lead.evaluate(() => (window.notReloaded = true));
  await expect(lead.locator('main')).not.toContainText(canary);
  await lead.locator('button', { hasText: /^Approve$/ }).first().click();
  await pill(developer, /done/i);
  expect(await developer.evaluate(() => window.notReloaded), 'the developer saw it live').toBe(true);
  await expect(developer.locator('.log')).toContainText('Apply complete!');
  await pill(lead, /done/i);

  await developer.locator('main a', { hasText: name }).first().click();
  await expect(developer.locator('main')).toContainText('Lee Lead');
  await expect(developer.locator('main')).toContainText('password_length');
  expect(await developer.content()).not.toContain(canary);
  await developer.goto(at('developer', '/history'));
  await expect(developer.locator('main')).toContainText(name);
  const auditor = await signIn(browser, 'auditor');
  await auditor.goto(at('auditor', '/audit'));
  await expect(auditor.locator('main')).toContainText('run.approve');
  const log = (await get(developer, `${run}/log.txt`)).text;
  expect(log).not.toContain(canary);
  expect([...developer.wrong, ...lead.wrong, ...auditor.wrong]).toEqual([]);
  for (const page of [developer, lead, auditor]) await page.context().close();
});

test('the same without JavaScript: rows, errors that keep what was typed, two clicks, applied', async ({ browser }) => {
  const page = await signIn(browser, 'developer', { javaScriptEnabled: false });
  await page.goto(at('developer', '/catalog/every-input/request'));
  const rows = () => page.locator('[name^="in.zones."]').count();
  const before = await rows();
  await page.locator('[name="in.title"]').fill('Kept');
  await page.locator('button[value="add:in.zones"]').click();
  expect(await rows()).toBe(before + 1);
  await expect(page.locator('[name="in.title"]')).toHaveValue('Kept');
  await page.locator('[name="name"]').fill('Not a Name');
  await page.locator('button[name="do"][value="send"]').last().click();
  await expect(page.locator('main')).toContainText('Only small letters');
  await expect(page.locator('[name="name"]')).toHaveValue('Not a Name');
  await page.locator('button[name="do"][value="discard"]').first().click();

  const name = unique('plain');
  const run = await request(page, 'developer', 'hello', name);
  await expect(async () => {
    await page.goto(at('developer', run));
    await pill(page, /done/i);
  }).toPass({ timeout: 60_000 });
  await expect(page.locator('main')).toContainText('Apply complete!');
  await page.context().close();
});
