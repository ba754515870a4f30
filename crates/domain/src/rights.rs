//! One table of rights: who may do what, and where. Exhaustive, pure, and the only place where a role means something.

use crate::{
    id::TeamId,
    role::{Actor, OrgRole, TeamRole},
};

/// Something that a person may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See the templates.
    SeeCatalog,
    /// See a team's environments, runs, logs and history.
    SeeEnvironment,
    /// Ask for a new environment for a team, by a template that lets members ask.
    RequestEnvironment,
    /// Ask for one by a template that only leads may use.
    RequestGuardedEnvironment,
    /// Ask for a change of an environment.
    ChangeEnvironment,
    /// Ask for more time.
    ExtendEnvironment,
    /// Ask for an environment to be destroyed.
    DestroyEnvironment,
    /// Call a run off, or have it planned again.
    SteerRun,
    /// Vote as a lead of the team.
    ApproveAsLead,
    /// Vote as an operator.
    ApproveAsOperator,
    /// Decide what follows when nobody knows what an interrupted run did.
    SettleUnknown,
    /// Read the audit trail.
    SeeAudit,
    /// See who is here, in which role, and where each membership comes from; and the settings in force.
    SeePeople,
    /// Give and take roles of the organisation, suspend people, end their sessions. Never one's own roles.
    ManagePeople,
    /// Say who is a member or a lead of a team.
    ManageTeam,
    /// See the AWS accounts, their roles, and what they answered; have them asked again.
    SeeAccounts,
    /// Add and remove AWS accounts.
    ManageAccounts,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 17] = [
        Self::SeeCatalog,
        Self::SeeEnvironment,
        Self::RequestEnvironment,
        Self::RequestGuardedEnvironment,
        Self::ChangeEnvironment,
        Self::ExtendEnvironment,
        Self::DestroyEnvironment,
        Self::SteerRun,
        Self::ApproveAsLead,
        Self::ApproveAsOperator,
        Self::SettleUnknown,
        Self::SeeAudit,
        Self::SeePeople,
        Self::ManagePeople,
        Self::ManageTeam,
        Self::SeeAccounts,
        Self::ManageAccounts,
    ];

    /// The team roles and the organisation-wide roles that carry it. Anybody who is signed in may see the catalog.
    #[must_use]
    pub const fn holders(self) -> (&'static [TeamRole], &'static [OrgRole]) {
        use OrgRole::{Admin, Auditor, Operator};
        use TeamRole::{Lead, Member};
        match self {
            Self::SeeCatalog => (&[Member, Lead], &[Operator, Auditor, Admin]),
            Self::SeeEnvironment => (&[Member, Lead], &[Operator, Auditor, Admin]),
            Self::RequestEnvironment => (&[Member, Lead], &[]),
            Self::RequestGuardedEnvironment => (&[Lead], &[]),
            Self::ChangeEnvironment => (&[Member, Lead], &[]),
            Self::ExtendEnvironment => (&[Member, Lead], &[Operator]),
            Self::DestroyEnvironment => (&[Member, Lead], &[Operator]),
            Self::SteerRun => (&[Member, Lead], &[Operator]),
            Self::ApproveAsLead => (&[Lead], &[]),
            Self::ApproveAsOperator => (&[], &[Operator]),
            Self::SettleUnknown => (&[Lead], &[Operator]),
            Self::SeeAudit => (&[], &[Auditor, Admin]),
            Self::SeePeople => (&[], &[Auditor, Admin]),
            Self::ManagePeople => (&[], &[Admin]),
            Self::ManageTeam => (&[Lead], &[Admin]),
            Self::SeeAccounts => (&[], &[Operator, Admin]),
            Self::ManageAccounts => (&[], &[Admin]),
        }
    }
}

/// True if the actor may do it, within `team` where the right is a team's. What a program's token leaves out, the person
/// behind it may, and the program may not: this is the one place where the two meet.
#[must_use]
pub fn may(actor: &Actor, right: Right, team: Option<TeamId>) -> bool {
    may_in_person(actor, right, team)
        && actor
            .token
            .as_ref()
            .is_none_or(|token| token.scopes.allow(right))
}

/// True if the person may do it themselves, whatever they ask by.
#[must_use]
pub fn may_in_person(actor: &Actor, right: Right, team: Option<TeamId>) -> bool {
    let (in_team, org) = right.holders();
    let by_team = match team {
        Some(team) => actor
            .in_team(team)
            .is_some_and(|role| in_team.contains(&role)),
        None => {
            right == Right::SeeCatalog || actor.teams.iter().any(|(_, role)| in_team.contains(role))
        }
    };
    by_team || actor.org.iter().any(|role| org.contains(role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    fn actor(teams: &[(i64, TeamRole)], org: &[OrgRole]) -> Actor {
        Actor {
            user: UserId::new(1),
            name: "x".into(),
            session: None,
            token: None,
            teams: teams
                .iter()
                .map(|(id, role)| (TeamId::new(*id), *role))
                .collect(),
            org: org.to_vec(),
        }
    }

    /// The whole table: roles across, rights down, seen from team 1 with a stranger of team 2 beside.
    #[test]
    fn the_table_of_rights() {
        let who = [
            ("member", actor(&[(1, TeamRole::Member)], &[])),
            ("lead", actor(&[(1, TeamRole::Lead)], &[])),
            ("operator", actor(&[], &[OrgRole::Operator])),
            ("auditor", actor(&[], &[OrgRole::Auditor])),
            ("admin", actor(&[], &[OrgRole::Admin])),
            ("stranger", actor(&[(2, TeamRole::Lead)], &[])),
            ("nobody", actor(&[], &[])),
        ];
        let mut table = format!("{:<28}", "");
        for (name, _) in &who {
            table += &format!("{name:<10}");
        }
        for right in Right::ALL {
            table += &format!("\n{:<28}", format!("{right:?}"));
            for (_, actor) in &who {
                table += &format!(
                    "{:<10}",
                    if may(actor, right, Some(TeamId::new(1))) {
                        "yes"
                    } else {
                        "-"
                    }
                );
            }
        }
        let table: Vec<&str> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!("rights", table.join("\n"));
        // The page that people read says the same.
        let page = include_str!("../../../docs/security.md");
        assert!(
            page.contains(&format!("```\n{}\n```", table.join("\n"))),
            "docs/security.md shows another table of rights"
        );
    }

    #[test]
    fn admins_give_roles_and_thereby_approve_nothing() {
        let admin = actor(&[], &[OrgRole::Admin]);
        for right in [Right::ApproveAsLead, Right::ApproveAsOperator] {
            assert!(!may(&admin, right, Some(TeamId::new(1))) && !may(&admin, right, None));
        }
    }
}
