//! The API's description: OpenAPI 3.1, made from the handlers themselves.

use std::sync::OnceLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{audit, environments, problem::Problem, runs, templates};

/// Says how programs say who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A personal token, made on the page /tokens: slipway_ and 49 characters.",
            ))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Slipway",
        version = "1",
        description = "Environments from templates, approved as they will be applied. Errors are problems (RFC 9457). Lists are paged by key: pass `older` as `before`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        show, super::me,
        templates::list, templates::one,
        environments::list, environments::create, environments::one, environments::extend, environments::destroy,
        runs::one, runs::plan, runs::log, runs::live, runs::approve, runs::reject, runs::cancel,
        audit::export,
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    security(("token" = [])),
)]
struct Api;

/// The document.
pub fn document() -> Document {
    Api::openapi()
}

/// `GET /api/v1/openapi.json`
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "get_description", tag = "description", security(()), responses(
    (status = 200, description = "This document", body = serde_json::Value),
))]
pub async fn show() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_pretty_json().unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}
