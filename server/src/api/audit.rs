//! The audit trail, whole.

use axum::response::{IntoResponse, Response};

use super::{Desk, Problem};

/// `GET /api/v1/audit/export`: a line a record, for `slipway audit verify`.
#[utoipa::path(get, path = "/api/v1/audit/export", operation_id = "export_audit", tag = "audit", responses(
    (status = 200, description = "The whole trail, a line a record, for `slipway audit verify`", body = String, content_type = "application/x-ndjson"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "For everybody but auditors and admins it is not there", body = Problem, content_type = "application/problem+json"),
))]
pub async fn export(desk: Desk) -> Result<Response, Problem> {
    let file = slipway_app::pages::audit::whole_trail(desk.web(), &desk.ctx).await?;
    Ok(file.into_response())
}
