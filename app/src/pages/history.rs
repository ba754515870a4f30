//! The history.

use axum::extract::Query;
use serde::Deserialize;
use slipway_domain::run::State;
use slipway_services::deployment;

use super::{Answer, Desk, Paper};
use crate::{components::Here, views};

/// The filter of the history, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    environment: String,
    team: String,
    outcome: String,
    before: String,
}

/// `GET /history`
///
/// # Errors
/// If nobody is signed in, or the database is away.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let filter = deployment::Filter {
        team: some(&asked.team),
        environment: some(&asked.environment),
        outcome: State::read(&asked.outcome),
        before: asked.before.parse().ok(),
    };
    let page = deployment::list(&desk.app.office.web, &desk.ctx, &filter).await?;
    desk.page(Paper::new("History", Here::History), || {
        views::history::view(page, &filter)
    })
    .await
}

/// A text of a filter; blank is none.
#[must_use]
pub fn some(text: &str) -> Option<String> {
    let text = text.trim().replace('\0', "");
    (!text.is_empty()).then(|| text.chars().take(100).collect())
}
