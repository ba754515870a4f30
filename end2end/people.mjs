// A portal for one file of journeys, with the house's catalog and the templates in catalog/ beside it; the people who
// walk through it; and what they do again and again. Nothing may go wrong in any console: `House.close` looks.
import { expect } from '@playwright/test';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Portal } from './portal.mjs';

let counter = 0;
/** A name that no other journey of this file has. */
export const unique = (word) => `${word}-${Date.now().toString(36)}${(counter++).toString(36)}`;

export class House {
  static async open(browser, env = {}) {
    const catalog = await mkdtemp(join(tmpdir(), 'slipway-catalog-'));
    await cp(process.env.SLIPWAY_CATALOG, catalog, { recursive: true });
    await cp(join(import.meta.dirname, 'catalog'), catalog, { recursive: true });
    const house = new House();
    const portal = await Portal.start({ env: { SLIPWAY_CATALOG: catalog, ...env } });
    return Object.assign(house, { browser, catalog, portal, pages: [], port: portal.port });
  }

  /** Stops it all. Whatever was said in a console, on any page of any journey, fails the file. */
  async close() {
    await this.portal.stop();
    await rm(this.catalog, { recursive: true, force: true });
    const said = this.pages.flatMap((page) => page.wrong);
    expect(said, 'nothing may be wrong in any console').toEqual([]);
  }

  at(who, path = '/') {
    return `http://${who}.localhost:${this.port}${path}`;
  }

  /** Watches a page's console. An answer that is an error of ours is written there by the browser itself: a journey that
   * wants one says which (`page.wanted = [404]`). */
  watch(page, who) {
    const wrong = [];
    const wanted = (text) => (page.wanted ?? []).some((status) => text.includes(`status of ${status}`));
    page.on('pageerror', (error) => wrong.push(`${who} ${page.url()}: ${error}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !wanted(message.text())) wrong.push(`${who} ${page.url()}: ${message.text()}`);
    });
    this.pages.push(Object.assign(page, { wrong, who }));
    return page;
  }

  /** Signs a persona in on their own host, in a browser of their own. */
  async signIn(who, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = Object.assign(this.watch(await context.newPage(), who), { script: options.javaScriptEnabled !== false });
    await page.goto(this.at(who, '/sign-in'));
    await page.locator('form[action="/sign-in"] button[type=submit]').click();
    await expect(page).toHaveURL(this.at(who));
    return page;
  }

  /** Another tab of the same browser. */
  async tab(page, path = '/') {
    const tab = this.watch(await page.context().newPage(), page.who);
    await tab.goto(this.at(page.who, path));
    return tab;
  }

  async go(page, path) {
    await page.goto(this.at(page.who, path));
    return page;
  }

  /** Fills a template's form and sends it. Answers the run's path. */
  async request(page, template, name, fields = {}) {
    await this.go(page, `/catalog/${template}/request`);
    await page.locator('[name="name"]').fill(name);
    return this.send(page, fields);
  }

  /** Fills the form that is open and sends it. Answers the run's path. */
  async send(page, fields = {}) {
    for (const [field, value] of Object.entries(fields)) await fill(page.locator(`[name="${field}"]`), value);
    await page.locator('.form .foot button[value="send"]').click();
    await expect(page).toHaveURL(/\/runs\/\d+$/);
    return new URL(page.url()).pathname;
  }

  /** Asks, and has a lead approve. Answers the environment's path. */
  async make(page, lead, template, name, fields = {}) {
    const run = await this.request(page, template, name, fields);
    if (lead) {
      await pill(page, /approval/i);
      await this.go(lead, run);
      await approve(lead);
    }
    await done(page);
    return environment(page);
  }
}

async function fill(control, value) {
  if ((await control.first().evaluate((e) => e.tagName)) === 'SELECT') await control.selectOption(value);
  else if ((await control.first().getAttribute('type')) === 'radio') await control.and(control.page().locator(`[value="${value}"]`)).check({ force: true });
  else await control.fill(value);
}

/** Waits for the run's own word: live where there is JavaScript, by looking again where there is none. */
export async function pill(page, word) {
  const at = page.locator('main .head .pill').first();
  if (page.script !== false) return expect(at).toHaveText(word, { timeout: 40_000 });
  await expect(async () => {
    await page.goto(page.url());
    await expect(at).toHaveText(word, { timeout: 200 });
  }).toPass({ timeout: 40_000 });
}

export const done = (page) => pill(page, /^Done/);
export const approve = (page) => page.locator('button[data-key-approve]').first().click();
export const main = (page) => page.locator('main');
/** The path of the environment that a run is about. */
export const environment = (page) => page.locator('main .crumbs a[href^="/environments/"]').getAttribute('href');

/** What the page's own script gets for a path (only a browser resolves *.localhost). */
export const get = (page, path) =>
  page.evaluate(async (path) => {
    const answer = await fetch(path);
    return { status: answer.status, text: await answer.text() };
  }, path);

/** What a form's post of these fields is answered with, redirects followed. */
export const post = (page, path, fields) =>
  page.evaluate(
    async ([path, fields]) => {
      const answer = await fetch(path, { method: 'POST', body: new URLSearchParams(fields) });
      return { status: answer.status, url: answer.url, text: await answer.text() };
    },
    [path, fields],
  );
