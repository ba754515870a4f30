// Charts: released into a real cluster by a real Helm, broken, rolled back, put back, taken away. The nodes are simulated.
import { test, expect } from '@playwright/test';
import { House, done, environment, main, pill, unique } from './people.mjs';

let house;
test.skip(!process.env.SLIPWAY_CLUSTERS, 'no cluster and no Helm here: make lab');
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

const health = (page) => main(page).locator('ul.health');

test('a release: asked for, seen, broken, rolled back by itself, put back by hand, gone', async () => {
  test.setTimeout(300_000);
  const developer = await house.signIn('developer');
  const name = unique('ship');
  await house.go(developer, '/catalog/hello-release');
  await expect(main(developer), 'the page says that the cluster is there').toContainText('It goes to the cluster “lab”', { timeout: 30_000 });

  const first = await house.request(developer, 'hello-release', name, { 'in.greeting': 'Ahoy', 'in.password': 'canary-77b1' });
  await done(developer);
  await expect(developer.locator('#plan'), 'what was made').toContainText(`Deployment/${name}`);
  await expect(developer.locator('#plan')).toContainText(`Namespace/checkout-${name}`);
  expect(await developer.content(), 'a secret is in no page').not.toContain('canary-77b1');
  const there = await environment(developer);
  await house.go(developer, there);
  await expect(health(developer)).toContainText('2 of 2 ready', { timeout: 15_000 });

  // A change shows one field, from what is live to what is asked for.
  await house.go(developer, `${there}/change`);
  await house.send(developer, { 'in.greeting': 'Farewell' });
  await done(developer);
  const change = developer.locator('#plan details.res', { hasText: `ConfigMap/${name}` });
  await expect(change.locator('.sign')).toContainText('changed');
  await change.locator('summary').click();
  await expect(change.locator('.attrs')).toContainText('Ahoy');
  await expect(change.locator('.attrs')).toContainText('Farewell');

  // Pods that crash: the page says whose, in the cluster's words, and what ran before runs again.
  await house.go(developer, `${there}/change`);
  await house.send(developer, { 'in.crash': 'true', reason: 'to see it break' });
  await expect(developer.locator('main .head .pill').first()).toHaveText(/failed/i, { timeout: 120_000 });
  await expect(main(developer)).toContainText('CrashLoopBackOff');
  await expect(main(developer)).toContainText('It was rolled back');
  await house.go(developer, there);
  await expect(developer.locator('main .head .pill').first(), 'nothing is half-made').toHaveText(/ready/i);
  await expect(health(developer)).toContainText('2 of 2 ready', { timeout: 30_000 });

  // Back to the first deployment: a question that says what differs, and a run like any other.
  const oldest = main(developer).locator('details.dep').last();
  await oldest.locator('summary').click();
  await oldest.getByRole('link', { name: 'Put this back…' }).click();
  await expect(main(developer)).toContainText('Farewell → Ahoy');
  await developer.locator('[name="reason"]').fill('it was better');
  await developer.getByRole('button', { name: `See what putting ${name} back changes` }).click();
  await done(developer);
  await expect(developer.locator('h1')).toHaveText(`Put ${name} back to run ${first.split('/').pop()}`);
  await house.go(developer, there);
  await expect(main(developer).locator('aside')).toContainText('Ahoy');

  // A stranger finds nothing of it.
  const other = await house.signIn('other');
  other.wanted = [404];
  for (const path of [there, `${there}/back?to=1`]) {
    expect((await other.goto(house.at('other', path))).status(), path).toBe(404);
  }

  await house.go(developer, `${there}/destroy`);
  await developer.locator('[name="name"]').fill(name);
  await developer.getByRole('button', { name: /^See the destroy plan/ }).click();
  await pill(developer, /^Done/);
  await expect(developer.locator('#plan')).toContainText(`Namespace/checkout-${name}`);
  for (const page of [developer, other]) await page.context().close();
});
