//! Environments: the list, one of them, and the two questions before something is done to it.

use axum::extract::{Path, Query};
use serde::Deserialize;
use slipway_services::{environment, workload};

use super::{Answer, Desk, Paper, history::some, id};
use crate::{
    components::Here,
    views::{self, environment::Destroy},
};

/// The filter of the list, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    name: String,
    team: String,
    over: String,
    before: String,
}

/// `GET /environments`
///
/// # Errors
/// If nobody is signed in, or the database is away.
pub async fn list(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let filter = environment::Filter {
        name: some(&asked.name),
        team: some(&asked.team),
        over: !asked.over.is_empty(),
        mine: false,
        before: asked.before.parse().ok(),
    };
    let page = environment::list(&desk.app.office.web, &desk.ctx, &filter).await?;
    desk.page(Paper::live("Environments", Here::Environments), || {
        views::environments::view(page, &filter, desk.requests())
    })
    .await
}

/// `GET /environments/{id}`
///
/// # Errors
/// If there is no such environment for the reader.
pub async fn one(desk: Desk, Path(of): Path<String>) -> Answer {
    let of = environment::find(&desk.app.office.web, &desk.ctx, id(&of)?).await?;
    let actor = desk.actor()?.clone();
    let stands = match &of.version.template.release {
        Some(at) => Some(workload::of(&desk.app.office.web, &desk.ctx, of.id, &at.cluster).await?),
        None => None,
    };
    let refresh = of.active().is_some_and(|run| run.state.is_working());
    desk.page(
        Paper {
            refresh,
            ..Paper::live(of.name.clone(), Here::Environments)
        },
        || views::environment::view(&of, &actor, stands.as_ref()),
    )
    .await
}

/// `GET /environments/{id}/extend`
///
/// # Errors
/// If there is no such environment for the reader.
pub async fn extend(desk: Desk, Path(of): Path<String>) -> Answer {
    let of = environment::find(&desk.app.office.web, &desk.ctx, id(&of)?).await?;
    desk.page(
        Paper::new(format!("Extend {}", of.name), Here::Environments),
        || views::environment::extend(&of),
    )
    .await
}

/// `GET /environments/{id}/destroy`
///
/// # Errors
/// If there is no such environment for the reader.
pub async fn destroy(desk: Desk, Path(of): Path<String>) -> Answer {
    ask_destroy(&desk, &of, &Destroy::default()).await
}

/// The question before a destroy, with what was typed.
///
/// # Errors
/// If there is no such environment for the reader.
pub async fn ask_destroy(desk: &Desk, of: &str, typed: &Destroy) -> Answer {
    let of = environment::find(&desk.app.office.web, &desk.ctx, id(of)?).await?;
    desk.page(
        Paper::new(format!("Destroy {}", of.name), Here::Environments),
        || views::environment::destroy(&of, typed),
    )
    .await
}

/// Which deployment is put back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct To {
    to: String,
}

/// `GET /environments/{id}/back?to=…`
///
/// # Errors
/// If there is no such environment or deployment for the reader, or they may not change it.
pub async fn back(desk: Desk, Path(of): Path<String>, Query(to): Query<To>) -> Answer {
    let web = &desk.app.office.web;
    let of = environment::find(web, &desk.ctx, id(&of)?).await?;
    let to = id(&to.to)?;
    let past = environment::past(web, &desk.ctx, of.id, to).await?;
    desk.page(
        Paper::new(format!("Put {} back", of.name), Here::Environments),
        || views::back::view(&of, &past, to),
    )
    .await
}
