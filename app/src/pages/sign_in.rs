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
    let trouble = trouble(&asked.trouble);
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

/// What an address says that went wrong, as title and text: one of ours, whatever somebody wrote there.
fn trouble(word: &str) -> Option<(&'static str, &'static str)> {
    let failed = "That did not work.";
    Some(match word {
        "" => return None,
        "away" => (
            failed,
            "Google does not answer just now. Who is signed in stays so. Try again in a minute.",
        ),
        "foreign" => (
            failed,
            "This account is not let in: it is of another organisation, its address is not verified, or it is suspended. Choose another account, or ask an admin.",
        ),
        "suspended" => (
            "Your account was suspended.",
            "Everything that was open here has ended with it. What you asked for and decided stays in the history. If this is a mistake, an admin can let you in again.",
        ),
        "ended" => (
            "You are not signed in any more.",
            "This session was ended: by signing out, from another browser of yours, or by an admin. Sign in again to go on where you were.",
        ),
        "expired" => (
            "Your session has ended by itself.",
            "A session ends after 24 hours without use, and after 7 days in any case. Sign in again to go on where you were.",
        ),
        // The front door says only that it did not work: its reasons are no business of whoever tries doors.
        _ => (
            failed,
            "Try again; if it lasts, somebody should look at the log.",
        ),
    })
}
