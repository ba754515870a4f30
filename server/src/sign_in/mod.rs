//! Signing in and out: by Google ([`google`]), or as one of the demo's personas, on loopback only. Both end in the same
//! place, [`begin`], and never is one there beside the other.

pub mod google;
pub mod groups;

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use slipway_domain::id::UserId;
use slipway_services::{Ctx, person, session};

use crate::door::Door;

/// The form of the demo's sign-in.
#[derive(Debug, Deserialize)]
pub struct Demo {
    persona: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`
pub async fn demo(
    State(door): State<Door>,
    Extension(ctx): Extension<Ctx>,
    headers: HeaderMap,
    Form(form): Form<Demo>,
) -> Response {
    if door.app.site.demo.is_none() {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    }
    // On a persona's own host nobody else signs in: two tabs stay two people.
    let own = headers
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
        .and_then(|h| h.split(':').next()?.strip_suffix(".localhost"));
    if own.is_some_and(|own| own != form.persona) {
        return slipway_app::pages::see("/sign-in?trouble=1");
    }
    match person::persona(&door.app.office.web, &form.persona).await {
        Ok(Some(user)) => begin(&door, &ctx, &headers, user, &form.next).await,
        Ok(None) => slipway_app::pages::see("/sign-in?trouble=1"),
        Err(error) => slipway_app::pages::Trouble::from(error).into_response(),
    }
}

/// Begins a session for somebody who has proven who they are.
pub async fn begin(
    door: &Door,
    ctx: &Ctx,
    headers: &HeaderMap,
    user: UserId,
    next: &str,
) -> Response {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    groups::wait(door, user, ctx.now).await;
    // What was there before is ended, never continued: a planted cookie gains nothing.
    if let Err(error) = session::end(&door.app.office.web, ctx).await {
        return slipway_app::pages::Trouble::from(error).into_response();
    }
    match session::begin(&door.app.office.web, user, agent, &ctx.request_id, ctx.now).await {
        Ok(token) => {
            let mut response = slipway_app::pages::see(slipway_app::pages::local(next));
            set(
                &mut response,
                &door.cookie(token.0.expose(), session::ABSOLUTE.whole_seconds()),
            );
            response
        }
        Err(error) => slipway_app::pages::Trouble::from(error).into_response(),
    }
}

/// `POST /sign-out`
pub async fn out(State(door): State<Door>, Extension(ctx): Extension<Ctx>) -> Response {
    if let Err(error) = session::end(&door.app.office.web, &ctx).await {
        return slipway_app::pages::Trouble::from(error).into_response();
    }
    let mut response = slipway_app::pages::see("/sign-in");
    set(&mut response, &door.cookie("", 0));
    response
}

/// Adds a `Set-Cookie`.
pub fn set(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
