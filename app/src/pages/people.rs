//! People, teams and the settings in force, for those who keep them.

use axum::extract::{Path, Query};
use serde::Deserialize;
use slipway_domain::{
    id::{TeamId, UserId},
    rights::{self, Right},
    role::{OrgRole, TeamRole},
};
use slipway_services::{Error, audit, people, session, token};

use super::{Answer, Desk, Paper, history::some, id, see};
use crate::{api::posted::Form, components::Here, views};

/// The filter of the list, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    name: String,
    before: String,
}

/// `GET /people`
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn list(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let filter = people::Filter {
        name: some(&asked.name),
        before: asked.before.parse().ok(),
    };
    let page = people::list(&desk.app.office.web, &desk.ctx, &filter).await?;
    desk.page(Paper::new("People", Here::People), || {
        views::people::list(&page, &filter)
    })
    .await
}

/// `GET /people/{id}`
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn one(desk: Desk, Path(of): Path<String>) -> Answer {
    let web = &desk.app.office.web;
    desk.ctx.require(Right::SeePeople)?;
    let of: UserId = id(&of)?;
    let person = people::find(web, &desk.ctx, of).await?;
    let manages = rights::may(desk.actor()?, Right::ManagePeople, None);
    let sessions = if manages {
        session::list(web, &desk.ctx, of).await?
    } else {
        vec![]
    };
    let me = desk.actor()?.user == of;
    desk.page(Paper::new(person.name.clone(), Here::People), || {
        views::people::one(&person, &sessions, manages, me)
    })
    .await
}

/// Where the list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    before: String,
}

/// `GET /people/{id}/sign-ins`
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn sign_ins(desk: Desk, Path(of): Path<String>, Query(asked): Query<From>) -> Answer {
    let web = &desk.app.office.web;
    desk.ctx.require(Right::SeePeople)?;
    let of: UserId = id(&of)?;
    let before = asked.before.parse().ok();
    let person = people::find(web, &desk.ctx, of).await?;
    let (found, older) = audit::sign_ins(web, &desk.ctx, of, before).await?;
    let title = format!("Sign-ins of {}", person.name);
    desk.page(Paper::new(title, Here::People), || {
        views::people::sign_ins(&person, &found, before, older)
    })
    .await
}

/// `GET /people/{id}/tokens`
///
/// # Errors
/// For everybody but admins it is not there.
pub async fn tokens(desk: Desk, Path(of): Path<String>) -> Answer {
    let web = &desk.app.office.web;
    desk.ctx.require(Right::ManagePeople)?;
    let of: UserId = id(&of)?;
    let person = people::find(web, &desk.ctx, of).await?;
    let tokens = token::list(web, &desk.ctx, of).await?;
    let title = format!("Tokens of {}", person.name);
    desk.page(Paper::new(title, Here::People), || {
        views::people::tokens(&person, &tokens)
    })
    .await
}

/// A role of the organisation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Role {
    role: String,
}

impl Role {
    fn org(&self) -> Result<OrgRole, Error> {
        match self.role.as_str() {
            "operator" => Ok(OrgRole::Operator),
            "auditor" => Ok(OrgRole::Auditor),
            "admin" => Ok(OrgRole::Admin),
            _ => Err(Error::NotFound),
        }
    }
}

/// `POST /people/{id}/give`
///
/// # Errors
/// If the reader may not, or for oneself.
pub async fn give(desk: Desk, Path(of): Path<String>, Form(form): Form<Role>) -> Answer {
    let of: UserId = id(&of)?;
    desk.ctx.require(Right::ManagePeople)?;
    people::give_role(&desk.app.office.web, &desk.ctx, of, form.org()?).await?;
    Ok(see(&format!("/people/{of}")))
}

/// `POST /people/{id}/take`
///
/// # Errors
/// If the reader may not, or for the last admin.
pub async fn take(desk: Desk, Path(of): Path<String>, Form(form): Form<Role>) -> Answer {
    let of: UserId = id(&of)?;
    desk.ctx.require(Right::ManagePeople)?;
    people::take_role(&desk.app.office.web, &desk.ctx, of, form.org()?).await?;
    Ok(see(&format!("/people/{of}")))
}

/// `POST /people/{id}/suspend`
///
/// # Errors
/// If the reader may not, for oneself, or for the last admin.
pub async fn suspend(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: UserId = id(&of)?;
    people::suspend(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&format!("/people/{of}")))
}

