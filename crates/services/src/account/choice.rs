//! Which account an environment is made in.

use slipway_domain::environment::Class;

use super::Place;
use crate::Refusal;

/// The account for an environment of this class: the one that its template names, else the only one that serves the
/// class.
///
/// # Errors
/// None fits, or more than one does: in words, for whoever asks.
pub fn choose<'a>(
    accounts: &'a [Place],
    class: Class,
    named: Option<&str>,
) -> Result<&'a Place, Refusal> {
    let there = accounts.iter().filter(|a| !a.removed);
    let serves = |account: &&Place| account.serves.contains(&class);
    let kind = class.word();
    if let Some(name) = named {
        let Some(found) = there.clone().find(|a| a.name == name) else {
            return Err(Refusal::new(
                format!("The AWS account {name} is not there."),
                "The template names it, and no account of this name has been added.",
                "An admin adds it on the page AWS accounts, or the template's owner names another one.",
            ));
        };
        return if serves(&found) {
            Ok(found)
        } else {
            Err(Refusal::new(
                format!("The AWS account {name} is not for {kind} environments."),
                "The template names it, and it was added for others.",
                "The template's owner names another account, or an admin adds this one for them, too.",
            ))
        };
    }
    let found: Vec<&Place> = there.filter(serves).collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(Refusal::new(
            format!("No AWS account is there for {kind} environments."),
            "The template needs AWS, and none of the accounts serves this class.",
            "An admin adds one on the page AWS accounts.",
        )),
        _ => {
            let names: Vec<&str> = found.iter().map(|a| a.name.as_str()).collect();
            Err(Refusal::new(
                "It is not clear in which AWS account this is to be made.",
                format!(
                    "{} serve {kind} environments, and the template names none.",
                    names.join(" and ")
                ),
                "The template's owner names one ([aws] account = \"…\" in template.toml), or an admin leaves one for this class.",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_domain::id::AccountId;

    use super::*;

    fn account(name: &str, serves: &[Class]) -> Place {
        Place {
            id: AccountId::new(1),
            name: name.into(),
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            imitation: None,
            serves: serves.to_vec(),
            removed: false,
        }
    }

    #[test]
    fn one_is_chosen_none_and_two_are_refused_in_words() {
        let all = [
            account("dev", &[Class::Preview, Class::Shared]),
            account("live", &[Class::Production]),
            account("lab", &[Class::Shared]),
        ];
        let name = |class, named| choose(&all, class, named).map(|a| a.name.as_str());
        assert_eq!(name(Class::Preview, None), Ok("dev"));
        assert_eq!(name(Class::Production, None), Ok("live"));
        assert_eq!(name(Class::Shared, Some("lab")), Ok("lab"));
        let two = name(Class::Shared, None).unwrap_err();
        assert!(two.detail.contains("dev and lab"), "{two:?}");
        let none = choose(&all[..1], Class::Production, None).unwrap_err();
        assert!(none.message.contains("production"), "{none:?}");
        let away = name(Class::Shared, Some("old")).unwrap_err();
        assert!(away.message.contains("old is not there"), "{away:?}");
        // A name is no way around what an account is for.
        let other = name(Class::Preview, Some("live")).unwrap_err();
        assert!(other.message.contains("not for preview"), "{other:?}");
    }

    #[test]
    fn a_removed_account_is_never_chosen() {
        let gone = Place {
            removed: true,
            ..account("dev", &[Class::Preview])
        };
        let all = [gone.clone()];
        assert!(choose(&all, Class::Preview, None).is_err());
        assert!(choose(&all, Class::Preview, Some("dev")).is_err());
        assert!(gone.usable().is_err());
    }
}
