//! The Helm chart of a template: what it is, and the form that its `values.schema.json` draws.
//!
//! Helm itself reads the files again when it renders; here they are only understood. Forbidden: looking anywhere but in
//! the bundle, and following a schema out of it.

mod yaml;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use slipway_domain::field::Field;

use crate::{broken::Broken, bundle::Bundle, template::Template};

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
    _ask: Option<&(Vec<String>, u32)>,
) -> Result<(Chart, Vec<Field>), Broken> {
    let chart = about(bundle)?;
    Ok((chart, Vec::new()))
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

/// The values document that is handed to Helm for these inputs. What was left out keeps the chart's default, so it is
/// not in there.
#[must_use]
pub fn values(_template: &Template, inputs: &Map<String, Value>) -> Value {
    Value::Object(
        inputs
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}
