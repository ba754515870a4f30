// Starts and stops a whole portal (`slipway up`) for journeys: own data folder, own free port, real parts.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A running portal. `url` is its address; `at(persona)` is its address under that persona's host name. */
export class Portal {
  /** Starts one and waits until it answers. `options`: `data` (kept folder), `port`, `env`, `args`. */
  static async start(options = {}) {
    const data = options.data ?? (await mkdtemp(join(tmpdir(), 'slipway-e2e-')));
    // As the superuser, PostgreSQL runs as another user, who must be able to pass through.
    await chmod(data, 0o755);
    const portal = new Portal();
    Object.assign(portal, { data, kept: Boolean(options.data), port: options.port ?? (await freePort()), options });
    await portal.#launch();
    return portal;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  at(persona) {
    return `http://${persona}.localhost:${this.port}`;
  }

  async #launch() {
    this.log = join(this.data, 'portal.log');
    const log = openSync(this.log, 'a');
    const env = { ...process.env, TF_CLI_CONFIG_FILE: '', CHECKPOINT_DISABLE: '1', SLIPWAY_DATA: join(this.data, 'data'), ...this.options.env };
    const words = ['up', '--listen', `127.0.0.1:${this.port}`, ...(this.options.args ?? [])];
    this.child = spawn(process.env.SLIPWAY_BIN, words, { env, stdio: ['ignore', log, log] });
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve({ code, signal })));
    let ended;
    this.exited.then((how) => (ended = how));
    const until = Date.now() + 60_000;
    for (;;) {
      if (ended) throw new Error(`slipway up ended with ${JSON.stringify(ended)}; see ${this.log}`);
      try {
        await fetch(this.url, { redirect: 'manual' });
        return;
      } catch {
        if (Date.now() > until) throw new Error(`slipway up does not answer; see ${this.log}`);
        await pause(50);
      }
    }
  }

  /** Sends a signal; resolves with `{ code, signal }` once the portal has gone. */
  async stop(signal = 'SIGINT') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    const how = await this.exited;
    if (!this.kept) await rm(this.data, { recursive: true, force: true });
    return how;
  }

  /** Stops it and starts it again on the same data and port. */
  async restart(signal = 'SIGINT') {
    this.child.kill(signal);
    await this.exited;
    await this.#launch();
  }
}
