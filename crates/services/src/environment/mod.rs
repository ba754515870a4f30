//! Environments: what exists, since when, until when, and what is being done to it.

mod store;

use serde::{Deserialize, Serialize};
use slipway_domain::{
    environment::{Class, EnvironmentState},
    id::{DeploymentId, EnvironmentId, RunId, TeamId},
    plan::Output,
    rights::{self, Right},
    role::Actor,
    run::Operation,
};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    deployment,
    run::{self, Link, Person},
};

/// An environment in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Its team.
    pub team: String,
    /// Its class.
    pub class: Class,
    /// What is known to exist.
    pub state: EnvironmentState,
    /// Its template.
    pub template: String,
    /// The template's title.
    pub template_title: String,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// The run that holds it.
    pub active: Option<Link>,
    /// The last run that is over.
    pub last: Option<Link>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only names that contain this.
    pub name: Option<String>,
    /// Only this team's.
    pub team: Option<String>,
    /// Those that are over, too.
    pub over: bool,
    /// Only the actor's own teams', even for people who see everything.
    pub mine: bool,
    /// Only older than this id (the page before).
    pub before: Option<i64>,
}

/// A page of environments, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// At most 50.
    pub environments: Vec<Listed>,
    /// The id to pass as `before` for older ones.
    pub older: Option<i64>,
}

/// A managed resource, as the last state says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its address.
    pub address: String,
    /// Its type.
    pub kind: String,
    /// Its id at the provider, if it has one that is not secret.
    pub id: Option<String>,
}

/// One environment with everything that its page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// Its id.
    pub id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Its team.
    pub team_id: TeamId,
    /// Its team's name.
    pub team: String,
    /// Its class.
    pub class: Class,
    /// What is known to exist.
    pub state: EnvironmentState,
    /// Its template.
    pub template: String,
    /// The version that it runs, with what that version says.
    pub version: crate::template::Version,
    /// The AWS account that it is in, if its template needs one.
    pub account: Option<crate::account::Place>,
    /// The template has another version now.
    pub newer: Option<String>,
    /// Inputs in force, without the sensitive ones.
    pub inputs: serde_json::Map<String, serde_json::Value>,
    /// Names of the sensitive inputs in force.
    pub sensitive: Vec<String>,
    /// Its outputs; sensitive ones without their value.
    pub outputs: Vec<Output>,
    /// What exists.
    pub resources: Vec<Resource>,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// The latest end that an extension may give.
    pub greatest_end: Option<OffsetDateTime>,
    /// Who asked for it.
    pub created_by: Person,
    /// When.
    pub created_at: OffsetDateTime,
    /// When it was gone.
    pub destroyed_at: Option<OffsetDateTime>,
    /// Its runs, newest first, at most 20: the active one, those that wait, those that are over.
    pub runs: Vec<Link>,
    /// Its deployments, newest first, at most 5.
    pub deployments: Vec<deployment::Deployment>,
}

/// What the page offers somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Change inputs or template version.
    pub change: bool,
    /// Destroy.
    pub destroy: bool,
    /// Give it more time.
    pub extend: bool,
}

impl View {
    /// The run that holds it now.
    #[must_use]
    pub fn active(&self) -> Option<&Link> {
        self.runs.iter().find(|r| !r.waiting && !r.state.is_over())
    }

    /// What the page offers this person. The office checks again when they use it.
    #[must_use]
    pub fn options(&self, actor: &Actor) -> Options {
        let may = |right| !self.state.is_over() && rights::may(actor, right, Some(self.team_id));
        Options {
            change: may(Right::ChangeEnvironment) && self.state != EnvironmentState::Pending,
            destroy: may(Right::DestroyEnvironment) && self.state != EnvironmentState::Pending,
            extend: may(Right::ExtendEnvironment) && self.ends_at.is_some(),
        }
    }
}

