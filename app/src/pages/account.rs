//! One's own sessions, what one may do and why, and the printed set-up link.

use axum::extract::Path;
use serde::Deserialize;
use slipway_domain::id::SessionId;
use slipway_services::{notice, people, session, sign_in};

use super::{Answer, Desk, Paper, id, see};
use crate::{api::posted::Form, components::Here, views};

/// `GET /sessions`
///
/// # Errors
/// If nobody is signed in.
pub async fn sessions(desk: Desk) -> Answer {
    let me = desk.actor()?.user;
    let sessions = session::list(&desk.app.office.web, &desk.ctx, me).await?;
    let mail = notice::wants(&desk.app.office.web, &desk.ctx).await?;
    desk.page(Paper::new("Your sessions", Here::Elsewhere), || {
        views::account::sessions(&sessions, mail)
    })
    .await
}

/// Where to go on to after a session was ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    person: String,
}

/// `POST /sessions/{id}/end`
///
/// # Errors
/// If it is somebody else's, and the reader no admin.
pub async fn end(desk: Desk, Path(of): Path<String>, Form(back): Form<Back>) -> Answer {
    let of: SessionId = id(&of)?;
    session::end_one(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&match back.person.parse::<i64>() {
        Ok(person) => format!("/people/{person}"),
        Err(_) => "/sessions".to_owned(),
    }))
}

/// Whether to get mail.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Mail {
    on: String,
}

/// `POST /sessions/mail`
///
/// # Errors
/// If nobody is signed in.
pub async fn mail(desk: Desk, Form(form): Form<Mail>) -> Answer {
    notice::want(&desk.app.office.web, &desk.ctx, form.on == "yes").await?;
    Ok(see("/sessions"))
}

/// `POST /sessions/end-others`
///
/// # Errors
/// If nobody is signed in.
pub async fn end_others(desk: Desk) -> Answer {
    let me = desk.actor()?.user;
    session::end_all(&desk.app.office.web, &desk.ctx, me).await?;
    Ok(see("/sessions"))
}

/// `GET /access`
///
/// # Errors
/// If nobody is signed in.
pub async fn access(desk: Desk) -> Answer {
    let actor = desk.actor()?.clone();
    let teams = people::teams(&desk.app.office.web, &desk.ctx).await?;
    let me = people::find(&desk.app.office.web, &desk.ctx, actor.user).await?;
    desk.page(Paper::new("Who may do what", Here::Elsewhere), || {
        views::account::access(&actor, &teams, &me)
    })
    .await
}

/// `GET /setup/{token}`
///
/// # Errors
/// If the link was used, is old, or somebody is an admin already.
pub async fn look_at_setup(desk: Desk, Path(token): Path<String>) -> Answer {
    sign_in::look_at_setup(&desk.app.office.web, &desk.ctx, &token).await?;
    let name = desk.actor()?.name.clone();
    desk.page(Paper::new("Set up", Here::Elsewhere), || {
        views::account::setup(&name, &token)
    })
    .await
}

/// `POST /setup/{token}`
///
/// # Errors
/// As [`look_at_setup`].
pub async fn set_up(desk: Desk, Path(token): Path<String>) -> Answer {
    sign_in::set_up(&desk.app.office.web, &desk.ctx, &token).await?;
    Ok(see("/people"))
}
