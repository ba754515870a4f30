//! The audit trail.

use axum::extract::Query;
use serde::Deserialize;
use slipway_services::audit;

use super::{Answer, Desk, Paper, history::some};
use crate::{components::Here, views};

/// The filter of the trail, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    actor: String,
    action: String,
    noun: String,
    before: String,
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
        before: asked.before.parse().ok(),
    };
    let page = audit::list(&desk.app.office.web, &desk.ctx, &filter).await?;
    desk.page(Paper::new("Audit", Here::Audit), || {
        views::audit::view(page, &filter)
    })
    .await
}
