//! Groups of the directory that give a role in a team. Only an admin says so: whoever may add people to a group decides
//! about the team from then on, and that is more than a lead has to give.

mod store;

use slipway_domain::{id::TeamId, rights::Right, role::TeamRole};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::Team;
use crate::{Ctx, Error, Result};

/// A group that gives something in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its address.
    pub address: String,
    /// What it gives.
    pub role: TeamRole,
    /// How many people have something by it at this moment.
    pub count: i64,
}

/// One team with its groups, without its people.
pub(super) async fn team(web: &PgPool, of: TeamId, now: OffsetDateTime) -> Result<Option<Team>> {
    store::team(web, of, now).await
}

/// Gives a role in a team to everybody in a group; again with another role, it changes what it gives. Everybody's groups
/// are asked for anew.
///
/// # Errors
/// [`Error::NotFound`] for everybody but admins; [`Error::Refused`] if it is no address.
pub async fn add_group(
    web: &PgPool,
    ctx: &Ctx,
    team: TeamId,
    address: &str,
    role: TeamRole,
) -> Result<()> {
    ctx.require(Right::ManagePeople)?;
    let address = address.trim().to_lowercase();
    let good = address.len() <= 254
        && address
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && address.bytes().filter(|b| *b == b'@').count() == 1
        && address
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"@.-_+'".contains(&b));
    if !good {
        return Err(Error::refused(
            "This is no group’s address.",
            "A group is known by its whole address: name@example.com.",
            "Copy it from the directory.",
        ));
    }
    store::add(web, ctx, team, &address, role).await
}

/// Takes a group off a team: what it gave is gone at once.
///
/// # Errors
/// [`Error::NotFound`] for everybody but admins, and if it is not there.
pub async fn remove_group(web: &PgPool, ctx: &Ctx, team: TeamId, address: &str) -> Result<()> {
    ctx.require(Right::ManagePeople)?;
    store::remove(web, ctx, team, address).await
}
