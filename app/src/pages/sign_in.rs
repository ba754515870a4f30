//! The way in. Who somebody is is proven by the front door, which also takes the posts.

use axum::{
    extract::Query,
    http::{HeaderMap, header},
};
use serde::Deserialize;
use slipway_services::person::PERSONAS;

use super::{Answer, Desk, Paper, local, see};
use crate::{components::Here, views};

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    next: String,
    trouble: String,
}

/// `GET /sign-in`
///
/// # Errors
/// None of its own.
pub async fn show(desk: Desk, Query(asked): Query<Asked>, headers: HeaderMap) -> Answer {
    let next = local(&asked.next).to_owned();
    if desk.ctx.actor.is_some() {
        return Ok(see(&next));
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let persona = host
        .split(':')
        .next()
        .and_then(|name| name.strip_suffix(".localhost"))
        .and_then(|word| PERSONAS.iter().find(|persona| persona.word == word))
        .map(|persona| persona.word);
    // The front door says only that it did not work: its reasons are no business of whoever tries doors.
    let trouble = match asked.trouble.as_str() {
        "" => None,
        "away" => Some("Google does not answer just now. Who is signed in stays so. Try again in a minute."),
        "foreign" => Some(
            "This account is not let in: it is of another organisation, its address is not verified, or it is suspended. Choose another account, or ask an admin.",
        ),
        _ => Some("Try again; if it lasts, somebody should look at the log."),
    }
    .map(str::to_owned);
    let page = views::sign_in::SignIn {
        persona,
        next,
        trouble,
    };
    desk.page(
        Paper {
            waiting: Some(0),
            ..Paper::new("Sign in", Here::Elsewhere)
        },
        || views::sign_in::view(&desk.app.site, &page),
    )
    .await
}
