// A developer's days: change what exists, end it, and everything that goes wrong in a form without losing a letter.
import { test, expect } from '@playwright/test';
import { House, approve, done, environment, get, main, pill, post, unique } from './people.mjs';

let house;
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

test('an input is changed: planned as an update in place, approved, applied, in force', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const there = await house.make(developer, lead, 'every-input', unique('change'), { 'in.title': 'Harbour', 'in.password': 'correct-horse' });

  await house.go(developer, there);
  await developer.getByRole('link', { name: 'Change', exact: true }).click();
  await expect(developer.locator('[name="in.title"]'), 'the form holds what is in force').toHaveValue('Harbour');
  const run = await house.send(developer, { 'in.title': 'Quay', reason: 'renamed' });
  await pill(developer, /approval/i);
  const change = developer.locator('#plan details.res', { hasText: 'module.plain' });
  await expect(change.locator('.sign')).toContainText('changed');
  await expect(developer.locator('#plan .tally').first()).toHaveText(/^~1/);
  await change.locator('summary').click();
  await expect(change.locator('.attrs')).toContainText('Harbour');
  await expect(change.locator('.attrs')).toContainText('Quay');
  await house.go(lead, run);
  await expect(main(lead)).toContainText('renamed');
  await approve(lead);
  await done(developer);
  await house.go(developer, there);
  await expect(main(developer).locator('aside')).toContainText('Quay');
  await house.go(developer, `/history?environment=${encodeURIComponent((await developer.locator('h1').textContent()) ?? '')}`);
  await expect(developer.locator('details.dep').first().locator('.tally'), 'the history says what it was').toContainText('~1');
  await expect(developer.locator('details.dep')).toHaveCount(2);
  for (const page of [developer, lead]) await page.context().close();
});

test('it is destroyed: asked for by name, planned, approved, gone, and the name is free again', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const name = unique('gone');
  const there = await house.make(developer, lead, 'almanac', name);

  await house.go(developer, there);
  await developer.getByRole('link', { name: new RegExp(`^Destroy… ?${name}`) }).click();
  const button = developer.getByRole('button', { name: `See the destroy plan for ${name}` });
  await developer.locator('[name="name"]').fill('something-else');
  await developer.locator('[name="reason"]').fill('no longer needed');
  await button.click();
  await expect(main(developer), 'another name destroys nothing').toContainText(`Type ${name} exactly`);
  await expect(developer.locator('[name="reason"]')).toHaveValue('no longer needed');
  await developer.locator('[name="name"]').fill(name);
  await button.click();
  await expect(developer).toHaveURL(/\/runs\/\d+$/);
  const run = new URL(developer.url()).pathname;
  await pill(developer, /approval/i);
  await expect(developer.locator('#plan .sign').first()).toContainText('destroyed');
  await house.go(lead, run);
  await expect(main(lead)).toContainText('no longer needed');
  await approve(lead);
  await done(developer);
  await house.go(developer, there);
  await expect(developer.locator('main .head .pill').first()).toHaveText(/destroyed|gone/i);
  await expect(main(developer).getByRole('link', { name: 'Change', exact: true }), 'nothing can be done to it any more').toHaveCount(0);

  await house.request(developer, 'almanac', name);
  expect(await environment(developer), 'the same name, another environment').not.toBe(there);
  for (const page of [developer, lead]) await page.context().close();
});

test('one form sent twice at once, and one button clicked twice, make one run', async () => {
  const page = await house.signIn('developer');
  const name = unique('twice');
  await house.go(page, '/catalog/hello/request');
  const form = page.locator('form.request');
  const path = await form.getAttribute('action');
  const fields = await form.evaluate((form) => Object.fromEntries(new FormData(form)));
  const body = { ...fields, name, do: 'send' };
  const answers = await page.evaluate(
    ([path, body]) =>
      Promise.all(
        [1, 2, 3].map(async () => {
          const answer = await fetch(path, { method: 'POST', body: new URLSearchParams(body) });
          return [answer.status, new URL(answer.url).pathname];
        }),
      ),
    [path, body],
  );
  expect(new Set(answers.map(String)).size, `one answer for all: ${answers}`).toBe(1);
  expect(answers[0][1]).toMatch(/^\/runs\/\d+$/);

  // Before the first answer is there: both clicks are in one task of the page.
  const again = unique('clicked');
  await house.go(page, '/catalog/hello/request');
  await page.locator('[name="name"]').fill(again);
  await page.locator('.form .foot button[value="send"]').evaluate((button) => (button.click(), button.click()));
  await expect(page).toHaveURL(/\/runs\/\d+$/);
  for (const wanted of [name, again]) {
    await house.go(page, `/environments?name=${wanted}`);
    await expect(page.locator('a.card.env')).toHaveCount(1);
    const there = await page.locator('a.card.env').getAttribute('href');
    await house.go(page, there);
    await expect(main(page).locator('a.row[href^="/runs/"] small', { hasText: 'asked by' }).filter({ hasText: /^Run/ })).toHaveCount(1);
  }
  await page.context().close();
});

