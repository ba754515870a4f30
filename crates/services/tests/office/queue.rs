use slipway_domain::{
    environment::EnvironmentState,
    plan::Outcome,
    run::{Found, Seen, State},
};
use slipway_seal::Sealed;
use slipway_services::{
    Error, Refusal, environment, log, run,
    work::{self, Applied, Kind, Next},
};
use time::Duration;

use crate::house::{House, LEASE};

#[tokio::test]
async fn one_job_is_claimed_by_one_worker() {
    let house = House::new().await;
    house.request("developer", "preview", "one", &[]).await;
    let claims = futures_util::future::join_all((0..8).map(|_| house.claim())).await;
    assert_eq!(claims.iter().flatten().count(), 1);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_cannot_write_and_its_preview_begins_again() {
    let house = House::new().await;
    let id = house.request("developer", "preview", "lost", &[]).await;
    let stale = house.claim().await.unwrap();
    let later = house.now + LEASE.length + Duration::seconds(1);
    assert_eq!(
        work::reap(&house.db.worker, &house.worker, later)
            .await
            .unwrap(),
        [(id, State::Queued)]
    );
    // Nothing new starts before its children must be dead.
    assert!(
        work::claim(&house.db.worker, &house.worker, LEASE, later)
            .await
            .unwrap()
            .is_none()
    );
    let after = later + LEASE.grace;
    let fresh = work::claim(&house.db.worker, &house.worker, LEASE, after)
        .await
        .unwrap()
        .unwrap();
    assert!(fresh.fence > stale.fence);
    let planned = house.planned(slipway_domain::plan::Action::Create, "terraform_data", "x");
    let late = work::finish_preview(
        &house.db.worker,
        &house.worker,
        &stale,
        planned.clone(),
        LEASE,
        after,
    )
    .await;
    assert!(matches!(late, Err(Error::Fenced)), "{late:?}");
    assert!(matches!(
        work::renew(&house.db.worker, &stale, LEASE, after).await,
        Err(Error::Fenced)
    ));
    let mut log = log::Writer::open(&house.db.worker, id, stale.fence)
        .await
        .unwrap();
    let line = log
        .append(&house.db.worker, &["from the grave".into()], after)
        .await;
    assert!(matches!(line, Err(Error::Fenced)));
    assert!(
        work::finish_preview(
            &house.db.worker,
            &house.worker,
            &fresh,
            planned,
            LEASE,
            after
        )
        .await
        .is_ok()
    );
}

#[tokio::test]
async fn a_worker_lost_while_applying_leaves_unknown_and_nothing_goes_on_by_itself() {
    let house = House::new().await;
    let id = house.request("developer", "preview", "unknown", &[]).await;
    let (_, next) = house.preview("x").await;
    let Next::Apply(claim) = next else { panic!() };
    let later = house.now + LEASE.length + Duration::seconds(1);
    assert_eq!(
        work::reap(&house.db.worker, &house.worker, later)
            .await
            .unwrap(),
        [(id, State::Unknown)]
    );
    let much_later = later + Duration::days(3);
    assert!(
        work::claim(&house.db.worker, &house.worker, LEASE, much_later)
            .await
            .unwrap()
            .is_none()
    );
    // The late report is refused, the late state is kept as evidence and is not current.
    let report = work::finish_apply(
        &house.db.worker,
        &house.worker,
        &claim,
        &Applied::Done,
        &Outcome::default(),
        None,
        None,
        later,
    )
    .await;
    assert!(matches!(report, Err(Error::Fenced)), "{report:?}");
    let lead = house.ctx("lead").await;
    assert_eq!(
        run::reconcile(&house.db.web, &lead, id).await.unwrap(),
        State::Reconciling
    );
    let again = work::claim(&house.db.worker, &house.worker, LEASE, much_later)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.kind, Kind::Reconcile);
    let upload = work::Upload {
        stack: claim.stack.id,
        run: id,
        fence: claim.fence,
        serial: 1,
        lineage: "l".into(),
        candidate: false,
    };
    let current = work::save_state(&house.db.worker, &upload, &Sealed(vec![1]), much_later)
        .await
        .unwrap();
    assert!(!current);
    assert!(
        work::current_state(&house.db.worker, claim.stack.id)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        work::candidates(&house.db.worker, claim.stack.id, id)
            .await
            .unwrap()
            .len(),
        1
    );
    let state = work::finish_reconcile(
        &house.db.worker,
        &house.worker,
        &again,
        Found::Partly,
        &Outcome::default(),
        None,
        "One of two is there.",
        much_later,
    )
    .await
    .unwrap();
    assert_eq!(state, State::PartlyApplied);
    let view = environment::find(&house.db.web, &lead, claim.environment_id)
        .await
        .unwrap();
    assert_eq!(
        (view.state, view.deployments.len()),
        (EnvironmentState::Incomplete, 1)
    );
}

