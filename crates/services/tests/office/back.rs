//! Putting an earlier deployment back.

use slipway_domain::{id::EnvironmentId, run::State};
use slipway_services::{Error, draft, environment, run};

use crate::house::House;

async fn change(house: &House, id: EnvironmentId, size: &str) {
    let ctx = house.ctx("developer").await;
    let target = draft::Target::Environment(id, false);
    let form = draft::open(&house.db.web, &ctx, &target).await.unwrap();
    let pairs = vec![
        ("do".into(), "send".into()),
        ("in.size".into(), size.into()),
    ];
    draft::post(&house.db.web, &ctx, form.id, pairs)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_earlier_deployment_is_put_back_once_by_whoever_may_change_and_decided_like_any_change()
{
    let house = House::new().await;
    let web = &house.db.web;
    let id = house.ready("shared", "ship").await;
    let other = house.ready("shared", "boat").await;
    let dev = house.ctx("developer").await;
    let first = environment::find(web, &dev, id).await.unwrap().deployments[0].clone();
    let foreign = environment::find(web, &dev, other)
        .await
        .unwrap()
        .deployments[0]
        .id;

    // What is another environment's is not there, and a stranger sees nothing at all.
    let refused = environment::put_back(web, &dev, id, foreign, "").await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    for who in ["other", "auditor"] {
        let ctx = house.ctx(who).await;
        let put = environment::put_back(web, &ctx, id, first.id, "").await;
        assert!(
            matches!(put, Err(Error::NotFound | Error::Refused(_))),
            "{who}: {put:?}"
        );
        let seen = environment::past(web, &ctx, id, first.id).await;
        assert!(
            matches!(seen, Err(Error::NotFound | Error::Refused(_))),
            "{who}"
        );
    }

    let past = environment::past(web, &dev, id, first.id).await.unwrap();
    assert_eq!(
        (past.run, &past.inputs["size"]),
        (first.run, &serde_json::json!(1))
    );
    let run = environment::put_back(web, &dev, id, first.id, "it was better")
        .await
        .unwrap();
    // A second click finds the first.
    assert_eq!(
        environment::put_back(web, &dev, id, first.id, "")
            .await
            .unwrap(),
        run
    );
    let claim = house.claim().await.unwrap();
    assert_eq!(
        (claim.run, &claim.inputs),
        (run, past.inputs.as_object().unwrap())
    );
    assert_eq!(claim.template_digest, first.template_digest);
    let view = run::find(web, &dev, run).await.unwrap();
    assert_eq!(
        (view.state, &*view.reason),
        (State::Previewing, "it was better")
    );
    // Another change waits its turn behind it.
    change(&house, id, "2").await;
    assert!(house.claim().await.is_none());
}

#[tokio::test]
async fn what_did_not_come_to_its_end_is_not_put_back() {
    let house = House::new().await;
    let web = &house.db.web;
    let id = house.ready("preview", "ship").await;
    let dev = house.ctx("developer").await;
    let good = environment::find(web, &dev, id).await.unwrap().deployments[0].id;
    sqlx::query("update deployment set outcome = 'failed' where id = $1")
        .bind(good.get())
        .execute(&house.db.owner)
        .await
        .unwrap();
    let refused = environment::put_back(web, &dev, id, good, "").await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}
