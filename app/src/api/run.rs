//! What people do with a run: vote, call it off, have it planned again, have somebody look.

use axum::extract::Path;
use serde::Deserialize;
use slipway_domain::id::RunId;
use slipway_services::{
    approval::{self, Decision},
    run,
};

use crate::{
    api::posted::Form,
    pages::{Answer, Desk, id, local, see},
};

/// A vote, as posted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vote {
    digest: String,
    reason: String,
    next: String,
}

/// A cancel, as posted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cancel {
    force: String,
}

async fn vote(desk: &Desk, of: &str, vote: Vote, decision: Decision) -> Answer {
    let of: RunId = id(of)?;
    let reason = vote.reason.replace('\0', "");
    approval::vote(
        &desk.app.office.web,
        &desk.ctx,
        of,
        &vote.digest,
        decision,
        &reason,
    )
    .await?;
    let back = format!("/runs/{of}");
    Ok(see(if vote.next.is_empty() {
        &back
    } else {
        local(&vote.next)
    }))
}

/// `POST /runs/{id}/approve`
///
/// # Errors
/// If the reader may not vote, or the plan was replaced meanwhile.
pub async fn approve(desk: Desk, Path(of): Path<String>, Form(form): Form<Vote>) -> Answer {
    vote(&desk, &of, form, Decision::Approve).await
}

/// `POST /runs/{id}/reject`
///
/// # Errors
/// If the reader may not vote, gave no reason, or the plan was replaced meanwhile.
pub async fn reject(desk: Desk, Path(of): Path<String>, Form(form): Form<Vote>) -> Answer {
    vote(&desk, &of, form, Decision::Reject).await
}

/// `POST /runs/{id}/cancel`
///
/// # Errors
/// If the reader may not, or it is too late.
pub async fn cancel(desk: Desk, Path(of): Path<String>, Form(form): Form<Cancel>) -> Answer {
    let of: RunId = id(&of)?;
    run::cancel(&desk.app.office.web, &desk.ctx, of, !form.force.is_empty()).await?;
    Ok(see(&format!("/runs/{of}")))
}

/// `POST /runs/{id}/replan`
///
/// # Errors
/// If the reader may not, or it is too late.
pub async fn replan(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: RunId = id(&of)?;
    run::replan(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&format!("/runs/{of}")))
}

/// `POST /runs/{id}/reconcile`
///
/// # Errors
/// If the reader may not, or the run is not unknown.
pub async fn reconcile(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: RunId = id(&of)?;
    run::reconcile(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&format!("/runs/{of}")))
}
