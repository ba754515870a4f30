//! The API, version 1: what programs ask for, over the same functions of the office that the pages call.
//!
//! Whoever comes is known by `Authorization: Bearer` alone. A cookie means nothing here, and a token means nothing
//! anywhere else, so no page of anybody can misuse either. Every answer that is no success is a problem (RFC 9457).
//! Forbidden: a decision about rights (the office decides), and a route that the description
//! ([`document`]) does not know: a test compares the two.

pub mod audit;
pub mod document;
pub mod environments;
pub mod problem;
pub mod runs;
pub mod templates;
pub mod wire;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use slipway_app::routes::Rule;
use slipway_domain::{id::Id, rights::Right};
use slipway_services::{Ctx, Error, PgPool, token};
use time::OffsetDateTime;
use tower_http::timeout::TimeoutLayer;

use crate::{
    door::{self, Door},
    metrics::RequestId,
    mount::{Mount, Mounted},
};
use problem::Problem;

/// What a handler answers.
pub type Answer<T> = Result<Json<T>, Problem>;

/// Where the API lives.
pub const ROOT: &str = "/api/";

/// The largest body, in bytes: somewhat more than a form may hold.
const LARGEST_BODY: usize = 2 * 1024 * 1024;

/// Every route but the stream.
pub fn table() -> (Router<Door>, Vec<Mounted>) {
    use Rule::{Needs, Public, SignedIn};
    Mount::new()
        .get("/api/v1/openapi.json", Public, document::show)
        .get("/api/v1/me", SignedIn, me)
        .get(
            "/api/v1/templates",
            Needs(Right::SeeCatalog),
            templates::list,
        )
        .get(
            "/api/v1/templates/{name}",
            Needs(Right::SeeCatalog),
            templates::one,
        )
        .get("/api/v1/environments", SignedIn, environments::list)
        .post(
            "/api/v1/environments",
            Needs(Right::RequestEnvironment),
            environments::create,
        )
        .get(
            "/api/v1/environments/{id}",
            Needs(Right::SeeEnvironment),
            environments::one,
        )
        .post(
            "/api/v1/environments/{id}/extend",
            Needs(Right::ExtendEnvironment),
            environments::extend,
        )
        .post(
            "/api/v1/environments/{id}/destroy",
            Needs(Right::DestroyEnvironment),
            environments::destroy,
        )
        .get("/api/v1/runs/{id}", Needs(Right::SeeEnvironment), runs::one)
        .get(
            "/api/v1/runs/{id}/plan",
            Needs(Right::SeeEnvironment),
            runs::plan,
        )
        .get(
            "/api/v1/runs/{id}/log",
            Needs(Right::SeeEnvironment),
            runs::log,
        )
        // A vote needs a role that the policy asks for; which one is the office's business.
        .post(
            "/api/v1/runs/{id}/approve",
            Needs(Right::SeeEnvironment),
            runs::approve,
        )
        .post(
            "/api/v1/runs/{id}/reject",
            Needs(Right::SeeEnvironment),
            runs::reject,
        )
        .post(
            "/api/v1/runs/{id}/cancel",
            Needs(Right::SteerRun),
            runs::cancel,
        )
        .get(
            "/api/v1/audit/export",
            Needs(Right::SeeAudit),
            audit::export,
        )
        .done()
}

/// What stays open.
pub fn streams() -> (Router<Door>, Vec<Mounted>) {
    Mount::new()
        .get(
            "/api/v1/runs/{id}/live",
            Rule::Needs(Right::SeeEnvironment),
            runs::live,
        )
        .done()
}

/// The router, with its own way of finding out who asks.
pub fn router(door: &Door) -> Router {
    let answers = Mount::rest(table().0, "/api/{*rest}", nothing)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            door::PATIENCE,
        ))
        .layer(door::compression());
    answers
        .merge(streams().0)
        .layer(middleware::from_fn(problem::dress))
        .layer(middleware::from_fn_with_state(door.clone(), who))
        .with_state(door.clone())
}

/// Whatever has no route.
async fn nothing() -> Problem {
    Error::NotFound.into()
}

