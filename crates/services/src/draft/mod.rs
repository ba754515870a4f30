//! Drafts: a form that is being filled in, kept from the first look on, so that nothing typed is ever lost, rows can be
//! added without JavaScript, and two clicks make one request.
//!
//! A draft is its person's alone. What is sensitive in it is sealed to the worker's key at once and never comes back.

mod direct;
mod send;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use slipway_domain::{
    form::{self, Edit, Entered, Limits},
    id::{DraftId, EnvironmentId, RunId, TeamId},
    rights::{self, Right},
    run::Operation,
};
use slipway_seal::PublicKey;
use sqlx::PgPool;

use crate::{Ctx, Error, Refusal, Result, account, environment, run, template};

pub use direct::{Ask, Asked, request};

/// Messages by the name of the control that they belong to; `form` for the form as a whole.
pub type Errors = BTreeMap<String, String>;

/// What a request says besides the template's inputs. As typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    /// `name`: the environment's name.
    pub name: String,
    /// `team`: the team's id.
    pub team: String,
    /// `life`: how long it lives, as `8h` or `7d`; empty = without end, where the template allows that.
    pub life: String,
    /// `reason`: why, for those who decide.
    pub reason: String,
}

/// A team that the person may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamChoice {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// Preview environments that it has, and how many it may have without a vote.
    pub previews: (i64, i64),
}

/// A form as it stands.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its id.
    pub id: DraftId,
    /// The template in the version that would be used.
    pub version: template::Version,
    /// The environment that it changes, with its name; `None` for a new one.
    pub environment: Option<(EnvironmentId, String)>,
    /// A newer version that the environment could move to.
    pub newer: Option<String>,
    /// What was typed beside the inputs.
    pub about: About,
    /// What was typed, control by control.
    pub entered: Entered,
    /// What is wrong with it.
    pub errors: Errors,
    /// Sensitive fields that have a stored value (typed before, or in force).
    pub stored: BTreeSet<String>,
    /// Teams to choose from.
    pub teams: Vec<TeamChoice>,
    /// The run that it became.
    pub run: Option<RunId>,
    /// Where in AWS it would be made, or why nowhere; `None` if the template needs none.
    pub account: Option<std::result::Result<account::Place, Refusal>>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new environment of the template with this name.
    Template(String),
    /// A change of this environment; with `true`, to the template's newest version.
    Environment(EnvironmentId, bool),
}

/// What a post of the form led to.
#[derive(Debug)]
pub enum Sent {
    /// It became this run.
    Run(RunId),
    /// Back to the form: a row was added, it was saved, or something is wrong with it.
    Again(Box<Draft>),
    /// It was thrown away.
    Discarded,
}

/// Opens the person's draft for a target, making one if there is none.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] if they may not ask for it.
pub async fn open(web: &PgPool, ctx: &Ctx, target: &Target) -> Result<Draft> {
    let actor = ctx.require(Right::SeeCatalog)?;
    let opened = match target {
        Target::Template(name) => store::open_template(web, ctx, actor.user, name).await?,
        Target::Environment(id, upgrade) => {
            let teams: Vec<i64> = actor
                .teams
                .iter()
                .filter(|(t, _)| rights::may(actor, Right::ChangeEnvironment, Some(*t)))
                .map(|(t, _)| t.get())
                .collect();
            store::open_environment(web, ctx, actor.user, *id, *upgrade, &teams).await?
        }
    };
    let Some(store::Opened { id, digest }) = opened else {
        return Err(why_not(web, ctx, target).await?);
    };
    let mut draft = find(web, ctx, id).await?;
    if draft.version.digest != digest {
        // The template has moved on, or the person asked for its newest version: what was typed stays where it fits.
        store::set_version(web, ctx, id, &digest).await?;
        draft = find(web, ctx, id).await?;
    }
    if draft.environment.is_none() && draft.teams.is_empty() {
        return Err(no_team(&draft.version.template.who));
    }
    Ok(draft)
}

/// A form that nobody could send is not shown.
fn no_team(who: &slipway_catalog::Who) -> Error {
    let (detail, hint) = match who {
        slipway_catalog::Who::Member => (
            "An environment belongs to a team, and you are a member of none.",
            "An admin, or a lead of your team, adds you on the team's page.",
        ),
        slipway_catalog::Who::Lead => (
            "Its owner lets leads ask for it, and you lead no team.",
            "Ask a lead of your team to request it.",
        ),
    };
    Error::refused("You cannot request this template.", detail, hint)
}

