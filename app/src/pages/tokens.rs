//! One's own tokens. The answer to the post that makes one is the page with its text: it is nowhere else, so there is
//! nothing to go on to. A reload makes no second one, because the name is taken then.

use axum::extract::Path;
use serde::Deserialize;
use slipway_domain::{id::TokenId, token::Scopes};
use slipway_services::{Error, token};

use super::{Answer, Desk, Paper, id, see};
use crate::{
    api::posted::Form,
    components::Here,
    views::tokens::{self as view, Made},
};

/// `GET /tokens`
///
/// # Errors
/// If nobody is signed in.
pub async fn list(desk: Desk) -> Answer {
    page(&desk, &view::Form::default(), None).await
}

async fn page(desk: &Desk, typed: &view::Form, made: Option<&Made>) -> Answer {
    let me = desk.actor()?.user;
    let tokens = token::list(&desk.app.office.web, &desk.ctx, me).await?;
    desk.page(Paper::new("Your tokens", Here::Elsewhere), || {
        view::tokens(&tokens, typed, made)
    })
    .await
}

/// A token as it was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    name: String,
    #[serde(rename = "for")]
    life: String,
    write: String,
    approve: String,
}

/// `POST /tokens`
///
/// # Errors
/// If nobody is signed in, or they have as many as anybody may have.
pub async fn create(desk: Desk, Form(asked): Form<Asked>) -> Answer {
    let typed = view::Form {
        name: asked.name,
        life: asked.life,
        scopes: Scopes {
            write: !asked.write.is_empty(),
            approve: !asked.approve.is_empty(),
        },
        wrong: None,
    };
    let life = view::life(&typed.life).unwrap_or(token::USUAL);
    let web = &desk.app.office.web;
    match token::create(web, &desk.ctx, &typed.name, typed.scopes, life).await {
        Ok(text) => {
            let made = Made {
                name: typed.name.trim().to_owned(),
                text: text.expose().to_owned(),
            };
            page(&desk, &view::Form::default(), Some(&made)).await
        }
        Err(Error::Invalid(errors)) => {
            let wrong = errors.into_values().next();
            page(&desk, &view::Form { wrong, ..typed }, None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Where to go on to after a token was revoked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    person: String,
}

/// `POST /tokens/{id}/revoke`
///
/// # Errors
/// If it is somebody else's, and the reader no admin.
pub async fn revoke(desk: Desk, Path(of): Path<String>, Form(back): Form<Back>) -> Answer {
    let of: TokenId = id(&of)?;
    token::revoke(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see(&match back.person.parse::<i64>() {
        Ok(person) => format!("/people/{person}/tokens"),
        Err(_) => "/tokens".to_owned(),
    }))
}
