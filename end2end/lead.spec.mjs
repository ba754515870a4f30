// A lead's days: read what will change, decide about exactly that, with a mouse, a keyboard or neither script nor mouse.
import { test, expect } from '@playwright/test';
import { House, approve, done, environment, main, pill, post, unique } from './people.mjs';

let house;
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

const digest = (page) => page.locator('form[action$="/approve"] [name="digest"]').first().inputValue();

test('the whole path without JavaScript: the inbox, what changes, approved there, applied', async () => {
  const developer = await house.signIn('developer', { javaScriptEnabled: false });
  const lead = await house.signIn('lead', { javaScriptEnabled: false });
  const name = unique('plain');
  const run = await house.request(developer, 'almanac', name, { reason: 'for the fair' });
  await pill(developer, /approval/i);
  await house.go(lead, '/approvals');
  const ask = lead.locator('article.ask', { hasText: name });
  await expect(ask).toContainText('for the fair');
  await expect(ask).toContainText('adds 1');
  await expect(lead.locator('.rail a[href="/approvals"] .count')).toContainText('1');
  await ask.getByRole('link', { name: 'Open' }).click();
  await expect(lead).toHaveURL(house.at('lead', run));
  await expect(lead.locator('#plan')).toContainText('terraform_data.moment');
  await lead.goBack();
  await ask.getByRole('button', { name: 'Approve' }).click();
  await expect(lead, 'the inbox again').toHaveURL(house.at('lead', '/approvals'));
  await expect(ask).toHaveCount(0);
  await expect(lead.locator('[aria-label="Decided by you"]')).toContainText(name);
  await house.go(lead, run);
  await done(lead);
  await expect(main(lead)).toContainText('Apply complete!');
  for (const page of [developer, lead]) await page.context().close();
});

test('a rejection needs a reason; the person who asked reads it, and nothing was made', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const run = await house.request(developer, 'almanac', unique('no'));
  await pill(developer, /approval/i);
  const there = await environment(developer);
  await house.go(lead, run);
  lead.wanted = [403];
  const bare = await post(lead, `${run}/reject`, { digest: await digest(lead), reason: '  ' });
  expect(bare.status).toBe(403);
  expect(bare.text).toContain('A rejection needs a reason.');
  await lead.locator('summary', { hasText: 'Reject…' }).click();
  await lead.locator('[name="reason"]').fill('The fair was called off.');
  await lead.getByRole('button', { name: 'Reject this plan' }).click();
  await pill(lead, /rejected/i);
  await pill(developer, /rejected/i);
  await expect(main(developer)).toContainText('The fair was called off.');
  await expect(developer.locator('.log')).not.toContainText('Apply complete!');
  await house.go(developer, there);
  await expect(main(developer)).toContainText(/withdrawn|never made|gone/i);
  for (const page of [developer, lead]) await page.context().close();
});

test('two tabs approve at once: one vote, one apply, and both tabs say what became of it', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const run = await house.request(developer, 'almanac', unique('both'));
  await pill(developer, /approval/i);
  await house.go(lead, run);
  const second = await house.tab(lead, run);
  const named = await digest(lead);
  const answers = await Promise.all([lead, second].map((page) => post(page, `${run}/approve`, { digest: named })));
  expect(answers.map((answer) => answer.status), 'the second says the same thing, which is no error').toEqual([200, 200]);
  for (const page of [lead, second, developer]) await done(page);
  await expect(lead.locator('.votes li', { hasText: 'Lee Lead' })).toHaveCount(1);
  await house.go(developer, '/history');
  await expect(developer.locator(`a[href="${run}"]`), 'one deployment').toHaveCount(1);
  for (const page of [developer, lead]) await page.context().close();
});

test('a lead and an operator press at the same moment: both votes count, it is applied once', async () => {
  const [developer, lead, operator] = [await house.signIn('developer'), await house.signIn('lead'), await house.signIn('operator')];
  const run = await house.request(developer, 'ledger', unique('race'));
  await pill(developer, /approval/i);
  for (const page of [lead, operator]) await house.go(page, run);
  await Promise.all([lead, operator].map(approve));
  for (const page of [lead, operator, developer]) await done(page);
  await expect(lead.locator('.votes')).toContainText('Lee Lead');
  await expect(lead.locator('.votes')).toContainText('Olu Operator');
  for (const page of [developer, lead, operator]) await page.context().close();
});

