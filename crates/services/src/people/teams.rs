use slipway_domain::{
    id::{TeamId, UserId},
    rights::{self, Right},
    role::TeamRole,
};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{
    groups::{self, Group},
    store,
};
use crate::{Ctx, Error, Result};

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// Preview environments at once without a vote.
    pub quota: i32,
    /// How many belong to it.
    pub count: i64,
    /// Who, once for each source; only where one team is asked for.
    pub members: Vec<Member>,
    /// Groups that give something here; only where one team is asked for.
    pub groups: Vec<Group>,
    /// How many people’s groups are still to be asked for; only where one team is asked for.
    pub unasked: i64,
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// Display name.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// True while they are suspended.
    pub suspended: bool,
    /// Their role.
    pub role: TeamRole,
    /// Where the membership comes from.
    pub source: String,
    /// When the directory last said so, of a group's.
    pub confirmed_at: Option<OffsetDateTime>,
}

/// The teams that the reader may see.
///
/// # Errors
/// If nobody is signed in.
pub async fn teams(web: &PgPool, ctx: &Ctx) -> Result<Vec<Team>> {
    let sight = ctx.sight()?;
    store::teams(web, sight.all, &sight.teams, ctx.now).await
}

/// One team, with who belongs to it. Its people see each other.
///
/// # Errors
/// [`Error::NotFound`] for a stranger to it.
pub async fn team(web: &PgPool, ctx: &Ctx, of: TeamId) -> Result<Team> {
    ctx.require_in(Right::SeeEnvironment, of)?;
    let mut team = groups::team(web, of, ctx.now)
        .await?
        .ok_or(Error::NotFound)?;
    team.members = store::members(web, of, ctx.now).await?;
    Ok(team)
}

/// Makes a team.
///
/// # Errors
/// [`Error::Refused`] if its name is taken or none.
pub async fn add_team(web: &PgPool, ctx: &Ctx, name: &str) -> Result<TeamId> {
    ctx.require(Right::ManagePeople)?;
    let name = name.trim();
    let good = (2..=40).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_lowercase());
    if !good {
        return Err(Error::refused(
            "This is no name for a team.",
            "Two to forty small letters, digits and dashes, a letter first.",
            "Choose another one.",
        ));
    }
    store::add_team(web, ctx, name).await?.ok_or_else(|| {
        Error::refused(
            "There is a team of that name.",
            String::new(),
            "Choose another name, or look at that team.",
        )
    })
}

/// Makes somebody a member or a lead. `who` is an id (from an admin's page) or an exact address.
///
/// # Errors
/// [`Error::Refused`] for oneself, or if the address is nobody's or more than one person's.
pub async fn put_member(
    web: &PgPool,
    ctx: &Ctx,
    team: TeamId,
    who: &str,
    role: TeamRole,
) -> Result<()> {
    let actor = ctx.require_in(Right::ManageTeam, team)?;
    let who = who.trim();
    let admin = rights::may(actor, Right::SeePeople, None);
    let user = match who.parse::<UserId>() {
        Ok(user) if admin => user,
        _ => {
            let mut found = store::by_address(web, who).await?;
            if found.len() > 1 {
                return Err(Error::refused(
                    "More than one account came with this address.",
                    "An address that was given to somebody else makes a new account, and the old one is still there.",
                    "Ask an admin: the old account is to be suspended.",
                ));
            }
            found.pop().ok_or_else(|| {
                Error::refused(
                    "Nobody with this address has signed in yet.",
                    "A membership is given to a person, not to an address.",
                    "Ask them to sign in once; then add them.",
                )
            })?
        }
    };
    not_oneself(ctx, user)?;
    store::put_member(web, ctx, team, user, role).await
}

/// Takes somebody out of a team.
///
/// # Errors
/// [`Error::NotFound`] if they do not belong to it.
pub async fn remove_member(web: &PgPool, ctx: &Ctx, team: TeamId, user: UserId) -> Result<()> {
    ctx.require_in(Right::ManageTeam, team)?;
    store::remove_member(web, ctx, team, user).await
}

fn not_oneself(ctx: &Ctx, user: UserId) -> Result<()> {
    if ctx.person()?.user == user {
        return Err(Error::refused(
            "Nobody gives a role to themselves.",
            "Somebody else must, so that two people know of each.",
            "Ask another lead, or an admin.",
        ));
    }
    Ok(())
}
