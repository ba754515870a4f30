//! An account as an admin typed it.

use std::collections::BTreeMap;

use slipway_domain::environment::Class;

/// As typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct New {
    /// Its name here.
    pub name: String,
    /// AWS's number for it.
    pub account: String,
    /// The region.
    pub region: String,
    /// What its roles' trust policies want to hear; may be empty.
    pub external_id: String,
    /// Classes that it serves.
    pub serves: Vec<Class>,
    /// Role ARNs; the last two may be empty.
    pub plan: String,
    /// For applies.
    pub apply: String,
    /// For destruction.
    pub destroy: String,
    /// For pipelines.
    pub pipeline: String,
    /// For secrets.
    pub secrets: String,
}

/// Trims everything, and says what is wrong, control by control.
pub fn check(new: &New) -> Result<New, BTreeMap<String, String>> {
    let trimmed = |text: &str| text.trim().to_owned();
    let new = New {
        name: trimmed(&new.name),
        account: new
            .account
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect(),
        region: trimmed(&new.region),
        external_id: trimmed(&new.external_id),
        serves: new.serves.clone(),
        plan: trimmed(&new.plan),
        apply: trimmed(&new.apply),
        destroy: trimmed(&new.destroy),
        pipeline: trimmed(&new.pipeline),
        secrets: trimmed(&new.secrets),
    };
    let mut wrong = BTreeMap::new();
    let mut say = |name: &str, good: bool, why: &str| {
        if !good {
            wrong.insert(name.to_owned(), why.to_owned());
        }
    };
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    say(
        "name",
        (2..=40).contains(&new.name.len())
            && new.name.starts_with(|c: char| c.is_ascii_lowercase())
            && new.name.chars().all(small),
        "Two to forty small letters, digits and dashes, a letter first.",
    );
    say(
        "account",
        new.account.len() == 12 && new.account.bytes().all(|b| b.is_ascii_digit()),
        "AWS's number for the account: twelve digits.",
    );
    say(
        "region",
        is_region(&new.region),
        "A region such as eu-central-1.",
    );
    say(
        "external_id",
        new.external_id.is_empty()
            || ((2..=1_224).contains(&new.external_id.len())
                && new
                    .external_id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+=,.@:/-_".contains(c))),
        "Two letters or more, digits and +=,.@:/-_; the same as in the roles' trust policies. Or leave it empty.",
    );
    say(
        "serves",
        !new.serves.is_empty(),
        "Choose at least one: nothing would ever be made here.",
    );
    for (name, arn, needed) in [
        ("plan", &new.plan, true),
        ("apply", &new.apply, true),
        ("destroy", &new.destroy, true),
        ("pipeline", &new.pipeline, false),
        ("secrets", &new.secrets, false),
    ] {
        if arn.is_empty() && !needed {
            continue;
        }
        say(
            name,
            is_role(arn, &new.account),
            "The ARN of a role in this account: arn:aws:iam::NUMBER:role/NAME.",
        );
    }
    if wrong.is_empty() {
        Ok(new)
    } else {
        Err(wrong)
    }
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    (3..=5).contains(&parts.len())
        && text.len() <= 32
        && parts.iter().all(|p| {
            !p.is_empty()
                && p.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
        && parts
            .last()
            .is_some_and(|end| end.bytes().all(|b| b.is_ascii_digit()))
}

fn is_role(arn: &str, account: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let partition = matches!(
        (parts.next(), parts.next()),
        (
            Some("arn"),
            Some("aws" | "aws-cn" | "aws-us-gov" | "aws-eusc")
        )
    );
    partition
        && parts.next() == Some("iam")
        && parts.next() == Some("")
        && parts.next() == Some(account)
        && parts
            .next()
            .and_then(|p| p.strip_prefix("role/"))
            .is_some_and(|name| {
                (1..=512).contains(&name.len())
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "/+=,.@-_".contains(c))
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> New {
        let role = |name: &str| format!("arn:aws:iam::123456789012:role/slipway/{name}");
        New {
            name: " dev ".into(),
            account: "1234-5678-9012".into(),
            region: "eu-central-1".into(),
            external_id: String::new(),
            serves: vec![Class::Preview],
            plan: role("plan"),
            apply: role("apply"),
            destroy: role("destroy"),
            ..New::default()
        }
    }

    #[test]
    fn what_is_typed_is_trimmed_and_checked_control_by_control() {
        let checked = check(&good()).unwrap();
        assert_eq!((&*checked.name, &*checked.account), ("dev", "123456789012"));
        type Spoil = fn(&mut New);
        let cases: [(&str, Spoil); 9] = [
            ("name", |n| n.name = "Dev".into()),
            ("account", |n| {
                // The roles are of the account that was typed.
                n.account = "12345678901".into();
                for role in [&mut n.plan, &mut n.apply, &mut n.destroy] {
                    *role = role.replace("123456789012", "12345678901");
                }
            }),
            ("region", |n| n.region = "Frankfurt".into()),
            ("external_id", |n| n.external_id = "a b".into()),
            ("serves", |n| n.serves.clear()),
            ("plan", |n| n.plan = String::new()),
            // A role of another account would act where nobody looks.
            ("apply", |n| {
                n.apply = "arn:aws:iam::210987654321:role/x".into()
            }),
            ("destroy", |n| {
                n.destroy = "arn:aws:iam::123456789012:user/x".into()
            }),
            ("secrets", |n| n.secrets = "secrets".into()),
        ];
        for (control, spoil) in cases {
            let mut new = good();
            spoil(&mut new);
            let wrong = check(&new).unwrap_err();
            assert_eq!(wrong.keys().collect::<Vec<_>>(), [control], "{wrong:?}");
        }
    }
}