#[tokio::test]
async fn cancel_ends_what_waits_and_asks_what_works() {
    let house = House::new().await;
    let queued = house.request("developer", "preview", "queued", &[]).await;
    let dev = house.ctx("developer").await;
    assert_eq!(
        run::cancel(&house.db.web, &dev, queued, false)
            .await
            .unwrap(),
        State::Canceled
    );
    assert!(house.claim().await.is_none(), "its job went with it");
    let again = run::cancel(&house.db.web, &dev, queued, false).await;
    assert!(
        matches!(&again, Err(Error::Stale(why)) if why.detail == "This run was canceled."),
        "{again:?}"
    );

    let working = house.request("developer", "preview", "working", &[]).await;
    let claim = house.claim().await.unwrap();
    assert_eq!(
        run::cancel(&house.db.web, &dev, working, false)
            .await
            .unwrap(),
        State::Previewing
    );
    assert_eq!(
        run::cancel(&house.db.web, &dev, working, false)
            .await
            .unwrap(),
        State::Previewing
    );
    let renewed = work::renew(&house.db.worker, &claim, LEASE, house.now)
        .await
        .unwrap();
    assert!(renewed.cancel && !renewed.force);
    run::cancel(&house.db.web, &dev, working, true)
        .await
        .unwrap();
    assert!(
        work::renew(&house.db.worker, &claim, LEASE, house.now)
            .await
            .unwrap()
            .force
    );
    assert_eq!(
        work::stop_preview(&house.db.worker, &house.worker, &claim, house.now)
            .await
            .unwrap(),
        State::Canceled
    );
}

#[tokio::test]
async fn an_apply_on_a_moved_state_is_planned_again() {
    let house = House::new().await;
    let id = house.request("developer", "shared", "moved", &[]).await;
    let (claim, _) = house.preview("x").await;
    house.approve("lead", id).await.unwrap();
    sqlx::query("update stack set serial = 9, lineage = 'other' where id = $1")
        .bind(claim.stack.id.get())
        .execute(&house.db.owner)
        .await
        .unwrap();
    let next = house.claim().await.unwrap();
    assert_eq!((next.kind, next.run), (Kind::Preview, id));
}

#[tokio::test]
async fn a_failed_create_leaves_what_it_made_and_a_destroy_frees_the_name() {
    let house = House::new().await;
    let id = house.request("developer", "preview", "half", &[]).await;
    let (_, next) = house.preview("x").await;
    let Next::Apply(claim) = next else { panic!() };
    let why = Refusal::new("It failed.", "boom", "");
    let failed = Applied::Failed(why);
    let state = work::finish_apply(
        &house.db.worker,
        &house.worker,
        &claim,
        &failed,
        &Outcome::default(),
        None,
        None,
        house.now,
    )
    .await
    .unwrap();
    assert_eq!(state, State::Failed);
    let dev = house.ctx("developer").await;
    let view = environment::find(&house.db.web, &dev, claim.environment_id)
        .await
        .unwrap();
    assert_eq!(view.state, EnvironmentState::Incomplete);
    assert_eq!(
        run::find(&house.db.web, &dev, id)
            .await
            .unwrap()
            .failure
            .unwrap()
            .detail,
        "boom"
    );
    environment::destroy(&house.db.web, &dev, claim.environment_id, "")
        .await
        .unwrap();
    let (_, next) = house.preview("y").await;
    let Next::Apply(claim) = next else { panic!() };
    assert_eq!(house.apply(&claim).await.unwrap(), State::Succeeded);
    let view = environment::find(&house.db.web, &dev, claim.environment_id)
        .await
        .unwrap();
    assert_eq!(view.state, EnvironmentState::Destroyed);
    house.request("developer", "preview", "half", &[]).await;
}

