//! A step's private folder: the template's files as the root module, and what Slipway adds beside them.
//!
//! The template *is* the root module; it is not called by a generated one. So the addresses in the state, in the plan
//! and in messages are the ones that its authors wrote, `import` and `removed` blocks work, outputs and variables keep
//! their sensitive and ephemeral marks without being declared twice, and a team that leaves Slipway takes its state
//! along as it is. Three things are added, each in a file of its own:
//!
//! - `zz_slipway_override.tf.json`: the `http` backend, which by Terraform's rules for override files takes the place
//!   of any backend or cloud block that the template has; and the settings of a provider block that the template has;
//! - `slipway_providers.tf.json`: a provider block where the template has none;
//! - `terraform.tfvars.json` (0600): the inputs. What is not given keeps the template's default.
//!
//! Forbidden: a template file with one of these names, or one that would be read after the override; links; paths that
//! leave the folder.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value, json};
use zeroize::Zeroize as _;

use super::{
    failure::{Failed, Failure},
    inputs::Inputs,
};
use crate::aws::Lending;

const OVERRIDE: &str = "zz_slipway_override.tf.json";
const PROVIDERS: &str = "slipway_providers.tf.json";
/// The inputs, a variable a line: the engine names the line where it does not name the variable.
pub(crate) const VALUES: &str = "terraform.tfvars.json";
/// The dependency lock file.
pub(crate) const LOCK: &str = ".terraform.lock.hcl";

/// Where in AWS a template acts, and as whom.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The account's number: the provider refuses to act in another one.
    pub account: String,
    /// The region, for example `eu-central-1`.
    pub region: String,
    /// The kind of role that carries the plan out, whatever kind makes it: part of what is approved.
    pub carried_out_by: &'static str,
    /// Address of an imitation (`http://127.0.0.1:5000`); `None` for AWS itself.
    pub endpoint: Option<String>,
    /// Where the provider gets its credentials.
    pub lending: Arc<Lending>,
    /// Tags that every resource gets, for example `slipway:environment`.
    pub tags: BTreeMap<String, String>,
}

/// The folder, removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Holds `home`, `tmp`, `work` and our own files.
    pub root: PathBuf,
    /// Where the engine runs.
    pub work: PathBuf,
    /// The engine's configuration file.
    pub config: PathBuf,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::warn!(folder = %self.root.display(), %error, "a step's folder could not be removed");
        }
    }
}

/// Where the engine works, below a step's folder.
pub(crate) const WORK: &str = "work";

/// The engine's file for a state that it could upload to nobody, below [`WORK`].
pub(crate) const ERRORED_STATE: &str = "errored.tfstate";

