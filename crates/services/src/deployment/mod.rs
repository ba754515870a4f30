//! Deployments: the history of everything that was applied, everywhere. One row per run that began to apply, written
//! when it ends and never changed.

mod store;

use slipway_domain::{
    id::{DeploymentId, EnvironmentId, RunId},
    plan::Tally,
    run::{Operation, State},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Ctx, Result};

/// One deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The run.
    pub run: RunId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The environment's name.
    pub environment: String,
    /// Its team.
    pub team: String,
    /// What was done.
    pub operation: Operation,
    /// How it ended.
    pub outcome: State,
    /// In one line.
    pub title: String,
    /// With which template.
    pub template: String,
    /// In which version.
    pub template_digest: String,
    /// How much changed.
    pub tally: Tally,
    /// Who asked; `None` for a rule.
    pub requested_by: Option<String>,
    /// Who approved; empty if the policy needed nobody.
    pub approved_by: Vec<String>,
    /// When it ended.
    pub finished_at: OffsetDateTime,
}

/// What to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this team.
    pub team: Option<String>,
    /// Only environments whose name contains this.
    pub environment: Option<String>,
    /// Only this outcome.
    pub outcome: Option<State>,
    /// Only older than this id (the page before).
    pub before: Option<i64>,
}

/// A page of the history, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// At most 50.
    pub deployments: Vec<Deployment>,
    /// The id to pass as `before` for older ones.
    pub older: Option<i64>,
}

/// Lists the history that the actor may see.
///
/// # Errors
/// [`crate::Error::SignIn`] if nobody is signed in.
pub async fn list(web: &PgPool, ctx: &Ctx, filter: &Filter) -> Result<Page> {
    let sight = ctx.sight()?;
    let mut deployments = store::list(web, &sight, filter, None, 51).await?;
    let older = (deployments.len() > 50).then(|| {
        deployments.truncate(50);
        deployments[49].id.get()
    });
    Ok(Page { deployments, older })
}

/// The last deployments of the actor's own teams, for the home page.
///
/// # Errors
/// [`crate::Error::SignIn`] if nobody is signed in.
pub async fn recent(web: &PgPool, ctx: &Ctx, limit: i64) -> Result<Vec<Deployment>> {
    store::list(web, &ctx.sight()?, &Filter::default(), None, limit).await
}

pub(crate) async fn of_environment(
    pool: &PgPool,
    id: EnvironmentId,
    limit: i64,
) -> Result<Vec<Deployment>> {
    let sight = crate::ctx::Sight {
        all: true,
        teams: vec![],
    };
    store::list(pool, &sight, &Filter::default(), Some(id), limit).await
}

pub(crate) use store::{New, insert};