#[tokio::test]
async fn runs_of_a_gone_environment_end_with_it() {
    let house = House::new().await;
    let create = house.request("developer", "shared", "gone", &[]).await;
    let dev = house.ctx("developer").await;
    let (claim, _) = house.preview("x").await;
    let destroy = environment::destroy(&house.db.web, &dev, claim.environment_id, "")
        .await
        .unwrap();
    run::cancel(&house.db.web, &dev, create, false)
        .await
        .unwrap();
    assert_eq!(house.state(destroy).await, State::Canceled);
    assert!(house.claim().await.is_none());
}

#[tokio::test]
async fn the_history_has_a_row_for_what_was_applied_and_none_for_what_was_not() {
    let house = House::new().await;
    let id = house.ready("shared", "told").await;
    let rejected = house.request("developer", "shared", "untold", &[]).await;
    house.preview("x").await;
    run::cancel(
        &house.db.web,
        &house.ctx("developer").await,
        rejected,
        false,
    )
    .await
    .unwrap();
    let dev = house.ctx("developer").await;
    let page = slipway_services::deployment::list(&house.db.web, &dev, &Default::default())
        .await
        .unwrap();
    assert_eq!(page.deployments.len(), 1);
    let row = &page.deployments[0];
    assert_eq!(
        (row.environment_id, row.outcome, row.approved_by.as_slice()),
        (id, State::Succeeded, &["Lee Lead".to_owned()][..])
    );
    let strangers = slipway_services::deployment::list(
        &house.db.web,
        &house.ctx("other").await,
        &Default::default(),
    )
    .await
    .unwrap();
    assert!(strangers.deployments.is_empty());
}

#[tokio::test]
async fn a_log_is_read_from_any_offset_and_its_tail_by_lines() {
    let house = House::new().await;
    let id = house.request("developer", "preview", "chatty", &[]).await;
    let claim = house.claim().await.unwrap();
    let mut writer = log::Writer::open(&house.db.worker, id, claim.fence)
        .await
        .unwrap();
    for batch in 0..10 {
        let lines: Vec<String> = (0..100)
            .map(|i| format!("line {}", batch * 100 + i + 1))
            .collect();
        writer
            .append(&house.db.worker, &lines, house.now)
            .await
            .unwrap();
    }
    let dev = house.ctx("developer").await;
    let mut offset = 0;
    let mut read = Vec::new();
    loop {
        let part = log::read(&house.db.web, &dev, id, offset, 2_000)
            .await
            .unwrap();
        if part.lines.is_empty() {
            break;
        }
        assert_eq!(part.first_line, read.len() as i64 + 1);
        offset = part.end;
        read.extend(part.lines);
    }
    let all: Vec<String> = (1..=1000).map(|i| format!("line {i}")).collect();
    assert_eq!(read, all);
    let tail = log::tail(&house.db.web, &dev, id, 150).await.unwrap();
    assert_eq!(
        (tail.first_line, tail.lines.len(), tail.end),
        (801, 200, offset)
    );
    let earlier = log::before(&house.db.web, &dev, id, 801, 100)
        .await
        .unwrap();
    assert_eq!(
        (earlier.first_line, earlier.lines.last().map(String::as_str)),
        (701, Some("line 800"))
    );
    assert!(matches!(
        log::tail(&house.db.web, &house.ctx("other").await, id, 1).await,
        Err(Error::NotFound)
    ));
}

#[tokio::test]
async fn verification_that_differs_is_degraded() {
    let house = House::new().await;
    house.request("developer", "preview", "odd", &[]).await;
    let (_, next) = house.preview("x").await;
    let Next::Apply(claim) = next else { panic!() };
    let outcome = Outcome::default();
    let state = work::finish_apply(
        &house.db.worker,
        &house.worker,
        &claim,
        &Applied::Done,
        &outcome,
        None,
        None,
        house.now,
    )
    .await;
    assert_eq!(state.unwrap(), State::Verifying);
    let state = work::verify(
        &house.db.worker,
        &house.worker,
        &claim,
        Seen::Differs,
        None,
        house.now,
    )
    .await
    .unwrap();
    assert_eq!(state, State::Degraded);
}
