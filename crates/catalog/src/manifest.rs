//! `template.toml`: what the platform team says about a template, beside the module itself.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use slipway_domain::environment::Class;
use toml::Spanned;

use crate::{
    broken::{Broken, line_at},
    release::{RawRelease, Release},
    version::Constraint,
};

/// The file's name.
pub const FILE: &str = "template.toml";

/// A cloud or cluster without which a template does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// An AWS account, or an imitation of its API.
    Aws,
    /// A Kubernetes cluster.
    Kubernetes,
}

impl Need {
    /// The word in `template.toml`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// The program that carries a template out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    /// HashiCorp Terraform.
    Terraform,
    /// OpenTofu.
    Opentofu,
    /// Helm, which releases a chart.
    Helm,
}

impl EngineName {
    /// The word in `template.toml`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::Opentofu => "opentofu",
            Self::Helm => "helm",
        }
    }
}

/// Which engine a template wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// The program.
    pub name: EngineName,
    /// Its versions.
    pub version: Constraint,
}

/// How long environments of a template live, in seconds; `None` = without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Unless the person chooses.
    pub default: Option<u64>,
    /// At most, extensions included; at least `default`.
    pub greatest: Option<u64>,
}

/// Who may request an environment of a template, of the team that it will belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Every member.
    Member,
    /// Its leads.
    Lead,
}

/// What `template.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub title: String,
    pub summary: String,
    pub owner: String,
    pub class: Class,
    pub needs: Vec<Need>,
    pub needs_line: u32,
    pub account: Option<String>,
    pub keeps_data: Vec<String>,
    pub keeps_data_line: u32,
    pub engine: Engine,
    pub life: Life,
    pub who: Who,
    pub release: Option<Release>,
    /// The chart's values that are asked, in their order, with the line of the list; `None` = all.
    pub ask: Option<(Vec<String>, u32)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    title: Spanned<String>,
    summary: Spanned<String>,
    owner: Spanned<String>,
    class: Spanned<String>,
    needs: Option<Spanned<Vec<Spanned<String>>>>,
    keeps_data: Option<Spanned<Vec<String>>>,
    aws: Option<RawAws>,
    engine: RawEngine,
    #[serde(default)]
    life: RawLife,
    request: RawRequest,
    release: Option<Spanned<RawRelease>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEngine {
    name: Spanned<String>,
    version: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAws {
    account: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLife {
    default: Option<Spanned<String>>,
    greatest: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    who: Spanned<String>,
}

/// Points at places in the file.
pub(crate) struct Reader<'s> {
    source: &'s str,
}

impl Reader<'_> {
    pub(crate) fn line(&self, span: Range<usize>) -> u32 {
        line_at(self.source, span.start)
    }

    pub(crate) fn broken(
        &self,
        span: Range<usize>,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Broken {
        Broken::new(FILE, line_at(self.source, span.start), reason, hint)
    }

    fn text(&self, key: &str, value: &Spanned<String>, longest: usize) -> Result<String, Broken> {
        let text = value.get_ref().trim();
        if text.is_empty()
            || text.chars().count() > longest
            || text.chars().any(|c| c.is_control() && c != '\n')
        {
            let reason = format!("“{key}” must hold 1 to {longest} characters.");
            return Err(self.broken(value.span(), reason, ""));
        }
        Ok(text.to_owned())
    }

    fn choice<T: Copy>(
        &self,
        key: &str,
        value: &Spanned<String>,
        choices: &[(&str, T)],
    ) -> Result<T, Broken> {
        let text = value.get_ref().as_str();
        choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| {
                let words: Vec<String> = choices
                    .iter()
                    .map(|(word, _)| format!("“{word}”"))
                    .collect();
                self.broken(
                    value.span(),
                    format!("“{text}” is no {key}."),
                    format!("Use {}.", words.join(" or ")),
                )
            })
    }

    fn seconds(&self, value: Option<&Spanned<String>>) -> Result<Option<u64>, Broken> {
        let Some(value) = value else { return Ok(None) };
        seconds(value.get_ref()).map(Some).ok_or_else(|| {
            let reason = format!("“{}” is no length of time.", value.get_ref());
            self.broken(
                value.span(),
                reason,
                "Write a whole number and a unit: “30m”, “8h”, “7d”; at most 366 days.",
            )
        })
    }
}

/// Reads `30m`, `8h`, `7d`: whole minutes, hours or days, more than none, at most 366 days.
fn seconds(text: &str) -> Option<u64> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    if count.is_empty() || count.len() > 6 || !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = count.parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=366 * 86_400).contains(&seconds).then_some(seconds)
}

