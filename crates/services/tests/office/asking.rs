//! Whether a page says that the directory is still being asked.

use slipway_domain::{id::TeamId, role::TeamRole};
use slipway_services::{Ctx, approval, directory, people, session};
use time::Duration;

use crate::{directory::arrive, house::House};

/// What the start page and the page of rights say of it.
async fn is_asked(house: &House, ctx: &Ctx) -> (bool, bool) {
    let inbox = approval::inbox(&house.db.web, ctx).await.unwrap();
    let me = people::find(&house.db.web, ctx, ctx.person().unwrap().user)
        .await
        .unwrap();
    (inbox.asking, me.asking)
}

#[tokio::test]
async fn nobody_is_told_to_wait_for_a_directory_that_nobody_asks() {
    let house = House::new().await;
    let web = &house.db.web;
    let kim = arrive(&house, "kim").await;
    let token = session::begin(web, kim, "test", "test", house.now)
        .await
        .unwrap();
    let ctx = Ctx {
        actor: session::find(web, token.0.expose(), house.now)
            .await
            .unwrap(),
        request_id: "test".into(),
        now: house.now,
    };
    // No team has a group; then one has, and no worker asks.
    assert!(!directory::ask(web, kim, house.now).await.unwrap());
    assert_eq!(is_asked(&house, &ctx).await, (false, false));
    let admin = house.ctx("admin").await;
    people::add_group(
        web,
        &admin,
        TeamId::new(1),
        "a@example.com",
        TeamRole::Member,
    )
    .await
    .unwrap();
    let at = house.now + Duration::seconds(1);
    assert!(!directory::ask(web, kim, at).await.unwrap());
    assert_eq!(is_asked(&house, &ctx).await, (false, false));
    // A worker that asks has come.
    directory::present(&house.db.worker, Duration::DAY, at)
        .await
        .unwrap();
    let at = at + Duration::seconds(1);
    assert!(directory::ask(web, kim, at).await.unwrap());
    assert_eq!(is_asked(&house, &ctx).await, (true, true));
    let due = directory::claim(&house.db.worker, true, at)
        .await
        .unwrap()
        .unwrap();
    directory::confirm(&house.db.worker, &house.worker, &due, &[], at)
        .await
        .unwrap();
    assert_eq!(is_asked(&house, &ctx).await, (false, false));
}
