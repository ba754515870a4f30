// Those who see more than a team: the operator, who votes where production or data are at stake; the admin, who approves
// nothing by that; the auditor, who reads everything and acts nowhere.
import { test, expect } from '@playwright/test';
import { House, approve, done, environment, get, main, pill, post, unique } from './people.mjs';

let house;
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

test('production needs a lead and an operator: what is missing, line by line, until it is not', async () => {
  const [developer, lead, operator] = [await house.signIn('developer'), await house.signIn('lead'), await house.signIn('operator')];
  const name = unique('ledger');
  const run = await house.request(developer, 'ledger', name);
  await pill(developer, /approval/i);
  const line = (page, text) => page.locator('.votes li', { hasText: text });
  await expect(line(developer, 'A lead of checkout')).toContainText('It is a production environment.');
  await expect(line(developer, 'A lead of checkout')).toContainText('waiting');
  await expect(line(developer, 'An operator')).toContainText('waiting');

  await house.go(operator, '/approvals');
  const ask = operator.locator('article.ask', { hasText: name });
  await expect(ask).toContainText('production of checkout');
  await expect(ask).toContainText('0 of 2 votes');
  await house.go(operator, run);
  await expect(line(operator, 'An operator')).toContainText('you can decide');
  await expect(line(operator, 'A lead of checkout')).toContainText('waiting');
  await approve(operator);
  await expect(line(operator, 'Olu Operator')).toContainText('Approved');
  await expect(operator.locator('main .head .pill').first(), 'one vote is not enough').toHaveText(/approval/i);
  await expect(operator.locator('form[action$="/approve"]'), 'nobody votes twice').toHaveCount(0);
  await expect(line(developer, 'Olu Operator'), 'the person who asked sees it come in').toContainText('Approved');
  await house.go(operator, '/approvals');
  await expect(operator.locator('article.ask', { hasText: name }), 'no longer in the inbox').toHaveCount(0);
  await expect(operator.locator('[aria-label="Waiting for others"]')).toContainText(name);

  await house.go(lead, '/approvals');
  await expect(lead.locator('article.ask', { hasText: name })).toContainText('1 of 2 votes');
  await house.go(lead, run);
  await approve(lead);
  await done(developer);
  await house.go(developer, await environment(developer));
  await expect(main(developer)).toContainText('Olu Operator, Lee Lead');
  for (const page of [developer, lead, operator]) await page.context().close();
});

test('destroying data needs both, even of a preview environment', async () => {
  const [developer, operator] = [await house.signIn('developer'), await house.signIn('operator')];
  const name = unique('data');
  const there = await house.make(developer, null, 'playground', name, { 'in.steps': '0', 'in.keeps_data': 'true' });
  await house.go(developer, `${there}/destroy`);
  await developer.locator('[name="name"]').fill(name);
  await developer.getByRole('button', { name: /^See the destroy plan/ }).click();
  await pill(developer, /approval/i);
  await expect(developer.locator('.votes li')).toHaveCount(2);
  await expect(developer.locator('.votes')).toContainText('Data is destroyed.');
  await expect(developer.locator('.brief')).toContainText('data');
  await house.go(operator, new URL(developer.url()).pathname);
  await operator.locator('summary', { hasText: 'Reject…' }).click();
  await operator.locator('[name="reason"]').fill('Somebody would miss it.');
  await operator.getByRole('button', { name: 'Reject this plan' }).click();
  await pill(developer, /rejected/i);
  await house.go(developer, there);
  await expect(developer.locator('main .head .pill').first(), 'it is still there').toHaveText('Ready');
  for (const page of [developer, operator]) await page.context().close();
});

/** Every control in the page's own part that would change something. */
const actors = (page) => page.locator('main form[method="post"], main a[href$="/change"], main a[href$="/destroy"], main a[href$="/extend"], main a[href$="/request"], main [popovertarget]');

