//! Which votes a run needs, which it has, and which are missing.
//!
//! A vote counts for one need only, and the requester's never counts, whatever roles they hold.

use serde::{Deserialize, Serialize};

use crate::id::UserId;

/// In which role somebody votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoterRole {
    /// A lead of the environment's team.
    Lead,
    /// An operator.
    Operator,
}

/// Votes that the policy asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// In which role.
    pub role: VoterRole,
    /// How many different people.
    pub count: u32,
    /// Why, in one sentence for the run page.
    pub because: String,
}

/// Somebody who approved this very preview, with the roles that they hold *now*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Who.
    pub user: UserId,
    /// Roles that count, at this moment.
    pub roles: Vec<VoterRole>,
}

/// One place for a vote, filled or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// In which role.
    pub role: VoterRole,
    /// Why it is there.
    pub because: String,
    /// Who fills it.
    pub by: Option<UserId>,
}

/// Distributes the votes over the needs, as many as possible.
#[must_use]
pub fn seats(needs: &[Need], voters: &[Voter], requester: Option<UserId>) -> Vec<Seat> {
    let mut seats: Vec<Seat> = needs
        .iter()
        .flat_map(|need| {
            (0..need.count).map(|_| Seat {
                role: need.role,
                because: need.because.clone(),
                by: None,
            })
        })
        .collect();
    let mut seen = Vec::new();
    for voter in voters {
        if Some(voter.user) == requester || seen.contains(&voter.user) {
            continue;
        }
        seen.push(voter.user);
        place(&mut seats, voter, voters, &mut Vec::new());
    }
    seats
}

/// Gives the voter a seat, moving others to seats that they could also fill (an augmenting path).
fn place(seats: &mut [Seat], voter: &Voter, voters: &[Voter], tried: &mut Vec<usize>) -> bool {
    for i in 0..seats.len() {
        if tried.contains(&i) || !voter.roles.contains(&seats[i].role) {
            continue;
        }
        tried.push(i);
        let free = match seats[i].by {
            None => true,
            Some(other) => voters
                .iter()
                .find(|v| v.user == other)
                .is_some_and(|other| place(seats, other, voters, tried)),
        };
        if free {
            seats[i].by = Some(voter.user);
            return true;
        }
    }
    false
}

/// True if no seat is empty.
#[must_use]
pub fn complete(seats: &[Seat]) -> bool {
    seats.iter().all(|seat| seat.by.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use VoterRole::{Lead, Operator};

    fn need(role: VoterRole, count: u32) -> Need {
        Need {
            role,
            count,
            because: String::new(),
        }
    }
    fn voter(user: i64, roles: &[VoterRole]) -> Voter {
        Voter {
            user: UserId::new(user),
            roles: roles.to_vec(),
        }
    }

    #[test]
    fn one_person_fills_one_seat_whatever_roles_they_hold() {
        let needs = [need(Lead, 1), need(Operator, 1)];
        assert!(!complete(&seats(
            &needs,
            &[voter(1, &[Lead, Operator])],
            None
        )));
        assert!(!complete(&seats(
            &needs,
            &[voter(1, &[Lead, Operator]), voter(1, &[Lead, Operator])],
            None
        )));
        assert!(complete(&seats(
            &needs,
            &[voter(1, &[Lead, Operator]), voter(2, &[Lead])],
            None
        )));
        assert!(complete(&seats(
            &needs,
            &[voter(2, &[Lead]), voter(1, &[Lead, Operator])],
            None
        )));
    }

    #[test]
    fn the_requester_never_counts() {
        assert!(!complete(&seats(
            &[need(Lead, 1)],
            &[voter(1, &[Lead])],
            Some(UserId::new(1))
        )));
    }

    #[test]
    fn somebody_without_the_role_any_more_does_not_count() {
        assert!(!complete(&seats(&[need(Lead, 1)], &[voter(2, &[])], None)));
    }

    #[test]
    fn no_needs_is_complete() {
        assert!(complete(&seats(&[], &[], None)));
    }
}
