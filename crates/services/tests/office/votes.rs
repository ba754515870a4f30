use slipway_domain::{plan::Action, run::State, votes::VoterRole};
use slipway_services::{
    Error,
    approval::{self, Decision, vote},
    run,
    work::{self, Next},
};

use crate::house::{House, LEASE};

#[tokio::test]
async fn a_shared_environment_needs_a_lead_and_no_one_elses_vote_counts() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "common", &[]).await;
    let (_, next) = house.preview("one").await;
    assert!(matches!(next, Next::Done(State::AwaitingApproval)));
    for (persona, refused) in [("developer", true), ("auditor", true), ("admin", true)] {
        let answer = house.approve(persona, id).await;
        assert!(
            matches!(answer, Err(Error::Refused(_))) == refused,
            "{persona}: {answer:?}"
        );
    }
    assert!(matches!(
        house.approve("other", id).await,
        Err(Error::NotFound)
    ));
    // An operator's vote is taken, and fills no seat.
    assert_eq!(
        house.approve("operator", id).await.unwrap(),
        State::AwaitingApproval
    );
    assert_eq!(house.approve("lead", id).await.unwrap(), State::Approved);
    // A second press is no error and changes nothing.
    assert_eq!(house.approve("lead", id).await.unwrap(), State::Approved);
}

#[tokio::test]
async fn nobody_approves_their_own_request() {
    let house = House::new().await;
    let id = house.request("lead", "shared", "own", &[]).await;
    house.preview("one").await;
    assert!(matches!(
        house.approve("lead", id).await,
        Err(Error::Refused(_))
    ));
    let view = run::find(&house.db.web, &house.ctx("lead").await, id)
        .await
        .unwrap();
    let options = view.options(&house.actor("lead").await);
    assert!(!options.approve && !options.reject && options.own && options.cancel);
}

#[tokio::test]
async fn a_vote_on_a_replaced_plan_is_refused_and_an_identical_plan_keeps_its_votes() {
    let house = House::new().await;
    let id = house
        .request("developer", "production", "careful", &[])
        .await;
    house.preview("one").await;
    let lead = house.ctx("lead").await;
    let seen = run::find(&house.db.web, &lead, id)
        .await
        .unwrap()
        .digest
        .unwrap();
    assert_eq!(
        house.approve("lead", id).await.unwrap(),
        State::AwaitingApproval
    );
    // Planned again with the same result: the lead's vote still counts, the operator's is still missing.
    run::replan(&house.db.web, &lead, id).await.unwrap();
    house.preview("one").await;
    let view = run::find(&house.db.web, &lead, id).await.unwrap();
    let filled: Vec<_> = view
        .seats(None)
        .into_iter()
        .map(|s| (s.role, s.vote.is_some()))
        .collect();
    assert_eq!(
        filled,
        [(VoterRole::Lead, true), (VoterRole::Operator, false)]
    );
    // Planned again with another result: the vote is gone, and a vote on the old plan is refused.
    run::replan(&house.db.web, &lead, id).await.unwrap();
    house.preview("two").await;
    let view = run::find(&house.db.web, &lead, id).await.unwrap();
    assert!(view.seats(None).iter().all(|s| s.vote.is_none()));
    let operator = house.ctx("operator").await;
    let old = vote(&house.db.web, &operator, id, &seen, Decision::Approve, "").await;
    assert!(matches!(old, Err(Error::Stale(_))), "{old:?}");
}

#[tokio::test]
async fn votes_that_suffice_are_carried_over_to_an_identical_plan() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "again", &[]).await;
    house.preview("one").await;
    assert_eq!(house.approve("lead", id).await.unwrap(), State::Approved);
    run::replan(&house.db.web, &house.ctx("developer").await, id)
        .await
        .unwrap();
    let (_, next) = house.preview("one").await;
    assert!(
        matches!(next, Next::Apply(_)),
        "the same plan needs no second vote"
    );
}

