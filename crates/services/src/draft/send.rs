//! From a filled form to a run.

use serde_json::{Map, Value, json};
use slipway_catalog::Who;
use slipway_domain::{
    environment::Name,
    form,
    id::{EnvironmentId, RunId, TeamId},
    rights::{self, Right},
    run::Operation,
    time_text,
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{Draft, Errors, Sent, store};
use crate::{
    Ctx, Error, Result, account,
    audit::{self, Entry},
    environment, run,
};

pub async fn send(web: &PgPool, ctx: &Ctx, mut draft: Draft) -> Result<Sent> {
    let fields = &draft.version.template.fields;
    let kept = draft
        .stored
        .iter()
        .filter(|name| draft.entered.is_keep_ticked(name))
        .cloned()
        .collect();
    let decoded = slipway_catalog::decode(fields, &draft.entered, &kept);
    let mut errors: Errors = decoded.errors.into_iter().collect();
    let place = if draft.environment.is_some() {
        None
    } else {
        check_about(ctx, &draft, &mut errors)?
    };
    if let Some(Err(why)) = &draft.account {
        let words = format!("{} {} {}", why.message, why.detail, why.hint);
        errors.insert("form".into(), words);
    }
    if !errors.is_empty() {
        draft.errors = errors;
        store::save(web, ctx, &draft).await?;
        return Ok(Sent::Again(Box::new(
            super::find(web, ctx, draft.id).await?,
        )));
    }
    let inputs = Value::Object(decoded.values);
    let mut tx = web.begin().await?;
    // Two clicks: the second waits here, and finds what the first one made.
    let locked = store::lock(&mut tx, draft.id)
        .await?
        .ok_or(Error::NotFound)?;
    if let Some(run) = locked.run {
        return Ok(Sent::Run(run));
    }
    let sensitive: Map<String, Value> = locked
        .sensitive
        .into_iter()
        .filter(|(name, _)| draft.entered.has(&format!("{}{name}", form::KEEP)))
        .map(|(name, id)| (name, json!(id)))
        .collect();
    let run = match (place, &draft.environment) {
        (Some(place), _) => {
            match create(
                &mut tx,
                ctx,
                &draft,
                &place,
                &inputs,
                &Value::Object(sensitive),
            )
            .await?
            {
                Some((run, _)) => run,
                None => {
                    tx.rollback().await?;
                    draft.errors.insert("name".into(), TAKEN.into());
                    store::save(web, ctx, &draft).await?;
                    return Ok(Sent::Again(Box::new(
                        super::find(web, ctx, draft.id).await?,
                    )));
                }
            }
        }
        (None, Some((id, _))) => {
            let row = environment::lock(&mut tx, *id)
                .await?
                .ok_or(Error::NotFound)?;
            ctx.require_in(Right::ChangeEnvironment, row.team_id)?;
            if row.state.is_over() {
                return Err(Error::stale(
                    "It cannot be changed.",
                    "This environment is gone.",
                    "Ask for a new one.",
                ));
            }
            // What is in force stays, unless a new value was typed or the box was cleared.
            let mut all = Map::new();
            for (name, secret) in row.sensitive.as_object().into_iter().flatten() {
                if draft.entered.is_keep_ticked(name) {
                    all.insert(name.clone(), secret.clone());
                }
            }
            all.extend(sensitive);
            let title = if row.template_digest == draft.version.digest {
                format!("Change {}", row.name)
            } else {
                format!("Move {} to a newer template", row.name)
            };
            store::adopt_secrets(&mut tx, draft.id, row.id).await?;
            if let Some(account) =
                account::settle(&mut tx, &draft.version.template, Some(row.id)).await?
            {
                account::keep(&mut tx, row.id, account).await?;
            }
            let new = run::New {
                environment: row.id.get(),
                operation: Operation::Change,
                title: &title,
                reason: &draft.about.reason,
                template_digest: &draft.version.digest,
                inputs: &inputs,
                sensitive: &Value::Object(all),
                stack: row.stack,
                back_to: None,
            };
            run::create(&mut tx, ctx, new).await?
        }
        (None, None) => return Err(Error::broken("a draft without a target")),
    };
    store::finish(&mut tx, ctx, draft.id, run).await?;
    tx.commit().await?;
    Ok(Sent::Run(run))
}

/// What is wrong with a name that an environment has already.
pub const TAKEN: &str = "This name is taken. Choose another one.";

/// Makes a new environment and the run that creates it; `None` if the name is taken.
pub async fn create(
    tx: &mut PgConnection,
    ctx: &Ctx,
    draft: &Draft,
    place: &Place,
    inputs: &Value,
    sensitive: &Value,
) -> Result<Option<(RunId, EnvironmentId)>> {
    let made = store::create_environment(tx, ctx, draft, place, inputs, sensitive).await?;
    let Some((environment, stack)) = made else {
        return Ok(None);
    };
    let entry = Entry::new("environment.request", "environment", environment.get(), Some(place.team))
        .after(json!({ "name": place.name.as_str(), "template": draft.version.name, "digest": draft.version.digest }));
    audit::record(tx, ctx, entry).await?;
    let new = run::New {
        environment: environment.get(),
        operation: Operation::Create,
        title: &format!("Create {}", place.name),
        reason: &draft.about.reason,
        template_digest: &draft.version.digest,
        inputs,
        sensitive,
        stack,
        back_to: None,
    };
    Ok(Some((run::create(tx, ctx, new).await?, environment)))
}

/// A new environment's particulars, checked.
#[derive(Debug)]
pub struct Place {
    pub name: Name,
    pub team: TeamId,
    pub ends_at: Option<OffsetDateTime>,
}

pub fn check_about(ctx: &Ctx, draft: &Draft, errors: &mut Errors) -> Result<Option<Place>> {
    let actor = ctx.person()?;
    let template = &draft.version.template;
    let name = match Name::parse(&draft.about.name) {
        Ok(name) => Some(name),
        Err(why) => {
            errors.insert("name".into(), why.into());
            None
        }
    };
    let team = draft
        .about
        .team
        .parse::<TeamId>()
        .ok()
        .filter(|team| draft.teams.iter().any(|t| t.id == *team));
    if team.is_none() {
        let why = match (draft.teams.is_empty(), template.who) {
            (true, Who::Lead) => {
                "Only leads of a team may ask for this template, and you lead none."
            }
            (true, Who::Member) => "You are a member of no team, and environments belong to teams.",
            (false, _) => "Choose one of your teams.",
        };
        errors.insert("team".into(), why.into());
    }
    let greatest = template
        .life
        .greatest
        .and_then(|s| i64::try_from(s).ok())
        .map(time::Duration::seconds);
    let life = match (draft.about.life.as_str(), greatest) {
        ("", None) => Some(None),
        ("", Some(_)) => {
            errors.insert(
                "life".into(),
                "Environments of this template end: say when.".into(),
            );
            None
        }
        (text, greatest) => match time_text::read(text) {
            None => {
                errors.insert(
                    "life".into(),
                    "Write a length of time like 8h, 3d or 1w.".into(),
                );
                None
            }
            Some(life) if greatest.is_some_and(|g| life > g) => {
                let most = greatest.map(time_text::long).unwrap_or_default();
                errors.insert("life".into(), format!("At most {most}."));
                None
            }
            Some(life) => Some(Some(life)),
        },
    };
    let (Some(name), Some(team), Some(life)) = (name, team, life) else {
        return Ok(None);
    };
    let right = match template.who {
        Who::Member => Right::RequestEnvironment,
        Who::Lead => Right::RequestGuardedEnvironment,
    };
    if !rights::may(actor, right, Some(team)) {
        return Err(Error::NotFound);
    }
    Ok(Some(Place {
        name,
        team,
        ends_at: life.map(|life| ctx.now + life),
    }))
}
