//! People and teams, as far as sign-in needs them. Administration comes with the front door's own issue.

mod store;

use slipway_domain::{
    id::UserId,
    role::{OrgRole, TeamRole},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::Result;

/// A persona of the demo sign-in: a subject in the host name, a display name and a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persona {
    /// The word in the host name: `lead` in `lead.localhost`.
    pub word: &'static str,
    /// Display name.
    pub name: &'static str,
    /// What the sign-in page says about them.
    pub about: &'static str,
    /// Team and role, if any.
    pub team: Option<(&'static str, TeamRole)>,
    /// Organisation-wide role, if any.
    pub org: Option<OrgRole>,
}

/// One persona per role, and a developer of another team.
pub const PERSONAS: [Persona; 6] = [
    Persona {
        word: "developer",
        name: "Dana Developer",
        about: "asks for environments of the team checkout",
        team: Some(("checkout", TeamRole::Member)),
        org: None,
    },
    Persona {
        word: "lead",
        name: "Lee Lead",
        about: "decides what the team checkout may do",
        team: Some(("checkout", TeamRole::Lead)),
        org: None,
    },
    Persona {
        word: "operator",
        name: "Olu Operator",
        about: "runs the platform and votes where production or data are at stake",
        team: None,
        org: Some(OrgRole::Operator),
    },
    Persona {
        word: "auditor",
        name: "Audra Auditor",
        about: "sees everything, the audit trail included, and changes nothing",
        team: None,
        org: Some(OrgRole::Auditor),
    },
    Persona {
        word: "admin",
        name: "Adi Admin",
        about: "gives roles, and approves nothing by that",
        team: None,
        org: Some(OrgRole::Admin),
    },
    Persona {
        word: "other",
        name: "Pat of Payments",
        about: "a developer of the team payments, a stranger to checkout",
        team: Some(("payments", TeamRole::Member)),
        org: None,
    },
];

/// Makes the demo's teams and personas if they are missing. Called by `slipway up` only, and only for a demo.
///
/// # Errors
/// Database errors.
pub async fn seed_demo(web: &PgPool, now: OffsetDateTime) -> Result<()> {
    store::seed_demo(web, now).await
}

/// The account of a persona; `None` if there is no such persona.
///
/// # Errors
/// Database errors.
pub async fn persona(web: &PgPool, word: &str) -> Result<Option<UserId>> {
    match PERSONAS.iter().find(|p| p.word == word) {
        Some(persona) => store::by_subject(web, &subject(persona)).await,
        None => Ok(None),
    }
}

fn subject(persona: &Persona) -> String {
    format!("demo:{}", persona.word)
}
