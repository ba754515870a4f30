//! What went wrong, as programs read it: RFC 9457, with what to do, and with what is wrong input by input.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use slipway_services::{Error, Refusal};
use utoipa::ToSchema;

/// The media type of a problem.
const TYPE: &str = "application/problem+json";

/// What went wrong (RFC 9457): what, why, and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Which sort of problem, for programs: `urn:slipway:` and a word that stays.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:slipway:stale")]
    pub kind: Box<str>,
    /// What happened.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// Why; may be empty.
    #[serde(default)]
    pub detail: String,
    /// What to do; may be empty.
    #[serde(default)]
    pub hint: String,
    /// What is wrong with single inputs, by name: `name`, `team`, `life`, `inputs.size`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, String>,
}

impl Problem {
    /// One in words.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: &str, hint: &str) -> Self {
        Self {
            kind: format!("urn:slipway:{kind}").into(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            hint: hint.to_owned(),
            errors: BTreeMap::new(),
        }
    }

    fn refusal(status: StatusCode, kind: &str, of: Refusal) -> Self {
        Self {
            errors: of.inputs,
            ..Self::new(status, kind, &of.message, &of.detail, &of.hint)
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::SignIn => Self::new(
                StatusCode::UNAUTHORIZED,
                "no-token",
                "Nobody is known by this request.",
                "It has no token, or one that has ended, was revoked, or whose person is suspended.",
                "Make one on the page of your tokens, /tokens, and send it as Authorization: Bearer.",
            ),
            Error::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing here.",
                "It does not exist, or you may not know of it.",
                "Look at the address again, or ask its team.",
            ),
            Error::Refused(of) => Self::refusal(StatusCode::FORBIDDEN, "refused", of),
            Error::Stale(of) => Self::refusal(StatusCode::CONFLICT, "stale", of),
            Error::Invalid(errors) => Self {
                errors: errors
                    .into_iter()
                    .map(|(name, why)| match name.strip_prefix("in.") {
                        Some(input) => (format!("inputs.{input}"), why),
                        None => (name, why),
                    })
                    .collect(),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid",
                    "Nothing was asked for.",
                    "Some inputs need another look.",
                    "Each is named under errors.",
                )
            },
            Error::Database(cause) if slipway_services::is_away(&cause) => {
                tracing::error!(error = %cause, "the API could not answer: the database");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "away",
                    "Slipway cannot answer now.",
                    "Its database is away.",
                    "Try again in a moment.",
                )
            }
            error @ (Error::Database(_) | Error::Broken(_) | Error::Fenced) => {
                tracing::error!(%error, "the API could not answer");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "broken",
                    "Something in Slipway broke.",
                    "It has been written to the log.",
                    "Tell an operator the answer's x-request-id.",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE));
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"slipway\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// A problem for an answer that has a status alone, or plain words for a person.
pub fn of_status(status: StatusCode, words: &str) -> Problem {
    let (kind, title) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("method", "This is not asked for in this way."),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "This is larger than anything of ours."),
        StatusCode::SERVICE_UNAVAILABLE => ("away", "Slipway cannot answer now."),
        status if status.is_server_error() => ("broken", "Something in Slipway broke."),
        _ => ("unreadable", "The request could not be read."),
    };
    Problem::new(
        status,
        kind,
        title,
        words,
        "The API's description is at /api/v1/openapi.json.",
    )
}

/// Makes a problem of every answer that is no success and not one already.
pub async fn dress(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_one = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|v| v == TYPE);
    if is_one || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut response = of_status(status, "").into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