/// Lists environments that the actor may see.
///
/// # Errors
/// [`Error::SignIn`] if nobody is signed in.
pub async fn list(web: &PgPool, ctx: &Ctx, filter: &Filter) -> Result<Page> {
    let mut sight = ctx.sight()?;
    if filter.mine {
        sight.all = false;
    }
    let mut environments = store::list(web, &sight, filter, 51).await?;
    let older = (environments.len() > 50).then(|| {
        environments.truncate(50);
        environments[49].id.get()
    });
    Ok(Page {
        environments,
        older,
    })
}

/// One environment.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for another team's alike.
pub async fn find(web: &PgPool, ctx: &Ctx, id: EnvironmentId) -> Result<View> {
    store::find(web, &ctx.sight()?, id)
        .await?
        .ok_or(Error::NotFound)
}

/// Gives an environment more time, counted from now; never less than it has, never more than its template allows.
/// Answers the new end.
///
/// # Errors
/// [`Error::Refused`] without the right, without an end, or beyond the template's greatest life.
pub async fn extend(
    web: &PgPool,
    ctx: &Ctx,
    id: EnvironmentId,
    by: Duration,
) -> Result<OffsetDateTime> {
    let view = find(web, ctx, id).await?;
    ctx.require_in(Right::ExtendEnvironment, view.team_id)?;
    let Some(ends_at) = view.ends_at.filter(|_| !view.state.is_over()) else {
        return Err(Error::refused(
            "Nothing was extended.",
            "This environment has no end.",
            "",
        ));
    };
    if !(Duration::ZERO..=Duration::days(3650)).contains(&by) {
        return Err(Error::refused(
            "Nothing was extended.",
            "That is no length of time.",
            "Choose one of the offered ones.",
        ));
    }
    let wanted = ctx.now + by;
    let end = view
        .greatest_end
        .map_or(wanted, |greatest| wanted.min(greatest));
    if end <= ends_at {
        return Err(Error::refused(
            "Nothing was extended.",
            "It lives that long already, or as long as its template allows.",
            "Ask for a new environment when this one ends.",
        ));
    }
    let mut tx = web.begin().await?;
    let changed = store::set_end(&mut tx, id, ends_at, end).await?;
    if !changed {
        return Err(Error::stale(
            "Nothing was extended.",
            "Somebody else changed its end a moment ago.",
            "Look again.",
        ));
    }
    let entry = Entry::new(
        "environment.extend",
        "environment",
        id.get(),
        Some(view.team_id),
    )
    .before(serde_json::json!({ "ends_at": ends_at.unix_timestamp() }))
    .after(serde_json::json!({ "ends_at": end.unix_timestamp() }));
    audit::record(&mut tx, ctx, entry).await?;
    tx.commit().await?;
    Ok(end)
}

/// Asks for an environment to be destroyed: the run is planned, and decided by the policy, like any other.
///
/// A second request while one is open answers the open one.
///
/// # Errors
/// [`Error::Refused`] without the right; [`Error::Stale`] if it is gone already.
pub async fn destroy(web: &PgPool, ctx: &Ctx, id: EnvironmentId, reason: &str) -> Result<RunId> {
    let mut tx = web.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    ctx.require_in(Right::DestroyEnvironment, row.team_id)?;
    let run = request_destroy(&mut tx, ctx, &row, reason).await?;
    tx.commit().await?;
    Ok(run)
}

async fn request_destroy(
    tx: &mut sqlx::PgConnection,
    ctx: &Ctx,
    row: &store::Locked,
    reason: &str,
) -> Result<RunId> {
    if row.state.is_over() {
        return Err(Error::stale(
            "Nothing was changed.",
            "This environment is gone already.",
            "",
        ));
    }
    if let Some(open) = store::open_destroy(tx, row.id).await? {
        return Ok(open);
    }
    let new = run::New {
        environment: row.id.get(),
        operation: Operation::Destroy,
        title: &format!("Destroy {}", row.name),
        reason: reason.trim(),
        template_digest: &row.template_digest,
        inputs: &row.inputs,
        sensitive: &row.sensitive,
        stack: row.stack,
        back_to: None,
    };
    run::create(tx, ctx, new).await
}

