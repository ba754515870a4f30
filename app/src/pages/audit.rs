//! The audit trail.

use std::{borrow::Cow, collections::VecDeque, fmt::Write as _};

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use slipway_domain::{id::RunId, visible::is_hidden};
use slipway_services::{
    Ctx, Error, PgPool,
    audit::{self, chain},
};
use time::{Date, OffsetDateTime, Time, format_description::well_known::Iso8601};

use super::{Answer, Desk, Paper, history::some, id};
use crate::{components::Here, views};

/// The filter of the trail, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    actor: String,
    action: String,
    noun: String,
    id: String,
    since: String,
    until: String,
    before: String,
}

/// A day as a browser writes it, from its beginning, in UTC.
fn day(text: &str) -> Option<OffsetDateTime> {
    let day = Date::parse(text, &Iso8601::DATE).ok()?;
    Some(day.with_time(Time::MIDNIGHT).assume_utc())
}

/// `GET /audit`
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let filter = audit::Filter {
        actor: some(&asked.actor),
        noun: some(&asked.noun),
        action: some(&asked.action),
        noun_id: asked.id.parse().ok(),
        since: day(&asked.since),
        // The day named last belongs to it.
        until: day(&asked.until).map(|at| at + time::Duration::days(1)),
        before: asked.before.parse().ok(),
    };
    let page = audit::list(&desk.app.office.web, &desk.ctx, &filter).await?;
    desk.page(Paper::new("Audit", Here::Audit), || {
        views::audit::view(page, &filter)
    })
    .await
}

/// `GET /audit/export`: the whole trail, a line a record, for `slipway audit verify`.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn export(desk: Desk) -> Answer {
    Ok(whole_trail(&desk.app.office.web, &desk.ctx).await?)
}

/// The whole trail as a file, for pages and programs alike.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn whole_trail(web: &PgPool, ctx: &Ctx) -> Result<Response, Error> {
    let web = web.clone();
    let head = chain::export_head(&web, ctx).await?;
    let first = Walk {
        ready: VecDeque::from([head]),
        after: 0,
        rest: false,
    };
    let ctx = ctx.clone();
    let stream = futures_util::stream::try_unfold(first, move |mut walk| {
        let (web, ctx) = (web.clone(), ctx.clone());
        async move {
            loop {
                if !walk.ready.is_empty() {
                    let mut text = String::new();
                    for line in walk.ready.drain(..) {
                        text +=
                            &plain(&serde_json::to_string(&line).map_err(std::io::Error::other)?);
                        text.push('\n');
                    }
                    return Ok::<_, std::io::Error>(Some((Bytes::from(text), walk)));
                }
                if walk.rest {
                    return Ok(None);
                }
                let more = chain::export_links(&web, &ctx, walk.after).await;
                let mut more = more.map_err(std::io::Error::other)?;
                let end = more.iter().rev().find_map(|line| match line {
                    chain::Line::Link(link) => Some(link.seq),
                    _ => None,
                });
                match end {
                    Some(seq) => walk.after = seq,
                    None => {
                        walk.rest = true;
                        let rest = chain::export_rest(&web, &ctx).await;
                        more = rest.map_err(std::io::Error::other)?;
                    }
                }
                walk.ready = more.into();
            }
        }
    });
    Ok(file("slipway-audit.jsonl", Body::from_stream(stream)))
}

struct Walk {
    ready: VecDeque<chain::Line>,
    after: i64,
    rest: bool,
}

/// `GET /runs/{id}/evidence`: what happened to one run, as a file that proves itself.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn evidence(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: RunId = id(&of)?;
    let lines = chain::evidence(&desk.app.office.web, &desk.ctx, of).await?;
    let text = plain(&lines.join("\n")).into_owned() + "\n";
    Ok(file(&format!("slipway-run-{of}.jsonl"), Body::from(text)))
}

/// JSON whose hidden characters are escapes: the same values, and nothing that a terminal would obey.
fn plain(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !json.contains(hidden) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if hidden(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn file(name: &str, body: Body) -> Response {
    (
        [
            (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ),
        ],
        body,
    )
        .into_response()
}
