//! AWS accounts: where environments are made, which role each kind of action takes there, and what the workers found when
//! they last asked.
//!
//! An account is added and removed, never edited: an environment keeps the one that it was made in. No key is asked for or
//! stored: a worker's own identity assumes the roles. Forbidden: acting in an account that is removed, and guessing where
//! two could be meant.

mod choice;
mod given;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slipway_domain::{
    environment::Class,
    id::{AccountId, EnvironmentId},
    rights::Right,
};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

pub use choice::choose;
pub use given::New;

use crate::{Ctx, Error, Refusal, Result, work::Claim};

/// A kind of action, each with a role of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Looks: plans, and looks again after an apply.
    Plan,
    /// Makes and changes.
    Apply,
    /// Destroys.
    Destroy,
    /// Starts pipelines.
    Pipeline,
    /// Writes secrets.
    Secrets,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Plan,
        Self::Apply,
        Self::Destroy,
        Self::Pipeline,
        Self::Secrets,
    ];

    /// The word in digests, forms and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Destroy => "destroy",
            Self::Pipeline => "pipeline",
            Self::Secrets => "secrets",
        }
    }
}

/// Where something is made, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The account's id here.
    pub id: AccountId,
    /// Its name here.
    pub name: String,
    /// AWS's number for it.
    pub account: String,
    /// The region.
    pub region: String,
    /// An imitation's name.
    pub imitation: Option<String>,
    /// Classes that are made here unless a template names an account.
    pub serves: Vec<Class>,
    /// It was removed.
    pub removed: bool,
}

impl Place {
    /// `live (123456789012), eu-west-1`.
    #[must_use]
    pub fn words(&self) -> String {
        let imitated = if self.imitation.is_some() {
            ", an imitation"
        } else {
            ""
        };
        format!(
            "{} ({}{imitated}), {}",
            self.name, self.account, self.region
        )
    }

    /// Why nothing may be done there any more, if so.
    ///
    /// # Errors
    /// If it was removed.
    pub fn usable(&self) -> std::result::Result<(), Refusal> {
        if !self.removed {
            return Ok(());
        }
        Err(Refusal::new(
            format!("The AWS account {} was removed.", self.name),
            "The environment was made there and stays there, and nothing is done in an account that an admin has removed.",
            "An admin adds the account again, with the same number and region, on the page AWS accounts: its environments come with it.",
        ))
    }
}

/// What a worker was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is let in, as this ARN.
    As(String),
    /// It is not, and why: message, detail, hint.
    Refused(Refusal),
}

/// What was found when the account was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// Who the worker itself is there.
    pub worker: Option<Answer>,
    /// Each role that it has.
    pub roles: BTreeMap<Kind, Answer>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id here.
    pub id: AccountId,
    /// Its name here.
    pub name: String,
    /// AWS's number for it.
    pub account: String,
    /// The region.
    pub region: String,
    /// What its roles' trust policies want to hear.
    pub external_id: Option<String>,
    /// Classes that are made here unless a template names an account.
    pub serves: Vec<Class>,
    /// Roles by kind of action, by ARN.
    pub roles: BTreeMap<Kind, String>,
    /// An imitation's name.
    pub imitation: Option<String>,
    /// What was found.
    pub answers: Answers,
    /// When.
    pub checked_at: Option<OffsetDateTime>,
    /// It is to be asked again, and nobody has yet.
    pub asking: bool,
    /// Environments that live there.
    pub environments: i64,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it was removed.
    pub removed_at: Option<OffsetDateTime>,
}

impl Account {
    /// The same in short.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            id: self.id,
            name: self.name.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            imitation: self.imitation.clone(),
            serves: self.serves.clone(),
            removed: self.removed_at.is_some(),
        }
    }
}

/// A worker asks each account this often.
pub const EVERY: Duration = Duration::minutes(15);
/// A worker that asks and is not heard of for so long is asked no more.
const CLAIM: Duration = Duration::minutes(5);

/// Every account that is not removed, by name.
///
/// # Errors
/// For everybody but operators and admins it is not there.
pub async fn list(web: &PgPool, ctx: &Ctx) -> Result<Vec<Account>> {
    ctx.require(Right::SeeAccounts)?;
    store::list(web, None).await
}

/// Adds an account. If it is one that was removed, its environments come with it.
///
/// # Errors
/// [`Error::Invalid`] by control; for everybody but admins it is not there.
pub async fn add(web: &PgPool, ctx: &Ctx, new: &New) -> Result<AccountId> {
    ctx.require(Right::ManageAccounts)?;
    let checked = given::check(new).map_err(Error::Invalid)?;
    store::add(web, ctx, &checked).await?.ok_or_else(|| {
        Error::Invalid(
            [(
                "name".to_owned(),
                "There is an account of this name.".to_owned(),
            )]
            .into(),
        )
    })
}

