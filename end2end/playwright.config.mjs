// The browser tier. xtask finds Chromium and the parts of the portal and passes them by environment; a browser is never
// downloaded. Each file has a portal of its own (people.mjs), shared by its journeys.
import { defineConfig } from '@playwright/test';

if (!process.env.SLIPWAY_CHROMIUM || !process.env.SLIPWAY_BIN) {
  throw new Error('SLIPWAY_CHROMIUM and SLIPWAY_BIN are not set: run `make test ARGS=browser`, or `sh xtask/run.sh journeys [playwright words]`');
}

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.mjs',
  // Two cores, one database, real Terraform: journeys side by side would only measure each other.
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: process.env.CI === 'true',
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ? [['list'], ['json', { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE }]] : 'list',
  outputDir: 'test-results',
  use: {
    headless: true,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.SLIPWAY_CHROMIUM,
      // The superuser has no sandbox to give; the rest keeps the browser from calling home.
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
});
