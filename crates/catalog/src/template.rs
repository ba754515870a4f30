//! A template, understood; and a catalog of them.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use slipway_domain::{environment::Class, field::Field};

use crate::{
    broken::Broken,
    bundle::Bundle,
    chart::{self, Chart},
    decode::has_nul,
    manifest::{self, Engine, EngineName, Life, Manifest, Need, Who},
    module::{self, Module, Output, Provider},
    release::Release,
};

/// What a bundle says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The title.
    pub title: String,
    /// What one gets, in a sentence or two.
    pub summary: String,
    /// The team that looks after it.
    pub owner: String,
    /// What kind of environments it makes.
    pub class: Class,
    /// What must be there for it to do anything; none = it needs no cloud.
    pub needs: Vec<Need>,
    /// The AWS account that its environments are made in, by its name in the portal; none = the one that serves the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Resources besides the known kinds that hold what people would miss, as `type.name` in the template's own module.
    #[serde(default)]
    pub keeps_data: Vec<String>,
    /// Which engine carries it out.
    pub engine: Engine,
    /// How long its environments live.
    pub life: Life,
    /// Who may request one.
    pub who: Who,
    /// What it asks for, in the order of the files' names and the lines in them; a chart's in that of its schema.
    pub fields: Vec<Field>,
    /// What it gives.
    pub outputs: Vec<Output>,
    /// The types of managed resources that it declares, its own modules included, sorted.
    pub resources: Vec<String>,
    /// The providers that it uses, sorted.
    pub providers: Vec<Provider>,
    /// The module's own constraint on the engine's version.
    pub required_version: Option<String>,
    /// Where the chart goes; there for charts alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The chart; `None` where the template is a module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Chart>,
}

impl Template {
    /// Understands a bundle.
    ///
    /// # Errors
    /// With the first thing that is wrong: where, why, and what to do.
    pub fn parse(bundle: &Bundle) -> Result<Self, Broken> {
        let Some(bytes) = bundle.file(manifest::FILE) else {
            return Err(Broken::new(
                manifest::FILE,
                1,
                "The file is missing.",
                "It says the template's title, owner and class: copy one from another template.",
            ));
        };
        let source = std::str::from_utf8(bytes)
            .map_err(|_| Broken::new(manifest::FILE, 1, "This is not UTF-8.", ""))?;
        let manifest = manifest::parse(source)?;
        let (module, chart) = if manifest.engine.name == EngineName::Helm {
            let (chart, fields) = chart::read(bundle, manifest.ask.as_ref())?;
            let module = Module {
                fields,
                ..Module::default()
            };
            (module, Some(chart))
        } else {
            let module = module::read(bundle)?;
            agree(&manifest, &module)?;
            (module, None)
        };
        for field in &module.fields {
            // `"\u0000"` is valid HCL and JSON, but PostgreSQL cannot store it, nor a form show it.
            if serde_json::to_value(field).is_ok_and(|value| has_nul(&value)) {
                let reason = format!("The input “{}” holds a NUL character.", field.name);
                return Err(Broken::new(&field.file, field.line, reason, "Remove it."));
            }
        }
        Ok(Self {
            title: manifest.title,
            summary: manifest.summary,
            owner: manifest.owner,
            class: manifest.class,
            needs: manifest.needs,
            account: manifest.account,
            keeps_data: manifest.keeps_data,
            engine: manifest.engine,
            life: manifest.life,
            who: manifest.who,
            fields: module.fields,
            outputs: module.outputs,
            resources: module.resources.into_iter().collect(),
            providers: module.providers.into_values().collect(),
            required_version: module.required_version,
            release: manifest.release,
            chart,
        })
    }
}

/// What the manifest must say about the module.
fn agree(manifest: &Manifest, module: &Module) -> Result<(), Broken> {
    for provider in module.providers.keys() {
        let need = match provider.as_str() {
            "hashicorp/aws" => Need::Aws,
            "hashicorp/kubernetes" | "hashicorp/helm" => Need::Kubernetes,
            _ => continue,
        };
        if !manifest.needs.contains(&need) {
            return Err(Broken::new(
                manifest::FILE,
                manifest.needs_line,
                format!(
                    "The module uses {provider}, but “needs” does not say “{}”.",
                    need.word()
                ),
                format!("Write needs = [\"{}\"].", need.word()),
            ));
        }
    }
    for resource in &manifest.keeps_data {
        let kind = resource.split_once('.').map(|(kind, _)| kind);
        if !kind.is_some_and(|kind| module.resources.contains(kind)) {
            return Err(Broken::new(
                manifest::FILE,
                manifest.keeps_data_line,
                format!("The module has no resource “{resource}”, which “keeps_data” names."),
                "Write it as type.name, such as “terraform_data.database”.",
            ));
        }
    }
    Ok(())
}

impl Template {
    /// True if the resource at this address (`type.name`, with an index or without) is named by `keeps_data`.
    #[must_use]
    pub fn keeps_data_in(&self, address: &str) -> bool {
        let resource = address.split('[').next().unwrap_or(address);
        self.keeps_data.iter().any(|kept| kept == resource)
    }
}

/// One folder of a catalog.
#[derive(Debug)]
pub struct Entry {
    /// The folder's name, which is the template's name in URLs.
    pub name: String,
    /// The template, or why it cannot be offered.
    pub template: Result<(Bundle, Template), Broken>,
}

/// Reads every folder of a catalog, by name. A broken one harms no other; files and hidden folders are passed over.
///
/// # Errors
/// When the catalog's folder itself cannot be read.
pub fn read_catalog(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || entry.file_type()?.is_file() {
            continue;
        }
        let template = if is_name(&name) {
            Bundle::read_dir(&entry.path()).and_then(|bundle| {
                let template = Template::parse(&bundle)?;
                Ok((bundle, template))
            })
        } else {
            Err(Broken::new(
                ".",
                1,
                "The folder's name cannot stand in an address.",
                "Use at most 40 small letters, digits and hyphens, beginning with a letter.",
            ))
        };
        entries.push(Entry { name, template });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
