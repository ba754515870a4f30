//! Approvals: one inbox for everything that waits for a decision, and the vote.
//!
//! A vote names the digest of the preview that was on the page. If another preview has taken its place, the vote is
//! refused and the page shows the new one. Nobody decides about what they asked for themselves.

mod store;

use slipway_domain::{
    environment::Class,
    id::{EnvironmentId, RunId, TeamId, UserId},
    plan::Tally,
    rights::{self, Right},
    risk::Look,
    role::Actor,
    run::{Command, Operation, State},
    votes::{self, VoterRole},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    run,
};

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, exactly this preview.
    Approve,
    /// No; the run ends.
    Reject,
}

impl Decision {
    fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// In which roles somebody can vote on a team's runs.
#[must_use]
pub fn roles_of(actor: &Actor, team: TeamId) -> Vec<VoterRole> {
    let mut roles = Vec::new();
    if rights::may(actor, Right::ApproveAsLead, Some(team)) {
        roles.push(VoterRole::Lead);
    }
    if rights::may(actor, Right::ApproveAsOperator, Some(team)) {
        roles.push(VoterRole::Operator);
    }
    roles
}

/// Something that waits for a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// Its title.
    pub title: String,
    /// What it does.
    pub operation: Operation,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The environment's name.
    pub environment: String,
    /// Its class.
    pub class: Class,
    /// Its team.
    pub team: String,
    /// Who asked; `None` for a rule.
    pub requested_by: Option<String>,
    /// Why, in their words.
    pub reason: String,
    /// Since when it waits.
    pub since: OffsetDateTime,
    /// Until when votes count.
    pub until: Option<OffsetDateTime>,
    /// What a vote must name.
    pub digest: String,
    /// How much would change.
    pub tally: Tally,
    /// What deserves a look.
    pub looks: Vec<Look>,
    /// Votes given and needed.
    pub votes: (usize, usize),
    /// The person could fill an empty seat.
    pub yours: bool,
    /// The person asked for it.
    pub own: bool,
}

/// Something that the person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The run.
    pub run: RunId,
    /// Its title.
    pub title: String,
    /// The environment's name.
    pub environment: String,
    /// Yes or no.
    pub decision: Decision,
    /// Their words.
    pub reason: String,
    /// When.
    pub at: OffsetDateTime,
    /// Where the run stands now.
    pub state: State,
}

/// Somebody's inbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inbox {
    /// What waits for this person's vote, oldest first.
    pub yours: Vec<Waiting>,
    /// What waits for others, among what they may see.
    pub others: Vec<Waiting>,
    /// Environments of theirs that end soon.
    pub ending: Vec<Ending>,
    /// Their last ten decisions.
    pub decided: Vec<Decided>,
    /// Their groups were asked for at their last sign-in, and the directory has not answered yet.
    pub asking: bool,
}

/// An environment that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which.
    pub id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Its team.
    pub team: String,
    /// When.
    pub ends_at: OffsetDateTime,
}

/// The inbox of the person who asks.
///
/// # Errors
/// [`Error::SignIn`] if nobody is signed in.
pub async fn inbox(web: &PgPool, ctx: &Ctx) -> Result<Inbox> {
    let actor = ctx.person()?;
    let sight = ctx.sight()?;
    store::inbox(web, actor, &sight, ctx.now, true).await
}

/// How many things wait for the person's vote, for the number in the rail; at most 100 are counted.
///
/// # Errors
/// [`Error::SignIn`] if nobody is signed in.
pub async fn count(web: &PgPool, ctx: &Ctx) -> Result<usize> {
    let actor = ctx.person()?;
    if actor.org.is_empty()
        && actor
            .teams
            .iter()
            .all(|(team, _)| roles_of(actor, *team).is_empty())
    {
        return Ok(0);
    }
    let sight = ctx.sight()?;
    let inbox = store::inbox(web, actor, &sight, ctx.now, false).await?;
    Ok(inbox.yours.len())
}