/// `GET /api/v1/me`
#[utoipa::path(get, path = "/api/v1/me", operation_id = "get_me", tag = "me", responses(
    (status = 200, description = "Whose token it is, and what it may do", body = wire::Me),
    (status = 401, description = "No living token", body = Problem, content_type = "application/problem+json"),
))]
pub async fn me(desk: Desk) -> Answer<wire::Me> {
    let actor = desk.ctx.person()?;
    let token = actor.token.as_ref().ok_or(Error::SignIn)?;
    Ok(Json(wire::Me {
        person: actor.name.clone(),
        token: token.name.clone(),
        scopes: token.scopes.iter().map(|s| s.word().to_owned()).collect(),
    }))
}

/// What every handler needs: the office, and who asks.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The door.
    pub door: Door,
    /// Who asks, and when.
    pub ctx: Ctx,
}

impl Desk {
    /// The office's connections.
    pub fn web(&self) -> &PgPool {
        &self.door.app.office.web
    }
}

impl FromRequestParts<Door> for Desk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let ctx = parts.extensions.get::<Ctx>().cloned();
        Ok(Self {
            door: door.clone(),
            // The layer below puts one in, always.
            ctx: ctx.ok_or_else(|| Error::Broken("a request without a context".into()))?,
        })
    }
}

/// A JSON body. What is wrong with it is said by its place and never repeated: it may hold what is secret.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: serde::de::DeserializeOwned> FromRequest<Door> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Response> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split(';').next())
            .is_some_and(|v| v.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "This takes JSON.",
                "The request's Content-Type says something else.",
                "Send Content-Type: application/json.",
            )
            .into_response());
        }
        let bytes = Bytes::from_request(request, door)
            .await
            .map_err(IntoResponse::into_response)?;
        let wrong = |why: String| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "unreadable",
                "The request could not be read.",
                &why,
                "The API's description says what belongs there: /api/v1/openapi.json.",
            )
            .into_response()
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("It is not UTF-8.".into()))?;
        let read = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            wrong(match error.classify() {
                serde_json::error::Category::Data => {
                    format!("Line {line}, column {column}: this is not what belongs here, or something is missing or unknown.")
                }
                _ => format!("Line {line}, column {column}: this is not valid JSON."),
            })
        })?;
        if !slipway_catalog::numbers_are_exact(text) {
            return Err(wrong(
                "A number has more digits than JSON carries: write it in quotes.".into(),
            ));
        }
        Ok(Self(read))
    }
}

/// An id of a path; anything else names nothing.
pub fn id<N>(text: &str) -> Result<Id<N>, Problem> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// The one bearer token of a request; of two neither counts.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut found = headers.get_all(header::AUTHORIZATION).iter();
    let first = found.next()?.to_str().ok()?;
    if found.next().is_some() {
        return None;
    }
    let (scheme, token) = first.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

/// Finds out who asks: by their token, and by nothing else.
async fn who(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    #[expect(
        clippy::disallowed_methods,
        reason = "the front door reads the clock once per request, for everybody behind it"
    )]
    let now = OffsetDateTime::now_utc();
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.clone());
    let actor = match bearer(request.headers()) {
        None => Ok(None),
        Some(text) => token::enter(&door.app.office.web, text, now).await,
    };
    let actor = match actor {
        Ok(actor) => actor,
        Err(error) => return Problem::from(error).into_response(),
    };
    let ctx = Ctx {
        actor,
        request_id,
        now,
    };
    let person = ctx.actor.as_ref().map(|a| a.user.get());
    let mut response = match door::too_much(&door, &request, person) {
        Some(seconds) => {
            let mut response = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-much",
                "This is more than Slipway answers at once.",
                "Each person may ask for so much a second, whatever they ask by. Nothing was changed.",
                &format!("Try again in {seconds} s."),
            )
            .into_response();
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        None => {
            request.extensions_mut().insert(ctx.clone());
            next.run(request).await
        }
    };
    // For the log.
    response.extensions_mut().insert(ctx);
    response
}
