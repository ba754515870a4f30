//! What happens, as it happens: one stream of events per browser, over however many runs its tabs show.
//!
//! `GET /live?run=42:1234&run=43:0` asks for run 42 from byte 1234 of its log on. Subscribes first, then reads what was
//! missed, then goes on by offset: nothing is lost and nothing comes twice, whatever the notifications do.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use slipway_app::pages::Trouble;
use slipway_domain::{id::RunId, visible::visible};
use slipway_services::{
    Ctx, Error,
    live::Event,
    log, run,
    session::{self, Over},
    token,
};
use time::OffsetDateTime;
use tokio::sync::{broadcast, mpsc};

use crate::door::{Door, Place};

/// Most runs that one stream follows.
const MOST: usize = 40;
/// Bytes of log in one message, about.
const PORTION: i64 = 128 * 1024;
/// So often something is said, and the session looked at.
const BEAT: Duration = Duration::from_secs(10);

/// `GET /live`
pub async fn stream(
    State(door): State<Door>,
    Extension(ctx): Extension<Ctx>,
    RawQuery(query): RawQuery,
) -> Response {
    if ctx.actor.is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut offsets = BTreeMap::new();
    for pair in query.as_deref().unwrap_or_default().split('&') {
        let Some((id, offset)) = pair
            .strip_prefix("run=")
            .map(|v| v.replace("%3A", ":"))
            .and_then(|v| {
                let (id, offset) = v.split_once(':')?;
                Some((
                    id.parse::<RunId>().ok()?,
                    offset.parse::<i64>().ok().filter(|o| *o >= 0)?,
                ))
            })
        else {
            continue;
        };
        if offsets.len() < MOST {
            offsets.insert(id, offset);
        }
    }
    match open(door, ctx, offsets, true).await {
        Ok(response) => response,
        Err(error) => Trouble::from(error).into_response(),
    }
}

/// A stream over these runs, each from its offset on. With `inbox` it says, too, that something changed somewhere.
pub async fn open(
    door: Door,
    ctx: Ctx,
    offsets: BTreeMap<RunId, i64>,
    inbox: bool,
) -> Result<Response, Error> {
    let person = ctx.person()?.user.get();
    // Each run is authorised before the first byte: one that may not be seen is one that is not there.
    for id in offsets.keys() {
        log::read(&door.app.office.web, &ctx, *id, i64::MAX, 1).await?;
    }
    let Some(place) = door.place(person) else {
        return Ok((
            StatusCode::TOO_MANY_REQUESTS,
            "Too many windows of Slipway are open.\n",
        )
            .into_response());
    };
    let (to, mut from) = mpsc::channel::<Bytes>(64);
    tokio::spawn(follow(door, ctx, offsets, to, place, inbox));
    let body = Body::from_stream(futures_util::stream::poll_fn(move |cx| {
        from.poll_recv(cx).map(|b| b.map(Ok::<_, Infallible>))
    }));
    Ok((
        [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ],
        body,
    )
        .into_response())
}

/// Ends when the browser has gone or the process leaves, and when their rights change: the browser comes again, and is
/// judged anew. Where the session is over, the last thing said is why: every open tab goes to the sign-in page with it.
async fn follow(
    door: Door,
    ctx: Ctx,
    mut offsets: BTreeMap<RunId, i64>,
    to: mpsc::Sender<Bytes>,
    _place: Place,
    inbox: bool,
) {
    let mut events = door.hub.subscribe();
    let mut leaving = door.leaving.clone();
    let mut beat = tokio::time::interval(BEAT);
    beat.tick().await;
    let say = Say(to);
    if say.text("retry: 1000\n\n".into()).await.is_err()
        || everything(&door, &ctx, &mut offsets, &say).await.is_err()
    {
        return;
    }
    let mut hint = false;
    let mut known = ctx.now;
    let mut pause = tokio::time::interval(Duration::from_millis(400));
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Run { run, version, state }) => {
                    hint = true;
                    if offsets.contains_key(&run) {
                        // What the engine said belongs before what became of it.
                        if catch_up(&door, &ctx, run, &mut offsets, &say).await.is_err() {
                            return;
                        }
                        let data = serde_json::json!({ "run": run, "version": version, "state": state });
                        if say.text(format!("event: run\ndata: {data}\n\n")).await.is_err() {
                            return;
                        }
                    }
                }
                Ok(Event::Log { run, end }) => {
                    if offsets.get(&run).is_some_and(|offset| *offset < end)
                        && catch_up(&door, &ctx, run, &mut offsets, &say).await.is_err()
                    {
                        return;
                    }
                }
                Ok(Event::Workload) => hint = true,
                Ok(
                    Event::Job
                    | Event::Ask
                    | Event::Answered { .. }
                    | Event::Notice
                    | Event::Account,
                ) => {}
                // A session of theirs ended, or they may see other things now.
                Ok(Event::Person { user }) => {
                    if ctx.actor.as_ref().is_some_and(|a| a.user == user) {
                        if let Ok(Some(why)) = why_over(&door, &ctx, clock()).await {
                            say.over(why).await;
                        }
                        return;
                    }
                }
                Ok(Event::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    hint = true;
                    if everything(&door, &ctx, &mut offsets, &say).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = pause.tick(), if hint && inbox => {
                hint = false;
                if say.text("event: inbox\ndata: {}\n\n".into()).await.is_err() {
                    return;
                }
            }
            _ = beat.tick() => {
                let now = clock();
                match still(&door, &ctx, now).await {
                    Ok(Still::Same) => known = now,
                    // The browser comes again, and is judged anew.
                    Ok(Still::Changed) => return,
                    Ok(Still::Over(why)) => return say.over(why).await,
                    // Nobody knows: that is no yes for long.
                    Err(_) if now - known > session::DOUBT => return,
                    Err(_) => {}
                }
                if say.text(": here\n\n".into()).await.is_err() {
                    return;
                }
                // A lost notification must cost neither a line nor a change of state for longer than this.
                if everything(&door, &ctx, &mut offsets, &say).await.is_err() {
                    return;
                }
            }
            _ = leaving.changed() => return,
        }
    }
}

