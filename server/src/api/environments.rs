//! Environments: what exists, asking for another one, for more time, for its end.

use axum::{
    Json,
    extract::{Path, Query},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use slipway_domain::{id::EnvironmentId, rights::Right, time_text};
use slipway_services::{Error, draft, environment};
use utoipa::IntoParams;

use super::{Answer, Body, Desk, Problem, id, wire};

/// Which environments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Only names that contain this.
    name: Option<String>,
    /// Only this team's.
    team: Option<String>,
    /// Those that are over, too.
    over: bool,
    /// Only those of one's own teams, for people who see everything.
    mine: bool,
    /// The page before: the `older` of the last one.
    before: Option<i64>,
}

/// `GET /api/v1/environments`
#[utoipa::path(get, path = "/api/v1/environments", operation_id = "list_environments", tag = "environments", params(Asked), responses(
    (status = 200, description = "Those that the person sees, newest first, at most 50", body = wire::Environments),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(desk: Desk, Query(asked): Query<Asked>) -> Answer<wire::Environments> {
    let filter = environment::Filter {
        name: asked.name.filter(|text| !text.is_empty()),
        team: asked.team.filter(|text| !text.is_empty()),
        over: asked.over,
        mine: asked.mine,
        before: asked.before,
    };
    let page = environment::list(desk.web(), &desk.ctx, &filter).await?;
    Ok(Json(wire::Environments {
        environments: page.environments.into_iter().map(Into::into).collect(),
        older: page.older,
    }))
}

/// `GET /api/v1/environments/{id}`
#[utoipa::path(get, path = "/api/v1/environments/{id}", operation_id = "get_environment", tag = "environments", params(
    ("id" = i64, Path, description = "The environment"),
), responses(
    (status = 200, description = "One environment", body = wire::Environment),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one(desk: Desk, Path(of): Path<String>) -> Answer<wire::Environment> {
    let found = environment::find(desk.web(), &desk.ctx, id(&of)?).await?;
    Ok(Json(found.into()))
}

/// `POST /api/v1/environments`: asks for one. It is planned, and decided by the policy, like any other.
#[utoipa::path(post, path = "/api/v1/environments", operation_id = "request_environment", tag = "environments", request_body = wire::NewEnvironment, params(
    ("Idempotency-Key" = Option<String>, Header, description = "Two requests with the same key within a day are one"),
), responses(
    (status = 201, description = "Asked for; Location is its run", body = wire::Asked),
    (status = 200, description = "Asked for before, with this key", body = wire::Asked),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "No such template", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "Some inputs need another look", body = Problem, content_type = "application/problem+json"),
))]
pub async fn create(
    desk: Desk,
    headers: HeaderMap,
    Body(new): Body<wire::NewEnvironment>,
) -> Result<Response, Problem> {
    let key = match headers.get("idempotency-key") {
        None => None,
        Some(key) => Some(
            key.to_str()
                .ok()
                .filter(|key| (1..=200).contains(&key.len()))
                .ok_or_else(|| {
                    Error::refused(
                        "Nothing was asked for.",
                        "The Idempotency-Key has to be 1 to 200 visible ASCII characters.",
                        "A UUID does.",
                    )
                })?,
        ),
    };
    let ask = draft::Ask {
        template: new.template,
        name: new.name,
        team: new.team,
        life: new.life,
        reason: new.reason,
        inputs: new.inputs,
    };
    let asked = draft::request(desk.web(), &desk.ctx, &ask, key).await?;
    let answer = Json(wire::Asked {
        run: asked.run.get(),
        environment: asked.environment.get(),
    });
    let place = format!("/api/v1/runs/{}", asked.run);
    let place = HeaderValue::from_str(&place).unwrap_or(HeaderValue::from_static("/"));
    let mut response = if asked.again {
        let seen = HeaderName::from_static("idempotency-replayed");
        (StatusCode::OK, [(seen, "true")], answer).into_response()
    } else {
        (StatusCode::CREATED, answer).into_response()
    };
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// `POST /api/v1/environments/{id}/extend`
#[utoipa::path(post, path = "/api/v1/environments/{id}/extend", operation_id = "extend_environment", tag = "environments", request_body = wire::Extend, params(
    ("id" = i64, Path, description = "The environment"),
), responses(
    (status = 200, description = "Its new end", body = wire::Extended),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn extend(
    desk: Desk,
    Path(of): Path<String>,
    Body(asked): Body<wire::Extend>,
) -> Answer<wire::Extended> {
    let of: EnvironmentId = id(&of)?;
    // A length of time that is none is refused by the office, after it has looked at who asks.
    let by = time_text::read(&asked.by).unwrap_or(time::Duration::ZERO);
    let ends_at = environment::extend(desk.web(), &desk.ctx, of, by).await?;
    Ok(Json(wire::Extended { ends_at }))
}

/// `POST /api/v1/environments/{id}/destroy`: asks for the plan of it; nothing is destroyed by this request.
#[utoipa::path(post, path = "/api/v1/environments/{id}/destroy", operation_id = "destroy_environment", tag = "environments", request_body = wire::Destroy, params(
    ("id" = i64, Path, description = "The environment"),
), responses(
    (status = 201, description = "Asked for; Location is its run. One that is open already is the same one.", body = wire::Asked),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is gone already, or the name is another one's", body = Problem, content_type = "application/problem+json"),
))]
pub async fn destroy(
    desk: Desk,
    Path(of): Path<String>,
    Body(asked): Body<wire::Destroy>,
) -> Result<Response, Problem> {
    let of: EnvironmentId = id(&of)?;
    let view = environment::find(desk.web(), &desk.ctx, of).await?;
    desk.ctx
        .require_in(Right::DestroyEnvironment, view.team_id)?;
    if asked.name != view.name {
        return Err(Error::stale(
            "Nothing was asked for.",
            "The environment with this id has another name.",
            "Send its name, so that it is this one that you mean.",
        )
        .into());
    }
    let reason: String = asked.reason.replace('\0', "").chars().take(2_000).collect();
    let run = environment::destroy(desk.web(), &desk.ctx, of, &reason).await?;
    let place = format!("/api/v1/runs/{run}");
    let answer = Json(wire::Asked {
        run: run.get(),
        environment: of.get(),
    });
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], answer).into_response())
}