test('a plan that was replaced while it was read is not approved by the old press', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead', { javaScriptEnabled: false })];
  const run = await house.request(developer, 'almanac', unique('moved'));
  await pill(developer, /approval/i);
  await house.go(lead, run);
  const old = await digest(lead);
  await developer.getByRole('button', { name: 'Plan again' }).click();
  await expect(developer.locator('.steps')).toContainText('2 times', { timeout: 30_000 });
  await pill(developer, /approval/i);

  // The lead's page stands as it was: without a script it does not move, and the press is for the old plan.
  lead.wanted = [409];
  await approve(lead);
  await expect(main(lead)).toContainText('Your vote was not counted.');
  await expect(main(lead)).toContainText('The plan that you saw was replaced by another one.');
  await expect(main(lead)).toContainText('Look at the new plan and decide again.');
  await lead.getByRole('link', { name: 'Back' }).click();
  await expect(lead).toHaveURL(house.at('lead', run));
  expect(await digest(lead), 'the new plan, and its own digest').not.toBe(old);
  await expect(lead.locator('main .head .pill').first()).toHaveText(/approval/i);
  await approve(lead);
  await done(developer);
  for (const page of [developer, lead]) await page.context().close();
});

test('nobody approves their own request, a lead neither', async () => {
  const lead = await house.signIn('lead');
  const run = await house.request(lead, 'almanac', unique('own'));
  await pill(lead, /approval/i);
  await expect(main(lead)).toContainText('You asked for this, so others decide.');
  await expect(lead.locator('form[action$="/approve"]')).toHaveCount(0);
  lead.wanted = [403];
  const answer = await post(lead, `${run}/approve`, { digest: 'hmac-sha256:00' });
  expect(answer.status).toBe(403);
  expect(answer.text).toContain('Nobody decides about what they asked for themselves.');
  await house.go(lead, '/approvals');
  await expect(lead.locator('[aria-label="Waiting for others"]')).toContainText('you asked for it, so others decide');
  await house.go(lead, run);
  await lead.getByRole('button', { name: 'Cancel run' }).click();
  await pill(lead, /canceled/i);
  await lead.context().close();
});

test('the keyboard alone: skip, move, open, reach for a decision, and always see where one is', async () => {
  const [developer, lead] = [await house.signIn('developer'), await house.signIn('lead')];
  const names = [unique('first'), unique('second')];
  const runs = [];
  for (const name of names) {
    runs.push(await house.request(developer, 'almanac', name));
    await pill(developer, /approval/i);
  }
  await house.go(lead, '/approvals');
  await lead.keyboard.press('Tab');
  await expect(lead.locator('.skip').first(), 'the first thing that Tab reaches').toBeFocused();
  await expect(lead.locator('.skip').first()).toBeInViewport();
  await lead.keyboard.press('Enter');
  await expect(lead.locator('#main')).toBeFocused();

  await lead.waitForFunction(() => document.documentElement.classList.contains('js'));
  const row = (name) => lead.locator('article.ask', { hasText: name });
  const inFocus = async (name) => expect(row(name).locator('a.row')).toBeFocused();
  await lead.keyboard.press('j');
  await lead.keyboard.press('k');
  await inFocus(names[0]);
  const ring = await row(names[0]).locator('a.row').evaluate((e) => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]);
  expect(ring[0] !== 'none' && ring[1] >= 2, `the focus is seen: ${ring}`).toBe(true);
  await lead.keyboard.press('j');
  await inFocus(names[1]);
  await lead.keyboard.press('j');
  await inFocus(names[1]);
  await lead.keyboard.press('k');
  await inFocus(names[0]);
  await lead.keyboard.press('a');
  await expect(row(names[0]).getByRole('button', { name: 'Approve' }), 'reached for, not pressed').toBeFocused();
  await expect(row(names[0])).toHaveCount(1);
  await lead.keyboard.press('k');
  await lead.keyboard.press('r');
  await expect(row(names[0]).locator('textarea')).toBeFocused();
  await lead.keyboard.type('jar');
  await expect(row(names[0]).locator('textarea'), 'letters are letters in a field').toHaveValue('jar');
  await row(names[1]).locator('a.row').focus();
  await lead.keyboard.press('Enter');
  await expect(lead).toHaveURL(house.at('lead', runs[1]));
  await lead.locator('.skip', { hasText: 'Skip to the decision' }).focus();
  await lead.keyboard.press('Enter');
  await lead.keyboard.press('Tab');
  await expect(lead.locator('#decide :focus')).toHaveCount(1);
  while (!(await lead.locator('#decide button[data-key-approve]:focus').count())) await lead.keyboard.press('Tab');
  await lead.keyboard.press('Enter');
  await done(lead);
  for (const page of [developer, lead]) await page.context().close();
});
