//! Extending and destroying.

use axum::extract::Path;
use serde::Deserialize;
use slipway_domain::time_text;
use slipway_services::{Error, environment};
use time::Duration;

use crate::{
    api::posted::Form,
    pages::{Answer, Desk, environment::ask_destroy, id, see},
    views::environment::Destroy,
};

/// How much longer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Extend {
    #[serde(rename = "for")]
    span: String,
}

/// `POST /environments/{id}/extend`
///
/// # Errors
/// If the reader may not, or it lives as long as it may already.
pub async fn extend(desk: Desk, Path(of): Path<String>, Form(form): Form<Extend>) -> Answer {
    let of = id(&of)?;
    let web = &desk.app.office.web;
    let mut by = time_text::read(&form.span).unwrap_or(Duration::ZERO);
    // "As long as possible": the office cuts at the template's greatest life.
    if by > Duration::days(3_650) {
        by = Duration::days(3_650);
    }
    environment::extend(web, &desk.ctx, of, by).await?;
    Ok(see(&format!("/environments/{of}")))
}

/// What the question before a destroy is answered with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    name: String,
    reason: String,
}

/// `POST /environments/{id}/destroy`: asks for the plan of it; nothing is destroyed by this post.
///
/// # Errors
/// If the reader may not, or it is gone.
pub async fn destroy(desk: Desk, Path(of): Path<String>, Form(form): Form<Answered>) -> Answer {
    let web = &desk.app.office.web;
    let view = environment::find(web, &desk.ctx, id(&of)?).await?;
    if form.name.trim() != view.name {
        let error = Some(format!(
            "Type {} exactly, so that it is this one that you mean.",
            view.name
        ));
        return ask_destroy(
            &desk,
            &of,
            &Destroy {
                name: form.name,
                reason: form.reason,
                error,
            },
        )
        .await;
    }
    if form.reason.chars().count() > 2_000 {
        return Err(Error::refused(
            "Nothing was asked for.",
            "The reason is longer than 2,000 characters.",
            "Shorten it.",
        )
        .into());
    }
    let run = environment::destroy(web, &desk.ctx, view.id, &form.reason.replace('\0', "")).await?;
    Ok(see(&format!("/runs/{run}")))
}

/// What is put back, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PutBack {
    to: String,
    reason: String,
}

/// `POST /environments/{id}/back`: asks for the preview of it; nothing is changed by this post.
///
/// # Errors
/// If the reader may not, or that deployment made nothing.
pub async fn back(desk: Desk, Path(of): Path<String>, Form(form): Form<PutBack>) -> Answer {
    let web = &desk.app.office.web;
    let reason: String = form.reason.replace('\0', "").chars().take(2_000).collect();
    let of = environment::find(web, &desk.ctx, id(&of)?).await?;
    let run = environment::put_back(web, &desk.ctx, of.id, id(&form.to)?, &reason).await?;
    Ok(see(&format!("/runs/{run}")))
}