impl Folder {
    /// Makes an empty folder, 0700, below `folders`.
    pub(crate) fn make(folders: &Path, name: &str, mirror: Option<&Path>) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folders)?;
        let root = folders.join(format!(
            "{name}-{}",
            slipway_seal::hex(&slipway_seal::random::<6>())
        ));
        let folder = Self {
            work: root.join(WORK),
            config: root.join("engine.tfrc"),
            root,
        };
        for path in [
            &folder.root,
            &folder.root.join("home"),
            &folder.root.join("tmp"),
            &folder.work,
        ] {
            fs::DirBuilder::new().mode(0o700).create(path)?;
        }
        let mut config = "disable_checkpoint = true\n".to_owned();
        if let Some(mirror) = mirror {
            let path = Value::from(mirror.to_string_lossy()).to_string();
            config.push_str(&format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = {path}\n  }}\n}}\n"
            ));
        }
        write(&folder.config, config.as_bytes())?;
        Ok(folder)
    }

    /// Lays the template and what belongs to it into the folder. Gives the names of the variables, in the file's order.
    pub(crate) fn lay(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
        inputs: &Inputs,
        lock_file: Option<&str>,
        aws: Option<&Aws>,
    ) -> Result<Vec<String>, Failed> {
        let io = |error: io::Error| Failed::io("write the template into the step's folder", &error);
        for (path, bytes) in files {
            refuse(path)?;
            // The one of the plan is the one that counts.
            if path == LOCK && lock_file.is_some() {
                continue;
            }
            let to = self.work.join(path);
            if let Some(parent) = to.parent() {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(parent)
                    .map_err(io)?;
            }
            write(&to, bytes).map_err(io)?;
        }
        let provider = wants_aws(files);
        let mut over = json!({ "terraform": { "backend": { "http": {} } } });
        match (provider, aws) {
            (Wants::Nothing, _) => {}
            (_, None) => {
                return Err(Failed::new(
                    Failure::Template,
                    "This template uses AWS without saying so.",
                    "It was given no account to act in.",
                    "Its owner writes needs = [\"aws\"] in its template.toml.",
                ));
            }
            (Wants::Settings, Some(aws)) => over["provider"] = json!({ "aws": settings(aws) }),
            (Wants::Provider, Some(aws)) => {
                let block = json!({ "provider": { "aws": settings(aws) } });
                write(&self.work.join(PROVIDERS), block.to_string().as_bytes()).map_err(io)?;
            }
        }
        write(&self.work.join(OVERRIDE), over.to_string().as_bytes()).map_err(io)?;
        let values = inputs.object().map_err(|name| {
            Failed::new(
                Failure::Worker,
                format!("The stored value of {name} is no JSON."),
                "",
                "Enter it again.",
            )
        })?;
        let names: Vec<String> = values.keys().cloned().collect();
        let lines: Vec<String> = values
            .into_iter()
            .map(|(name, value)| format!("  {}: {value}", Value::String(name)))
            .collect();
        let values = zeroize::Zeroizing::new(format!("{{\n{}\n}}\n", lines.join(",\n")));
        lines.into_iter().for_each(|mut line| line.zeroize());
        write(&self.work.join(VALUES), values.as_bytes()).map_err(io)?;
        if let Some(lock_file) = lock_file {
            write(&self.work.join(LOCK), lock_file.as_bytes()).map_err(io)?;
        }
        Ok(names)
    }

    /// The inputs as the engine gets them.
    pub(crate) fn values(&self) -> io::Result<Value> {
        let text = zeroize::Zeroizing::new(fs::read(self.work.join(VALUES))?);
        serde_json::from_slice(&text).map_err(io::Error::from)
    }

    /// The lock file as it lies there now.
    pub(crate) fn lock_file(&self) -> Option<String> {
        fs::read_to_string(self.work.join(LOCK)).ok()
    }
}

