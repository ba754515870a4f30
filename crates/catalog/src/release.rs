//! `[release]` in `template.toml`: where a chart goes, and what of it may vary.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::{broken::Broken, manifest::Reader};

/// The longest name of a namespace: a DNS label.
const LONGEST: usize = 63;

/// How much of a hash stands behind a shortened name: nobody finds another pair with the same 64 bits.
const HASH_DIGITS: usize = 16;

const TEAM: &str = "{team}";
const ENVIRONMENT: &str = "{environment}";

/// Where a chart's release goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The cluster's name, as the workers know it.
    pub cluster: String,
    /// The pattern of the namespace's name, with the words `{team}` and `{environment}`.
    pub namespace: String,
    /// Fields of rendered objects that may differ from render to render, as `Kind/name:path`.
    #[serde(default)]
    pub volatile: Vec<String>,
    /// Labels that the worker puts on the namespace.
    #[serde(default)]
    pub namespace_labels: BTreeMap<String, String>,
}

impl Release {
    /// The namespace of an environment: a DNS label of at most 63 characters.
    ///
    /// No two pairs of team and environment share one. An environment's name has no double hyphen (`environment::Name`),
    /// so what does not fit, or could be read as another pair (`a-b` + `c`, `a` + `b-c`), ends in `--` and a hash.
    #[must_use]
    pub fn namespace_for(&self, team: &str, environment: &str) -> String {
        let plain = self
            .namespace
            .replace(TEAM, team)
            .replace(ENVIRONMENT, environment);
        let asks_team = self.namespace.contains(TEAM);
        let unmistakable = !asks_team || !team.contains('-');
        // What a team's name says in braces must not be read as the pattern's word.
        let literal = !team.contains('{');
        if unmistakable && literal && is_label(&plain) && !plain.contains("--") {
            return plain;
        }
        let mut hash = Sha256::new();
        for part in [&self.namespace, team, environment] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash = slipway_seal::hex(&hash.finalize());
        let mut readable = String::new();
        for c in plain.chars().flat_map(char::to_lowercase) {
            let c = if c.is_ascii_alphanumeric() { c } else { '-' };
            if c != '-' || !readable.ends_with('-') {
                readable.push(c);
            }
        }
        let room = LONGEST - HASH_DIGITS - 2;
        let readable = readable.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        let readable = readable[..readable.len().min(room)].trim_end_matches('-');
        let readable = if readable.is_empty() { "n" } else { readable };
        format!("{readable}--{}", &hash[..HASH_DIGITS])
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRelease {
    cluster: Spanned<String>,
    namespace: Spanned<String>,
    #[serde(default)]
    volatile: Vec<Spanned<String>>,
    #[serde(default)]
    namespace_labels: BTreeMap<Spanned<String>, Spanned<String>>,
    ask: Option<Spanned<Vec<String>>>,
}

/// The values that are asked, with the line of the list.
type Ask = Option<(Vec<String>, u32)>;

impl RawRelease {
    pub fn check(self, reader: &Reader<'_>) -> Result<(Release, Ask), Broken> {
        let cluster = self.cluster.get_ref();
        if cluster.len() > 40 || !is_label(cluster) {
            return Err(reader.broken(
                self.cluster.span(),
                "This is no name of a cluster.",
                "Use at most 40 small letters, digits and hyphens, beginning with a letter.",
            ));
        }
        let pattern = self.namespace.get_ref();
        check_pattern(pattern)
            .map_err(|(reason, hint)| reader.broken(self.namespace.span(), reason, hint))?;
        for field in &self.volatile {
            if !is_field(field.get_ref()) {
                return Err(reader.broken(
                    field.span(),
                    format!("“{}” names no field of an object.", field.get_ref()),
                    "Write it as Kind/name:path, such as “Secret/*:data.password”.",
                ));
            }
        }
        for (key, value) in &self.namespace_labels {
            if !is_label_key(key.get_ref()) || !is_label_value(value.get_ref()) {
                return Err(reader.broken(
                    key.span(),
                    format!("“{}” is no label that Kubernetes takes.", key.get_ref()),
                    "A key is prefix/name or a name; name and value hold at most 63 letters, digits and “-_.”.",
                ));
            }
        }
        let ask = self
            .ask
            .map(|ask| (ask.get_ref().clone(), reader.line(ask.span())));
        let release = Release {
            cluster: self.cluster.into_inner(),
            namespace: self.namespace.into_inner(),
            volatile: self.volatile.into_iter().map(Spanned::into_inner).collect(),
            namespace_labels: self
                .namespace_labels
                .into_iter()
                .map(|(key, value)| (key.into_inner(), value.into_inner()))
                .collect(),
        };
        Ok((release, ask))
    }
}

fn check_pattern(pattern: &str) -> Result<(), (&'static str, &'static str)> {
    const HINT: &str = "Write “{team}-{environment}”, or another name around these words.";
    let count = |word: &str| pattern.matches(word).count();
    if count(ENVIRONMENT) != 1 || count(TEAM) > 1 {
        let reason = "The namespace must contain {environment} once, and {team} at most once: each environment has its own.";
        return Err((reason, HINT));
    }
    if pattern.contains("}{") {
        return Err((
            "The words stand side by side, so that two pairs could make one name.",
            HINT,
        ));
    }
    // Between the words a hyphen must stand at the team's side: then a team without one ends there.
    if let (Some(team), Some(environment)) = (pattern.find(TEAM), pattern.find(ENVIRONMENT)) {
        let apart = if team < environment {
            pattern[team + TEAM.len()..].starts_with('-')
        } else {
            pattern[..team].ends_with('-')
        };
        if !apart {
            return Err((
                "Between {team} and {environment}, a hyphen must stand beside {team}.",
                HINT,
            ));
        }
    }
    let shown = pattern.replace(TEAM, "t").replace(ENVIRONMENT, "e");
    if shown.len() > 20 || !is_label(&shown) || shown.contains("--") {
        let reason = "The namespace may hold small letters, digits and single hyphens beside its words, at most 20 in all.";
        return Err((reason, HINT));
    }
    Ok(())
}

/// A DNS label that begins with a letter.
fn is_label(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `Kind/name:path`; the name is `*` for every object of the kind.
fn is_field(text: &str) -> bool {
    let Some((object, path)) = text.split_once(':') else {
        return false;
    };
    let Some((kind, name)) = object.split_once('/') else {
        return false;
    };
    let plain = |text: &str, others: &str| {
        !text.is_empty()
            && text.len() <= 253
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    plain(kind, "")
        && (name == "*" || plain(name, "-."))
        && !path.is_empty()
        && path.len() <= 253
        && !path.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').unwrap_or(("a", text));
    !name.is_empty()
        && is_label_value(name)
        && !prefix.is_empty()
        && prefix.len() <= 253
        && prefix.split('.').all(is_label)
}

fn is_label_value(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.is_empty()
        || text.len() <= LONGEST
            && text.starts_with(ends)
            && text.ends_with(ends)
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn release(pattern: &str) -> Release {
        assert_eq!(check_pattern(pattern), Ok(()), "{pattern}");
        Release {
            cluster: "lab".into(),
            namespace: pattern.into(),
            volatile: Vec::new(),
            namespace_labels: BTreeMap::new(),
        }
    }

    #[test]
    fn a_namespace_reads_like_its_environment() {
        let release = release("{team}-{environment}");
        assert_eq!(release.namespace_for("shop", "pr-42"), "shop-pr-42");
        // Two ways to the same words.
        let (one, two) = (
            release.namespace_for("a-b", "c"),
            release.namespace_for("a", "b-c"),
        );
        assert_eq!(two, "a-b-c");
        assert!(one.starts_with("a-b-c--"), "{one}");
        let odd = release.namespace_for("Ärger & Söhne", "pr-42");
        assert!(odd.starts_with("rger-s-hne-pr-42--"), "{odd}");
        // The name is kept in places that outlive this program: it must never change.
        assert_eq!(
            release.namespace_for("Checkout", "demo"),
            "checkout-demo--f3f4667cd55da52c"
        );
    }

    #[test]
    fn patterns_that_could_make_one_name_of_two_are_refused() {
        for bad in [
            "",
            "fixed",
            "{team}",
            "{team}{environment}",
            "{team}x{environment}",
            "{team}x-{environment}",
            "{environment}-x{team}",
            "{environment}-{environment}",
            "{Team}-{environment}",
            "-{environment}",
            "{environment}-",
            "{environment}--x",
            "9{environment}",
            "a-very-long-pattern-before-{environment}",
        ] {
            assert!(check_pattern(bad).is_err(), "{bad}");
        }
        for good in [
            "{environment}",
            "env-{environment}",
            "{environment}-{team}",
            "{team}-x{environment}",
        ] {
            assert!(check_pattern(good).is_ok(), "{good}");
        }
    }

    proptest! {
        #[test]
        fn no_two_environments_share_a_namespace(
            one in ("[a-c-]{1,4}|[a-z-]{1,60}|.{0,8}|[{]environment[}]", "[a-c](-?[a-c0-9]){2,5}"),
            two in ("[a-c-]{1,4}|[a-z-]{1,60}|.{0,8}|[{]environment[}]", "[a-c](-?[a-c0-9]){2,5}"),
            pattern in prop::sample::select(vec!["{team}-{environment}", "{environment}-{team}", "{team}-x{environment}"]),
        ) {
            let release = release(pattern);
            let (a, b) = (release.namespace_for(&one.0, &one.1), release.namespace_for(&two.0, &two.1));
            prop_assert!(is_label(&a), "{a}");
            prop_assert_eq!(a == b, one == two, "{} {}", a, b);
        }
    }
}
