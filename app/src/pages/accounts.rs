//! AWS accounts, for those who look after them.

use axum::extract::Path;
use serde::Deserialize;
use slipway_domain::{
    environment::Class,
    id::AccountId,
    rights::{self, Right},
};
use slipway_services::{
    Error,
    account::{self, New},
};

use super::{Answer, Desk, Paper, id, see};
use crate::{
    api::posted::Form,
    components::Here,
    views::accounts::{self as view, Typed},
};

/// `GET /accounts`
///
/// # Errors
/// For everybody but operators and admins it is not there.
pub async fn list(desk: Desk) -> Answer {
    page(&desk, &Typed::default()).await
}

async fn page(desk: &Desk, typed: &Typed) -> Answer {
    let all = account::list(&desk.app.office.web, &desk.ctx).await?;
    let manages = rights::may(desk.actor()?, Right::ManageAccounts, None);
    desk.page(Paper::new("AWS accounts", Here::Accounts), || {
        view::accounts(&all, manages, typed)
    })
    .await
}

/// An account as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    name: String,
    account: String,
    region: String,
    external_id: String,
    preview: String,
    shared: String,
    production: String,
    plan: String,
    apply: String,
    destroy: String,
    pipeline: String,
    secrets: String,
}

/// `POST /accounts`
///
/// # Errors
/// For everybody but admins.
pub async fn add(desk: Desk, Form(asked): Form<Asked>) -> Answer {
    let ticked = [
        (Class::Preview, asked.preview),
        (Class::Shared, asked.shared),
        (Class::Production, asked.production),
    ];
    let new = New {
        name: asked.name,
        account: asked.account,
        region: asked.region,
        external_id: asked.external_id,
        serves: ticked
            .into_iter()
            .filter(|(_, tick)| !tick.is_empty())
            .map(|(class, _)| class)
            .collect(),
        plan: asked.plan,
        apply: asked.apply,
        destroy: asked.destroy,
        pipeline: asked.pipeline,
        secrets: asked.secrets,
    };
    match account::add(&desk.app.office.web, &desk.ctx, &new).await {
        Ok(_) => Ok(see("/accounts")),
        Err(Error::Invalid(wrong)) => page(&desk, &Typed { new, wrong }).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /accounts/{id}/ask`
///
/// # Errors
/// For everybody but operators and admins, and if it is not there.
pub async fn ask(desk: Desk, Path(of): Path<String>) -> Answer {
    desk.ctx.require(Right::SeeAccounts)?;
    let of: AccountId = id(&of)?;
    account::ask(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see("/accounts"))
}

/// `POST /accounts/{id}/remove`
///
/// # Errors
/// For everybody but admins, and if it is not there.
pub async fn remove(desk: Desk, Path(of): Path<String>) -> Answer {
    desk.ctx.require(Right::ManageAccounts)?;
    let of: AccountId = id(&of)?;
    account::remove(&desk.app.office.web, &desk.ctx, of).await?;
    Ok(see("/accounts"))
}
