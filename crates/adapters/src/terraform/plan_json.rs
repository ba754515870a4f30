//! `show -json` of a saved plan, read into a [`Preview`]. Unknown fields are ignored; another major version of the
//! format is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use slipway_domain::plan::{Action, Attribute, Change, Preview};

use super::{
    flatten::{Flatten, Side},
    redact::Redactor,
};

/// The plan as the engine shows it, secrets and all.
#[derive(Deserialize)]
pub(crate) struct Plan {
    format_version: String,
    #[serde(default)]
    pub variables: Map<String, Value>,
    #[serde(default)]
    pub resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    resource_drift: Vec<ResourceChange>,
    #[serde(default)]
    pub output_changes: BTreeMap<String, Delta>,
    #[serde(default)]
    applyable: Option<bool>,
    #[serde(default)]
    complete: Option<bool>,
    #[serde(default)]
    errored: bool,
}

#[derive(Deserialize)]
pub(crate) struct ResourceChange {
    pub address: String,
    #[serde(default)]
    pub deposed: Option<String>,
    #[serde(default)]
    pub previous_address: Option<String>,
    #[serde(default)]
    pub mode: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    pub provider_name: String,
    pub change: Delta,
    #[serde(default)]
    action_reason: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Delta {
    pub actions: Vec<String>,
    #[serde(default)]
    pub before: Value,
    #[serde(default)]
    pub after: Value,
    #[serde(default)]
    pub after_unknown: Value,
    #[serde(default)]
    pub before_sensitive: Value,
    #[serde(default)]
    pub after_sensitive: Value,
    #[serde(default)]
    pub replace_paths: Vec<Vec<Value>>,
    #[serde(default)]
    pub importing: Option<Value>,
}

/// Why a plan could not be read. Holds nothing of the plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unreadable {
    #[error("the engine's plan is no JSON of the expected shape")]
    Shape,
    #[error("the engine's plan has format {0}, and only format 1 is understood")]
    Format(String),
}

impl Plan {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let plan: Self = serde_json::from_slice(bytes).map_err(|_| Unreadable::Shape)?;
        if plan.format_version.split('.').next() == Some("1") {
            Ok(plan)
        } else {
            Err(Unreadable::Format(plan.format_version))
        }
    }

    pub(crate) fn preview(&self, redactor: &Redactor) -> Preview {
        let changes: Vec<_> = self
            .resource_changes
            .iter()
            .filter_map(|change| change.shown(redactor))
            .collect();
        let unchanged = self
            .resource_changes
            .iter()
            .filter(|change| change.shown_action().is_none())
            .count();
        let outputs = self
            .output_changes
            .iter()
            .filter(|(_, delta)| delta.actions != ["no-op"])
            .map(|(name, delta)| Attribute {
                path: name.clone(),
                before: delta.before().shown_beside(delta.after(), redactor),
                after: delta.after().shown_beside(delta.before(), redactor),
                forces_replacement: false,
            });
        let outputs: Vec<_> = outputs.collect();
        // Engines before this field called a plan with changes applyable.
        let applyable = self
            .applyable
            .unwrap_or(!changes.is_empty() || !outputs.is_empty());
        Preview {
            unchanged: u32::try_from(unchanged).unwrap_or(u32::MAX),
            drift: self
                .resource_drift
                .iter()
                .filter_map(|change| change.shown(redactor))
                .collect(),
            outputs,
            warnings: Vec::new(),
            applyable: applyable && !self.errored && self.complete.unwrap_or(true),
            changes,
        }
    }
}

impl ResourceChange {
    /// What happens, and why if it needs saying; `None` for what stays as it is.
    fn shown_action(&self) -> Option<(Action, Option<String>)> {
        let actions: Vec<&str> = self.change.actions.iter().map(String::as_str).collect();
        let reason = self.action_reason.clone();
        Some(match actions.as_slice() {
            ["create"] => (Action::Create, reason),
            ["read"] => (Action::Read, reason),
            ["update"] => (Action::Update, reason),
            ["delete"] => (Action::Delete, reason),
            ["delete", "create"] | ["create", "delete"] => (Action::Replace, reason),
            ["forget"] => (Action::Forget, reason),
            ["create", "forget"] | ["forget", "create"] => (
                Action::Create,
                Some("the old one is kept, but forgotten".to_owned()),
            ),
            // Nothing happens to it, but the state learns something: people should see that before they approve.
            _ if self.change.importing.is_some() => (Action::Update, Some("import".to_owned())),
            _ if self.previous_address.is_some() => {
                let from = self.previous_address.as_deref().unwrap_or_default();
                (Action::Update, Some(format!("moved from {from}")))
            }
            _ => return None,
        })
    }

    fn shown(&self, redactor: &Redactor) -> Option<Change> {
        let (action, reason) = self.shown_action()?;
        let flat = Flatten::new(redactor, &self.change.replace_paths)
            .resource(self.change.before(), self.change.after());
        let address = match &self.deposed {
            Some(key) => format!("{} (deposed {key})", self.address),
            None => self.address.clone(),
        };
        Some(Change {
            address,
            kind: self.kind.clone(),
            provider: self.provider_name.clone(),
            action,
            reason,
            attributes: flat.attributes,
            unchanged: flat.unchanged,
            keeps_data: false,
        })
    }
}

impl Delta {
    fn before(&self) -> Side<'_> {
        Side {
            value: &self.before,
            sensitive: &self.before_sensitive,
            ..Side::none()
        }
    }

    fn after(&self) -> Side<'_> {
        Side {
            value: &self.after,
            sensitive: &self.after_sensitive,
            unknown: &self.after_unknown,
        }
    }
}