/// What AWS needs in the environment: where to ask for credentials, none of them itself, and nothing of the worker's own.
pub(crate) fn aws_env(aws: &Aws) -> Vec<(&'static str, OsString)> {
    let mut env: Vec<(&'static str, OsString)> = vec![
        ("AWS_REGION", aws.region.clone().into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ("AWS_CONFIG_FILE", "/nonexistent".into()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent".into()),
    ];
    env.extend(aws.lending.env());
    env.extend(
        aws.endpoint
            .as_ref()
            .map(|endpoint| ("AWS_ENDPOINT_URL", endpoint.into())),
    );
    env
}

fn settings(aws: &Aws) -> Value {
    let mut block = Map::new();
    block.insert("region".into(), aws.region.clone().into());
    block.insert("allowed_account_ids".into(), json!([aws.account]));
    if !aws.tags.is_empty() {
        block.insert("default_tags".into(), json!({ "tags": aws.tags }));
    }
    if aws.endpoint.is_some() {
        for flag in ["skip_metadata_api_check", "s3_use_path_style"] {
            block.insert(flag.into(), true.into());
        }
    }
    block.into()
}

/// Refuses a path that must not lie in a template.
fn refuse(path: &str) -> Result<(), Failed> {
    let parts: Vec<_> = Path::new(path).components().collect();
    let normal = parts
        .iter()
        .all(|part| matches!(part, Component::Normal(_)));
    let first = path.split('/').next().unwrap_or_default();
    let name = if parts.len() == 1 { path } else { "" };
    let ours = [OVERRIDE, PROVIDERS, VALUES, "terraform.tfvars"].contains(&name)
        || name.contains(".auto.tfvars");
    let later = (name.ends_with("_override.tf")
        || name.ends_with("_override.tf.json")
        || name.contains("_override.tofu"))
        && name > OVERRIDE;
    if normal && !parts.is_empty() && first != ".terraform" && !ours && !later {
        return Ok(());
    }
    Err(Failed::new(
        Failure::Template,
        format!("The template holds a file that it must not hold: {path}."),
        "Slipway gives the engine its inputs and its backend in files of these names, or the path leaves the template.",
        "Rename or remove the file in the template.",
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Nothing,
    /// The AWS provider, and says nothing about how: a block is added.
    Provider,
    /// The AWS provider, with a block of its own: our settings are laid over it.
    Settings,
}

fn wants_aws(files: &BTreeMap<String, Vec<u8>>) -> Wants {
    let mut wants = Wants::Nothing;
    for (path, bytes) in files {
        let text = String::from_utf8_lossy(bytes);
        // Parsing costs; most templates never say the word.
        let code = [".tf", ".tf.json", ".tofu", ".tofu.json"];
        if !code.iter().any(|end| path.ends_with(end)) || !text.contains("aws") {
            continue;
        }
        let (uses, own) = if path.ends_with(".json") {
            json_aws(&text)
        } else {
            hcl_aws(&text)
        };
        if own && !path.contains('/') {
            return Wants::Settings;
        }
        if uses {
            wants = Wants::Provider;
        }
    }
    wants
}

/// Whether a file uses the AWS provider, and whether it has a default block for it.
fn hcl_aws(text: &str) -> (bool, bool) {
    let Ok(body) = text.parse::<hcl_edit::structure::Body>() else {
        // The engine will say what is wrong with it.
        return (false, false);
    };
    let (mut uses, mut own) = (false, false);
    for block in body.blocks() {
        let label = block
            .labels
            .first()
            .map(|label| label.as_str())
            .unwrap_or_default();
        match block.ident.as_str() {
            "resource" | "data" | "ephemeral" => uses |= label.starts_with("aws_"),
            "provider" if label == "aws" => {
                uses = true;
                own |= !block.body.has_attribute("alias");
            }
            "terraform" => {
                uses |= block
                    .body
                    .get_blocks("required_providers")
                    .any(|required| required.body.to_string().contains("hashicorp/aws"));
            }
            _ => {}
        }
    }
    (uses, own)
}

fn json_aws(text: &str) -> (bool, bool) {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let has = |key: &str| {
        value[key]
            .as_object()
            .is_some_and(|map| map.keys().any(|kind| kind.starts_with("aws_")))
    };
    let blocks = match &value["provider"]["aws"] {
        Value::Array(blocks) => blocks.clone(),
        Value::Null => Vec::new(),
        block => vec![block.clone()],
    };
    let own = blocks.iter().any(|block| block.get("alias").is_none());
    let required = value["terraform"].to_string().contains("hashicorp/aws");
    (
        has("resource") || has("data") || required || !blocks.is_empty(),
        own,
    )
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_cannot_take_our_files_or_leave_its_folder() {
        for path in [
            "../x",
            "/etc/x",
            "a/../../x",
            "",
            ".",
            "terraform.tfvars",
            "x.auto.tfvars",
            "x.auto.tfvars.json",
            VALUES,
            OVERRIDE,
            PROVIDERS,
            ".terraform/x",
            "zzz_override.tf",
            "zz_slipwaz_override.tf.json",
        ] {
            assert_eq!(
                refuse(path).map_err(|f| f.failure),
                Err(Failure::Template),
                "{path:?}"
            );
        }
        for path in [
            "main.tf",
            "modules/x/main.tf",
            "a_override.tf",
            "override.tf",
            ".terraform.lock.hcl",
            "templates/terraform.tfvars",
        ] {
            assert_eq!(refuse(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn aws_is_recognised_where_it_is_used() {
        let wants = |path: &str, text: &str| {
            wants_aws(&BTreeMap::from([(
                path.to_owned(),
                text.as_bytes().to_vec(),
            )]))
        };
        assert_eq!(
            wants("main.tf", "# resource \"aws_vpc\" \"x\" {}\n"),
            Wants::Nothing
        );
        assert_eq!(
            wants("main.tf", "resource \"aws_vpc\" \"x\" {}\n"),
            Wants::Provider
        );
        assert_eq!(
            wants("modules/m/main.tf", "data \"aws_vpc\" \"x\" {}\n"),
            Wants::Provider
        );
        assert_eq!(
            wants(
                "v.tf",
                "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n"
            ),
            Wants::Provider
        );
        assert_eq!(
            wants("main.tf", "provider \"aws\" {\n  region = \"x\"\n}\n"),
            Wants::Settings
        );
        assert_eq!(
            wants("main.tf", "provider \"aws\" {\n  alias = \"x\"\n}\n"),
            Wants::Provider
        );
        assert_eq!(
            wants("main.tf.json", r#"{"provider":{"aws":{}}}"#),
            Wants::Settings
        );
        assert_eq!(
            wants("main.tf.json", r#"{"resource":{"aws_vpc":{"x":{}}}}"#),
            Wants::Provider
        );
        assert_eq!(
            wants("README.md", "resource \"aws_vpc\" \"x\" {}\n"),
            Wants::Nothing
        );
    }
}
