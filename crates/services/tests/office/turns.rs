//! Whose turn it is: nobody is held up by a broken job, and nobody is forgotten.

use slipway_domain::run::State;
use slipway_services::{approval, run, work::Next};

use crate::house::House;

#[tokio::test]
async fn a_job_that_cannot_be_begun_holds_nobody_up_and_its_run_says_why() {
    let house = House::new().await;
    let broken = house.request("developer", "preview", "broken", &[]).await;
    let whole = house.request("developer", "preview", "whole", &[]).await;
    sqlx::query("update run set sensitive = '{\"password\": 999}' where id = $1")
        .bind(broken.get())
        .execute(&house.db.owner)
        .await
        .unwrap();
    assert_eq!(house.claim().await.expect("the next job").run, whole);
    let view = run::find(&house.db.web, &house.ctx("developer").await, broken)
        .await
        .unwrap();
    assert_eq!(view.state, State::Failed);
    let why = view.failure.unwrap();
    assert!(why.detail.contains("misses a sensitive input"), "{why:?}");
    assert!(!view.touched);
}

#[tokio::test]
async fn an_apply_that_cannot_be_begun_changes_nothing() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "broken", &[]).await;
    house.preview("x").await;
    house.approve("lead", id).await.unwrap();
    sqlx::query("update run set sensitive = '{\"password\": 999}' where id = $1")
        .bind(id.get())
        .execute(&house.db.owner)
        .await
        .unwrap();
    assert!(house.claim().await.is_none());
    let view = run::find(&house.db.web, &house.ctx("lead").await, id)
        .await
        .unwrap();
    assert_eq!((view.state, view.touched), (State::Failed, false));
}

/// What asks for a change finds the environment taken, and is committed while the run that holds it ends: whoever ends it
/// has to wait, see it, and give it its turn.
#[tokio::test]
async fn a_request_made_while_the_run_before_it_ends_gets_its_turn() {
    let house = House::new().await;
    let environment = house.ready("shared", "busy").await;
    let ctx = house.ctx("developer").await;
    let target = slipway_services::draft::Target::Environment(environment, false);
    let draft = slipway_services::draft::open(&house.db.web, &ctx, &target)
        .await
        .unwrap();
    let pairs = vec![("do".into(), "send".into()), ("in.size".into(), "2".into())];
    slipway_services::draft::post(&house.db.web, &ctx, draft.id, pairs)
        .await
        .unwrap();
    let (claim, next) = house.preview("again").await;
    assert!(matches!(next, Next::Done(State::AwaitingApproval)));
    let lead = house.ctx("lead").await;
    let digest = run::find(&house.db.web, &lead, claim.run)
        .await
        .unwrap()
        .digest
        .unwrap();

    let mut asking = house.db.owner.begin().await.unwrap();
    sqlx::query("select id from environment where id = $1 for update")
        .bind(environment.get())
        .execute(&mut *asking)
        .await
        .unwrap();
    let late: i64 = sqlx::query_scalar(
        "with made as (
             insert into run (environment_id, operation, state, waiting, title, requested_by, reason, template_digest,
                              inputs, sensitive, created_at)
             select environment_id, operation, 'queued', true, title, requested_by, '', template_digest, inputs, sensitive,
                    created_at from run where id = $1 returning id)
         insert into run_step (run_id, n, action, stack_id, state, created_at)
         select made.id, 1, 'terraform', $2, 'queued', now() from made returning run_id",
    )
    .bind(claim.run.get())
    .bind(claim.stack.id.get())
    .fetch_one(&mut *asking)
    .await
    .unwrap();
    let end = approval::vote(
        &house.db.web,
        &lead,
        claim.run,
        &digest,
        approval::Decision::Reject,
        "not today",
    );
    tokio::pin!(end);
    // Until it has ended without waiting, or waits.
    let early = loop {
        let waits: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(&house.db.owner)
        .await
        .unwrap();
        if waits {
            break None;
        }
        tokio::select! {
            biased;
            state = &mut end => break Some(state),
            () = tokio::task::yield_now() => {}
        }
    };
    asking.commit().await.unwrap();
    let state = match early {
        Some(state) => state,
        None => end.await,
    };
    assert_eq!(state.unwrap(), State::Rejected);
    let next = house.claim().await.expect("its turn");
    assert_eq!(next.run.get(), late);
}
