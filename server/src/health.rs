//! Whether the process lives, and whether it should be sent requests: and if not, what is not well.

use std::time::Duration;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::door::Door;

/// `GET /health/live`: the process answers. Nothing else is looked at: a database that is away is no reason to be killed.
pub async fn live() -> &'static str {
    "alive\n"
}

/// `GET /health/ready`
pub async fn ready(State(door): State<Door>) -> Response {
    let mut wrong: Vec<&str> = Vec::new();
    if *door.stopping.borrow() || *door.leaving.borrow() {
        wrong.push("leaving: this process is being stopped");
    }
    match tokio::time::timeout(Duration::from_secs(2), door.app.office.web.acquire()).await {
        Ok(Ok(_)) => {}
        _ => wrong.push("database: it does not answer"),
    }
    if wrong.is_empty() {
        return "ready\n".into_response();
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready\n{}\n", wrong.join("\n")),
    )
        .into_response()
}
