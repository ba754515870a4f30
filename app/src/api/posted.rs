//! What a browser posted, within limits that are looked at before anything is understood: bytes, fields, the length of a
//! field's name. A form that holds more than it may is refused as a whole, and nothing is changed by it.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use slipway_domain::form::Limits;
use slipway_services::Error;

use crate::pages::{App, Trouble};

/// The largest of the small forms, in bytes: whatever is not a request's own form.
pub const SMALL_FORM: usize = 64 * 1024;
/// No small form has more fields.
const MOST_FIELDS: usize = 64;
/// No field of theirs has a longer name; a name that nests is none of theirs.
const LONGEST_NAME: usize = 64;

/// A small form, read.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let body = Request::from_parts(parts.clone(), body);
        let bytes =
            Bytes::from_request(body, app)
                .await
                .map_err(|rejection| match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => too_much(&format!(
                        "It is larger than {} KiB, and nothing here needs as much.",
                        SMALL_FORM / 1024
                    )),
                    _ => rejection.into_response(),
                })?;
        if let Some(why) = excess(&bytes) {
            return Err(too_much(&why));
        }
        let whole = Request::from_parts(parts, bytes.into());
        match axum::Form::from_request(whole, app).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(rejection) => Err(rejection.into_response()),
        }
    }
}

/// Why a small form is refused before it is read.
fn excess(bytes: &[u8]) -> Option<String> {
    let mut fields = 0;
    for field in bytes.split(|b| *b == b'&') {
        fields += 1;
        let name = field.split(|b| *b == b'=').next().unwrap_or_default();
        if name.len() > LONGEST_NAME {
            return Some(format!(
                "A field's name has more than {LONGEST_NAME} bytes: it is none of ours."
            ));
        }
    }
    (fields > MOST_FIELDS).then(|| format!("It has more than {MOST_FIELDS} fields."))
}

fn too_much(why: &str) -> Response {
    let mut response = Trouble::from(Error::refused(
        "This form holds more than it may. Nothing was changed.",
        why,
        "Go back, and send less.",
    ))
    .into_response();
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// The fields of a request's own form, as many as it may have and one more, which the office then refuses. The rest of
/// what was sent is never read.
pub fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes)
        .into_owned()
        .take(Limits::FORM.fields + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_it_may_hold_is_seen_before_it_is_read() {
        assert_eq!(excess(b"digest=abc&reason=because"), None);
        assert_eq!(excess(b""), None);
        assert!(excess("a=b&".repeat(64).as_bytes()).is_some());
        assert!(excess(format!("a{}=1", ".b[0]".repeat(100_000)).as_bytes()).is_some());
        let many = "in.a=b&".repeat(1_000_000);
        assert_eq!(pairs(many.as_bytes()).len(), Limits::FORM.fields + 1);
    }
}
