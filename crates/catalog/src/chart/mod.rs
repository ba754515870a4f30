//! The Helm chart of a template: what it is, and the form that its `values.schema.json` draws.
//!
//! Helm itself reads the files again when it renders; here they are only understood. Forbidden: looking anywhere but in
//! the bundle, and following a schema out of it.

mod form;
mod json;
mod rules;
mod unfold;
mod values;
mod yaml;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use slipway_domain::field::{Field, Kind, Member};

pub(crate) use rules::check;
pub use values::values;

use crate::{broken::Broken, bundle::Bundle, manifest};

/// What the chart is.
pub(crate) const CHART: &str = "Chart.yaml";

/// A chart, by what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of what it releases, when it says one.
    pub app_version: Option<String>,
}

/// Reads the chart and its form. `ask` names the values that are asked, and its own line in `template.toml`.
///
/// # Errors
/// With the first thing that is wrong: where, why, and what to do.
pub(crate) fn read(
    bundle: &Bundle,
    ask: Option<&(Vec<String>, u32)>,
) -> Result<(Chart, Vec<Field>), Broken> {
    let chart = about(bundle)?;
    let Some(schema) = bundle.file(unfold::FILE) else {
        return Err(Broken::new(
            unfold::FILE,
            1,
            "The file is missing, and the form is drawn from it.",
            "Describe the chart's values in it, as JSON Schema: Helm judges by the same file.",
        ));
    };
    let schema = json::read(unfold::FILE, schema)?;
    let schema = unfold::unfold(&schema)?;
    let mut own = match bundle.file(form::VALUES) {
        Some(bytes) => yaml::read(form::VALUES, bytes)?,
        None => yaml::read(form::VALUES, b"{}")?,
    };
    if !own.value.is_object() && !own.value.is_null() {
        let reason = "The chart's values are no map.";
        return Err(Broken::new(
            form::VALUES,
            1,
            reason,
            "Write them as key: value.",
        ));
    }
    add_sub_charts(bundle, &mut own.value)?;
    values::drop_nulls(&mut own.value);
    let fields = form::fields(&schema, &own)?;
    let fields = match ask {
        Some((names, line)) => asked(fields, names, *line)?,
        None => fields,
    };
    Ok((chart, fields))
}

/// Helm shows a chart the values of its sub-charts, under their names.
fn add_sub_charts(bundle: &Bundle, own: &mut Value) -> Result<(), Broken> {
    let folders = bundle.iter().filter_map(|(path, _)| {
        let name = path.strip_prefix("charts/")?.strip_suffix("/Chart.yaml")?;
        (!name.contains('/')).then_some(name)
    });
    for name in folders {
        let path = format!("charts/{name}/{}", form::VALUES);
        let theirs = match bundle.file(&path) {
            Some(bytes) => yaml::read(&path, bytes)?.value,
            None => Value::Null,
        };
        let theirs = match theirs {
            Value::Null => Value::Object(Map::new()),
            theirs => theirs,
        };
        if own.is_null() {
            *own = Value::Object(Map::new());
        }
        let Some(own) = own.as_object_mut() else {
            continue;
        };
        let ours = own
            .get(name)
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        own.insert(name.to_owned(), values::laid_over(&theirs, &ours));
    }
    Ok(())
}

/// Whether something must be given, here or further inside.
fn is_needed(member: &Member) -> bool {
    match &member.kind {
        Kind::Object(members) if !member.optional => members.iter().any(is_needed),
        _ => !member.optional,
    }
}

