//! What an approval is bound to: everything that decides what an apply does, unredacted, in one canonical form.
//!
//! Left out on purpose: reasons, messages, the order of things, the plan's own time and the drift that changes nothing
//! planned. So the same plan made again gives the same bytes, and any other gives others, be it only in a secret.
//! A template that uses `timestamp()` or similar plans something else each time, and keeps no votes.

use serde_json::{Value, json};

use super::{canonical, clear::Clear, plan_json::Plan, state::StateVersion};

/// What comes with the plan.
pub(crate) struct Around<'a> {
    pub engine: &'a str,
    pub engine_version: &'a str,
    pub mode: &'a str,
    pub template: &'a str,
    pub lock_file: Option<&'a str>,
    pub base: Option<&'a StateVersion>,
    /// Where it acts and as what: the account's number, its region, and the kind of role that carries the plan out.
    pub aws: Option<[&'a str; 3]>,
    /// The inputs as given: the plan itself leaves ephemeral ones out.
    pub inputs: &'a Value,
}

pub(crate) fn projection(plan: &Plan, around: &Around<'_>) -> Clear {
    let mut resources: Vec<_> = plan
        .resource_changes
        .iter()
        .filter(|r| {
            r.change.actions != ["no-op"]
                || r.previous_address.is_some()
                || r.change.importing.is_some()
        })
        .map(|r| {
            let key = (r.address.clone(), r.deposed.clone(), r.mode.clone());
            let value = json!({
                "address": r.address,
                "deposed": r.deposed,
                "previous": r.previous_address,
                "mode": r.mode,
                "provider": r.provider_name,
                "actions": r.change.actions,
                "before": r.change.before,
                "after": r.change.after,
                "unknown": r.change.after_unknown,
                "sensitive": [r.change.before_sensitive, r.change.after_sensitive],
                "importing": r.change.importing,
            });
            (key, value)
        })
        .collect();
    resources.sort_by(|a, b| a.0.cmp(&b.0));
    let outputs: Vec<_> = plan
        .output_changes
        .iter()
        .filter(|(_, delta)| delta.actions != ["no-op"])
        .map(|(name, delta)| {
            json!([
                name,
                delta.actions,
                delta.before,
                delta.after,
                delta.after_unknown,
                delta.before_sensitive,
                delta.after_sensitive
            ])
        })
        .collect();
    let mut all = json!({
        "v": 1,
        "engine": [around.engine, around.engine_version],
        "providers": around.lock_file.map(providers),
        "template": around.template,
        "mode": around.mode,
        "base": around.base.map(|base| json!([base.lineage, base.serial])),
        "inputs": around.inputs,
        "variables": plan.variables,
        "resources": resources.into_iter().map(|(_, value)| value).collect::<Vec<_>>(),
        "outputs": outputs,
    });
    // Not there at all where it says nothing: a vote on what needs no AWS outlives this line.
    if let Some(aws) = around.aws {
        all["aws"] = json!(aws);
    }
    let mut bytes = Vec::new();
    canonical::write(&all, &mut bytes);
    Clear::new(bytes)
}

/// Names and versions of a lock file, without its hashes: those grow as platforms are added.
pub(crate) fn providers(lock_file: &str) -> Vec<Value> {
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let mut all: Vec<Value> = Vec::new();
    let mut name = None;
    for line in lock_file.lines().map(str::trim) {
        if line.starts_with("provider \"") {
            name = quoted(line);
        } else if line.starts_with("version") && line.contains('=') {
            all.extend(name.take().map(|name| json!([name, quoted(line)])));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_vote_names_covers_the_account_the_region_and_the_role() {
        let text = br#"{"format_version":"1.2","terraform_version":"1.11.4","applyable":true}"#;
        let Ok(plan) = Plan::read(text) else {
            unreachable!("a small plan")
        };
        let of = |aws| {
            let around = Around {
                engine: "terraform",
                engine_version: "1.11.4",
                mode: "change",
                template: "sha256:1",
                lock_file: None,
                base: None,
                aws,
                inputs: &json!({}),
            };
            projection(&plan, &around)
        };
        let here = of(Some(["123456789012", "eu-central-1", "apply"]));
        assert_eq!(here, of(Some(["123456789012", "eu-central-1", "apply"])));
        for other in [
            Some(["210987654321", "eu-central-1", "apply"]),
            Some(["123456789012", "eu-west-1", "apply"]),
            Some(["123456789012", "eu-central-1", "destroy"]),
            None,
        ] {
            assert_ne!(here, of(other), "{other:?}");
        }
        // A vote on what needs no AWS outlives the day on which accounts came.
        assert!(!String::from_utf8_lossy(of(None).expose()).contains("aws"));
    }
}
