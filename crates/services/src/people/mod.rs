//! People and teams, as admins keep them: who is here, in which role and where that comes from, suspended or not.
//!
//! Nobody gives themselves anything; somebody else must. The last admin stays. What a change takes away is gone at once:
//! sessions get another token or end, streams begin anew, and votes are judged by the roles of the moment
//! ([`crate::work::claim`]).

mod groups;
mod store;
mod teams;

use slipway_domain::{
    id::{TeamId, UserId},
    rights::Right,
    role::{OrgRole, TeamRole},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Ctx, Error, Result};

pub use groups::{Group, add_group, remove_group};
pub use teams::{Member, Team, add_team, put_member, remove_member, team, teams};

/// Somebody's place in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub name: String,
    /// The role there.
    pub role: TeamRole,
    /// Where it comes from: `hand`, `demo`, `group:` and its address.
    pub source: String,
    /// When the directory last said so, of a group's.
    pub confirmed_at: Option<OffsetDateTime>,
}

/// Somebody who has signed in at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Display name.
    pub name: String,
    /// The address that they last came with.
    pub email: Option<String>,
    /// Roles of the organisation, and where each comes from.
    pub org: Vec<(OrgRole, String)>,
    /// Teams.
    pub teams: Vec<Place>,
    /// When they last used a session.
    pub last_seen_at: Option<OffsetDateTime>,
    /// When they first came.
    pub created_at: OffsetDateTime,
    /// Set while suspended.
    pub suspended_at: Option<OffsetDateTime>,
    /// Their groups were asked for at their last sign-in, and the directory has not answered yet.
    pub asking: bool,
    /// Why their groups could not be had the last time.
    pub trouble: Option<String>,
}

/// A page of people, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most 50.
    pub people: Vec<Person>,
    /// The id to pass as `before` for older ones.
    pub older: Option<i64>,
}

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only names and addresses that contain this.
    pub name: Option<String>,
    /// Only older than this id.
    pub before: Option<i64>,
}

/// Who is here.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn list(web: &PgPool, ctx: &Ctx, filter: &Filter) -> Result<Page> {
    ctx.require(Right::SeePeople)?;
    let before = filter.before.unwrap_or(i64::MAX);
    let mut people = store::list(web, filter.name.as_deref(), before, None, 51, ctx.now).await?;
    let older = (people.len() > 50).then(|| {
        people.truncate(50);
        people[49].id.get()
    });
    Ok(Page { people, older })
}

/// One of them; oneself, too.
///
/// # Errors
/// [`Error::NotFound`] for everybody but auditors and admins.
pub async fn find(web: &PgPool, ctx: &Ctx, of: UserId) -> Result<Person> {
    if ctx.in_person()?.user != of {
        ctx.require(Right::SeePeople)?;
    }
    store::list(web, None, i64::MAX, Some(of.get()), 1, ctx.now)
        .await?
        .pop()
        .ok_or(Error::NotFound)
}

/// Gives a role of the organisation.
///
/// # Errors
/// [`Error::Refused`] for oneself.
pub async fn give_role(web: &PgPool, ctx: &Ctx, to: UserId, role: OrgRole) -> Result<()> {
    let actor = ctx.require(Right::ManagePeople)?;
    if actor.user == to {
        return refuse(
            web,
            ctx,
            "role.give",
            to,
            Error::refused(
                "Nobody gives a role to themselves.",
                "An admin gives roles to others, so that two people know of each.",
                "Ask another admin.",
            ),
        )
        .await;
    }
    store::give_role(web, ctx, to, role).await
}

/// Takes a role of the organisation.
///
/// # Errors
/// [`Error::Refused`] for the last admin.
pub async fn take_role(web: &PgPool, ctx: &Ctx, from: UserId, role: OrgRole) -> Result<()> {
    ctx.require(Right::ManagePeople)?;
    match store::take_role(web, ctx, from, role).await {
        Err(error @ Error::Refused(_)) => refuse(web, ctx, "role.take", from, error).await,
        done => done,
    }
}

/// Suspends somebody: their sessions and streams end, and their votes count no longer.
///
/// # Errors
/// [`Error::Refused`] for oneself and for the last admin.
pub async fn suspend(web: &PgPool, ctx: &Ctx, of: UserId) -> Result<()> {
    let actor = ctx.require(Right::ManagePeople)?;
    let done = if actor.user == of {
        Err(Error::refused(
            "Nobody suspends themselves.",
            "You would be out at once, and could not undo it.",
            "Ask another admin.",
        ))
    } else {
        store::suspend(web, ctx, of).await
    };
    match done {
        Err(error @ Error::Refused(_)) => refuse(web, ctx, "person.suspend", of, error).await,
        done => done,
    }
}

/// Lets somebody in again.
///
/// # Errors
/// [`Error::NotFound`] for everybody but admins.
pub async fn resume(web: &PgPool, ctx: &Ctx, of: UserId) -> Result<()> {
    ctx.require(Right::ManagePeople)?;
    store::resume(web, ctx, of).await
}

async fn refuse(web: &PgPool, ctx: &Ctx, action: &str, on: UserId, error: Error) -> Result<()> {
    store::refused(web, ctx, action, on, &error.to_string()).await?;
    Err(error)
}

pub(crate) const fn org_word(role: OrgRole) -> &'static str {
    match role {
        OrgRole::Operator => "operator",
        OrgRole::Auditor => "auditor",
        OrgRole::Admin => "admin",
    }
}

pub(crate) const fn team_word(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Member => "member",
        TeamRole::Lead => "lead",
    }
}
