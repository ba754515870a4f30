use slipway_domain::{form, run::State};
use slipway_services::{
    Error,
    draft::{self, Sent, Target},
    environment, run,
    work::Next,
};

use crate::house::House;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

#[tokio::test]
async fn what_was_typed_comes_back_with_each_error_at_its_control() {
    let house = House::new().await;
    let ctx = house.ctx("developer").await;
    let draft = draft::open(&house.db.web, &ctx, &Target::Template("preview".into()))
        .await
        .unwrap();
    let sent = pairs(&[
        ("do", "send"),
        ("name", "Checkout!"),
        ("life", "90d"),
        ("reason", "A long story"),
        ("in.size", "12"),
        ("in.tags.0", "one"),
    ]);
    let Sent::Again(back) = draft::post(&house.db.web, &ctx, draft.id, sent)
        .await
        .unwrap()
    else {
        panic!("it was taken")
    };
    assert_eq!(
        back.errors["name"],
        "Only small letters, digits and hyphens, because the name becomes part of addresses."
    );
    assert_eq!(back.errors["life"], "At most 1 week.");
    assert_eq!(back.errors["in.size"], "Between 1 and 4.");
    // And it is the same when the page is opened again, in another browser or a day later.
    let again = draft::open(&house.db.web, &ctx, &Target::Template("preview".into()))
        .await
        .unwrap();
    assert_eq!(again.id, draft.id);
    assert_eq!(
        (again.about.name.as_str(), again.about.reason.as_str()),
        ("Checkout!", "A long story")
    );
    assert_eq!(
        (again.entered.get("in.size"), again.entered.get("in.tags.0")),
        ("12", "one")
    );
}

