//! What can be asked for.

use axum::{Json, extract::Path};
use slipway_services::template;

use super::{Answer, Desk, Problem, wire};

/// `GET /api/v1/templates`
#[utoipa::path(get, path = "/api/v1/templates", operation_id = "list_templates", tag = "templates", responses(
    (status = 200, description = "The catalog, by name", body = wire::Templates),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(desk: Desk) -> Answer<wire::Templates> {
    let found = template::list(desk.web(), &desk.ctx).await?;
    Ok(Json(wire::Templates {
        templates: found.into_iter().map(wire::Template::from).collect(),
    }))
}

/// `GET /api/v1/templates/{name}`
#[utoipa::path(get, path = "/api/v1/templates/{name}", operation_id = "get_template", tag = "templates", params(
    ("name" = String, Path, description = "The template's name"),
), responses(
    (status = 200, description = "One template, with its inputs", body = wire::Template),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one(desk: Desk, Path(name): Path<String>) -> Answer<wire::Template> {
    let found = template::find(desk.web(), &desk.ctx, &name).await?;
    Ok(Json(found.into()))
}
