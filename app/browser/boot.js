// Starts the browser side of a page: loads the WASM and hydrates the islands where there is something that moves, then
// joins the live stream and hands its messages to the islands as `slipway` events on the document. When the session is
// over, the stream says so, and the tab goes to the sign-in page. Without this file every page still works; it only
// stands still.

const tag = document.querySelector("script[data-live]");
const say = (detail) => document.dispatchEvent(new CustomEvent("slipway", { detail }));

// ── islands ──────────────────────────────────────────────────────────────────────────────────────

async function hydrate() {
  if (!tag.dataset.wasm) return;
  const islands = await import(tag.dataset.js);
  await islands.default({ module_or_path: tag.dataset.wasm });
  islands.hydrate();
  // The number at the end of an island's name depends on the compiler; the name before it does not.
  const stem = (name) => name.replace(/_\d+$/, "");
  const exports = new Map(Object.keys(islands).map((name) => [stem(name), islands[name]]));
  for (const place of document.querySelectorAll("leptos-island")) {
    exports.get(stem(place.dataset.component ?? ""))?.(place);
  }
}

// ── the live stream ──────────────────────────────────────────────────────────────────────────────

/** What this page wants: run → byte offset of its log, or null where only the state is wanted. */
function wanted() {
  const runs = {};
  for (const place of document.querySelectorAll("[data-run]")) {
    const { run, offset } = place.dataset;
    runs[run] = offset === undefined ? (runs[run] ?? null) : Number(offset);
  }
  return runs;
}

async function join() {
  let port;
  try {
    const worker = new SharedWorker(tag.dataset.live, { name: "slipway live" });
    port = worker.port;
    worker.addEventListener("error", direct, { once: true });
  } catch {
    return direct();
  }
  talk(port);

  // Without shared workers this tab has a stream of its own.
  async function direct() {
    await import(tag.dataset.live);
    const { port1, port2 } = new MessageChannel();
    globalThis.slipwayLive(port2);
    talk(port1);
  }
}

function talk(port) {
  port.onmessage = ({ data }) => (data.kind === "over" ? leave(data.why) : say(data));
  const hello = () => {
    const lock = `slipway tab ${Math.random()}`;
    const greet = () => port.postMessage({ kind: "want", runs: wanted(), lock: navigator.locks ? lock : undefined });
    if (!navigator.locks) return greet();
    // The worker waits for this lock, and gets it at the moment when the tab is gone, however it went.
    navigator.locks.request(lock, () => (greet(), new Promise(() => {})));
  };
  hello();
  addEventListener("pagehide", () => port.postMessage({ kind: "bye" }));
  addEventListener("pageshow", (event) => event.persisted && hello());
  document.addEventListener("slipway-want", () => port.postMessage({ kind: "want", runs: wanted() }));
  document.addEventListener("slipway-retry", () => port.postMessage({ kind: "retry" }));
}

/** Whoever signs out on this very page is on the way there already, and needs no reason. */
let signsOut = false;
document.addEventListener("submit", ({ target }) => (signsOut ||= !!target.getAttribute("action")?.endsWith("/sign-out")));

/** Nobody is signed in here any more: what stands on the page is not theirs to see, and no button of it works. */
function leave(why) {
  if (signsOut) return;
  location.assign(`/sign-in?${new URLSearchParams({ trouble: why, next: location.pathname + location.search })}`);
}

// ── the same page again, as the server renders it now ────────────────────────────────────────────

let fetching = false;
let stale = false;
document.addEventListener("slipway-refresh", async function refresh() {
  if (fetching) return void (stale = true);
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-Slipway-Part": "live" } });
    if (answer.redirected || answer.status === 404) return location.reload();
    if (answer.ok) say({ kind: "page", page: new DOMParser().parseFromString(await answer.text(), "text/html") });
  } catch {
    // The stream notices a lost connection by itself, and says so.
  } finally {
    fetching = false;
    if (stale) {
      stale = false;
      setTimeout(refresh, 250);
    }
  }
});

// ── what needs no island ─────────────────────────────────────────────────────────────────────────

document.documentElement.classList.add("js");
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 1200);
});

try {
  await hydrate();
  await join();
} catch (error) {
  console.warn("Slipway: this page goes on without live updates.", error);
  if (document.querySelector("[data-refresh]")) setTimeout(() => location.reload(), 5000);
}
