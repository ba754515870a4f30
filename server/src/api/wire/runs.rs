//! Runs over the wire: where one stands, what it would change, what people say to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_domain::{plan, risk, run::State};
use slipway_services::run;
use utoipa::ToSchema;

/// One run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: i64,
    /// One line.
    pub title: String,
    /// What it does: `create`, `change`, `destroy`.
    pub operation: String,
    /// Where it stands: `queued`, `previewing`, `awaiting_approval`, …
    pub state: String,
    /// Nothing more will happen to it.
    pub over: bool,
    /// Rises with every change.
    pub version: i64,
    /// Its environment.
    pub environment: i64,
    /// The environment's name.
    pub environment_name: String,
    /// The environment's team.
    pub team: String,
    /// The environment's class.
    pub class: String,
    /// Who asked; null for a rule.
    pub requested_by: Option<String>,
    /// Why, in their words.
    pub reason: String,
    /// What a vote names; null before there is a plan.
    pub digest: Option<String>,
    /// The votes that are needed.
    pub votes: Vec<Seat>,
    /// Why it stopped.
    pub failure: Option<Failure>,
    /// Bytes of log.
    pub log_end: i64,
    /// No worker is there to take it.
    pub no_worker: bool,
}

/// A vote that is needed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Seat {
    /// In which role: `lead` or `operator`.
    pub role: String,
    /// Why.
    pub because: String,
    /// Who gave it.
    pub by: Option<String>,
}

/// Why a run stopped.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// Why.
    pub detail: String,
    /// What to do.
    pub hint: String,
}

impl From<run::View> for Run {
    fn from(of: run::View) -> Self {
        let votes = of
            .seats(None)
            .into_iter()
            .map(|seat| Seat {
                role: match seat.role {
                    slipway_domain::votes::VoterRole::Lead => "lead".to_owned(),
                    slipway_domain::votes::VoterRole::Operator => "operator".to_owned(),
                },
                because: seat.because,
                by: seat.vote.map(|vote| vote.by.name),
            })
            .collect();
        Self {
            id: of.id.get(),
            title: of.title,
            operation: of.operation.word().to_owned(),
            state: of.state.word().to_owned(),
            over: of.state.is_over(),
            version: of.version,
            environment: of.environment_id.get(),
            environment_name: of.environment,
            team: of.team,
            class: of.class.word().to_owned(),
            requested_by: of.requested_by.map(|p| p.name),
            reason: of.reason,
            digest: of.digest,
            votes,
            failure: of.failure.map(|why| Failure {
                message: why.message,
                detail: why.detail,
                hint: why.hint,
            }),
            log_end: of.log_end,
            no_worker: of.no_worker,
        }
    }
}

/// What a run would change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// What a vote on exactly this names.
    pub digest: Option<String>,
    /// What deserves a look, worst first.
    pub looks: Vec<Look>,
    /// Resources that change.
    pub changes: Vec<Change>,
    /// How many are made.
    pub create: u32,
    /// How many are changed in place.
    pub update: u32,
    /// How many are destroyed and made anew.
    pub replace: u32,
    /// How many are destroyed.
    pub delete: u32,
}

/// One thing that deserves a look.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Look {
    /// `data`, `destroy`, `replace`, `exposure`, `identity`, `drift`, `first_use`.
    pub kind: String,
    /// The resource, if it is about one.
    pub address: Option<String>,
    /// What happens.
    pub what: String,
    /// Why or how.
    pub detail: String,
}

/// One resource that changes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Its address.
    pub address: String,
    /// `create`, `update`, `replace`, `delete`, `read`, `forget`.
    pub action: String,
    /// Why, in the engine's vocabulary.
    pub reason: Option<String>,
    /// What differs.
    pub attributes: Vec<Attribute>,
}

/// One attribute that differs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Attribute {
    /// Its path within the resource.
    pub path: String,
    /// Before.
    pub before: Shown,
    /// After.
    pub after: Shown,
}

/// A value as it may be shown.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Shown {
    /// `absent`, `value`, `sensitive` (only its presence is known) or `unknown` (known after apply).
    pub is: String,
    /// JSON text of the value, cut at 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl From<plan::Shown> for Shown {
    fn from(of: plan::Shown) -> Self {
        let (is, value) = match of {
            plan::Shown::Absent => ("absent", None),
            plan::Shown::Value(text) => ("value", Some(text)),
            plan::Shown::Sensitive => ("sensitive", None),
            plan::Shown::Unknown => ("unknown", None),
        };
        Self {
            is: is.to_owned(),
            value,
        }
    }
}

/// The word that a value of one of our enums has as JSON.
fn word(of: impl Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

impl Plan {
    /// A run's plan, if it has one.
    pub fn of(run: &run::View) -> Option<Self> {
        let steps: Vec<_> = run.steps.iter().filter(|s| s.preview.is_some()).collect();
        if steps.is_empty() {
            return None;
        }
        let mut plan = Self {
            digest: run.digest.clone(),
            looks: vec![],
            changes: vec![],
            create: 0,
            update: 0,
            replace: 0,
            delete: 0,
        };
        for step in steps {
            let Some(preview) = &step.preview else {
                continue;
            };
            let tally = preview.tally();
            plan.create += tally.create;
            plan.update += tally.update;
            plan.replace += tally.replace;
            plan.delete += tally.delete;
            plan.looks
                .extend(step.looks.iter().map(|look: &risk::Look| Look {
                    kind: word(look.kind),
                    address: look.address.clone(),
                    what: look.what.clone(),
                    detail: look.detail.clone(),
                }));
            plan.changes.extend(preview.changes.iter().map(|of| {
                Change {
                    address: of.address.clone(),
                    action: word(of.action),
                    reason: of.reason.clone(),
                    attributes: of
                        .attributes
                        .iter()
                        .map(|a| Attribute {
                            path: a.path.clone(),
                            before: a.before.clone().into(),
                            after: a.after.clone().into(),
                        })
                        .collect(),
                }
            }));
        }
        // What is destroyed stands first.
        plan.changes
            .sort_by_key(|change| match change.action.as_str() {
                "delete" => 0,
                "replace" => 1,
                "update" => 2,
                "create" => 3,
                _ => 4,
            });
        Some(plan)
    }
}

/// Lines of a log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Log {
    /// The byte that the first line begins at.
    pub offset: i64,
    /// The byte to go on from.
    pub end: i64,
    /// The number of the first line, from 1.
    pub first_line: i64,
    /// Whole lines, without line ends. What is secret was taken out before they were written; what a terminal would
    /// obey is shown as a picture of it.
    pub lines: Vec<String>,
}

/// A vote.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The digest of the plan that was looked at.
    pub digest: String,
    /// Why; a rejection needs it.
    #[serde(default)]
    pub reason: String,
}

/// A cancel.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cancel {
    /// Kill what did not stop when it was asked to: state may be lost.
    pub force: bool,
}

/// Where a run stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Stands {
    /// The state.
    pub state: String,
    /// Nothing more will happen to it.
    pub over: bool,
}

impl Stands {
    /// In words.
    pub fn of(state: State) -> Self {
        Self {
            state: state.word().to_owned(),
            over: state.is_over(),
        }
    }
}
