// One event stream for all tabs of this browser (HTTP/1.1 allows six connections, and the seventh tab must not freeze).
// A shared worker where there is one, else part of the page. Each tab says which runs it watches and from which byte
// of the log; it gets every line from there on, once, whatever happens to the connection in between.
(() => {
  const tabs = new Map(); // port → { runs: run → next byte or null, seen: time of the last sign of life }
  let stream; // the EventSource
  let url = "";
  let tries = 0;
  let timer = 0;
  let lost = 0; // since when the connection is lost, in ms since 1970; 0 = it is not
  let ever = false;

  const tell = (port, message) => {
    try {
      port.postMessage(message);
    } catch {
      leave(port);
    }
  };
  const tellAll = (message) => tabs.forEach((_, port) => tell(port, message));

  /** The address of a stream that gives every tab what it lacks. */
  function address() {
    const runs = new Map();
    for (const { runs: wanted } of tabs.values()) {
      for (const [run, at] of Object.entries(wanted)) {
        const known = runs.get(run);
        runs.set(run, at === null ? (known ?? null) : known === undefined || known === null ? at : Math.min(known, at));
      }
    }
    // Whoever wants the state alone asks for the log from behind its end.
    const query = [...runs].sort().map(([run, at]) => `run=${run}:${at ?? Number.MAX_SAFE_INTEGER}`);
    return `/live${query.length ? "?" : ""}${query.join("&")}`;
  }

  /** Which runs, with or without log: what a new stream is needed for. Offsets alone move on in the stream. */
  const shape = (text) => text.replaceAll(`:${Number.MAX_SAFE_INTEGER}`, "").replace(/:\d+/g, ":");

  function soon(ms) {
    clearTimeout(timer);
    timer = setTimeout(open, ms);
  }

  function open() {
    clearTimeout(timer);
    stream?.close();
    stream = undefined;
    if (!tabs.size) return void (url = "");
    url = address();
    const mine = (stream = new EventSource(url));
    mine.onopen = () => {
      if (mine !== stream) return;
      tries = 0;
      tellAll({ kind: "open", again: ever && lost > 0 });
      ever = true;
      lost = 0;
    };
    mine.onerror = () => {
      if (mine !== stream) return;
      // Closed and not about to try again: it was answered, and with a refusal. An event stream does not say which.
      if (mine.readyState === EventSource.CLOSED) ask(mine);
      // Not the browser's own retry: it would ask with the offsets of the beginning.
      mine.close();
      lost ||= Date.now();
      const wait = Math.min(15000, 500 * 2 ** tries++) * (0.75 + Math.random() / 2);
      tellAll({ kind: "lost", since: lost, next: Date.now() + wait });
      soon(wait);
    };
    mine.addEventListener("run", ({ data }) => tellAll({ kind: "run", ...JSON.parse(data) }));
    mine.addEventListener("over", ({ data }) => mine === stream && over(JSON.parse(data).why));
    mine.addEventListener("inbox", ({ data }) => tellAll({ kind: "inbox", data }));
    mine.addEventListener("log", ({ data }) => log(JSON.parse(data)));
  }

  /** The session is over: no tab has anything to wait for any more, and each is told why. */
  function over(why) {
    clearTimeout(timer);
    stream?.close();
    stream = undefined;
    url = "";
    tellAll({ kind: "over", why });
  }

  /** Whether a stream was refused because nobody is signed in any more. */
  async function ask(mine) {
    try {
      const { status } = await fetch("/live", { method: "HEAD" });
      if (status === 401 && (!stream || mine === stream)) over("ended");
    } catch {
      // Nobody answers: that is a lost connection, and said already.
    }
  }

  function log(piece) {
    let gap = false;
    for (const [port, tab] of tabs) {
      const at = tab.runs[piece.run];
      if (typeof at !== "number" || piece.end <= at) continue;
      if (piece.offset > at) {
        gap = true;
        continue;
      }
      tab.runs[piece.run] = piece.end;
      tell(port, { kind: "log", ...piece });
    }
    if (gap) soon(0);
  }

  function leave(port) {
    if (tabs.delete(port) && shape(address()) !== shape(url)) soon(2000);
  }

  function want(port, runs, lock) {
    const before = tabs.get(port)?.runs ?? {};
    const merged = {};
    let behind = false;
    for (const [run, at] of Object.entries(runs)) {
      // A tab that asks again keeps what it has already got.
      merged[run] = typeof at === "number" ? Math.max(at, before[run] ?? 0) : at;
      if (typeof at === "number" && !(run in before)) behind = true;
    }
    tabs.set(port, { runs: merged, seen: Date.now() });
    if (lock) navigator.locks.request(lock, () => leave(port));
    if (!stream || behind || shape(address()) !== shape(url)) soon(20);
    else tell(port, lost ? { kind: "lost", since: lost, next: 0 } : { kind: "open", again: false });
  }

  function serve(port) {
    port.onmessage = ({ data }) => {
      const tab = tabs.get(port);
      if (tab) tab.seen = Date.now();
      if (data.kind === "want") want(port, data.runs, data.lock);
      else if (data.kind === "bye") leave(port);
      else if (data.kind === "retry") open();
    };
    port.start?.();
  }

  if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
    self.onconnect = ({ ports }) => serve(ports[0]);
  } else {
    self.slipwayLive = serve;
  }
})();
