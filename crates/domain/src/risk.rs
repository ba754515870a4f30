//! The risk brief: what of a preview deserves a look, worst first. Facts only; the words are chosen here so that the
//! run page, the inbox, a mail and the audit export say the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::plan::{Action, Change, Preview, Shown};

/// One thing that deserves a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// What sort of thing.
    pub kind: Kind,
    /// The resource, if it is about one.
    pub address: Option<String>,
    /// What happens, without the address: "is destroyed".
    pub what: String,
    /// Why or how, one or two sentences; may be empty.
    pub detail: String,
}

/// Sorts of risk, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Data is lost.
    Data,
    /// Something is destroyed.
    Destroy,
    /// Something is replaced: destroyed and made anew.
    Replace,
    /// Something becomes reachable.
    Exposure,
    /// Rights change.
    Identity,
    /// Reality differs from what was recorded.
    Drift,
    /// A type of resource that the team has never used.
    FirstUse,
}

/// Resource types that hold data: losing one loses what people put into it.
const DATA: [&str; 15] = [
    "aws_db_instance",
    "aws_db_cluster",
    "aws_rds_cluster",
    "aws_rds_cluster_instance",
    "aws_s3_bucket",
    "aws_s3_object",
    "aws_dynamodb_table",
    "aws_ebs_volume",
    "aws_efs_file_system",
    "aws_elasticache_cluster",
    "aws_opensearch_domain",
    "aws_ecr_repository",
    "aws_kms_key",
    "aws_secretsmanager_secret",
    "kubernetes_persistent_volume_claim_v1",
];

/// True if the resource holds data: by its kind, or because its template says so.
#[must_use]
pub fn holds_data(change: &Change) -> bool {
    change.keeps_data || DATA.contains(&change.kind.as_str())
}

/// True if applying the preview loses data.
#[must_use]
pub fn destroys_data(preview: &Preview) -> bool {
    preview
        .changes
        .iter()
        .any(|c| matches!(c.action, Action::Delete | Action::Replace) && holds_data(c))
}

/// The brief, worst first, in the plan's order within a kind.
///
/// `known` are the resource types that the team has used before; `None` if that is not known, and then first uses are
/// not mentioned.
#[must_use]
pub fn brief(preview: &Preview, known: Option<&BTreeSet<String>>) -> Vec<Look> {
    let mut looks = Vec::new();
    let mut first = BTreeSet::new();
    for change in &preview.changes {
        if let Some(look) = lost(change) {
            looks.push(look);
        }
        if let Some(look) = exposed(change) {
            looks.push(look);
        }
        if change.kind.contains("_iam_") && !matches!(change.action, Action::Read) {
            looks.push(look(
                Kind::Identity,
                change,
                verb(change.action),
                "It decides who may do what in the account.",
            ));
        }
        if let Some(known) = known
            && change.action == Action::Create
            && !known.contains(&change.kind)
            && first.insert(change.kind.clone())
        {
            looks.push(Look {
                kind: Kind::FirstUse,
                address: None,
                what: format!("First use of {} by this team", change.kind),
                detail: String::new(),
            });
        }
    }
    for change in &preview.drift {
        looks.push(look(
            Kind::Drift,
            change,
            "was changed outside Slipway",
            "This run sets it back or takes it over: see the plan.",
        ));
    }
    looks.sort_by_key(|look| look.kind);
    looks
}

fn look(kind: Kind, change: &Change, what: &str, detail: impl Into<String>) -> Look {
    Look {
        kind,
        address: Some(change.address.clone()),
        what: what.into(),
        detail: detail.into(),
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "is made",
        Action::Update => "changes",
        Action::Replace => "is replaced",
        Action::Delete => "is destroyed",
        Action::Read => "is read",
        Action::Forget => "is no longer managed",
    }
}

