//! The form of a request or a change: the person's own draft.

use axum::extract::{Path, Query};
use serde::Deserialize;
use slipway_services::{
    cluster,
    draft::{self, Draft, Target},
};

use super::{Answer, Desk, Paper, id, see};
use crate::{components::Here, views};

/// What the address of a form may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    upgrade: String,
    saved: String,
}

/// `GET /catalog/{name}/request`
///
/// # Errors
/// If there is no such template, or the reader may not ask for it.
pub async fn create(desk: Desk, Path(name): Path<String>) -> Answer {
    let draft = draft::open(&desk.app.office.web, &desk.ctx, &Target::Template(name)).await?;
    show(&desk, &draft, false).await
}

/// `GET /environments/{id}/change`
///
/// # Errors
/// If there is no such environment, or the reader may not change it.
pub async fn change(desk: Desk, Path(of): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let target = Target::Environment(id(&of)?, !asked.upgrade.is_empty());
    let draft = draft::open(&desk.app.office.web, &desk.ctx, &target).await?;
    show(&desk, &draft, false).await
}

/// `GET /runs/{id}/form`: back to the form of a run that came to nothing, filled as it was sent.
///
/// # Errors
/// If there is no such run for the reader, or no form made it.
pub async fn of_run(desk: Desk, Path(of): Path<String>) -> Answer {
    let draft = draft::again(&desk.app.office.web, &desk.ctx, id(&of)?).await?;
    Ok(see(&format!("/drafts/{draft}")))
}

/// `GET /drafts/{id}`: the form again, after a button that did not send it.
///
/// # Errors
/// If there is no such draft of the reader's.
pub async fn again(desk: Desk, Path(of): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let draft = draft::find(&desk.app.office.web, &desk.ctx, id(&of)?).await?;
    match draft.run {
        Some(run) => Ok(see(&format!("/runs/{run}"))),
        None => show(&desk, &draft, !asked.saved.is_empty()).await,
    }
}

async fn show(desk: &Desk, draft: &Draft, saved: bool) -> Answer {
    let (title, here) = match &draft.environment {
        Some((_, name)) => (format!("Change {name}"), Here::Environments),
        None => (
            format!("Request: {}", draft.version.template.title),
            Here::Catalog,
        ),
    };
    let cluster = match &draft.version.template.release {
        Some(to) => cluster::find(&desk.app.office.web, &desk.ctx, &to.cluster).await?,
        None => None,
    };
    desk.page(Paper::new(title, here), || {
        views::request::view(&desk.app.site, draft, saved, cluster.as_ref())
    })
    .await
}