/// Why there is no form for this target.
async fn why_not(web: &PgPool, ctx: &Ctx, target: &Target) -> Result<Error> {
    Ok(match target {
        Target::Template(name) => {
            template::find(web, ctx, name).await?;
            Error::refused(
                "This template cannot be used.",
                "It is broken and never was whole.",
                "Its page says what is wrong, and who owns it.",
            )
        }
        Target::Environment(id, _) => {
            let view = environment::find(web, ctx, *id).await?;
            ctx.require_in(Right::ChangeEnvironment, view.team_id)?;
            Error::stale(
                "It cannot be changed.",
                "This environment is gone.",
                "Ask for a new one.",
            )
        }
    })
}

/// The form of a run that came to nothing, filled with what that run was asked with and with what was wrong with it: the
/// person's draft for another try. A draft of theirs that has something in it already stays as it is. What is secret has
/// to be typed again, unless it is in force.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] for a run that no form made, or if they may not ask for it.
pub async fn again(web: &PgPool, ctx: &Ctx, id: RunId) -> Result<DraftId> {
    let run = run::find(web, ctx, id).await?;
    if run.operation == Operation::Destroy {
        return Err(Error::refused(
            "There is no form to go back to.",
            "A destroy has no inputs.",
            "Ask for it again on the environment's page.",
        ));
    }
    let target = if run.environment_state.is_over() {
        if run.operation != Operation::Create {
            return Err(Error::stale(
                "It cannot be changed.",
                "This environment is gone.",
                "Ask for a new one.",
            ));
        }
        Target::Template(run.template.clone())
    } else {
        let runs = environment::find(web, ctx, run.environment_id).await?;
        let moves = runs.version.digest != run.template_digest;
        Target::Environment(run.environment_id, moves)
    };
    let mut draft = open(web, ctx, &target).await?;
    let asked = store::asked(web, id).await?;
    if !store::is_blank(web, draft.id).await? {
        return Ok(draft.id);
    }
    draft.about.reason.clone_from(&run.reason);
    if draft.environment.is_none() {
        draft.about.name.clone_from(&run.environment);
        draft.about.team = run.team_id.to_string();
        let life = asked
            .life
            .and_then(|l| u64::try_from(l.whole_seconds()).ok());
        draft.about.life = life.map(life_text).unwrap_or_default();
    }
    let fields = &draft.version.template.fields;
    let kept = draft
        .stored
        .iter()
        .filter(|name| !asked.typed_again.contains(*name))
        .cloned()
        .collect();
    draft.entered = form::from_values(fields, Some(&run.inputs), &kept);
    draft.errors = Errors::new();
    for field in fields
        .iter()
        .filter(|f| asked.typed_again.contains(&f.name))
    {
        let why = "Type it again: what is secret was not kept.";
        draft.errors.insert(field.path(), why.into());
    }
    let failure = run.failure.unwrap_or_default();
    for (name, why) in &failure.inputs {
        if let Some(field) = fields.iter().find(|f| f.name == *name) {
            draft.errors.insert(field.path(), why.clone());
        }
    }
    if failure.inputs.is_empty() && !failure.message.is_empty() {
        let why = format!("{} {}", failure.message, failure.detail);
        draft.errors.insert("form".into(), why.trim().to_owned());
    }
    store::save(web, ctx, &draft).await?;
    Ok(draft.id)
}

/// The person's own draft.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for somebody else's alike.
pub async fn find(web: &PgPool, ctx: &Ctx, id: DraftId) -> Result<Draft> {
    let actor = ctx.person()?;
    let mine: Vec<i64> = actor.teams.iter().map(|(t, _)| t.get()).collect();
    let row = store::find(web, actor.user, id, &mine)
        .await?
        .ok_or(Error::NotFound)?;
    assemble(ctx, id, row)
}

fn assemble(ctx: &Ctx, id: DraftId, row: store::Row) -> Result<Draft> {
    let actor = ctx.person()?;
    let (version, mut teams) = (row.version, row.teams);
    let right = match version.template.who {
        slipway_catalog::Who::Member => Right::RequestEnvironment,
        slipway_catalog::Who::Lead => Right::RequestGuardedEnvironment,
    };
    teams.retain(|team| rights::may(actor, right, Some(team.id)));
    let fields = &version.template.fields;
    let mut stored: BTreeSet<String> = row.sensitive.keys().cloned().collect();
    stored.extend(
        row.in_force
            .iter()
            .filter(|n| fields.iter().any(|f| f.sensitive && f.name == **n))
            .cloned(),
    );
    let mut about = row.about.unwrap_or_else(|| About {
        team: teams.first().map(|t| t.id.to_string()).unwrap_or_default(),
        life: version
            .template
            .life
            .default
            .map(life_text)
            .unwrap_or_default(),
        ..About::default()
    });
    if let Some((_, name)) = &row.environment {
        about.name.clone_from(name);
    }
    let entered = match row.entered {
        Some(kept) => Entered::from_draft(kept),
        None => form::from_values(fields, row.current.as_ref(), &stored),
    };
    Ok(Draft {
        id,
        environment: row.environment,
        newer: row.newer,
        about,
        entered,
        errors: row.errors,
        stored,
        teams,
        run: row.run,
        account: account::of_form(&version.template, &row.accounts, row.account),
        version,
    })
}

