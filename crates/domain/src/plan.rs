//! A preview: what an action would change, as structured data that is safe to store and to show.
//!
//! Values that Terraform marks sensitive never reach these types: an attribute says only *that* it changes. The digest
//! over the unredacted projection is computed beside it (see `slipway-seal`) and travels as text.

use serde::{Deserialize, Serialize};

/// What a step would do to the world. Stored as JSON with the step; shown by the plan viewer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Resources that change, in the engine's order.
    pub changes: Vec<Change>,
    /// Resources that the engine looked at and would leave as they are.
    pub unchanged: u32,
    /// Resources whose real state differs from the recorded one (drift), by address.
    pub drift: Vec<Change>,
    /// Outputs whose value changes.
    pub outputs: Vec<Attribute>,
    /// Warnings that the engine gave while planning, already redacted.
    pub warnings: Vec<Diagnostic>,
    /// False if the engine said that the plan is incomplete or cannot be applied.
    pub applyable: bool,
}

/// One resource that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Full address, for example `module.network.aws_vpc.main[0]`.
    pub address: String,
    /// Resource type, for example `aws_vpc`.
    pub kind: String,
    /// Provider's full name, for example `registry.terraform.io/hashicorp/aws`.
    pub provider: String,
    /// What happens to it.
    pub action: Action,
    /// Why, in the engine's vocabulary (`replace_because_cannot_update`, …), if it said so.
    pub reason: Option<String>,
    /// Attributes that differ (for create and delete: all that are set).
    pub attributes: Vec<Attribute>,
    /// Attributes that stay as they are.
    pub unchanged: u32,
    /// The template says that people would miss what is in it. Known kinds need no saying: see
    /// [`crate::risk::holds_data`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_data: bool,
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is destroyed.
    Delete,
    /// It is destroyed and made anew, in either order.
    Replace,
    /// It changes in place.
    Update,
    /// It is made.
    Create,
    /// A data source is read while applying.
    Read,
    /// It leaves the state without being destroyed.
    Forget,
}

/// One attribute's before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// Path within the resource, for example `tags.team` or `ingress[0].port`.
    pub path: String,
    /// Value before.
    pub before: Shown,
    /// Value after.
    pub after: Shown,
    /// This attribute is what forces the replacement.
    pub forces_replacement: bool,
}

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Not set.
    Absent,
    /// JSON text of the value, cut at 2,000 characters.
    Value(String),
    /// Sensitive: only its presence is known.
    Sensitive,
    /// Known after apply.
    Unknown,
}

/// A message of the engine, redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// One line.
    pub summary: String,
    /// More, possibly several lines; may be empty.
    pub detail: String,
    /// Address of the resource that it concerns.
    pub address: Option<String>,
    /// `file:line` within the template.
    pub at: Option<String>,
}

/// How many resources are made, changed, replaced and destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Made.
    pub create: u32,
    /// Changed in place.
    pub update: u32,
    /// Destroyed and made anew.
    pub replace: u32,
    /// Destroyed.
    pub delete: u32,
}

impl Change {
    /// As a line of an outcome whose time nobody took.
    #[must_use]
    pub fn untimed(&self) -> Done {
        Done {
            address: self.address.clone(),
            action: self.action,
            millis: 0,
        }
    }
}

impl Preview {
    /// Counts the changes; reads and forgets are not counted.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for change in &self.changes {
            match change.action {
                Action::Create => tally.create += 1,
                Action::Update => tally.update += 1,
                Action::Replace => tally.replace += 1,
                Action::Delete => tally.delete += 1,
                Action::Read | Action::Forget => {}
            }
        }
        tally
    }

    /// True if applying it would change nothing, outputs included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tally() == Tally::default()
            && self.outputs.is_empty()
            && !self
                .changes
                .iter()
                .any(|c| matches!(c.action, Action::Forget))
    }
}

impl Tally {
    /// All changes together.
    #[must_use]
    pub fn total(self) -> u32 {
        self.create + self.update + self.replace + self.delete
    }

    /// True if something that exists is destroyed.
    #[must_use]
    pub fn destroys(self) -> bool {
        self.replace + self.delete > 0
    }
}

/// What an apply really did, for the run page and the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Resources whose change was completed, in order of completion.
    pub done: Vec<Done>,
    /// Planned resources that were begun and failed.
    pub failed: Vec<Done>,
    /// Planned resources that were never begun.
    pub untouched: Vec<Done>,
    /// Messages of the engine, redacted.
    pub diagnostics: Vec<Diagnostic>,
    /// Outputs after the apply; sensitive ones are `Shown::Sensitive`.
    pub outputs: Vec<Output>,
}

/// One resource of an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Full address.
    pub address: String,
    /// What was (to be) done.
    pub action: Action,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// A named output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its value, if it may be shown.
    pub value: Shown,
}