/// What an earlier deployment made, for the question before it is put back.
///
/// # Errors
/// [`Error::NotFound`] for a deployment of another environment, or of one that the reader does not see.
pub async fn past(web: &PgPool, ctx: &Ctx, id: EnvironmentId, of: DeploymentId) -> Result<Back> {
    let mut conn = web.acquire().await?;
    let team = store::team(&mut conn, id).await?.ok_or(Error::NotFound)?;
    ctx.require_in(Right::ChangeEnvironment, team)?;
    store::back(&mut conn, id, of).await?.ok_or(Error::NotFound)
}

/// Asks for what an earlier deployment of the environment made: its template in its version, and its inputs. A run like
/// any other: previewed, decided, applied. Sensitive inputs have the values in force, because older ones are gone for good.
///
/// A second request for the same while one is open answers the open one.
///
/// # Errors
/// [`Error::NotFound`] for a deployment of another environment; [`Error::Refused`] without the right, or for one that made
/// nothing; [`Error::Stale`] if the environment is gone.
pub async fn put_back(
    web: &PgPool,
    ctx: &Ctx,
    id: EnvironmentId,
    to: DeploymentId,
    reason: &str,
) -> Result<RunId> {
    let mut tx = web.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    ctx.require_in(Right::ChangeEnvironment, row.team_id)?;
    if row.state.is_over() {
        return Err(Error::stale(
            "Nothing was put back.",
            "This environment is gone.",
            "Ask for a new one.",
        ));
    }
    let back = store::back(&mut tx, id, to).await?.ok_or(Error::NotFound)?;
    if !back.made {
        return Err(Error::refused(
            "Nothing was put back.",
            "That deployment did not come to its end, so there is nothing that is known to have worked.",
            "Choose one that succeeded.",
        ));
    }
    if let Some(open) = store::open_back(&mut tx, id, to).await? {
        return Ok(open);
    }
    // What the other version asks for, as far as a value is in force.
    let asked = row.sensitive.as_object().into_iter().flatten();
    let sensitive = asked
        .filter(|(name, _)| back.sensitive.iter().any(|wanted| wanted == *name))
        .map(|(name, secret)| (name.clone(), secret.clone()))
        .collect();
    let new = run::New {
        environment: id.get(),
        operation: Operation::Change,
        title: &format!("Put {} back to run {}", row.name, back.run),
        reason: reason.trim(),
        template_digest: &back.template_digest,
        inputs: &back.inputs,
        sensitive: &serde_json::Value::Object(sensitive),
        stack: row.stack,
        back_to: Some(to.get()),
    };
    let run = run::create(&mut tx, ctx, new).await?;
    tx.commit().await?;
    Ok(run)
}

/// Asks for the destruction of what has reached its end, and for the end of votes that nobody gave in time. The worker
/// calls it from time to time; whoever must approve is the policy's business. Answers how many runs it made.
///
/// # Errors
/// Database errors.
pub async fn end_expired(worker: &PgPool, ctx: &Ctx) -> Result<usize> {
    let mut made = 0;
    for id in store::expired(worker, ctx.now).await? {
        let mut tx = worker.begin().await?;
        if let Some(row) = store::lock(&mut tx, id).await?
            && row.ends_at.is_some_and(|end| end <= ctx.now)
            && !row.state.is_over()
            && store::open_destroy(&mut tx, id).await?.is_none()
        {
            request_destroy(&mut tx, ctx, &row, "Its time is over.").await?;
            made += 1;
        }
        tx.commit().await?;
    }
    Ok(made)
}

pub use store::Back;
pub(crate) use store::lock;
