//! Who somebody is: roles within a team and across the organisation. Nobody is anything by default.

use serde::{Deserialize, Serialize};

use crate::{
    id::{SessionId, TeamId, UserId},
    token::Bearer,
};

/// A role within one team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// May request environments.
    Member,
    /// May also approve what the team requests.
    Lead,
}

/// A role across all teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgRole {
    /// Runs the platform: sees everything, approves production, decides about unknown runs.
    Operator,
    /// Sees everything, audit trail included, and changes nothing.
    Auditor,
    /// Gives roles; is not thereby an approver of anything.
    Admin,
}

/// The person behind a request, as far as decisions need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who.
    pub user: UserId,
    /// Display name.
    pub name: String,
    /// From which session; `None` for the worker acting by a rule, and for a program.
    pub session: Option<SessionId>,
    /// By which token, if it is a program of theirs that asks: it may never more than they, and mostly less.
    #[serde(default)]
    pub token: Option<Bearer>,
    /// Team memberships.
    pub teams: Vec<(TeamId, TeamRole)>,
    /// Organisation-wide roles.
    pub org: Vec<OrgRole>,
}

impl Actor {
    /// The actor's role in a team.
    #[must_use]
    pub fn in_team(&self, team: TeamId) -> Option<TeamRole> {
        self.teams
            .iter()
            .find(|(id, _)| *id == team)
            .map(|(_, role)| *role)
    }

    /// True if the actor holds an organisation-wide role.
    #[must_use]
    pub fn is(&self, role: OrgRole) -> bool {
        self.org.contains(&role)
    }
}