/// Seconds as `8h`, `7d`, `90m`.
fn life_text(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s => format!("{}m", s.div_ceil(60)),
    }
}

/// Takes the posted form: saves what was typed, and does what the pressed button (`do`) says: `send`, `save`,
/// `discard`, or one of the row buttons of [`slipway_domain::form`].
///
/// # Errors
/// [`Error::NotFound`] for somebody else's draft; [`Error::Refused`] if they may not ask for it. What is wrong with the
/// inputs is no error: it is in the draft.
pub async fn post(
    web: &PgPool,
    ctx: &Ctx,
    id: DraftId,
    pairs: Vec<(String, String)>,
) -> Result<Sent> {
    let mut draft = find(web, ctx, id).await?;
    if let Some(run) = draft.run {
        return Ok(Sent::Run(run));
    }
    let value = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let button = value("do").unwrap_or("send").to_owned();
    let short = |name: &str, max: usize| {
        value(name).map(|v| v.trim().chars().take(max).filter(|c| *c != '\0').collect())
    };
    if draft.environment.is_none() {
        draft.about.name = short("name", 200).unwrap_or(draft.about.name);
        draft.about.team = short("team", 20).unwrap_or(draft.about.team);
        draft.about.life = short("life", 20).unwrap_or(draft.about.life);
    }
    draft.about.reason = short("reason", 2000).unwrap_or(draft.about.reason);
    draft.errors = Errors::new();
    match form::parse_pairs(pairs, Limits::FORM) {
        Ok(entered) => draft.entered = entered,
        Err(too_much) => {
            // Where nothing was read, what the draft held before stays.
            draft.entered = too_much.kept.unwrap_or(draft.entered);
            draft.errors = too_much.refused.into_iter().collect();
            draft.errors.insert("form".into(), too_much.message);
        }
    }
    if button == "discard" {
        store::discard(web, ctx, id).await?;
        return Ok(Sent::Discarded);
    }
    let seal_errors = keep_secrets(web, ctx, &mut draft).await?;
    if let Some(edit) = Edit::parse(&button) {
        if let Err(error) = form::edit(&mut draft.entered, &draft.version.template.fields, &edit) {
            draft.errors.insert("form".into(), error.to_string());
        }
    } else if button == "send" && draft.errors.is_empty() && seal_errors.is_empty() {
        return send::send(web, ctx, draft).await;
    }
    draft.errors.extend(seal_errors);
    store::save(web, ctx, &draft).await?;
    Ok(Sent::Again(Box::new(find(web, ctx, id).await?)))
}

/// Seals every sensitive text that was typed, and takes it out of what is kept. Only values that decode are kept.
async fn keep_secrets(web: &PgPool, ctx: &Ctx, draft: &mut Draft) -> Result<Errors> {
    let fields = &draft.version.template.fields;
    let typed: Vec<_> = fields
        .iter()
        .filter(|f| f.sensitive && form::is_given(&draft.entered, f))
        .cloned()
        .collect();
    if typed.is_empty() {
        return Ok(Errors::new());
    }
    let key = store::public_key(web).await?.ok_or_else(|| {
        Error::refused(
            "What is secret cannot be taken now.",
            "No worker has ever published a key to seal it with.",
            "Start a worker (slipway work), then send the form again.",
        )
    })?;
    let decoded = slipway_catalog::decode(&typed, &draft.entered, &BTreeSet::new());
    for field in &typed {
        if let Some(secret) = decoded.secrets.get(&field.name) {
            seal(web, ctx, draft.id, &key, &field.name, secret).await?;
            draft.stored.insert(field.name.clone());
        }
    }
    draft.entered = Entered::from_draft(draft.entered.for_draft(fields));
    for field in &typed {
        if draft.stored.contains(&field.name) {
            draft
                .entered
                .set(format!("{}{}", form::KEEP, field.name), form::TICKED);
        }
    }
    Ok(decoded.errors.into_iter().collect())
}

async fn seal(
    web: &PgPool,
    ctx: &Ctx,
    draft: DraftId,
    key: &PublicKey,
    name: &str,
    secret: &slipway_seal::Secret,
) -> Result<()> {
    let sealed = key
        .seal(secret, &place(draft, name))
        .map_err(Error::broken)?;
    let mut tx = web.begin().await?;
    store::put_secret(&mut tx, ctx, draft, name, &sealed).await?;
    tx.commit().await?;
    Ok(())
}

/// Where a sealed input belongs; the worker opens it for this place only.
pub(crate) fn place(draft: DraftId, name: &str) -> String {
    format!("draft/{draft}/{name}")
}
