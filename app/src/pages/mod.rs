//! Pages as axum handlers: ask the office, fill a view, render it. A handler that fails says so with [`Trouble`]; one
//! layer dresses that as a page, so that a stranger gets the same bytes as somebody who mistyped an address.

pub mod account;
pub mod accounts;
pub mod approvals;
pub mod audit;
pub mod catalog;
pub mod environment;
pub mod history;
pub mod home;
pub mod people;
pub mod request;
pub mod run;
pub mod sign_in;
pub mod tokens;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OriginalUri, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use slipway_domain::{
    id::Id,
    rights::{self, Right},
    role::{Actor, OrgRole, TeamRole},
};
use slipway_services::{Ctx, Error, Office};

use crate::{
    components::{Frame, Here, View, Who},
    render,
    site::Site,
    views::{query, trouble},
};

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// The office.
    pub office: Office,
    /// The house.
    pub site: Arc<Site>,
}

/// What a handler answers.
pub type Answer = Result<Response, Trouble>;

/// Something went wrong; [`dress`] makes a page of it.
#[derive(Clone, Debug)]
pub struct Trouble(Arc<Error>);

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let status = match &*self.0 {
            Error::SignIn => StatusCode::UNAUTHORIZED,
            Error::NotFound => StatusCode::NOT_FOUND,
            Error::Refused(_) => StatusCode::FORBIDDEN,
            Error::Stale(_) | Error::Fenced => StatusCode::CONFLICT,
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Database(error) if slipway_services::is_away(error) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Error::Database(_) | Error::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What every handler needs: the office, who asks, and for which address.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Office and house.
    pub app: App,
    /// Who asks, and when.
    pub ctx: Ctx,
    /// The address asked for, with its query.
    pub here: String,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Some(ctx) = parts.extensions.get::<Ctx>().cloned() else {
            tracing::error!(
                "a page was asked for without a context: the front door must insert one"
            );
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let uri = parts
            .extensions
            .get::<OriginalUri>()
            .map_or(&parts.uri, |uri| &uri.0);
        let here = uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string);
        Ok(Self {
            app: app.clone(),
            ctx,
            here,
        })
    }
}

/// A page before it is rendered.
pub struct Paper {
    /// Its title.
    pub title: String,
    /// Its place in the menu.
    pub here: Here,
    /// Whether it keeps itself up to date.
    pub live: bool,
    /// Whether it comes again by itself where there is no script.
    pub refresh: bool,
    /// How many votes wait, if the handler knows already.
    pub waiting: Option<usize>,
    /// A link for the keyboard: id and text.
    pub skip: Option<(&'static str, &'static str)>,
}

impl Paper {
    /// A page that stands still.
    pub fn new(title: impl Into<String>, here: Here) -> Self {
        Self {
            title: title.into(),
            here,
            live: false,
            refresh: false,
            waiting: None,
            skip: None,
        }
    }

    /// A page that keeps itself up to date.
    pub fn live(title: impl Into<String>, here: Here) -> Self {
        Self {
            live: true,
            ..Self::new(title, here)
        }
    }
}

impl Desk {
    /// The person who asks.
    ///
    /// # Errors
    /// If nobody is signed in.
    pub fn actor(&self) -> Result<&Actor, Trouble> {
        Ok(self.ctx.person()?)
    }

    /// Whether the reader may ask for environments anywhere.
    #[must_use]
    pub fn requests(&self) -> bool {
        self.ctx
            .actor
            .as_ref()
            .is_some_and(|actor| rights::may(actor, Right::RequestEnvironment, None))
    }

    /// Renders a page for somebody who is signed in.
    ///
    /// # Errors
    /// If the office cannot count what waits.
    pub async fn page(&self, paper: Paper, body: impl FnOnce() -> View) -> Answer {
        let waiting = match paper.waiting {
            Some(known) => known,
            None => slipway_services::approval::count(&self.app.office.web, &self.ctx).await?,
        };
        Ok(self.respond(StatusCode::OK, paper, waiting, body))
    }