for (const javaScriptEnabled of [true, false]) {
  test(`rows come and go ${javaScriptEnabled ? 'with' : 'without'} JavaScript, and the others keep what was typed`, async () => {
    const page = await house.signIn('developer', { javaScriptEnabled });
    await house.go(page, '/catalog/every-input/request');
    const rows = page.locator('[name^="in.zones."]');
    const values = () => rows.evaluateAll((all) => all.map((e) => e.value)).catch(async () => Promise.all((await rows.all()).map((e) => e.inputValue())));
    await page.locator('button[value="add:in.zones"]').click();
    await page.locator('button[value="add:in.zones"]').click();
    const before = await rows.count();
    for (let n = 0; n < before; n++) await rows.nth(n).fill(`zone-${n}`);
    await page.locator('[name="in.title"]').fill('Kept');
    await page.locator('[name="in.password"]').fill('correct-horse');
    await page.locator('button[value^="remove:in.zones."]').nth(1).click();
    await expect(rows).toHaveCount(before - 1);
    expect(await values()).toEqual(Array.from({ length: before }, (_, n) => `zone-${n}`).filter((_, n) => n !== 1));
    await expect(page.locator('[name="in.title"]')).toHaveValue('Kept');
    await expect(page.locator('[name="in.password"]'), 'a secret does not come back').toHaveValue('');
    await expect(page.locator('[name="keep.password"]'), 'and is kept all the same').toBeChecked();
    await page.locator('button[value="discard"]').click();
    await expect(page).toHaveURL(house.at('developer', '/catalog'));
    await page.context().close();
  });
}

test('ten million characters pasted into one field: refused there, the rest is kept', async () => {
  const page = await house.signIn('developer');
  await house.go(page, '/catalog/every-input/request');
  const name = unique('large');
  await page.locator('[name="name"]').fill(name);
  await page.locator('[name="in.title"]').fill('Harbour');
  // As a paste does it: the whole at once, without ten million key presses.
  await page.locator('[name="in.note"]').evaluate((field) => (field.value = 'x'.repeat(10 * 1024 * 1024)));
  await page.locator('.form .foot button[value="send"]').click();
  await expect(page.locator('#problem')).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('#problem')).toContainText(/too (long|much|large)|characters|at most|KiB|MiB/i);
  await expect(page.locator('[name="name"]')).toHaveValue(name);
  await expect(page.locator('[name="in.title"]')).toHaveValue('Harbour');
  expect(page.url()).toMatch(/\/drafts\/\d+/);
  expect((await page.content()).length, 'it is not sent back').toBeLessThan(500_000);
  await page.locator('button[value="discard"]').click();
  await page.context().close();
});

test('a name that is taken is said at the field, and the form is as it was', async () => {
  const page = await house.signIn('developer');
  const name = unique('taken');
  await house.request(page, 'hello', name);
  await house.go(page, '/catalog/hello/request');
  await page.locator('[name="name"]').fill(name);
  await page.locator('[name="in.who"]').fill('everybody');
  await page.locator('.form .foot button[value="send"]').click();
  await expect(page.locator('#name-error')).toHaveText('This name is taken. Choose another one.');
  await expect(page.locator('[name="name"]')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.locator('[name="in.who"]')).toHaveValue('everybody');
  await page.locator('#problem a').click();
  await expect(page.locator('[name="name"]'), 'the summary leads to the field').toBeFocused();
  await house.send(page, { name: unique('free') });
  await page.context().close();
});

test('what another team has is not there: the same bytes as for what never was', async () => {
  const [developer, other] = [await house.signIn('developer'), await house.signIn('other')];
  const run = await house.request(developer, 'hello', unique('theirs'));
  const there = await environment(developer);
  for (const path of [there, `${there}/change`, `${there}/destroy`, `${there}/extend`, run, `${run}/log`, `${run}/log.txt`, `${run}/form`]) {
    const missing = await get(other, path.replace(/\d+/, '98765432'));
    const theirs = await get(other, path);
    expect([path, theirs.status, missing.status]).toEqual([path, 404, 404]);
    expect(theirs.text, path).toBe(missing.text);
  }
  const refused = await post(other, `${there}/destroy`, { name: 'x', reason: 'x' });
  expect(refused.status).toBe(404);
  other.wrong.length = 0; // the browser notes each of these answers; they were wanted
  for (const page of [developer, other]) await page.context().close();
});