/// Reads the file.
///
/// # Errors
/// When it is not valid TOML, lacks a key, has an unknown one, or holds a value that means nothing.
pub(crate) fn parse(source: &str) -> Result<Manifest, Broken> {
    let reader = Reader { source };
    let raw: Raw = toml::from_str(source).map_err(|error| {
        let message = error
            .message()
            .lines()
            .next()
            .unwrap_or("this is not valid TOML")
            .to_owned();
        let mut reason: String = message
            .chars()
            .take(1)
            .flat_map(char::to_uppercase)
            .collect();
        reason.extend(message.chars().skip(1));
        let reason = format!("{}.", reason.replace('`', "“").trim_end_matches('.'));
        let reason = close_quotes(&reason);
        reader.broken(
            error.span().unwrap_or(0..0),
            reason,
            "See the other templates for the keys.",
        )
    })?;
    let needs_span = raw.needs.as_ref().map_or(0..0, Spanned::span);
    let mut needs = Vec::new();
    for need in raw.needs.map(Spanned::into_inner).unwrap_or_default() {
        needs.push(reader.choice(
            "need",
            &need,
            &[("aws", Need::Aws), ("kubernetes", Need::Kubernetes)],
        )?);
    }
    needs.sort_unstable();
    needs.dedup();
    let account = match &raw.aws {
        None => None,
        Some(aws) if !needs.contains(&Need::Aws) => {
            return Err(reader.broken(
                aws.account.span(),
                "It names an AWS account, but “needs” does not say “aws”.",
                "Write needs = [\"aws\"], or remove [aws].",
            ));
        }
        Some(aws) => Some(reader.text("account", &aws.account, 40)?),
    };
    let data_span = raw.keeps_data.as_ref().map_or(0..0, Spanned::span);
    let keeps_data = raw.keeps_data.map(Spanned::into_inner).unwrap_or_default();
    let classes =
        [Class::Preview, Class::Shared, Class::Production].map(|class| (class.word(), class));
    let engines = [
        EngineName::Terraform,
        EngineName::Opentofu,
        EngineName::Helm,
    ]
    .map(|e| (e.word(), e));
    let version = Constraint::parse(raw.engine.version.get_ref()).ok_or_else(|| {
        let reason = format!(
            "“{}” is no version constraint.",
            raw.engine.version.get_ref()
        );
        reader.broken(
            raw.engine.version.span(),
            reason,
            "Write it as Terraform does, such as “>= 1.9, < 2.0”.",
        )
    })?;
    let life = Life {
        default: reader.seconds(raw.life.default.as_ref())?,
        greatest: reader.seconds(raw.life.greatest.as_ref())?,
    };
    if let (Some(default), Some(greatest), Some(at)) =
        (life.default, life.greatest, raw.life.default.as_ref())
        && default > greatest
    {
        return Err(reader.broken(
            at.span(),
            "The default life is longer than the greatest.",
            "Make it shorter.",
        ));
    }
    if let (None, Some(at)) = (life.default, raw.life.greatest.as_ref()) {
        return Err(reader.broken(
            at.span(),
            "There is a greatest life but no default one, so environments would begin without an end.",
            "Add a default.",
        ));
    }
    let engine = reader.choice("engine", &raw.engine.name, &engines)?;
    let is_chart = engine == EngineName::Helm;
    let (release, ask) = match raw.release {
        Some(raw) if is_chart => {
            let (release, ask) = raw.into_inner().check(&reader)?;
            (Some(release), ask)
        }
        Some(raw) => {
            let reason = "Only a chart is released, and the engine here is not “helm”.";
            return Err(reader.broken(raw.span(), reason, "Remove [release]."));
        }
        None if is_chart => {
            return Err(reader.broken(
                raw.engine.name.span(),
                "There is no [release], which says where the chart goes.",
                "Write [release] with cluster = \"…\" and namespace = \"{team}-{environment}\".",
            ));
        }
        None => (None, None),
    };
    if is_chart && !needs.contains(&Need::Kubernetes) {
        return Err(reader.broken(
            needs_span,
            "A chart goes to a cluster, but “needs” does not say “kubernetes”.",
            "Write needs = [\"kubernetes\"].",
        ));
    }
    if is_chart && !keeps_data.is_empty() {
        return Err(reader.broken(
            data_span,
            "“keeps_data” names resources of a Terraform module, and this is a chart.",
            "Remove it.",
        ));
    }
    Ok(Manifest {
        title: reader.text("title", &raw.title, 80)?,
        summary: reader.text("summary", &raw.summary, 400)?,
        owner: reader.text("owner", &raw.owner, 80)?,
        class: reader.choice("class", &raw.class, &classes)?,
        needs,
        needs_line: line_at(source, needs_span.start),
        account,
        keeps_data,
        keeps_data_line: line_at(source, data_span.start),
        engine: Engine {
            name: engine,
            version,
        },
        life,
        who: reader.choice(
            "group of people",
            &raw.request.who,
            &[("member", Who::Member), ("lead", Who::Lead)],
        )?,
        release,
        ask,
    })
}

/// Every second opening quote becomes a closing one.
fn close_quotes(text: &str) -> String {
    let mut open = false;
    text.chars()
        .map(|c| match c {
            '“' => {
                open = !open;
                if open { '“' } else { '”' }
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_whole_and_bounded() {
        for (text, wanted) in [
            ("30m", Some(1_800)),
            ("8h", Some(28_800)),
            ("7d", Some(604_800)),
            ("366d", Some(31_622_400)),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
        for bad in [
            "",
            "h",
            "8",
            "0h",
            "-1h",
            "1.5h",
            "8H",
            "367d",
            "99999999d",
            "8 h",
            "8hh",
            "８h",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