    fn respond(
        &self,
        status: StatusCode,
        paper: Paper,
        waiting: usize,
        body: impl FnOnce() -> View,
    ) -> Response {
        let site = &self.app.site;
        let frame = Frame {
            title: paper.title,
            here: paper.here,
            who: self.ctx.actor.as_ref().map(who),
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            demo: site.demo.as_ref().map(crate::site::DemoSite::frame),
            live: paper.live,
            skip: paper.skip,
        };
        let html = render::document(&site.assets, &frame, self.ctx.now, paper.refresh, body);
        let mut response = (status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        // Pages are somebody's own: nothing keeps them, the Back button after signing out included.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// A person as the frame shows them.
fn who(actor: &Actor) -> Who {
    let mut roles: Vec<&str> = actor
        .org
        .iter()
        .map(|role| match role {
            OrgRole::Operator => "operator",
            OrgRole::Auditor => "auditor",
            OrgRole::Admin => "admin",
        })
        .collect();
    if actor.teams.iter().any(|(_, role)| *role == TeamRole::Lead) {
        roles.push("lead");
    }
    if actor
        .teams
        .iter()
        .any(|(_, role)| *role == TeamRole::Member)
    {
        roles.push("developer");
    }
    let roles = if roles.is_empty() {
        "no role yet".to_owned()
    } else {
        roles.join(", ")
    };
    Who {
        name: actor.name.clone(),
        roles,
        audits: rights::may(actor, Right::SeeAudit, None),
        accounts: rights::may(actor, Right::SeeAccounts, None),
    }
}

/// An id of a path; anything else names nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub fn id<N>(text: &str) -> Result<Id<N>, Trouble> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// A path of ours to go on to; anything else becomes `/`.
#[must_use]
pub fn local(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\n', '\r', '\t', '\0']);
    if ours { next } else { "/" }
}

/// Goes on to another page after a post.
#[must_use]
pub fn see(url: &str) -> Response {
    // Whatever was typed into it, a header carries no control characters and no raw non-ASCII.
    let value = HeaderValue::from_str(url).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response()
}

/// Makes a page of what went wrong.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let ctx = request.extensions().get::<Ctx>().cloned();
    let here = request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let back = back(&request);
    let response = next.run(request).await;
    let Some(Trouble(error)) = response.extensions().get::<Trouble>().cloned() else {
        return response;
    };
    let Some(ctx) = ctx else { return response };
    let status = response.status();
    let desk = Desk { app, ctx, here };
    desk.trouble(&error, status, &method, &back)
}

/// Where the reader came from, if it was a page of ours.
fn back(request: &Request) -> String {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let from = request
        .headers()
        .get(header::REFERER)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let path = from
        .split_once("://")
        .map_or("", |(_, rest)| rest)
        .strip_prefix(host)
        .unwrap_or("/");
    local(if path.is_empty() { "/" } else { path }).to_owned()
}

impl Desk {
    fn trouble(&self, error: &Error, status: StatusCode, method: &Method, back: &str) -> Response {
        match error {
            Error::SignIn => {
                let next = if *method == Method::GET {
                    self.here.as_str()
                } else {
                    "/"
                };
                see(&query("/sign-in", &[("next", next)]))
            }
            Error::NotFound => self.respond(
                status,
                Paper::new("Not found", Here::Elsewhere),
                0,
                trouble::not_found,
            ),
            Error::Refused(refusal) | Error::Stale(refusal) => {
                self.respond(status, Paper::new("Not done", Here::Elsewhere), 0, || {
                    trouble::refused(refusal, back)
                })
            }
            Error::Invalid(errors) => {
                let refusal = slipway_services::Refusal {
                    message: "What was sent is not complete.".into(),
                    detail: errors.values().cloned().collect::<Vec<_>>().join(" "),
                    hint: "Go back and look at the form again.".into(),
                    ..slipway_services::Refusal::default()
                };
                self.respond(status, Paper::new("Not done", Here::Elsewhere), 0, || {
                    trouble::refused(&refusal, back)
                })
            }
            Error::Database(cause) => {
                tracing::error!(request = %self.ctx.request_id, error = %cause, "a page could not be made: the database");
                let here = if *method == Method::GET {
                    self.here.as_str()
                } else {
                    back
                };
                self.respond(status, Paper::new("Error", Here::Elsewhere), 0, || {
                    trouble::broken(slipway_services::is_away(cause), &self.ctx.request_id, here)
                })
            }
            Error::Broken(_) | Error::Fenced => {
                tracing::error!(request = %self.ctx.request_id, error = %error, "a page could not be made");
                let here = if *method == Method::GET {
                    self.here.as_str()
                } else {
                    back
                };
                self.respond(status, Paper::new("Error", Here::Elsewhere), 0, || {
                    trouble::broken(false, &self.ctx.request_id, here)
                })
            }
        }
    }
}

/// A page for what went wrong before a handler was reached, for the front door.
#[must_use]
pub fn trouble_page(app: &App, ctx: Ctx, here: &str, error: Error) -> Response {
    let desk = Desk {
        app: app.clone(),
        ctx,
        here: here.to_owned(),
    };
    let status = Trouble::from(error).into_response();
    let error = match status.extensions().get::<Trouble>() {
        Some(Trouble(error)) => error.clone(),
        None => return status,
    };
    desk.trouble(&error, status.status(), &Method::GET, "/")
}

/// Whatever has no route.
///
/// # Errors
/// Always [`Error::NotFound`].
pub async fn nothing() -> Answer {
    Err(Error::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_on_to() {
        assert_eq!(local("/runs/42?a=b#L7"), "/runs/42?a=b#L7");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "runs",
            "/a\r\nSet-Cookie: x",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(bad), "/", "{bad:?}");
        }
    }
}
