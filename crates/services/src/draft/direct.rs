//! A program's request for an environment: the same form, filled by name, sent at once. What is wrong with it leaves
//! nothing behind.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use slipway_domain::{
    form::{self, Limits},
    id::{EnvironmentId, RunId},
    rights::Right,
};
use slipway_seal::sha256;
use sqlx::PgPool;

use super::{Draft, Errors, Target, assemble, no_team, place, send, store, why_not};
use crate::{Ctx, Error, Result};

/// What a program asks for.
#[derive(Clone, Default)]
pub struct Ask {
    /// The template's name.
    pub template: String,
    /// The environment's name.
    pub name: String,
    /// The team's name; whoever may ask for one team alone need not say it.
    pub team: Option<String>,
    /// How long it lives, as `8h` or `7d`; the template's usual life if it is not said.
    pub life: Option<String>,
    /// Why.
    pub reason: String,
    /// Inputs by name. Those that are not there have their defaults.
    pub inputs: Map<String, Value>,
}

/// What it became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The run that creates it.
    pub run: RunId,
    /// The environment.
    pub environment: EnvironmentId,
    /// A request with this key was heard before: this is what that one became.
    pub again: bool,
}

/// Asks for a new environment. Two requests of one person with the same `key` within a day are one.
///
/// # Errors
/// [`Error::NotFound`] if there is no such template; [`Error::Invalid`] by control; [`Error::Refused`] if they may not
/// ask, or if the key came with another request before.
pub async fn request(web: &PgPool, ctx: &Ctx, ask: &Ask, key: Option<&str>) -> Result<Asked> {
    let actor = ctx.in_scope(Right::RequestEnvironment)?;
    ctx.require(Right::SeeCatalog)?;
    let mut tx = web.begin().await?;
    let Some(id) = store::open_direct(&mut tx, ctx, actor.user, &ask.template).await? else {
        tx.rollback().await?;
        return Err(why_not(web, ctx, &Target::Template(ask.template.clone())).await?);
    };
    let teams: Vec<i64> = actor.teams.iter().map(|(t, _)| t.get()).collect();
    let row = store::find(&mut *tx, actor.user, id, &teams)
        .await?
        .ok_or(Error::NotFound)?;
    let mut draft = assemble(ctx, id, row)?;
    if draft.teams.is_empty() {
        return Err(no_team(&draft.version.template.who));
    }
    if let Some(key) = key
        && let Some((request, run, environment)) =
            store::remember(&mut tx, actor.user, key, &digest(ask, &draft), ctx.now).await?
    {
        if request != digest(ask, &draft) {
            return Err(Error::refused(
                "Nothing was asked for.",
                "Another request came with this Idempotency-Key before.",
                "Send each request with a key of its own, and the same request again with the same key.",
            ));
        }
        return Ok(Asked {
            run,
            environment,
            again: true,
        });
    }
    let mut errors = Errors::new();
    fill(&mut draft, ask, &mut errors);
    let fields = &draft.version.template.fields;
    let decoded = slipway_catalog::decode(fields, &draft.entered, &BTreeSet::new());
    if errors.is_empty() {
        errors.extend(decoded.errors);
    }
    let Some(place_of) = send::check_about(ctx, &draft, &mut errors)?.filter(|_| errors.is_empty())
    else {
        return Err(Error::Invalid(errors));
    };
    if let Some(Err(why)) = draft.account {
        return Err(Error::Refused(why));
    }
    if !decoded.secrets.is_empty() {
        let key = store::public_key(&mut *tx).await?.ok_or_else(no_key)?;
        for (name, secret) in &decoded.secrets {
            let sealed = key.seal(secret, &place(id, name)).map_err(Error::broken)?;
            store::put_secret(&mut tx, ctx, id, name, &sealed).await?;
        }
    }
    let locked = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let sensitive: Map<String, Value> = locked
        .sensitive
        .into_iter()
        .map(|(name, id)| (name, json!(id)))
        .collect();
    let inputs = Value::Object(decoded.values);
    let made = send::create(&mut tx, ctx, &draft, &place_of, &inputs, &sensitive.into()).await?;
    let Some((run, environment)) = made else {
        return Err(Error::Invalid(
            [("name".to_owned(), send::TAKEN.to_owned())].into(),
        ));
    };
    store::finish(&mut tx, ctx, id, run).await?;
    if let Some(key) = key {
        store::became(&mut tx, actor.user, key, run).await?;
    }
    tx.commit().await?;
    Ok(Asked {
        run,
        environment,
        again: false,
    })
}

/// Fills the form; what cannot be filled in is an error.
fn fill(draft: &mut Draft, ask: &Ask, errors: &mut Errors) {
    let clean = |text: &str, most: usize| -> String {
        text.trim()
            .chars()
            .filter(|c| *c != '\0')
            .take(most)
            .collect()
    };
    draft.about.name = clean(&ask.name, 200);
    draft.about.reason = clean(&ask.reason, 2_000);
    if let Some(life) = &ask.life {
        draft.about.life = clean(life, 20);
    }
    match &ask.team {
        Some(name) => {
            let team = draft.teams.iter().find(|team| team.name == *name);
            draft.about.team = team.map(|team| team.id.to_string()).unwrap_or_default();
        }
        None if draft.teams.len() > 1 => {
            let names: Vec<&str> = draft.teams.iter().map(|t| t.name.as_str()).collect();
            errors.insert(
                "team".into(),
                format!("Say for which of your teams: {}.", names.join(", ")),
            );
        }
        None => {}
    }
    let filled = form::from_given(&draft.version.template.fields, ask.inputs.clone());
    let checked = filled.and_then(|entered| {
        let pairs = entered.iter().map(|(n, t)| (n.to_owned(), t.to_owned()));
        form::parse_pairs(pairs.collect(), Limits::FORM).map_err(|too_much| too_much.refused)
    });
    match checked {
        Ok(entered) => draft.entered = entered,
        Err(wrong) => errors.extend(wrong),
    }
}

/// What was asked for, without what is secret: a digest of that could be guessed.
fn digest(ask: &Ask, draft: &Draft) -> [u8; 32] {
    let mut inputs = ask.inputs.clone();
    let fields = &draft.version.template.fields;
    inputs.retain(|name, _| fields.iter().any(|f| f.name == *name && !f.sensitive));
    let text = json!([
        ask.template,
        ask.name,
        ask.team,
        ask.life,
        ask.reason,
        inputs
    ])
    .to_string();
    sha256(text.as_bytes())
}

fn no_key() -> Error {
    Error::refused(
        "What is secret cannot be taken now.",
        "No worker has ever published a key to seal it with.",
        "Start a worker (slipway work), then ask again.",
    )
}