#[tokio::test]
async fn two_clicks_are_one_request() {
    let house = House::new().await;
    let ctx = house.ctx("developer").await;
    let draft = draft::open(&house.db.web, &ctx, &Target::Template("preview".into()))
        .await
        .unwrap();
    let form = pairs(&[
        ("do", "send"),
        ("name", "twice"),
        ("life", "8h"),
        ("in.size", "1"),
    ]);
    let posts = (0..4).map(|_| draft::post(&house.db.web, &ctx, draft.id, form.clone()));
    let runs: Vec<_> = futures_util::future::join_all(posts)
        .await
        .into_iter()
        .map(|sent| match sent.unwrap() {
            Sent::Run(run) => run,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
    let page = environment::list(&house.db.web, &ctx, &environment::Filter::default())
        .await
        .unwrap();
    assert_eq!(page.environments.len(), 1);
}

#[tokio::test]
async fn a_form_that_could_not_be_sent_is_not_shown() {
    let house = House::new().await;
    for who in ["admin", "auditor", "operator"] {
        let ctx = house.ctx(who).await;
        match draft::open(&house.db.web, &ctx, &Target::Template("preview".into())).await {
            Err(Error::Refused(refusal)) => assert_eq!(
                refusal.detail,
                "An environment belongs to a team, and you are a member of none."
            ),
            other => panic!("{who}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_taken_name_is_an_error_at_the_name_until_its_environment_is_over() {
    let house = House::new().await;
    let first = house.request("developer", "preview", "mine", &[]).await;
    let ctx = house.ctx("other").await;
    let draft = draft::open(&house.db.web, &ctx, &Target::Template("preview".into()))
        .await
        .unwrap();
    let form = pairs(&[
        ("do", "send"),
        ("name", "mine"),
        ("life", "8h"),
        ("in.size", "1"),
    ]);
    let Sent::Again(back) = draft::post(&house.db.web, &ctx, draft.id, form.clone())
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(
        back.errors["name"],
        "This name is taken. Choose another one."
    );
    run::cancel(&house.db.web, &house.ctx("developer").await, first, false)
        .await
        .unwrap();
    assert!(matches!(
        draft::post(&house.db.web, &ctx, draft.id, form)
            .await
            .unwrap(),
        Sent::Run(_)
    ));
}

#[tokio::test]
async fn a_sensitive_input_is_sealed_and_stands_nowhere_in_clear() {
    let house = House::new().await;
    let canary = "canary-7f3a91";
    // First with an error elsewhere: the draft must not keep it in clear either.
    let ctx = house.ctx("developer").await;
    let draft = draft::open(&house.db.web, &ctx, &Target::Template("preview".into()))
        .await
        .unwrap();
    let bad = pairs(&[
        ("do", "send"),
        ("name", "x"),
        ("life", "8h"),
        ("in.size", "1"),
        ("in.password", canary),
    ]);
    let Sent::Again(back) = draft::post(&house.db.web, &ctx, draft.id, bad)
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(back.stored.contains("password"));
    assert!(!house.dump().await.contains(canary));
    // Sent again without typing it: it was kept.
    let keep = format!("{}password", form::KEEP);
    let good = pairs(&[
        ("do", "send"),
        ("name", "sealed"),
        ("life", "8h"),
        ("in.size", "1"),
        (&keep, form::TICKED),
    ]);
    let Sent::Run(_) = draft::post(&house.db.web, &ctx, draft.id, good)
        .await
        .unwrap()
    else {
        panic!()
    };
    let dump = house.dump().await;
    assert!(!dump.contains(canary) && !dump.contains(&slipway_seal::hex(canary.as_bytes())));
    let claim = house.claim().await.unwrap();
    let opened = slipway_services::work::open_inputs(&claim, &house.key).unwrap();
    assert_eq!(opened["password"].expose(), format!("\"{canary}\""));
}

#[tokio::test]
async fn secrets_end_with_their_environment() {
    let house = House::new().await;
    let run = house
        .request(
            "developer",
            "preview",
            "brief",
            &[("in.password", "hunter22")],
        )
        .await;
    let count = || async {
        sqlx::query_scalar::<_, i64>("select count(*) from input_secret")
            .fetch_one(&house.db.owner)
            .await
            .unwrap()
    };
    assert_eq!(count().await, 1);
    run::cancel(&house.db.web, &house.ctx("developer").await, run, false)
        .await
        .unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn a_change_keeps_the_secret_in_force_and_runs_behind_the_active_run() {
    let house = House::new().await;
    let run = house
        .request(
            "developer",
            "preview",
            "keeps",
            &[("in.password", "hunter22")],
        )
        .await;
    let (_, next) = house.preview("keeps").await;
    let Next::Apply(claim) = next else {
        panic!("a preview within quota needs nobody")
    };
    house.apply(&claim).await.unwrap();
    assert_eq!(house.state(run).await, State::Succeeded);
    let ctx = house.ctx("developer").await;
    let draft = draft::open(
        &house.db.web,
        &ctx,
        &Target::Environment(claim.environment_id, false),
    )
    .await
    .unwrap();
    assert!(draft.stored.contains("password") && draft.entered.is_keep_ticked("password"));
    assert_eq!(draft.entered.get("in.size"), "1");
    let keep = format!("{}password", form::KEEP);
    let form = pairs(&[("do", "send"), ("in.size", "3"), (&keep, form::TICKED)]);
    let Sent::Run(change) = draft::post(&house.db.web, &ctx, draft.id, form)
        .await
        .unwrap()
    else {
        panic!()
    };
    let destroy = environment::destroy(&house.db.web, &ctx, claim.environment_id, "")
        .await
        .unwrap();
    assert_eq!(
        environment::destroy(&house.db.web, &ctx, claim.environment_id, "")
            .await
            .unwrap(),
        destroy
    );
    let view = run::find(&house.db.web, &ctx, destroy).await.unwrap();
    assert_eq!(view.behind.map(|b| b.id), Some(change));
    let changed = house.claim().await.unwrap();
    assert_eq!((changed.run, changed.secrets.len()), (change, 1));
    assert!(
        house.claim().await.is_none(),
        "the destroy must wait for its turn"
    );
}

#[tokio::test]
async fn ten_megabytes_in_one_field_are_refused_and_the_rest_is_kept() {
    let house = House::new().await;
    let ctx = house.ctx("developer").await;
    let draft = draft::open(&house.db.web, &ctx, &Target::Template("preview".into()))
        .await
        .unwrap();
    let big = "x".repeat(10 << 20);
    let form = pairs(&[
        ("do", "send"),
        ("name", "kept"),
        ("life", "8h"),
        ("in.size", "2"),
        ("in.tags.0", &big),
    ]);
    let Sent::Again(back) = draft::post(&house.db.web, &ctx, draft.id, form)
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(
        back.errors.contains_key("in.tags.0"),
        "{:?}",
        back.errors.keys()
    );
    assert_eq!(
        (back.about.name.as_str(), back.entered.get("in.size")),
        ("kept", "2")
    );
}

#[tokio::test]
async fn an_extension_gives_time_up_to_what_the_template_allows() {
    let house = House::new().await;
    let id = house.ready("preview", "longer").await;
    let ctx = house.ctx("developer").await;
    let end = environment::extend(&house.db.web, &ctx, id, time::Duration::days(2))
        .await
        .unwrap();
    assert_eq!(end, house.now + time::Duration::days(2));
    let end = environment::extend(&house.db.web, &ctx, id, time::Duration::days(30))
        .await
        .unwrap();
    assert_eq!(end, house.now + time::Duration::days(7));
    assert!(matches!(
        environment::extend(&house.db.web, &ctx, id, time::Duration::days(30)).await,
        Err(Error::Refused(_))
    ));
}

#[tokio::test]
async fn at_its_end_an_environment_is_destroyed_by_a_rule_once() {
    let house = House::new().await;
    let id = house.ready("preview", "ending").await;
    let mut later = house.worker.ctx(house.now + time::Duration::hours(9));
    assert_eq!(
        environment::end_expired(&house.db.worker, &later)
            .await
            .unwrap(),
        1
    );
    later.now += time::Duration::minutes(1);
    assert_eq!(
        environment::end_expired(&house.db.worker, &later)
            .await
            .unwrap(),
        0
    );
    let claim = house.claim().await.unwrap();
    assert_eq!(
        (claim.environment_id, claim.operation.word()),
        (id, "destroy")
    );
    let view = run::find(&house.db.web, &house.ctx("developer").await, claim.run)
        .await
        .unwrap();
    assert_eq!(
        (view.requested_by, view.reason.as_str()),
        (None, "Its time is over.")
    );
}
