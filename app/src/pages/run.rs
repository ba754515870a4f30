//! One run, and its log.

use axum::{
    extract::{Path, Query},
    http::{HeaderValue, header},
    response::IntoResponse,
};
use serde::Deserialize;
use slipway_domain::{id::RunId, run::State, visible::visible};
use slipway_services::{log, run};

use super::{Answer, Desk, Paper, id};
use crate::{components::Here, views};

/// How many lines of the log stand on the page at first.
const LINES: i64 = 500;

/// What the address of a run may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    find: String,
    before: String,
    line: String,
}

/// `GET /runs/{id}` and `GET /runs/{id}/log`, the latter with `before` or `line` for a stretch of the log.
///
/// # Errors
/// If there is no such run for the reader.
pub async fn show(desk: Desk, Path(of): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let of: RunId = id(&of)?;
    let web = &desk.app.office.web;
    let run = run::find(web, &desk.ctx, of).await?;
    let part = match (asked.before.parse::<i64>(), asked.line.parse::<i64>()) {
        (Ok(before), _) if before > 1 => log::before(web, &desk.ctx, of, before, LINES).await?,
        (_, Ok(line)) if line > 0 => {
            log::before(web, &desk.ctx, of, line.saturating_add(LINES / 4), LINES).await?
        }
        _ => log::tail(web, &desk.ctx, of, LINES).await?,
    };
    let actor = desk.actor()?.clone();
    let paper = Paper {
        refresh: views::run::refreshes(&run, &actor),
        skip: (run.state == State::AwaitingApproval && run.options(&actor).approve)
            .then_some(("decide", "Skip to the decision")),
        ..Paper::live(run.title.clone(), Here::Environments)
    };
    desk.page(paper, || {
        views::run::view(views::run::RunPage {
            run: &run,
            actor: &actor,
            log: part,
            find: &asked.find,
        })
    })
    .await
}

/// `GET /runs/{id}/log.txt`: the whole log.
///
/// # Errors
/// If there is no such run for the reader.
pub async fn download(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: RunId = id(&of)?;
    let text = log::whole(&desk.app.office.web, &desk.ctx, of).await?;
    // Whoever looks at the file in a terminal sees what was said, and nothing more.
    let mut response = visible(&text).into_owned().into_response();
    let name = HeaderValue::from_str(&format!("attachment; filename=\"run-{of}.log\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, name);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
