//! Runs: where one stands, what it would change, what its engine says, and what people say to it.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use serde::Deserialize;
use slipway_domain::{id::RunId, visible::visible};
use slipway_services::{
    approval::{self, Decision},
    log as trail, run,
};
use utoipa::IntoParams;

use super::{Answer, Body, Desk, Problem, id, wire};
use crate::{door::Door, live};

/// Bytes of log in one answer, about.
const PORTION: i64 = 256 * 1024;

/// `GET /api/v1/runs/{id}`
#[utoipa::path(get, path = "/api/v1/runs/{id}", operation_id = "get_run", tag = "runs", params(
    ("id" = i64, Path, description = "The run"),
), responses(
    (status = 200, description = "Where it stands, and who must still decide", body = wire::Run),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one(desk: Desk, Path(of): Path<String>) -> Answer<wire::Run> {
    let found = run::find(desk.web(), &desk.ctx, id(&of)?).await?;
    Ok(Json(found.into()))
}

/// `GET /api/v1/runs/{id}/plan`
#[utoipa::path(get, path = "/api/v1/runs/{id}/plan", operation_id = "get_run_plan", tag = "runs", params(
    ("id" = i64, Path, description = "The run"),
), responses(
    (status = 200, description = "What it would change, worst first. What is sensitive is not in it.", body = wire::Plan),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is not planned yet", body = Problem, content_type = "application/problem+json"),
))]
pub async fn plan(desk: Desk, Path(of): Path<String>) -> Answer<wire::Plan> {
    let found = run::find(desk.web(), &desk.ctx, id(&of)?).await?;
    let plan = wire::Plan::of(&found).ok_or_else(|| {
        slipway_services::Error::stale(
            "There is no plan.",
            "This run has not been planned, or its planning failed.",
            "Look at the run: it says where it stands.",
        )
    })?;
    Ok(Json(plan))
}

/// From where.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Position {
    /// The byte to go on from: 0, or the `end` of an earlier answer.
    offset: i64,
}

/// `GET /api/v1/runs/{id}/log`
#[utoipa::path(get, path = "/api/v1/runs/{id}/log", operation_id = "get_run_log", tag = "runs", params(
    ("id" = i64, Path, description = "The run"), Position,
), responses(
    (status = 200, description = "Lines from there on, about 256 KiB; without lines at the end", body = wire::Log),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn log(
    desk: Desk,
    Path(of): Path<String>,
    Query(from): Query<Position>,
) -> Answer<wire::Log> {
    let of: RunId = id(&of)?;
    let part = trail::read(desk.web(), &desk.ctx, of, from.offset.max(0), PORTION).await?;
    Ok(Json(wire::Log {
        offset: part.offset,
        end: part.end.max(from.offset),
        first_line: part.first_line,
        // As the pages and the stream show them.
        lines: part
            .lines
            .iter()
            .map(|line| visible(line).into_owned())
            .collect(),
    }))
}

/// `GET /api/v1/runs/{id}/live`: the same stream that the pages listen to, over one run.
#[utoipa::path(get, path = "/api/v1/runs/{id}/live", operation_id = "follow_run", tag = "runs", params(
    ("id" = i64, Path, description = "The run"), Position,
), responses(
    (status = 200, description = "Server-sent events: `log` (as of the log), and `run` with `version` and `state` whenever it changes. It ends with its token; come again with the last `end`.", body = String, content_type = "text/event-stream"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many streams are open", body = Problem, content_type = "application/problem+json"),
))]
pub async fn live(
    State(door): State<Door>,
    desk: Desk,
    Path(of): Path<String>,
    Query(from): Query<Position>,
) -> Result<Response, Problem> {
    let of: RunId = id(&of)?;
    let offsets = [(of, from.offset.max(0))].into();
    Ok(live::open(door, desk.ctx, offsets, false).await?)
}

async fn vote(
    desk: &Desk,
    of: &str,
    asked: wire::Vote,
    decision: Decision,
) -> Answer<wire::Stands> {
    let reason = asked.reason.replace('\0', "");
    let state = approval::vote(
        desk.web(),
        &desk.ctx,
        id(of)?,
        &asked.digest,
        decision,
        &reason,
    )
    .await?;
    Ok(Json(wire::Stands::of(state)))
}

/// `POST /api/v1/runs/{id}/approve`
#[utoipa::path(post, path = "/api/v1/runs/{id}/approve", operation_id = "approve_run", tag = "runs", request_body = wire::Vote, params(
    ("id" = i64, Path, description = "The run"),
), responses(
    (status = 200, description = "Where it stands now. Voting the same twice changes nothing.", body = wire::Stands),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "One's own request, or no role that votes, or a token without approve", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another plan has taken its place, or the run went on", body = Problem, content_type = "application/problem+json"),
))]
pub async fn approve(
    desk: Desk,
    Path(of): Path<String>,
    Body(asked): Body<wire::Vote>,
) -> Answer<wire::Stands> {
    vote(&desk, &of, asked, Decision::Approve).await
}

/// `POST /api/v1/runs/{id}/reject`
#[utoipa::path(post, path = "/api/v1/runs/{id}/reject", operation_id = "reject_run", tag = "runs", request_body = wire::Vote, params(
    ("id" = i64, Path, description = "The run"),
), responses(
    (status = 200, description = "Where it stands now. A rejection needs a reason.", body = wire::Stands),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "One's own request, no reason, no role that votes, or a token without approve", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another plan has taken its place, or the run went on", body = Problem, content_type = "application/problem+json"),
))]
pub async fn reject(
    desk: Desk,
    Path(of): Path<String>,
    Body(asked): Body<wire::Vote>,
) -> Answer<wire::Stands> {
    vote(&desk, &of, asked, Decision::Reject).await
}

/// `POST /api/v1/runs/{id}/cancel`
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", operation_id = "cancel_run", tag = "runs", request_body = wire::Cancel, params(
    ("id" = i64, Path, description = "The run"),
), responses(
    (status = 200, description = "Where it stands now. What works ends when its state is saved.", body = wire::Stands),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is too late", body = Problem, content_type = "application/problem+json"),
))]
pub async fn cancel(
    desk: Desk,
    Path(of): Path<String>,
    Body(asked): Body<wire::Cancel>,
) -> Answer<wire::Stands> {
    let state = run::cancel(desk.web(), &desk.ctx, id(&of)?, asked.force).await?;
    Ok(Json(wire::Stands::of(state)))
}
