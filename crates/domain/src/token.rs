//! Personal tokens: what a program may do on somebody's behalf. Never more than that person may at this moment; never
//! anything about people or tokens.

use serde::{Deserialize, Serialize};

use crate::{id::TokenId, rights::Right};

/// A part of what a token may do. Every token may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See what its person sees.
    Read,
    /// Ask for environments, changes, more time and destruction; call runs off.
    Write,
    /// Vote.
    Approve,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Approve];

    /// The word in the database and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Approve => "approve",
        }
    }

    /// Reads a word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// The scope that a right needs; `None` for what no token may ever.
    #[must_use]
    pub const fn of(right: Right) -> Option<Self> {
        match right {
            Right::SeeCatalog | Right::SeeEnvironment | Right::SeeAudit => Some(Self::Read),
            Right::RequestEnvironment
            | Right::RequestGuardedEnvironment
            | Right::ChangeEnvironment
            | Right::ExtendEnvironment
            | Right::DestroyEnvironment
            | Right::SteerRun => Some(Self::Write),
            Right::ApproveAsLead | Right::ApproveAsOperator => Some(Self::Approve),
            // Who is here and what they may is for people, and so is where the portal may act; so is a judgement about
            // what nobody knows.
            Right::SettleUnknown
            | Right::SeePeople
            | Right::ManagePeople
            | Right::ManageTeam
            | Right::SeeAccounts
            | Right::ManageAccounts => None,
        }
    }
}

/// What a token may do. Reading is always part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scopes {
    /// [`Scope::Write`], too.
    pub write: bool,
    /// [`Scope::Approve`], too.
    pub approve: bool,
}

impl Scopes {
    /// True if this right is in it.
    #[must_use]
    pub const fn allow(self, right: Right) -> bool {
        match Scope::of(right) {
            Some(scope) => self.has(scope),
            None => false,
        }
    }

    /// True if this scope is in it.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => true,
            Scope::Write => self.write,
            Scope::Approve => self.approve,
        }
    }

    /// Its scopes.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        let mut all = Self::default();
        for scope in scopes {
            match scope {
                Scope::Read => {}
                Scope::Write => all.write = true,
                Scope::Approve => all.approve = true,
            }
        }
        all
    }
}

/// The token that a program came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bearer {
    /// Which.
    pub id: TokenId,
    /// Its name, as its person gave it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
}

/// Checks a token's name. It stands in the audit trail beside its person's, so it can contain nothing that looks like
/// another sentence.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("Give it a name, so that you know it again.");
    }
    if text.chars().count() > 40 {
        return Err("At most 40 characters.");
    }
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
    if !text.chars().all(fits) {
        return Err("Letters, digits, spaces, dots, dashes and underscores.");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{TeamId, UserId},
        rights,
        role::{Actor, OrgRole, TeamRole},
    };

    fn everything(token: Option<Scopes>) -> Actor {
        Actor {
            user: UserId::new(1),
            name: "x".into(),
            session: None,
            token: token.map(|scopes| Bearer {
                id: TokenId::new(1),
                name: "t".into(),
                scopes,
            }),
            teams: vec![(TeamId::new(1), TeamRole::Lead)],
            org: vec![OrgRole::Operator, OrgRole::Auditor, OrgRole::Admin],
        }
    }

    /// What a token leaves of the rights of somebody who has them all.
    #[test]
    fn the_table_of_scopes() {
        let mut table = format!("{:<28}{:<8}{:<8}approve", "", "read", "write");
        for right in Right::ALL {
            table += &format!("\n{:<28}", format!("{right:?}"));
            for scope in Scope::ALL {
                let actor = everything(Some([scope].into_iter().collect()));
                let may = rights::may(&actor, right, Some(TeamId::new(1)));
                table += &format!("{:<8}", if may { "yes" } else { "-" });
            }
        }
        let table: Vec<&str> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!("scopes", table.join("\n"));
        let page = include_str!("../../../docs/security.md");
        assert!(
            page.contains(&format!("```\n{}\n```", table.join("\n"))),
            "docs/security.md shows another table of scopes"
        );
    }

    #[test]
    fn a_token_adds_nothing_and_never_reaches_people() {
        let all = Scopes {
            write: true,
            approve: true,
        };
        let nobody = Actor {
            teams: vec![],
            org: vec![],
            ..everything(Some(all))
        };
        for right in Right::ALL {
            let in_person = rights::may(&everything(None), right, Some(TeamId::new(1)));
            let by_token = rights::may(&everything(Some(all)), right, Some(TeamId::new(1)));
            assert!(in_person || !by_token, "{right:?}");
            assert!(
                !rights::may(&nobody, right, Some(TeamId::new(1))),
                "{right:?}"
            );
        }
        for right in [Right::SeePeople, Right::ManagePeople, Right::ManageTeam] {
            assert!(!rights::may(&everything(Some(all)), right, None));
        }
    }

    #[test]
    fn a_name_cannot_look_like_another_sentence() {
        assert_eq!(name(" ci of checkout-2 "), Ok("ci of checkout-2"));
        for bad in ["", "  ", "a”b", "a\nb", "ci (3)", "<b>", "a\u{202e}b"] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(name(&"x".repeat(41)).is_err());
    }
}