type Done = Result<(), ()>;

#[expect(
    clippy::disallowed_methods,
    reason = "a stream outlives its request's clock"
)]
fn clock() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Why what the stream was opened by, a session or a token, is over, if it is.
async fn why_over(door: &Door, ctx: &Ctx, now: OffsetDateTime) -> Result<Option<Over>, Error> {
    let web = &door.app.office.web;
    match ctx.actor.as_ref().map(|a| (a.session, &a.token)) {
        Some((Some(id), _)) => session::why_over(web, id, now).await,
        Some((None, Some(token))) => {
            let alive = token::is_alive(web, token.id, now).await?;
            Ok((!alive).then_some(Over::Ended))
        }
        _ => Ok(Some(Over::Ended)),
    }
}

enum Still {
    Same,
    /// They may do other things than when the stream began: what a group gave ends without anybody announcing it.
    Changed,
    Over(Over),
}

async fn still(door: &Door, ctx: &Ctx, now: OffsetDateTime) -> Result<Still, Error> {
    if let Some(why) = why_over(door, ctx, now).await? {
        return Ok(Still::Over(why));
    }
    let web = &door.app.office.web;
    let same = match ctx.actor.as_ref() {
        Some(actor) if actor.token.is_some() => token::still(web, actor, now).await?,
        Some(actor) => session::still(web, actor, now).await?,
        None => false,
    };
    Ok(if same { Still::Same } else { Still::Changed })
}

/// The way to the browser.
struct Say(mpsc::Sender<Bytes>);

impl Say {
    /// Fails when the browser has gone.
    async fn text(&self, text: String) -> Done {
        self.0.send(Bytes::from(text)).await.map_err(|_| ())
    }

    /// The last thing that is said.
    async fn over(&self, why: Over) {
        let data = serde_json::json!({ "why": why.word() });
        let _ = self.text(format!("event: over\ndata: {data}\n\n")).await;
    }
}

/// What a browser lacks of the logs, and then where each run stands: a page compares that with what it shows.
async fn everything(door: &Door, ctx: &Ctx, offsets: &mut BTreeMap<RunId, i64>, say: &Say) -> Done {
    for id in offsets.keys().copied().collect::<Vec<_>>() {
        catch_up(door, ctx, id, offsets, say).await?;
    }
    match run::stands(&door.app.office.web, ctx, offsets.keys().copied()).await {
        Ok(stands) if stands.len() < offsets.len() => return Err(()),
        Ok(stands) => {
            for (run, version, state) in stands {
                let data = serde_json::json!({ "run": run, "version": version, "state": state });
                say.text(format!("event: run\ndata: {data}\n\n")).await?;
            }
        }
        Err(Error::NotFound | Error::SignIn) => return Err(()),
        Err(error) => tracing::warn!(%error, "a stream could not look at its runs"),
    }
    Ok(())
}

/// Sends a run's log from where this stream stands to its end.
async fn catch_up(
    door: &Door,
    ctx: &Ctx,
    id: RunId,
    offsets: &mut BTreeMap<RunId, i64>,
    say: &Say,
) -> Done {
    loop {
        let offset = offsets.get(&id).copied().unwrap_or_default();
        match log::read(&door.app.office.web, ctx, id, offset, PORTION).await {
            Ok(part) if part.lines.is_empty() => return Ok(()),
            Ok(part) => {
                // As the page shows them that is rendered here.
                let lines: Vec<_> = part.lines.iter().map(|line| visible(line)).collect();
                let data = serde_json::json!({
                    "run": id, "offset": part.offset, "end": part.end, "first_line": part.first_line, "lines": lines,
                });
                say.text(format!("event: log\ndata: {data}\n\n")).await?;
                offsets.insert(id, part.end);
            }
            Err(Error::NotFound | Error::SignIn) => return Err(()),
            Err(error) => {
                // The database is away: the next hint or beat tries again.
                tracing::warn!(%error, "a stream could not read its log");
                return Ok(());
            }
        }
    }
}
