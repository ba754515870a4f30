//! What workers were set up with and how it goes, for the page of settings: read from what they wrote down, because the web
//! process knows neither their keys nor their servers.

mod store;

use slipway_domain::rights::Right;
use sqlx::PgPool;

use crate::{Ctx, Result, directory, notice};

/// What is in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InForce {
    /// Asking for people's groups.
    pub directory: directory::State,
    /// Sending messages.
    pub post: notice::Post,
}

/// Reads it, in one query.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn in_force(web: &PgPool, ctx: &Ctx) -> Result<InForce> {
    ctx.require(Right::SeePeople)?;
    store::read(web, ctx.now).await
}
