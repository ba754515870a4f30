//! What a state file says: its version, its outputs, its resources. Reads the format 4 that both engines write.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_domain::plan::{Output, Shown};

use super::{canonical, redact::Redactor};

/// Which state it is: a lineage is made once, and each write raises the serial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateVersion {
    /// UUID that the engine gave the state when it was first written.
    pub lineage: String,
    /// Raised by each write.
    pub serial: u64,
}

/// A resource that a state records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Full address, with its index.
    pub address: String,
    /// Resource type.
    pub kind: String,
    /// Provider's full name, for example `registry.terraform.io/hashicorp/aws`.
    pub provider: String,
    /// True if the engine will make it anew at the next apply.
    pub tainted: bool,
    /// The provider's own name for it, if it has an `id` that is not sensitive.
    pub id: Option<String>,
}

/// Bytes that are no state of a known format.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is not a state file of format 4")]
pub struct NoState;

#[derive(Deserialize)]
struct File {
    version: u64,
    #[serde(default)]
    outputs: std::collections::BTreeMap<String, RawOutput>,
    #[serde(default)]
    resources: Vec<RawResource>,
}

#[derive(Deserialize)]
struct Head {
    version: u64,
    #[serde(default)]
    serial: u64,
    #[serde(default)]
    lineage: String,
}

#[derive(Deserialize)]
struct RawOutput {
    #[serde(default)]
    value: Value,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct RawResource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    instances: Vec<RawInstance>,
}

#[derive(Deserialize)]
struct RawInstance {
    #[serde(default)]
    index_key: Option<Value>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    deposed: Option<String>,
    #[serde(default)]
    attributes: Option<Value>,
    #[serde(default)]
    sensitive_attributes: Value,
}

/// The state's version.
///
/// # Errors
/// [`NoState`] if it is none.
pub fn lineage_serial(state: &[u8]) -> Result<StateVersion, NoState> {
    let head: Head = serde_json::from_slice(state).map_err(|_| NoState)?;
    if head.version != 4 || head.lineage.is_empty() {
        return Err(NoState);
    }
    Ok(StateVersion {
        lineage: head.lineage,
        serial: head.serial,
    })
}

/// The outputs, by name; sensitive ones without their value, known secrets taken out of the others.
///
/// # Errors
/// [`NoState`] if it is none.
pub fn outputs(state: &[u8], redactor: &Redactor) -> Result<Vec<Output>, NoState> {
    let shown = |output: RawOutput| {
        if output.sensitive {
            Shown::Sensitive
        } else {
            Shown::Value(canonical::cut(&redactor.text(&output.value.to_string())))
        }
    };
    Ok(file(state)?
        .outputs
        .into_iter()
        .map(|(name, output)| Output {
            name,
            value: shown(output),
        })
        .collect())
}

/// The managed resources that exist, in the state's order.
///
/// # Errors
/// [`NoState`] if it is none.
pub fn resources(state: &[u8]) -> Result<Vec<Resource>, NoState> {
    let mut all = Vec::new();
    for resource in file(state)?
        .resources
        .into_iter()
        .filter(|r| r.mode == "managed")
    {
        let base = match &resource.module {
            Some(module) => format!("{module}.{}.{}", resource.kind, resource.name),
            None => format!("{}.{}", resource.kind, resource.name),
        };
        let provider = provider_name(&resource.provider);
        for instance in resource.instances {
            let mut address = base.clone();
            if let Some(key) = &instance.index_key {
                address.push_str(&format!("[{key}]"));
            }
            if let Some(key) = &instance.deposed {
                address.push_str(&format!(" (deposed {key})"));
            }
            let hidden = instance
                .sensitive_attributes
                .to_string()
                .contains("\"value\":\"id\"");
            let id = instance
                .attributes
                .as_ref()
                .and_then(|a| a.get("id"))
                .and_then(Value::as_str);
            all.push(Resource {
                address,
                kind: resource.kind.clone(),
                provider: provider.clone(),
                tainted: instance.status.as_deref() == Some("tainted"),
                id: id.filter(|_| !hidden).map(str::to_owned),
            });
        }
    }
    Ok(all)
}

/// Providers that a state needs, sorted, each once. Empty for bytes that are no state.
pub(crate) fn providers(state: &[u8]) -> Vec<String> {
    let mut names: Vec<_> = file(state)
        .map(|file| {
            file.resources
                .iter()
                .map(|r| provider_name(&r.provider))
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names.dedup();
    names
}

fn file(state: &[u8]) -> Result<File, NoState> {
    let file: File = serde_json::from_slice(state).map_err(|_| NoState)?;
    if file.version == 4 {
        Ok(file)
    } else {
        Err(NoState)
    }
}

/// `provider["registry.terraform.io/hashicorp/aws"].west` → the name within the quotes.
fn provider_name(text: &str) -> String {
    text.split('"').nth(1).unwrap_or(text).to_owned()
}
