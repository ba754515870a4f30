//! Home.

use slipway_services::{approval, deployment, environment};

use super::{Answer, Desk, Paper};
use crate::{components::Here, views::home};

/// `GET /`
///
/// # Errors
/// If nobody is signed in, or the database is away.
pub async fn show(desk: Desk) -> Answer {
    let web = &desk.app.office.web;
    let filter = environment::Filter {
        mine: desk.requests(),
        ..environment::Filter::default()
    };
    let (inbox, mut page, recent) = (
        approval::inbox(web, &desk.ctx).await?,
        environment::list(web, &desk.ctx, &filter).await?,
        deployment::recent(web, &desk.ctx, 8).await?,
    );
    let more = page.older.is_some() || page.environments.len() > 12;
    page.environments.truncate(12);
    let waiting = Some(inbox.yours.len());
    let home = home::Home {
        inbox,
        environments: page.environments,
        more,
        recent,
        requests: desk.requests(),
    };
    desk.page(
        Paper {
            waiting,
            ..Paper::live("Home", Here::Home)
        },
        || home::view(home),
    )
    .await
}