fn lost(change: &Change) -> Option<Look> {
    let data = holds_data(change);
    match change.action {
        Action::Delete => Some(look(
            if data { Kind::Data } else { Kind::Destroy },
            change,
            "is destroyed",
            if data {
                "What is stored in it is lost."
            } else {
                ""
            },
        )),
        Action::Replace => {
            let mut forcing = Vec::new();
            for a in change.attributes.iter().filter(|a| a.forces_replacement) {
                forcing.push(match (&a.before, &a.after) {
                    (Shown::Value(b), Shown::Value(n)) => format!("{} {b} → {n}", a.path),
                    (_, Shown::Unknown) => format!("{}, known after apply", a.path),
                    _ => a.path.clone(),
                });
            }
            let mut detail = match (forcing.as_slice(), change.reason.as_deref()) {
                ([], Some("replace_because_tainted")) => {
                    "It was left half-made by an earlier run.".to_owned()
                }
                ([], Some("replace_by_triggers")) => {
                    "Something that it depends on changes.".to_owned()
                }
                ([], _) => String::new(),
                (forcing, _) => format!("Forced by {}.", forcing.join(", ")),
            };
            if data {
                detail = format!("{detail} What is stored in it is lost.")
                    .trim()
                    .to_owned();
            }
            Some(look(
                if data { Kind::Data } else { Kind::Replace },
                change,
                "is replaced",
                detail,
            ))
        }
        Action::Forget => Some(look(
            Kind::Destroy,
            change,
            "is no longer managed",
            "It goes on existing, and costing.",
        )),
        _ => None,
    }
}

/// Something opens to the whole internet.
fn exposed(change: &Change) -> Option<Look> {
    if matches!(
        change.action,
        Action::Delete | Action::Read | Action::Forget
    ) {
        return None;
    }
    for attribute in &change.attributes {
        let Shown::Value(after) = &attribute.after else {
            continue;
        };
        let open = after.contains("0.0.0.0/0") || after.contains("\"::/0\"");
        let port = attribute.path.contains("cidr")
            && (change.kind.contains("security_group") || change.kind.contains("_acl"));
        if open && (port || attribute.path.starts_with("ingress")) {
            return Some(look(
                Kind::Exposure,
                change,
                "opens to the whole internet",
                format!("{} becomes {after}.", attribute.path),
            ));
        }
        if attribute.path == "publicly_accessible" && after == "true" {
            return Some(look(
                Kind::Exposure,
                change,
                "becomes publicly accessible",
                "",
            ));
        }
        if change.kind == "aws_s3_bucket_public_access_block" && after == "false" {
            return Some(look(
                Kind::Exposure,
                change,
                "lets a bucket be public",
                format!("{} is switched off.", attribute.path),
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Attribute;

    fn change(kind: &str, action: Action, attributes: &[(&str, &str, &str, bool)]) -> Change {
        Change {
            address: format!("{kind}.x"),
            kind: kind.into(),
            provider: String::new(),
            action,
            reason: None,
            attributes: attributes
                .iter()
                .map(|(path, before, after, forces)| Attribute {
                    path: (*path).into(),
                    before: Shown::Value((*before).into()),
                    after: Shown::Value((*after).into()),
                    forces_replacement: *forces,
                })
                .collect(),
            unchanged: 0,
            keeps_data: false,
        }
    }

    #[test]
    fn destroys_and_replacements_come_first_with_what_forces_them() {
        let preview = Preview {
            changes: vec![
                change("aws_iam_role", Action::Create, &[]),
                change("aws_instance", Action::Delete, &[]),
                change(
                    "aws_db_instance",
                    Action::Replace,
                    &[("engine_version", "\"16\"", "\"17\"", true)],
                ),
            ],
            ..Preview::default()
        };
        let brief = brief(&preview, Some(&BTreeSet::from(["aws_iam_role".to_owned()])));
        let kinds: Vec<Kind> = brief.iter().map(|l| l.kind).collect();
        assert_eq!(kinds, [Kind::Data, Kind::Destroy, Kind::Identity]);
        assert_eq!(
            brief[0].detail,
            "Forced by engine_version \"16\" → \"17\". What is stored in it is lost."
        );
        assert!(destroys_data(&preview));
    }

    #[test]
    fn a_port_open_to_everybody_is_exposure_and_a_route_is_not() {
        let open = |kind, path| Preview {
            changes: vec![change(
                kind,
                Action::Create,
                &[(path, "null", "\"0.0.0.0/0\"", false)],
            )],
            ..Preview::default()
        };
        assert_eq!(
            brief(
                &open("aws_vpc_security_group_ingress_rule", "cidr_ipv4"),
                None
            )[0]
            .kind,
            Kind::Exposure
        );
        assert!(brief(&open("aws_route", "destination_cidr_block"), None).is_empty());
    }
}