/// Removes an account: nothing is done there any more. What exists in it stays as it is.
///
/// # Errors
/// [`Error::NotFound`] if it is not there, or for everybody but admins.
pub async fn remove(web: &PgPool, ctx: &Ctx, id: AccountId) -> Result<()> {
    ctx.require(Right::ManageAccounts)?;
    store::remove(web, ctx, id).await
}

/// Has a worker ask an account again.
///
/// # Errors
/// [`Error::NotFound`] if it is not there, or for everybody but operators and admins.
pub async fn ask(web: &PgPool, ctx: &Ctx, id: AccountId) -> Result<()> {
    ctx.require(Right::SeeAccounts)?;
    store::ask(web, ctx, id).await
}

/// Where an environment is, or would be made; `None` if its template needs no AWS.
pub(crate) async fn settle(
    tx: &mut PgConnection,
    template: &slipway_catalog::Template,
    of: Option<EnvironmentId>,
) -> Result<Option<AccountId>> {
    if !template.needs.contains(&slipway_catalog::Need::Aws) {
        return Ok(None);
    }
    if let Some(environment) = of
        && let Some(kept) = store::of_environment(tx, environment).await?
    {
        return Ok(Some(kept));
    }
    let all = store::places(&mut *tx).await?;
    let found =
        choose(&all, template.class, template.account.as_deref()).map_err(Error::Refused)?;
    Ok(Some(found.id))
}

/// The account of a claimed run, chosen now if its environment has none yet: it was asked for by older code, or moves to a
/// template that needs AWS. `Err` in the inner result is for people.
///
/// # Errors
/// [`Error::Fenced`] if the claim was lost.
pub async fn of_claim(
    worker: &PgPool,
    claim: &Claim,
    template: &slipway_catalog::Template,
) -> Result<std::result::Result<Account, Refusal>> {
    let mut tx = worker.begin().await?;
    crate::work::held(&mut tx, claim).await?;
    let id = match settle(&mut tx, template, Some(claim.environment_id)).await {
        Ok(Some(id)) => id,
        Ok(None) => return Err(Error::broken("a template without AWS has no account")),
        Err(Error::Refused(why)) => return Ok(Err(why)),
        Err(error) => return Err(error),
    };
    store::keep(&mut tx, claim.environment_id, id).await?;
    let found = store::list(&mut *tx, Some(id.get()))
        .await?
        .pop()
        .ok_or_else(|| Error::broken("an environment's account is gone"))?;
    tx.commit().await?;
    Ok(found.place().usable().map(|()| found))
}

/// Where a form's environment is, or would be; `None` if the template needs no AWS.
pub(crate) fn of_form(
    template: &slipway_catalog::Template,
    there: &[Place],
    kept: Option<Place>,
) -> Option<std::result::Result<Place, Refusal>> {
    if !template.needs.contains(&slipway_catalog::Need::Aws) {
        return None;
    }
    Some(match kept {
        Some(place) => place.usable().map(|()| place),
        None => choose(there, template.class, template.account.as_deref()).cloned(),
    })
}

/// Writes an environment's account down; one that it has stays.
pub(crate) async fn keep(
    tx: &mut PgConnection,
    environment: EnvironmentId,
    id: AccountId,
) -> Result<()> {
    store::keep(tx, environment, id).await
}

/// Registers the imitation that a worker was started with, as an account that serves every class; without one, those that
/// are there are retired.
///
/// # Errors
/// Database errors.
pub async fn imitate(
    worker: &PgPool,
    imitation: Option<(&str, &str)>,
    now: OffsetDateTime,
) -> Result<()> {
    store::imitate(worker, imitation, now).await
}

/// Claims an account whose turn it is to be asked.
///
/// # Errors
/// Database errors.
pub async fn due(pool: &PgPool, now: OffsetDateTime) -> Result<Option<Account>> {
    let Some(id) = store::claim(pool, now, now + CLAIM).await? else {
        return Ok(None);
    };
    Ok(store::list(pool, Some(id)).await?.pop())
}

/// Writes down what a worker was answered.
///
/// # Errors
/// Database errors.
pub async fn answered(
    pool: &PgPool,
    id: AccountId,
    answers: &Answers,
    now: OffsetDateTime,
) -> Result<()> {
    store::answered(pool, id, answers, now).await
}

/// Every account that is not removed, for whoever checks a start.
///
/// # Errors
/// Database errors.
pub async fn all(pool: &PgPool) -> Result<Vec<Account>> {
    store::list(pool, None).await
}
