//! The catalog.

use axum::extract::Path;
use slipway_services::{cluster, template};

use super::{Answer, Desk, Paper};
use crate::{components::Here, views};

/// `GET /catalog`
///
/// # Errors
/// If nobody is signed in, or the database is away.
pub async fn list(desk: Desk) -> Answer {
    let templates = template::list(&desk.app.office.web, &desk.ctx).await?;
    desk.page(Paper::new("Catalog", Here::Catalog), || {
        views::catalog::list(&desk.app.site, &templates, desk.requests())
    })
    .await
}

/// `GET /catalog/{name}`
///
/// # Errors
/// If there is no such template.
pub async fn one(desk: Desk, Path(name): Path<String>) -> Answer {
    let listed = template::find(&desk.app.office.web, &desk.ctx, &name).await?;
    let cluster = match listed.template.as_ref().and_then(|t| t.release.as_ref()) {
        Some(to) => cluster::find(&desk.app.office.web, &desk.ctx, &to.cluster).await?,
        None => None,
    };
    let title = listed
        .template
        .as_ref()
        .map_or_else(|| listed.name.clone(), |t| t.title.clone());
    desk.page(Paper::new(title, Here::Catalog), || {
        views::catalog::one(&desk.app.site, &listed, desk.requests(), cluster.as_ref())
    })
    .await
}
