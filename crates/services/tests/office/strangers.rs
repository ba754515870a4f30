//! Every function of the office that takes an id, as nobody and as a stranger of another team.

use slipway_domain::id::{DraftId, RunId};
use slipway_services::{
    Ctx, Error, approval, audit, deployment,
    draft::{self, Target},
    environment, log, run, template,
};

use crate::house::House;

fn same(what: &str, got: Result<(), Error>, wanted: &Error) {
    let got = got.expect_err(what);
    assert_eq!(
        std::mem::discriminant(&got),
        std::mem::discriminant(wanted),
        "{what}: {got:?}"
    );
}

#[tokio::test]
async fn a_stranger_and_nobody_learn_nothing() {
    let house = House::new().await;
    let web = &house.db.web;
    let environment = house.ready("shared", "hidden").await;
    let run = house
        .request("developer", "shared", "hidden-too", &[])
        .await;
    house.preview("x").await;
    let dev = house.ctx("developer").await;
    let draft = draft::open(web, &dev, &Target::Environment(environment, false))
        .await
        .unwrap()
        .id;
    let nobody = Ctx {
        actor: None,
        request_id: "test".into(),
        now: house.now,
    };
    let stranger = house.ctx("other").await;
    for (who, ctx, wanted) in [
        ("nobody", &nobody, Error::SignIn),
        ("stranger", &stranger, Error::NotFound),
    ] {
        for (there, run) in [("there", run), ("missing", RunId::new(99_999))] {
            let name = |f: &str| format!("{f} as {who}, {there}");
            // Nobody may still get 404 for what is missing: an id tells nothing.
            let ok = |got: Result<(), Error>| match (&got, there) {
                (Err(Error::NotFound), "missing") => Err(if who == "nobody" {
                    Error::SignIn
                } else {
                    Error::NotFound
                }),
                _ => got,
            };
            same(
                &name("run::find"),
                ok(run::find(web, ctx, run).await.map(drop)),
                &wanted,
            );
            same(
                &name("run::cancel"),
                ok(run::cancel(web, ctx, run, false).await.map(drop)),
                &wanted,
            );
            same(
                &name("run::replan"),
                ok(run::replan(web, ctx, run).await.map(drop)),
                &wanted,
            );
            same(
                &name("run::reconcile"),
                ok(run::reconcile(web, ctx, run).await.map(drop)),
                &wanted,
            );
            same(
                &name("log::tail"),
                ok(log::tail(web, ctx, run, 1).await.map(drop)),
                &wanted,
            );
            same(
                &name("log::read"),
                ok(log::read(web, ctx, run, 0, 1).await.map(drop)),
                &wanted,
            );
            same(
                &name("log::before"),
                ok(log::before(web, ctx, run, 1, 1).await.map(drop)),
                &wanted,
            );
            same(
                &name("log::whole"),
                ok(log::whole(web, ctx, run).await.map(drop)),
                &wanted,
            );
            let vote = approval::vote(web, ctx, run, "x", approval::Decision::Approve, "")
                .await
                .map(drop);
            same(&name("approval::vote"), ok(vote), &wanted);
        }
        let day = time::Duration::days(1);
        same(
            "environment::find",
            environment::find(web, ctx, environment).await.map(drop),
            &wanted,
        );
        same(
            "environment::extend",
            environment::extend(web, ctx, environment, day)
                .await
                .map(drop),
            &wanted,
        );
        same(
            "environment::destroy",
            environment::destroy(web, ctx, environment, "")
                .await
                .map(drop),
            &wanted,
        );
        let target = Target::Environment(environment, false);
        same(
            "draft::open",
            draft::open(web, ctx, &target).await.map(drop),
            &wanted,
        );
        same(
            "draft::find",
            draft::find(web, ctx, draft).await.map(drop),
            &wanted,
        );
        same(
            "draft::post",
            draft::post(web, ctx, draft, vec![]).await.map(drop),
            &wanted,
        );
        same(
            "draft::find missing",
            draft::find(web, ctx, DraftId::new(99_999)).await.map(drop),
            &wanted,
        );
        same(
            "audit::list",
            audit::list(web, ctx, &Default::default()).await.map(drop),
            &wanted,
        );
    }
    for what in [
        template::list(web, &nobody).await.map(drop),
        environment::list(web, &nobody, &Default::default())
            .await
            .map(drop),
        deployment::list(web, &nobody, &Default::default())
            .await
            .map(drop),
        approval::inbox(web, &nobody).await.map(drop),
        approval::count(web, &nobody).await.map(drop),
    ] {
        same("a list as nobody", what, &Error::SignIn);
    }
    let seen = environment::list(
        web,
        &stranger,
        &environment::Filter {
            over: true,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    assert!(seen.environments.is_empty());
}

#[tokio::test]
async fn somebody_elses_draft_is_not_there_even_within_the_team() {
    let house = House::new().await;
    let dev = house.ctx("developer").await;
    let id = draft::open(&house.db.web, &dev, &Target::Template("preview".into()))
        .await
        .unwrap()
        .id;
    let lead = house.ctx("lead").await;
    assert!(matches!(
        draft::find(&house.db.web, &lead, id).await,
        Err(Error::NotFound)
    ));
}
