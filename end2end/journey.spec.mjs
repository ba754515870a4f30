// The path that everything hangs on, as its people walk it: asked for, read, approved, applied, seen; with and without
// JavaScript. What else each of them does is in the file of that person.
import { test, expect } from '@playwright/test';
import { House, approve, done, get, main, pill, unique } from './people.mjs';

let house;
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

test('a developer asks, a lead approves that plan, both see it applied without a reload', async () => {
  const canary = `canary-${Date.now().toString(36)}-secret`;
  const name = unique('journey');
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const run = await house.request(developer, 'every-input', name, { 'in.title': 'Harbour', 'in.password': canary });
  await pill(developer, /approval/i);
  await developer.evaluate(() => (window.notReloaded = true));

  await house.go(lead, '/approvals');
  await expect(main(lead)).toContainText(name);
  await house.go(lead, run);
  await expect(main(lead)).not.toContainText(canary);
  await approve(lead);
  await done(developer);
  expect(await developer.evaluate(() => window.notReloaded), 'the developer saw it live').toBe(true);
  await expect(developer.locator('.log')).toContainText('Apply complete!');
  await expect(developer.locator('.steps'), 'there is no world beside the state, and the page does not claim a look at it').toContainText('there was nothing else to look at');
  await done(lead);

  await main(developer).getByRole('link', { name }).first().click();
  await expect(main(developer)).toContainText('Lee Lead');
  await expect(main(developer)).toContainText('password_length');
  expect(await developer.content()).not.toContain(canary);
  await house.go(developer, '/history');
  await expect(main(developer)).toContainText(name);
  const log = (await get(developer, `${run}/log.txt`)).text;
  expect(log).not.toContain(canary);
  for (const page of [developer, lead]) await page.context().close();
});

test('the same without JavaScript: a row more, an error that keeps what was typed, asked for, applied', async () => {
  const page = await house.signIn('developer', { javaScriptEnabled: false });
  await house.go(page, '/catalog/every-input/request');
  const rows = page.locator('[name^="in.zones."]');
  const before = await rows.count();
  await page.locator('[name="in.title"]').fill('Kept');
  await page.locator('button[value="add:in.zones"]').click();
  await expect(rows).toHaveCount(before + 1);
  await expect(page.locator('[name="in.title"]')).toHaveValue('Kept');
  await page.locator('[name="name"]').fill('Not a Name');
  await page.locator('.form .foot button[value="send"]').click();
  await expect(main(page)).toContainText('Only small letters');
  await expect(page.locator('[name="name"]')).toHaveValue('Not a Name');
  await page.locator('button[value="discard"]').click();

  await house.request(page, 'hello', unique('plain'));
  await done(page);
  await expect(main(page)).toContainText('Apply complete!');
  await page.context().close();
});