#[tokio::test]
async fn two_leads_at_once_make_one_approval_and_one_job() {
    let house = House::new().await;
    sqlx::query("update team_member set role = 'lead' where user_id = (select id from user_account where subject = 'demo:developer')")
        .execute(&house.db.owner)
        .await
        .unwrap();
    let id = house.request("lead", "shared", "race", &[]).await;
    house.preview("one").await;
    sqlx::query(
        "insert into team_member (team_id, user_id, role, source, created_at)
                 select t.id, u.id, 'lead', 'test', now() from team t, user_account u
                 where t.name = 'checkout' and u.subject in ('demo:operator', 'demo:admin')",
    )
    .execute(&house.db.owner)
    .await
    .unwrap();
    let digest = run::find(&house.db.web, &house.ctx("developer").await, id)
        .await
        .unwrap()
        .digest
        .unwrap();
    let contexts = [
        house.ctx("developer").await,
        house.ctx("operator").await,
        house.ctx("admin").await,
    ];
    let votes = contexts
        .iter()
        .map(|ctx| vote(&house.db.web, ctx, id, &digest, Decision::Approve, ""));
    let answers = futures_util::future::join_all(votes).await;
    assert_eq!(
        answers.iter().filter(|a| a.is_ok()).count(),
        1,
        "{answers:?}"
    );
    assert!(
        answers
            .iter()
            .filter(|a| a.is_err())
            .all(|a| matches!(a, Err(Error::Stale(_)))),
        "{answers:?}"
    );
    let jobs: i64 = sqlx::query_scalar("select count(*) from job where kind = 'apply'")
        .fetch_one(&house.db.owner)
        .await
        .unwrap();
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn a_vote_whose_caster_lost_the_role_is_gone_when_the_apply_begins() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "demoted", &[]).await;
    house.preview("one").await;
    assert_eq!(house.approve("lead", id).await.unwrap(), State::Approved);
    sqlx::query("update team_member set role = 'member'")
        .execute(&house.db.owner)
        .await
        .unwrap();
    assert!(house.claim().await.is_none());
    assert_eq!(house.state(id).await, State::AwaitingApproval);
}

#[tokio::test]
async fn a_suspended_approvers_vote_is_gone() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "suspended", &[]).await;
    house.preview("one").await;
    assert_eq!(house.approve("lead", id).await.unwrap(), State::Approved);
    sqlx::query("update user_account set suspended_at = now() where subject = 'demo:lead'")
        .execute(&house.db.owner)
        .await
        .unwrap();
    assert!(house.claim().await.is_none());
    assert_eq!(house.state(id).await, State::AwaitingApproval);
}

#[tokio::test]
async fn a_rejection_has_a_reason_and_ends_the_run() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "rejected", &[]).await;
    house.preview("one").await;
    let lead = house.ctx("lead").await;
    let digest = run::find(&house.db.web, &lead, id)
        .await
        .unwrap()
        .digest
        .unwrap();
    let without = vote(&house.db.web, &lead, id, &digest, Decision::Reject, "  ").await;
    assert!(matches!(without, Err(Error::Refused(_))));
    let state = vote(
        &house.db.web,
        &lead,
        id,
        &digest,
        Decision::Reject,
        "Use the other one.",
    )
    .await
    .unwrap();
    assert_eq!(state, State::Rejected);
    let late = house.approve("operator", id).await;
    assert!(
        matches!(&late, Err(Error::Stale(why)) if why.detail == "This run was rejected."),
        "{late:?}"
    );
}

#[tokio::test]
async fn destroying_data_needs_a_lead_and_an_operator_even_in_a_preview_environment() {
    let house = House::new().await;
    house.request("developer", "preview", "precious", &[]).await;
    let claim = house.claim().await.unwrap();
    let planned = house.planned(Action::Replace, "aws_db_instance", "x");
    let next = work::finish_preview(
        &house.db.worker,
        &house.worker,
        &claim,
        planned,
        LEASE,
        house.now,
    )
    .await
    .unwrap();
    assert!(matches!(next, Next::Done(State::AwaitingApproval)));
    let inbox = approval::inbox(&house.db.web, &house.ctx("operator").await)
        .await
        .unwrap();
    assert_eq!((inbox.yours.len(), inbox.yours[0].votes), (1, (0, 2)));
    assert_eq!(
        approval::count(&house.db.web, &house.ctx("lead").await)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        approval::count(&house.db.web, &house.ctx("developer").await)
            .await
            .unwrap(),
        0
    );
    let theirs = approval::inbox(&house.db.web, &house.ctx("other").await)
        .await
        .unwrap();
    assert!(
        theirs.yours.is_empty() && theirs.others.is_empty(),
        "another team's runs are not in sight"
    );
}

#[tokio::test]
async fn votes_that_nobody_gave_expire() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "late", &[]).await;
    house.preview("one").await;
    let later = house.now + time::Duration::hours(169);
    assert_eq!(
        work::expire_votes(&house.db.worker, &house.worker, later)
            .await
            .unwrap(),
        1
    );
    assert_eq!(house.state(id).await, State::Expired);
}