/// `POST /people/{id}/resume`
///
/// # Errors
/// If the reader may not.
pub async fn resume(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: UserId = id(&of)?;
    people::resume(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&format!("/people/{of}")))
}

/// `POST /people/{id}/end-sessions`
///
/// # Errors
/// If the reader may not.
pub async fn end_sessions(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: UserId = id(&of)?;
    desk.ctx.require(Right::ManagePeople)?;
    session::end_all(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&format!("/people/{of}")))
}

/// `GET /teams`
///
/// # Errors
/// If nobody is signed in.
pub async fn teams(desk: Desk) -> Answer {
    let teams = people::teams(&desk.app.office.web, &desk.ctx).await?;
    let makes = rights::may(desk.actor()?, Right::ManagePeople, None);
    desk.page(Paper::new("Teams", Here::Teams), || {
        views::people::teams(&teams, makes)
    })
    .await
}

/// A new team.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct New {
    name: String,
}

/// `POST /teams`
///
/// # Errors
/// If the reader may not, or the name is none or taken.
pub async fn add_team(desk: Desk, Form(form): Form<New>) -> Answer {
    let team = people::add_team(&desk.app.office.web, &desk.ctx, &form.name).await?;
    Ok(see(&format!("/teams/{team}")))
}

/// `GET /teams/{id}`
///
/// # Errors
/// If there is no such team for the reader.
pub async fn team(desk: Desk, Path(of): Path<String>) -> Answer {
    let of: TeamId = id(&of)?;
    let team = people::team(&desk.app.office.web, &desk.ctx, of).await?;
    let actor = desk.actor()?.clone();
    desk.page(Paper::new(team.name.clone(), Here::Teams), || {
        views::people::team(&team, &actor)
    })
    .await
}

/// Who, and as what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Member {
    who: String,
    role: String,
}

/// `POST /teams/{id}/members`
///
/// # Errors
/// If the reader may not, for oneself, or if nobody came with that address.
pub async fn put_member(desk: Desk, Path(of): Path<String>, Form(form): Form<Member>) -> Answer {
    let of: TeamId = id(&of)?;
    let role = match form.role.as_str() {
        "lead" => TeamRole::Lead,
        _ => TeamRole::Member,
    };
    people::put_member(&desk.app.office.web, &desk.ctx, of, &form.who, role).await?;
    Ok(see(&format!("/teams/{of}")))
}

/// `POST /teams/{id}/remove`
///
/// # Errors
/// If the reader may not, or they do not belong to it.
pub async fn remove_member(desk: Desk, Path(of): Path<String>, Form(form): Form<Member>) -> Answer {
    let of: TeamId = id(&of)?;
    desk.ctx.require_in(Right::ManageTeam, of)?;
    let who: UserId = id(&form.who)?;
    people::remove_member(&desk.app.office.web, &desk.ctx, of, who).await?;
    Ok(see(&format!("/teams/{of}")))
}

/// A group, and what it gives.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Group {
    group: String,
    role: String,
}

/// `POST /teams/{id}/groups`
///
/// # Errors
/// For everybody but admins, and if it is no address.
pub async fn add_group(desk: Desk, Path(of): Path<String>, Form(form): Form<Group>) -> Answer {
    let of: TeamId = id(&of)?;
    let role = match form.role.as_str() {
        "lead" => TeamRole::Lead,
        _ => TeamRole::Member,
    };
    people::add_group(&desk.app.office.web, &desk.ctx, of, &form.group, role).await?;
    Ok(see(&format!("/teams/{of}")))
}

/// `POST /teams/{id}/groups/remove`
///
/// # Errors
/// For everybody but admins, and if it is not there.
pub async fn remove_group(desk: Desk, Path(of): Path<String>, Form(form): Form<Group>) -> Answer {
    let of: TeamId = id(&of)?;
    people::remove_group(&desk.app.office.web, &desk.ctx, of, &form.group).await?;
    Ok(see(&format!("/teams/{of}")))
}

/// `GET /settings`
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn settings(desk: Desk) -> Answer {
    desk.ctx.require(Right::SeePeople)?;
    let key = slipway_services::audit::chain::key(&desk.app.office.web, &desk.ctx).await?;
    let in_force = slipway_services::settings::in_force(&desk.app.office.web, &desk.ctx).await?;
    desk.page(Paper::new("Settings", Here::Elsewhere), || {
        views::settings::settings(&desk.app.site, key, &in_force)
    })
    .await
}