test('the admin sees every team and the trail, votes on nothing, and cannot by a post of their own', async () => {
  const [developer, admin] = [await house.signIn('developer'), await house.signIn('admin')];
  const name = unique('seen');
  const run = await house.request(developer, 'almanac', name);
  await pill(developer, /approval/i);
  await house.go(admin, '/environments');
  await expect(main(admin)).toContainText(name);
  await house.go(admin, '/approvals');
  await expect(main(admin)).toContainText('Nothing waits for your vote.');
  await expect(admin.locator('article.ask')).toHaveCount(0);
  await house.go(admin, run);
  await expect(actors(admin)).toHaveCount(0);
  const lead = await house.signIn('lead');
  await house.go(lead, run);
  const digest = await lead.locator('form[action$="/approve"] [name="digest"]').inputValue();
  admin.wanted = [403];
  const vote = await post(admin, `${run}/approve`, { digest });
  expect(vote.status).toBe(403);
  expect(vote.text).toMatch(/Leads of the environment.+s team and operators vote\./);
  const cancel = await post(admin, `${run}/cancel`, {});
  expect(cancel.status).toBe(403);
  await house.go(admin, '/audit?action=run.vote_refused');
  const refused = admin.locator('table.audit tbody tr').first();
  await expect(refused, 'the attempt stands in the trail').toContainText('Adi Admin');
  await expect(refused).toContainText('refused');
  await house.go(developer, run);
  await expect(developer.locator('main .head .pill').first()).toHaveText(/approval/i);
  for (const page of [developer, admin, lead]) await page.context().close();
});

test('the auditor reads everything, finds no button that acts, and follows a run step by step', async () => {
  const [developer, lead, auditor] = [await house.signIn('developer'), await house.signIn('lead'), await house.signIn('auditor')];
  const name = unique('trail');
  const there = await house.make(developer, lead, 'almanac', name);
  await house.go(developer, `${there}`);
  const run = (await main(developer).locator('a.row[href^="/runs/"]').first().getAttribute('href')) ?? '';
  const waiting = await house.request(developer, 'almanac', unique('waits'));
  await pill(developer, /approval/i);

  for (const path of ['/', '/environments', there, run, waiting, `${run}/log`, '/history', '/catalog', '/catalog/almanac', '/approvals', '/audit']) {
    await house.go(auditor, path);
    await expect(auditor.locator('main h1'), path).toBeVisible();
    expect(await actors(auditor).evaluateAll((all) => all.map((e) => e.outerHTML.slice(0, 120))), path).toEqual([]);
  }
  await house.go(auditor, run);
  await expect(main(auditor)).toContainText('Lee Lead');
  await expect(auditor.locator('.log')).toContainText('Apply complete!');

  await house.go(auditor, '/audit');
  const id = run.split('/').at(-1);
  const steps = await auditor.locator('table.audit tbody tr', { has: auditor.locator(`a[href="${run}"]`) }).locator('td:nth-of-type(2) code').allTextContents();
  expect(steps.reverse(), `every step of run ${id}, oldest first`).toEqual(['run.request', 'run.start_preview', 'run.preview', 'run.approve', 'run.start_apply', 'run.finish_apply', 'run.verify']);

  await auditor.locator('[name="actor"]').fill('Lee Lead');
  await auditor.getByRole('button', { name: 'Show' }).click();
  const who = await auditor.locator('table.audit tbody tr td:nth-of-type(1)').allTextContents();
  expect(who.length).toBeGreaterThan(0);
  expect(new Set(who.map((text) => text.trim()))).toEqual(new Set(['Lee Lead']));
  await auditor.locator('[name="actor"]').fill('');
  await auditor.locator('[name="noun"]').selectOption('environment');
  await auditor.locator('[name="action"]').fill('environment.request');
  await auditor.getByRole('button', { name: 'Show' }).click();
  const what = await auditor.locator('table.audit tbody tr td:nth-of-type(2)').allTextContents();
  expect(new Set(what.map((text) => text.trim()))).toEqual(new Set(['environment.request']));
  await auditor.locator('[name="action"]').fill('no.such.thing');
  await auditor.getByRole('button', { name: 'Show' }).click();
  await expect(main(auditor)).toContainText('No record like that');
  await auditor.getByRole('link', { name: 'Clear the filter' }).click();
  await expect(auditor.locator('table.audit tbody tr').first()).toBeVisible();

  const other = await house.signIn('developer');
  expect((await get(other, '/audit')).status, 'nobody else finds the trail').toBe(404);
  other.wrong.length = 0;
  for (const page of [developer, lead, auditor, other]) await page.context().close();
});
