// A program of one's own: a token is made on a page, works where programs ask, and is dead when it is revoked.
import { test, expect } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { House, main } from './people.mjs';

let house;
test.beforeAll(async ({ browser }) => (house = await House.open(browser)));
test.afterAll(() => house?.close());

const me = (token) => fetch(`http://127.0.0.1:${house.port}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

for (const [words, options] of [
  ['at a desk', {}],
  ['on a phone', { viewport: { width: 380, height: 800 } }],
  ['without JavaScript', { javaScriptEnabled: false }],
]) {
  test(`a token is made, shown once, used and revoked ${words}`, async () => {
    const page = await house.signIn('developer', options);
    await house.go(page, '/sessions');
    await page.getByRole('link', { name: 'Your tokens, for programs' }).click();
    const name = `laptop-${words.replaceAll(' ', '-')}`;
    await page.getByRole('button', { name: 'Make the token' }).click();
    await expect(main(page), 'a token without a name is none').toContainText('Give it a name');
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel(/^Write:/).check();
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.getByRole('textbox', { name: 'The token' }).inputValue();
    expect(token).toMatch(/^slipway_[A-Za-z0-9_-]{49}$/);
    if (page.script) expect(await fits(page)).toBe(true);
    if (process.env.SLIPWAY_LOOK) await page.screenshot({ path: `${process.env.SLIPWAY_LOOK}/made-${words.replaceAll(' ', '-')}.png`, fullPage: true });

    const answer = await me(token);
    expect(await answer.json()).toEqual({ person: 'Dana Developer', token: name, scopes: ['read', 'write'] });
    await house.go(page, '/tokens');
    await expect(page.locator('table')).toContainText(name);
    expect(await page.content()).not.toContain(token);
    if (process.env.SLIPWAY_LOOK) await page.screenshot({ path: `${process.env.SLIPWAY_LOOK}/list-${words.replaceAll(' ', '-')}.png`, fullPage: true });

    await page.getByRole('button', { name: `Revoke ${name}` }).click();
    await expect(page).toHaveURL(/\/tokens$/);
    await expect(main(page)).toContainText('Nothing acts for you.');
    expect((await me(token)).status).toBe(401);
    expect(readFileSync(house.portal.log, 'utf8')).not.toContain(token);
    await page.context().close();
  });
}