/// The fields that are asked, in the order of `ask`; `name.member` asks one member of a group.
fn asked(mut fields: Vec<Field>, names: &[String], line: u32) -> Result<Vec<Field>, Broken> {
    let wrong = |reason: String, hint: &str| Err(Broken::new(manifest::FILE, line, reason, hint));
    let mut wanted: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in names {
        let (top, member) = name.split_once('.').unwrap_or((name, ""));
        match wanted.iter_mut().find(|(known, _)| *known == top) {
            None => wanted.push((top, vec![member])),
            Some((_, members))
                if member.is_empty() || members.contains(&"") || members.contains(&member) =>
            {
                return wrong(
                    format!("“ask” names “{name}” twice."),
                    "Remove one of them.",
                );
            }
            Some((_, members)) => members.push(member),
        }
    }
    let mut out = Vec::new();
    for (top, names) in wanted {
        let unknown = |name: &str| {
            let reason = format!("“ask” names “{name}”, which the chart's schema does not have.");
            wrong(
                reason,
                "Name a value of values.schema.json, or a member of a group as “ingress.host”.",
            )
        };
        let Some(at) = fields.iter().position(|field| field.name == top) else {
            return unknown(top);
        };
        let mut field = fields.remove(at);
        if names != [""] {
            let Kind::Object(members) = &mut field.kind else {
                return unknown(&format!("{top}.{}", names[0]));
            };
            let mut chosen = Vec::new();
            for name in names {
                let Some(at) = members.iter().position(|member| member.name == name) else {
                    return unknown(&format!("{top}.{name}"));
                };
                chosen.push(members.remove(at));
            }
            if let Some(left) = members.iter().find(|member| is_needed(member)) {
                let reason = format!(
                    "The chart needs “{top}.{}”, which “ask” leaves out.",
                    left.name
                );
                return wrong(reason, "Ask for it, or give it a value in values.yaml.");
            }
            *members = chosen;
        }
        out.push(field);
    }
    match fields.iter().find(|field| field.required()) {
        Some(left) => wrong(
            format!("The chart needs “{}”, which “ask” leaves out.", left.name),
            "Ask for it, or give it a value in values.yaml.",
        ),
        None => Ok(out),
    }
}

fn about(bundle: &Bundle) -> Result<Chart, Broken> {
    let Some(bytes) = bundle.file(CHART) else {
        return Err(Broken::new(
            CHART,
            1,
            "The file is missing.",
            "A template with the engine “helm” is a chart: put its files beside template.toml.",
        ));
    };
    let document = yaml::read(CHART, bytes)?;
    let text = |key: &str| match document.value.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
        _ => None,
    };
    let wrong = |key: &str, reason: &str, hint: &str| {
        Broken::new(CHART, document.line(&yaml::below("", key)), reason, hint)
    };
    if text("apiVersion").as_deref() != Some("v2") {
        return Err(wrong(
            "apiVersion",
            "“apiVersion” is not “v2”.",
            "Write apiVersion: v2; charts of Helm 2 are not read.",
        ));
    }
    if text("type").is_some_and(|kind| kind != "application") {
        return Err(wrong(
            "type",
            "This is a chart that cannot be released by itself.",
            "Its type must be “application”.",
        ));
    }
    let needed = |key: &str| {
        text(key).ok_or_else(|| {
            wrong(
                key,
                &format!("The chart has no “{key}”."),
                "Add it: Helm refuses a chart without.",
            )
        })
    };
    let chart = Chart {
        name: needed("name")?,
        version: needed("version")?,
        app_version: text("appVersion"),
    };
    for (n, dependency) in document.value["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let name = dependency["name"].as_str().unwrap_or_default();
        let folder = format!("charts/{name}/{CHART}");
        let archive = format!("charts/{name}-");
        let there = bundle.file(&folder).is_some()
            || bundle
                .iter()
                .any(|(path, _)| path.starts_with(&archive) && path.ends_with(".tgz"));
        if !there {
            return Err(Broken::new(
                CHART,
                document.line(&format!("/dependencies/{n}")),
                format!("The chart depends on “{name}”, which is not in charts/."),
                "Run “helm dependency build” and put the sub-chart's folder below charts/: only what lies in the template is pinned by its version.",
            ));
        }
    }
    Ok(chart)
}
