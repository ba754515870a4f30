use slipway_domain::{
    id::TeamId,
    rights::{self, Right},
    role::{Actor, OrgRole},
    token::{Bearer, Scope},
};
use time::OffsetDateTime;

use crate::{Error, Result};

/// Who asks, under which request, and when. The first argument of every function of the office.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who; `None` if nobody is signed in.
    pub actor: Option<Actor>,
    /// The request's id, in the audit trail and in the logs.
    pub request_id: String,
    /// Now. The office has no clock of its own.
    pub now: OffsetDateTime,
}

impl Ctx {
    /// The person who asks.
    ///
    /// # Errors
    /// [`Error::SignIn`] if nobody is signed in.
    pub fn person(&self) -> Result<&Actor> {
        self.actor.as_ref().ok_or(Error::SignIn)
    }

    /// The person who asks, if no program asks for them.
    ///
    /// # Errors
    /// [`Error::SignIn`] if nobody is signed in; [`Error::Refused`] for a program with a token.
    pub fn in_person(&self) -> Result<&Actor> {
        let actor = self.person()?;
        match &actor.token {
            None => Ok(actor),
            Some(token) => Err(beyond(token, None)),
        }
    }

    /// Checks that a program's token leaves this right, before anything is looked at. Whether its person has it is
    /// another question.
    ///
    /// # Errors
    /// [`Error::SignIn`] if nobody is signed in; [`Error::Refused`] if the token does not.
    pub fn in_scope(&self, right: Right) -> Result<&Actor> {
        let actor = self.person()?;
        match &actor.token {
            Some(token) if !token.scopes.allow(right) => Err(beyond(token, Scope::of(right))),
            _ => Ok(actor),
        }
    }

    /// Checks a right outside of any team.
    ///
    /// # Errors
    /// [`Error::SignIn`], or [`Error::NotFound`]: a stranger does not learn that there is something.
    pub fn require(&self, right: Right) -> Result<&Actor> {
        let actor = self.person()?;
        if rights::may_in_person(actor, right, None) {
            self.in_scope(right)
        } else {
            Err(Error::NotFound)
        }
    }

    /// Checks a right within a team whose things the actor may see, but perhaps not touch.
    ///
    /// # Errors
    /// [`Error::SignIn`]; [`Error::NotFound`] for a stranger to the team; [`Error::Refused`] for somebody who sees it
    /// and lacks this right.
    pub fn require_in(&self, right: Right, team: TeamId) -> Result<&Actor> {
        let actor = self.person()?;
        if !rights::may(actor, Right::SeeEnvironment, Some(team)) {
            return Err(Error::NotFound);
        }
        if rights::may_in_person(actor, right, Some(team)) {
            return self.in_scope(right);
        }
        let (in_team, org) = right.holders();
        let mut who: Vec<&str> = Vec::new();
        for role in in_team {
            who.push(match role {
                slipway_domain::role::TeamRole::Member => "members of its team",
                slipway_domain::role::TeamRole::Lead => "leads of its team",
            });
        }
        for role in org {
            who.push(match role {
                OrgRole::Operator => "operators",
                OrgRole::Auditor => "auditors",
                OrgRole::Admin => "admins",
            });
        }
        Err(Error::refused(
            "You may see this, and not do that.",
            format!("It is for {}.", who.join(" and ")),
            "Ask one of them.",
        ))
    }

    /// The teams whose things the actor may see: their ids, or everything.
    ///
    /// # Errors
    /// [`Error::SignIn`] if nobody is signed in.
    pub(crate) fn sight(&self) -> Result<Sight> {
        let actor = self.person()?;
        Ok(Sight {
            all: !actor.org.is_empty(),
            teams: actor.teams.iter().map(|(team, _)| team.get()).collect(),
        })
    }
}

/// Why a program is refused what its person may.
fn beyond(token: &Bearer, needed: Option<Scope>) -> Error {
    let why = match needed {
        Some(scope) => format!("The token {} lacks the scope {}.", token.name, scope.word()),
        None => "This is for people alone, and for no program.".to_owned(),
    };
    let what = match needed {
        Some(scope) => format!(
            "Make one with {} on the page of your tokens, /tokens.",
            scope.word()
        ),
        None => "Use the portal's pages.".to_owned(),
    };
    Error::refused("This token may not do that.", why, what)
}

/// What a list may show: everything, or the things of these teams.
pub(crate) struct Sight {
    pub all: bool,
    pub teams: Vec<i64>,
}
