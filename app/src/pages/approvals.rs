//! The inbox.

use slipway_services::approval;

use super::{Answer, Desk, Paper};
use crate::{components::Here, views};

/// `GET /approvals`
///
/// # Errors
/// If nobody is signed in, or the database is away.
pub async fn show(desk: Desk) -> Answer {
    let inbox = approval::inbox(&desk.app.office.web, &desk.ctx).await?;
    let waiting = Some(inbox.yours.len());
    desk.page(
        Paper {
            waiting,
            ..Paper::live("Approvals", Here::Approvals)
        },
        || views::approvals::view(&inbox),
    )
    .await
}
