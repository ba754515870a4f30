//! What goes over the wire, in both directions: the door writes it, the command reads it. Nothing here holds a sensitive
//! value; of those it says only that they are there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use slipway_domain::time_text;
use slipway_services::{environment, run, template};
use time::OffsetDateTime;
use utoipa::ToSchema;

mod runs;

pub use runs::*;

/// Whose token it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The person.
    pub person: String,
    /// The token's name.
    pub token: String,
    /// What it may do: `read`, `write`, `approve`.
    pub scopes: Vec<String>,
}

/// The catalog.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Templates {
    /// By name.
    pub templates: Vec<Template>,
}

/// What can be asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What one gets.
    pub summary: String,
    /// `preview`, `shared` or `production`; absent while it is broken.
    pub class: Option<String>,
    /// The digest of its current version.
    pub digest: Option<String>,
    /// Why it cannot be offered as its folder stands, if so.
    pub broken: Option<String>,
    /// How long its environments live unless somebody says otherwise.
    pub life: Option<String>,
    /// How long they may live.
    pub greatest_life: Option<String>,
    /// What it asks for.
    pub inputs: Vec<Input>,
}

/// One input of a template.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type, as the template writes it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The author's words.
    pub description: Option<String>,
    /// It has to be given.
    pub required: bool,
    /// It is sealed at once and never shown.
    pub sensitive: bool,
    /// What it is if it is not given.
    pub default: Option<Value>,
    /// The only accepted texts, if there are such.
    pub choices: Option<Vec<String>>,
}

impl From<template::Listed> for Template {
    fn from(of: template::Listed) -> Self {
        let broken = of.broken.map(|why| why.to_string());
        let Some(said) = of.template else {
            return Self {
                title: of.name.clone(),
                name: of.name,
                summary: String::new(),
                class: None,
                digest: of.digest,
                broken,
                life: None,
                greatest_life: None,
                inputs: vec![],
            };
        };
        let life = |seconds: Option<u64>| {
            let seconds = i64::try_from(seconds?).ok()?;
            Some(time_text::long(time::Duration::seconds(seconds)))
        };
        Self {
            name: of.name,
            title: said.title,
            summary: said.summary,
            class: Some(said.class.word().to_owned()),
            digest: of.digest,
            broken,
            life: life(said.life.default),
            greatest_life: life(said.life.greatest),
            inputs: said
                .fields
                .into_iter()
                .map(|field| Input {
                    required: field.required(),
                    kind: if field.type_text.is_empty() {
                        "any".to_owned()
                    } else {
                        field.type_text
                    },
                    name: field.name,
                    description: field.description,
                    sensitive: field.sensitive,
                    default: field.default.filter(|v| !v.is_null() && !field.sensitive),
                    choices: field.choices,
                })
                .collect(),
        }
    }
}

/// A page of environments.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Environments {
    /// Newest first, at most 50.
    pub environments: Vec<Listed>,
    /// Pass it as `before` for older ones; null at the end.
    pub older: Option<i64>,
}

/// An environment in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Listed {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its team.
    pub team: String,
    /// `preview`, `shared` or `production`.
    pub class: String,
    /// What is known to exist: `pending`, `ready`, …
    pub state: String,
    /// Its template.
    pub template: String,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<OffsetDateTime>,
    /// The run that holds it.
    pub active_run: Option<RunLink>,
    /// The last run that is over.
    pub last_run: Option<RunLink>,
}

/// Another run, in one line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RunLink {
    /// Its id.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// What it does: `create`, `change`, `destroy`.
    pub operation: String,
    /// Where it stands.
    pub state: String,
    /// Nothing more will happen to it.
    pub over: bool,
}

impl From<run::Link> for RunLink {
    fn from(of: run::Link) -> Self {
        Self {
            id: of.id.get(),
            title: of.title,
            operation: of.operation.word().to_owned(),
            state: of.state.word().to_owned(),
            over: of.state.is_over(),
        }
    }
}

impl From<environment::Listed> for Listed {
    fn from(of: environment::Listed) -> Self {
        Self {
            id: of.id.get(),
            name: of.name,
            team: of.team,
            class: of.class.word().to_owned(),
            state: of.state.word().to_owned(),
            template: of.template,
            ends_at: of.ends_at,
            active_run: of.active.map(Into::into),
            last_run: of.last.map(Into::into),
        }
    }
}

/// One environment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its team.
    pub team: String,
    /// `preview`, `shared` or `production`.
    pub class: String,
    /// What is known to exist.
    pub state: String,
    /// Its template.
    pub template: String,
    /// The version of it that it runs.
    pub template_digest: String,
    /// Inputs in force, without the sensitive ones.
    #[schema(value_type = Object)]
    pub inputs: Map<String, Value>,
    /// Names of the sensitive inputs in force.
    pub sensitive: Vec<String>,
    /// What it gives.
    pub outputs: Vec<Output>,
    /// Addresses of what exists.
    pub resources: Vec<String>,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<OffsetDateTime>,
    /// Its last runs, newest first.
    pub runs: Vec<RunLink>,
}

/// An output.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Shown,
}

impl From<environment::View> for Environment {
    fn from(of: environment::View) -> Self {
        Self {
            id: of.id.get(),
            name: of.name,
            team: of.team,
            class: of.class.word().to_owned(),
            state: of.state.word().to_owned(),
            template: of.template,
            template_digest: of.version.digest,
            inputs: of.inputs,
            sensitive: of.sensitive,
            outputs: of
                .outputs
                .into_iter()
                .map(|output| Output {
                    name: output.name,
                    value: output.value.into(),
                })
                .collect(),
            resources: of.resources.into_iter().map(|r| r.address).collect(),
            ends_at: of.ends_at,
            runs: of.runs.into_iter().map(Into::into).collect(),
        }
    }
}

/// A request for an environment.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnvironment {
    /// The template's name.
    pub template: String,
    /// The environment's name.
    pub name: String,
    /// The team's name; needed by whoever may ask for several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// How long it lives: `8h`, `7d`. The template's usual life if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<String>,
    /// Why, for those who decide.
    #[serde(default)]
    pub reason: String,
    /// Inputs by name. Those that are not there have their defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub inputs: Map<String, Value>,
}

/// A request for more time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// How long, counted from now: `8h`, `7d`. Never beyond what the template allows.
    #[serde(rename = "for")]
    pub by: String,
}

/// The new end.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Extended {
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: OffsetDateTime,
}

/// A request for the end of an environment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Destroy {
    /// Its name, so that it is this one that is meant.
    pub name: String,
    /// Why, for those who decide.
    #[serde(default)]
    pub reason: String,
}

/// What a request became.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    /// The run to watch.
    pub run: i64,
    /// The environment.
    pub environment: i64,
}
