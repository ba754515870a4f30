// Every kind of page, as those who see it, in both lights and at both widths: every rule that axe has, the best practices
// too; and nothing is wider than the window.
import { test, expect } from '@playwright/test';
import AxeBuilder from '@axe-core/playwright';
import { House, approve, done, environment, pill, unique } from './people.mjs';

let house;
const places = {};

test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  house = await House.open(browser);
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  places.ready = await house.make(developer, lead, 'every-input', unique('as-long-as-a-name-may-be-here'), { 'in.title': 'Harbour', 'in.password': 'correct-horse' });
  places.done = new URL(lead.url()).pathname;
  await house.go(developer, `${places.ready}/change`);
  places.waiting = await house.send(developer, { 'in.title': 'Quay', reason: 'A reason of some length, so that it has to go somewhere on a narrow screen as well.' });
  await pill(developer, /approval/i);
  places.failed = await house.request(developer, 'playground', unique('fails'), { 'in.steps': '3', 'in.seconds': '0', 'in.fail_at': '2' });
  await pill(developer, /failed/i);
  places.incomplete = await environment(developer);
  places.own = await house.request(lead, 'almanac', unique('own'));
  await pill(lead, /approval/i);
  const gone = unique('gone');
  places.gone = await house.make(developer, null, 'hello', gone);
  await house.go(developer, `${places.gone}/destroy`);
  await developer.locator('[name="name"]').fill(gone);
  await developer.getByRole('button', { name: /^See the destroy plan/ }).click();
  await done(developer);
  for (const page of [developer, lead]) await page.context().close();
});
test.afterAll(() => house?.close());

/** Looks at the page that is open, once for each light and width. Light changes colours and nothing else: every rule is
 * asked once for each width, and after that those about contrast. */
async function look(page, what, views) {
  const found = [];
  const asked = new Set();
  for (const [width, colorScheme] of views) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    // No frames here: legacy mode spares a window of its own for every question.
    const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] });
    if (asked.has(width)) axe.withRules(['color-contrast', 'link-in-text-block']);
    asked.add(width);
    const { violations } = await axe.analyze();
    found.push(...violations.flatMap((v) => v.nodes.map((n) => `${what}, ${colorScheme} at ${width}: ${v.id} (${v.impact}) ${n.html.slice(0, 160)}`)));
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    if (wide > room) found.push(`${what}, ${colorScheme} at ${width}: ${wide - room} px wider than the window`);
  }
  return found;
}

const all = [[1440, 'light'], [1440, 'dark'], [380, 'dark'], [380, 'light']];
const some = [[1440, 'dark'], [380, 'light']];

test('as a lead, everywhere', async () => {
  test.setTimeout(600_000);
  const page = await house.signIn('lead');
  page.wanted = [404, 403, 409];
  const found = [];
  const { ready, done, waiting, failed, incomplete, own, gone } = places;
  const paths = ['/', '/approvals', '/environments', '/environments?name=nowhere', ready, incomplete, gone, `${ready}/change`, `${ready}/destroy`, `${ready}/extend`, waiting, done, failed, own, `${done}/log?line=3`, '/history', '/history?environment=nowhere', '/catalog', '/catalog/every-input', '/catalog/torn', '/catalog/every-input/request', '/nowhere', `${gone}/change`];
  for (const path of paths) {
    await house.go(page, path);
    found.push(...(await look(page, path, all)));
  }
  await house.go(page, '/catalog/every-input/request');
  await page.locator('.form .foot button[value="send"]').click();
  await expect(page.locator('#problem')).toBeVisible();
  found.push(...(await look(page, 'a form with errors', all)));
  await page.locator('button[value="discard"]').click();
  await house.go(page, ready);
  await page.getByRole('button', { name: 'Extend' }).click();
  found.push(...(await look(page, 'the sheet of an extension', some)));
  await page.setViewportSize({ width: 380, height: 900 });
  await house.go(page, '/');
  await page.getByRole('button', { name: 'More' }).click();
  found.push(...(await look(page, 'the sheet behind More', [[380, 'dark'], [380, 'light']])));
  expect(found).toEqual([]);
  await page.context().close();
});

test('as a developer, an auditor and an admin, and before anybody is anybody', async () => {
  test.setTimeout(600_000);
  const found = [];
  const { ready, waiting, failed, gone } = places;
  const developer = await house.signIn('developer');
  developer.wanted = [404];
  for (const path of ['/', '/approvals', '/environments', ready, waiting, failed, '/catalog/hello/request', '/history', '/audit']) {
    await house.go(developer, path);
    found.push(...(await look(developer, `developer ${path}`, some)));
  }
  const auditor = await house.signIn('auditor');
  auditor.wanted = [403];
  for (const path of ['/', '/approvals', '/environments', ready, gone, waiting, '/history', '/catalog', '/audit', '/audit?actor=nobody', `${ready}/change`]) {
    await house.go(auditor, path);
    found.push(...(await look(auditor, `auditor ${path}`, some)));
  }
  const admin = await house.signIn('admin');
  for (const path of ['/people', '/people?name=nobody', '/people/1', '/people/1/tokens', '/teams', '/teams/1', '/access', '/sessions', '/tokens', '/settings', '/accounts']) {
    await house.go(admin, path);
    found.push(...(await look(admin, `admin ${path}`, some)));
  }
  const nobody = house.watch(await (await house.browser.newContext()).newPage(), 'nobody');
  for (const url of [`http://localhost:${house.port}/sign-in`, house.at('lead', '/sign-in'), house.at('lead', '/sign-in?trouble=1')]) {
    await nobody.goto(url);
    found.push(...(await look(nobody, url, all)));
  }
  expect(found).toEqual([]);
  for (const page of [developer, auditor, admin, nobody]) await page.context().close();
});
