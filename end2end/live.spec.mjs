// What moves by itself: one stream for a whole browser, nothing lost and nothing twice when the connection is, and never
// the ground moved under somebody's hands.
import { test, expect } from '@playwright/test';
import { House, done, get, main, pill, unique } from './people.mjs';
import { Wire } from './wire.mjs';

let house;
let wire;
test.beforeAll(async ({ browser }) => {
  house = await House.open(browser);
  wire = await Wire.lay(house.port);
  house.port = wire.port;
});
test.afterAll(async () => {
  await wire?.close();
  await house?.close();
});

const shown = (page) => page.locator('.log li > span').allTextContents();
const numbers = (page) => page.locator('.log li > a').allTextContents();
const whole = async (page, run) => (await get(page, `${run}/log.txt`)).text.trimEnd().split('\n');

test('ten tabs of one run are one stream on the wire, and each shows every line once', async () => {
  const first = await house.signIn('developer');
  const run = await house.request(first, 'playground', unique('tabs'), { 'in.steps': '6', 'in.seconds': '1', 'in.lines': '30' });
  const tabs = [first];
  while (tabs.length < 10) tabs.push(await house.tab(first, run));
  await expect.poll(() => wire.live, 'ten tabs are open, and one stream').toBe(1);
  for (const tab of tabs) await done(tab);
  expect(wire.live).toBe(1);
  const log = (await whole(first, run)).map((line) => line.trim());
  for (const tab of tabs) {
    await expect(tab.locator('.log li').last()).toContainText(log.at(-1));
    expect((await shown(tab)).map((line) => line.trim())).toEqual(log);
  }
  await first.context().close();
  await expect.poll(() => wire.live, 'nobody is left who listens').toBe(0);
});

test('the browser goes offline in mid-apply and comes back: no gap, nothing twice, the state right without a reload', async () => {
  const page = await house.signIn('developer');
  const run = await house.request(page, 'playground', unique('tunnel'), { 'in.steps': '4', 'in.seconds': '2', 'in.lines': '20' });
  await page.evaluate(() => (window.notReloaded = true));
  await expect(page.locator('.log')).toContainText('making', { timeout: 30_000 });
  await page.context().setOffline(true);
  wire.cut();
  await expect(page.locator('.livebar'), 'it says so').toContainText('Connection lost.');
  const before = (await numbers(page)).length;
  // Meanwhile the run goes on to its end; the server's own side of the wire knows.
  const other = `http://127.0.0.1:${house.portal.port}/health/ready`;
  expect((await fetch(other)).status).toBe(200);
  await expect.poll(async () => ended(run), { timeout: 40_000, message: 'the run ended while nobody could see it' }).toBe(true);
  expect((await numbers(page)).length, 'nothing was heard meanwhile').toBe(before);
  page.wrong.length = 0; // what the browser says of being offline
  wire.mend();
  await page.context().setOffline(false);
  await done(page);
  await expect(page.locator('.livebar')).not.toHaveClass(/\bon\b/);
  const log = (await whole(page, run)).map((line) => line.trim());
  await expect(page.locator('.log li').last()).toContainText(log.at(-1));
  expect((await shown(page)).map((line) => line.trim())).toEqual(log);
  expect(await numbers(page)).toEqual(log.map((_, n) => String(n + 1)));
  expect(await page.evaluate(() => window.notReloaded), 'the page was never loaded again').toBe(true);
  await page.context().close();

  /** Asks by the portal's own port, past the cut wire, as another browser of the same person. */
  async function ended(path) {
    house.port = house.portal.port;
    const eye = await house.signIn('auditor');
    house.port = wire.port;
    const text = await eye.goto(`http://auditor.localhost:${house.portal.port}${path}`).then((answer) => answer.text());
    await eye.context().close();
    return /class="pill[^"]*is-go"[^>]*>.*?Done/s.test(text.slice(text.indexOf('<main'), text.indexOf('class="cols"')));
  }
});

test('live data arrives while somebody writes: the focus and every letter stay', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const name = unique('writing');
  const run = await house.request(developer, 'almanac', name);
  await pill(developer, /approval/i);
  await house.go(lead, run);
  await lead.waitForFunction(() => document.documentElement.classList.contains('js'));
  await lead.locator('summary', { hasText: 'Reject…' }).click();
  const field = lead.locator('#decide textarea');
  await field.fill('I am still wri');
  await field.evaluate((e) => e.setSelectionRange(5, 5));
  const serial = await lead.locator('[data-live="head"]').getAttribute('data-version');
  await developer.getByRole('button', { name: 'Plan again' }).click();
  await expect.poll(() => lead.locator('[data-live="head"]').getAttribute('data-version'), 'the head has moved on').not.toBe(serial);
  await expect(lead.locator('.steps')).toContainText('2 times', { timeout: 30_000 });
  await expect(field).toBeFocused();
  await lead.keyboard.type('!');
  await expect(field, 'the caret too').toHaveValue('I am !still wri');
  await expect(lead.locator('.livebar')).toContainText('This has moved on.');

  // In the inbox: the row that holds the focus keeps it when another one comes.
  await house.go(lead, '/approvals');
  await lead.waitForFunction(() => document.documentElement.classList.contains('js'));
  await lead.keyboard.press('j');
  await lead.keyboard.press('k');
  const focused = () => lead.evaluate(() => document.activeElement?.getAttribute('href'));
  const row = await focused();
  expect(row).toMatch(/^\/runs\/\d+$/);
  await house.request(developer, 'almanac', unique('another'));
  await pill(developer, /approval/i);
  await expect(lead.locator('article.ask')).toHaveCount(2, { timeout: 20_000 });
  expect(await focused()).toBe(row);
  await expect(main(lead)).toContainText('Two runs wait for your vote');
  for (const page of [developer, lead]) await page.context().close();
});