/// Votes on exactly the preview with this digest. Answers where the run stands now.
///
/// Voting the same twice is no error: a second click changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for a stranger; [`Error::Refused`] for one's own request, without a role that counts, or for a
/// rejection without a reason; [`Error::Stale`] if the preview was replaced or the run went on.
pub async fn vote(
    web: &PgPool,
    ctx: &Ctx,
    id: RunId,
    digest: &str,
    decision: Decision,
    reason: &str,
) -> Result<State> {
    let reason = reason.trim();
    if reason.chars().count() > 1000 {
        return Err(Error::refused(
            "Your vote was not counted.",
            "The reason is longer than 1,000 characters.",
            "Shorten it.",
        ));
    }
    let mut tx = web.begin().await?;
    let row = run::load(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let actor = ctx.require_in(Right::SeeEnvironment, row.team_id)?;
    if row.requested_by == Some(actor.user) {
        let entry = Entry::new("run.vote_refused", "run", id.get(), Some(row.team_id))
            .refused()
            .detail("own request");
        audit::record(&mut tx, ctx, entry).await?;
        tx.commit().await?;
        return Err(Error::refused(
            "Your vote was not counted.",
            "Nobody decides about what they asked for themselves.",
            "Ask somebody else who may vote; you can cancel the run.",
        ));
    }
    if let Err(beyond) = ctx.in_scope(Right::ApproveAsLead) {
        let entry = Entry::new("run.vote_refused", "run", id.get(), Some(row.team_id))
            .refused()
            .detail("token without approve");
        audit::record(&mut tx, ctx, entry).await?;
        tx.commit().await?;
        return Err(beyond);
    }
    if roles_of(actor, row.team_id).is_empty() {
        let entry = Entry::new("run.vote_refused", "run", id.get(), Some(row.team_id))
            .refused()
            .detail("no role that votes");
        audit::record(&mut tx, ctx, entry).await?;
        tx.commit().await?;
        return Err(Error::refused(
            "Your vote was not counted.",
            "Leads of the environment's team and operators vote.",
            "Ask one of them.",
        ));
    }
    if decision == Decision::Reject && reason.is_empty() {
        return Err(Error::refused(
            "Nothing was rejected.",
            "A rejection needs a reason.",
            "Write one sentence for the person who asked.",
        ));
    }
    if row.digest.as_deref() != Some(digest) {
        return Err(Error::stale(
            "Your vote was not counted.",
            "The plan that you saw was replaced by another one.",
            "Look at the new plan and decide again.",
        ));
    }
    let before = store::on_digest(&mut tx, id, row.team_id, digest, ctx.now).await?;
    if before.iter().any(|(voter, approve)| {
        voter.user == actor.user && *approve == (decision == Decision::Approve)
    }) {
        return Ok(row.state);
    }
    if run_refuses(row.state, decision) {
        // The machine says why, in its own words.
        run::advance(&mut tx, ctx, &row, command(decision, false), "run.vote", "").await?;
    }
    store::insert(&mut tx, ctx, id, digest, actor.user, decision, reason).await?;
    let complete = decision == Decision::Approve && {
        let voters: Vec<_> = store::on_digest(&mut tx, id, row.team_id, digest, ctx.now)
            .await?
            .into_iter()
            .filter(|v| v.1)
            .map(|v| v.0)
            .collect();
        let needs = row
            .policy
            .as_ref()
            .map(|p| p.needs.clone())
            .unwrap_or_default();
        votes::complete(&votes::seats(&needs, &voters, row.requested_by))
    };
    let action = match decision {
        Decision::Approve => "run.approve",
        Decision::Reject => "run.reject",
    };
    let row = run::advance(
        &mut tx,
        ctx,
        &row,
        command(decision, complete),
        action,
        reason,
    )
    .await?;
    tx.commit().await?;
    Ok(row.state)
}

fn command(decision: Decision, complete: bool) -> Command {
    match decision {
        Decision::Approve => Command::Approve { complete },
        Decision::Reject => Command::Reject,
    }
}

fn run_refuses(state: State, decision: Decision) -> bool {
    !slipway_domain::run::may(state, command(decision, false))
}

/// True if the votes on this digest, judged by their casters' roles at this moment, suffice.
pub(crate) async fn suffices(
    tx: &mut sqlx::PgConnection,
    row: &run::Row,
    digest: &str,
    needs: &[votes::Need],
    now: time::OffsetDateTime,
) -> Result<bool> {
    let all = store::on_digest(tx, row.id, row.team_id, digest, now).await?;
    if all.iter().any(|(_, approve)| !approve) {
        return Ok(false);
    }
    let voters: Vec<_> = all.into_iter().map(|v| v.0).collect();
    Ok(votes::complete(&votes::seats(
        needs,
        &voters,
        row.requested_by,
    )))
}

/// Who approved this digest, for the history.
pub(crate) async fn approvers(
    tx: &mut sqlx::PgConnection,
    id: RunId,
    digest: &str,
) -> Result<Vec<(UserId, String)>> {
    store::approvers(tx, id, digest).await
}
