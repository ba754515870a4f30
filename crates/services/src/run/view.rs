//! What the run page shows, and which buttons it has.

use slipway_domain::{
    environment::{Class, EnvironmentState},
    id::{EnvironmentId, RunId, TeamId, UserId},
    plan::{Outcome, Preview, Tally},
    rights::{self, Right},
    risk::Look,
    role::Actor,
    run::{self, Command, Operation, State},
    votes::{self, Voter, VoterRole},
};
use time::OffsetDateTime;

use crate::Refusal;

/// A person, as a page names them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
}

/// Another run, in one line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// Its id.
    pub id: RunId,
    /// Its title.
    pub title: String,
    /// Its state.
    pub state: State,
    /// What it does.
    pub operation: Operation,
    /// It waits behind another one.
    pub waiting: bool,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Who asked; `None` for a rule.
    pub requested_by: Option<String>,
}

/// One run with everything that its page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// Its id.
    pub id: RunId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The environment's name.
    pub environment: String,
    /// The environment's class.
    pub class: Class,
    /// What is known to exist.
    pub environment_state: EnvironmentState,
    /// The environment's team.
    pub team_id: TeamId,
    /// The team's name.
    pub team: String,
    /// What it does.
    pub operation: Operation,
    /// Where it stands.
    pub state: State,
    /// Rises with every change.
    pub version: i64,
    /// The run that it waits behind.
    pub behind: Option<Link>,
    /// One line.
    pub title: String,
    /// Who asked; `None` for a rule.
    pub requested_by: Option<Person>,
    /// Why, in their words.
    pub reason: String,
    /// Template name.
    pub template: String,
    /// The AWS account that its environment is in, if its template needs one.
    pub account: Option<crate::account::Place>,
    /// Template version.
    pub template_digest: String,
    /// Inputs without the sensitive ones.
    pub inputs: serde_json::Map<String, serde_json::Value>,
    /// Names of the sensitive inputs.
    pub sensitive: Vec<String>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What a vote names.
    pub digest: Option<String>,
    /// The policy's answer.
    pub policy: Option<slipway_policy::Answer>,
    /// Votes on this preview, by their casters' present roles.
    pub votes: Vec<Vote>,
    /// Why it stopped.
    pub failure: Option<Refusal>,
    /// Somebody asked it to stop, and it works on stopping.
    pub cancel_requested_at: Option<OffsetDateTime>,
    /// With force.
    pub cancel_force: bool,
    /// An apply has begun.
    pub touched: bool,
    /// Until when votes count.
    pub votes_until: Option<OffsetDateTime>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// What happened, oldest first.
    pub events: Vec<EventView>,
    /// Bytes of log.
    pub log_end: i64,
    /// The worker that holds it.
    pub worker: Option<String>,
    /// No worker is there to take it.
    pub no_worker: bool,
}

/// One step.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Step {
    /// From 1.
    pub n: i32,
    /// The kind of action.
    pub action: String,
    /// What it would change.
    pub preview: Option<Preview>,
    /// How much.
    pub tally: Option<Tally>,
    /// What deserves a look.
    pub looks: Vec<Look>,
    /// `terraform` or `opentofu`.
    pub engine: Option<String>,
    /// Its version.
    pub engine_version: Option<String>,
    /// State serial that the preview was made on.
    pub base_serial: Option<i64>,
    /// What the apply did.
    pub outcome: Option<Outcome>,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// By whom.
    pub by: Person,
    /// Yes.
    pub approve: bool,
    /// Their words.
    pub reason: String,
    /// When.
    pub at: OffsetDateTime,
    /// On which preview.
    pub digest: String,
    /// The roles that count now.
    pub roles: Vec<VoterRole>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// When.
    pub at: OffsetDateTime,
    /// The state after it.
    pub state: State,
    /// `run.approve`, …
    pub kind: String,
    /// By whom: a person's or a worker's name.
    pub by: Option<String>,
    /// In words.
    pub detail: String,
}

/// A place for a vote, and who fills it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// In which role.
    pub role: VoterRole,
    /// Why it is needed.
    pub because: String,
    /// The vote that fills it.
    pub vote: Option<Vote>,
    /// The person who looks at the page could fill it.
    pub yours: bool,
}

/// Which buttons the page has for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Approve (this vote would count for an empty seat).
    pub approve: bool,
    /// Reject.
    pub reject: bool,
    /// Cancel.
    pub cancel: bool,
    /// Stop with force: only after a cancel that did not help.
    pub force: bool,
    /// Plan again.
    pub replan: bool,
    /// Look at what an interrupted apply did.
    pub reconcile: bool,
    /// The person asked for it themselves, and therefore can't decide.
    pub own: bool,
}

impl View {
    /// The approving votes on the preview at hand.
    fn voters(&self) -> Vec<Voter> {
        self.votes
            .iter()
            .filter(|v| v.approve && Some(&v.digest) == self.digest.as_ref())
            .map(|v| Voter {
                user: v.by.id,
                roles: v.roles.clone(),
            })
            .collect()
    }

    /// The votes that are needed, filled or not.
    #[must_use]
    pub fn seats(&self, actor: Option<&Actor>) -> Vec<Seat> {
        let Some(policy) = &self.policy else {
            return Vec::new();
        };
        let yours = actor.map(|a| self.roles_of(a)).unwrap_or_default();
        let voted = |actor: &Actor| {
            self.votes
                .iter()
                .any(|v| v.by.id == actor.user && Some(&v.digest) == self.digest.as_ref())
        };
        let open = self.state == State::AwaitingApproval
            && actor.is_some_and(|a| !self.is_own(a) && !voted(a));
        votes::seats(
            &policy.needs,
            &self.voters(),
            self.requested_by.as_ref().map(|p| p.id),
        )
        .into_iter()
        .map(|seat| Seat {
            role: seat.role,
            because: seat.because,
            yours: open && seat.by.is_none() && yours.contains(&seat.role),
            vote: seat
                .by
                .and_then(|by| {
                    self.votes
                        .iter()
                        .find(|v| v.by.id == by && Some(&v.digest) == self.digest.as_ref())
                })
                .cloned(),
        })
        .collect()
    }

    fn is_own(&self, actor: &Actor) -> bool {
        self.requested_by
            .as_ref()
            .is_some_and(|p| p.id == actor.user)
    }

    fn roles_of(&self, actor: &Actor) -> Vec<VoterRole> {
        crate::approval::roles_of(actor, self.team_id)
    }

    /// Which buttons the page has for this person. The office checks again when one is pressed.
    #[must_use]
    pub fn options(&self, actor: &Actor) -> Options {
        let may = |right| rights::may(actor, right, Some(self.team_id));
        let fits = |command| run::may(self.state, command);
        let voter = !self.roles_of(actor).is_empty();
        let steer = may(Right::SteerRun);
        let stopping = self.cancel_requested_at.is_some() && self.state.is_working();
        Options {
            approve: self.seats(Some(actor)).iter().any(|s| s.yours),
            reject: voter && !self.is_own(actor) && fits(Command::Reject),
            cancel: steer && fits(Command::Cancel) && !stopping,
            force: steer && stopping && !self.cancel_force,
            replan: steer && fits(Command::Replan),
            reconcile: may(Right::SettleUnknown) && fits(Command::StartReconcile),
            own: self.is_own(actor) && self.state == State::AwaitingApproval,
        }
    }
}
