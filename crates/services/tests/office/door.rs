//! Who comes in, who is first, and who keeps the others: people, sessions, roles, teams.

use slipway_domain::{
    id::{TeamId, UserId},
    role::{OrgRole, TeamRole},
};
use slipway_services::{
    Ctx, Error, audit, people, session,
    sign_in::{self, Passport},
};
use time::{Duration, OffsetDateTime};

use crate::house::House;

fn passport(subject: &str, email: &str) -> Passport {
    Passport {
        issuer: "https://accounts.google.com".into(),
        subject: subject.into(),
        email: email.into(),
        name: "Somebody".into(),
    }
}

async fn arrive(house: &House, passport: &Passport, admins: &[&str]) -> UserId {
    let admins: Vec<String> = admins.iter().map(|a| (*a).to_owned()).collect();
    sign_in::arrive(&house.db.web, passport, &admins, "test", house.now)
        .await
        .unwrap()
}

async fn as_user(house: &House, user: UserId) -> Ctx {
    let token = session::begin(&house.db.web, user, "test", "test", house.now)
        .await
        .unwrap();
    Ctx {
        actor: session::find(&house.db.web, token.0.expose(), house.now)
            .await
            .unwrap(),
        request_id: "test".into(),
        now: house.now,
    }
}

async fn actions(house: &House) -> Vec<String> {
    let auditor = house.ctx("auditor").await;
    let page = audit::list(&house.db.web, &auditor, &audit::Filter::default())
        .await
        .unwrap();
    page.records.into_iter().map(|r| r.action).collect()
}

fn refused(done: Result<(), Error>) -> String {
    match done {
        Err(Error::Refused(refusal)) => refusal.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn people_are_their_subject_and_an_address_gives_nobody_anything() {
    let house = House::new().await;
    let first = arrive(&house, &passport("1", "sam@example.com"), &[]).await;
    let admin = house.ctx("admin").await;
    let team = TeamId::new(1);
    people::put_member(
        &house.db.web,
        &admin,
        team,
        "sam@example.com",
        TeamRole::Lead,
    )
    .await
    .unwrap();
    // A changed address follows the person.
    let renamed = arrive(&house, &passport("1", "samantha@example.com"), &[]).await;
    assert_eq!(renamed, first);
    let me = people::find(&house.db.web, &admin, first).await.unwrap();
    assert_eq!(me.email.as_deref(), Some("samantha@example.com"));
    assert_eq!(me.teams.len(), 1);
    // The address that became free is given to somebody else: a new person, who inherits nothing.
    let second = arrive(&house, &passport("2", "sam@example.com"), &[]).await;
    assert_ne!(second, first);
    let them = people::find(&house.db.web, &admin, second).await.unwrap();
    assert!(them.teams.is_empty() && them.org.is_empty(), "{them:?}");
    // The same subject at another issuer is another person, too.
    let elsewhere = Passport {
        issuer: "https://login.example".into(),
        ..passport("1", "samantha@example.com")
    };
    assert_ne!(arrive(&house, &elsewhere, &[]).await, first);
    assert!(actions(&house).await.contains(&"person.renamed".to_owned()));
}

#[tokio::test]
async fn a_configured_address_makes_its_first_bearer_an_admin_and_nobody_after() {
    let house = House::new().await;
    let admins = ["Root@example.com"];
    let first = arrive(&house, &passport("1", "root@example.com"), &admins).await;
    assert!(
        as_user(&house, first)
            .await
            .actor
            .unwrap()
            .is(OrgRole::Admin)
    );
    let other = arrive(&house, &passport("2", "x@example.com"), &admins).await;
    assert!(as_user(&house, other).await.actor.unwrap().org.is_empty());
    // Somebody else gets the address: it was used.
    let recycled = arrive(&house, &passport("3", "root@example.com"), &admins).await;
    assert!(
        as_user(&house, recycled)
            .await
            .actor
            .unwrap()
            .org
            .is_empty()
    );
    // And what another admin took does not come back by signing in again.
    let admin = house.ctx("admin").await;
    people::take_role(&house.db.web, &admin, first, OrgRole::Admin)
        .await
        .unwrap();
    arrive(&house, &passport("1", "root@example.com"), &admins).await;
    assert!(as_user(&house, first).await.actor.unwrap().org.is_empty());
}

#[tokio::test]
async fn the_printed_link_works_once_and_only_while_there_is_no_admin() {
    let house = House::new().await;
    let web = &house.db.web;
    let link = sign_in::setup_link(web, &[], house.now)
        .await
        .unwrap()
        .expect("the demo's admin is nobody here");
    let second = sign_in::setup_link(web, &[], house.now)
        .await
        .unwrap()
        .unwrap();
    assert!(
        sign_in::setup_link(web, &["a@example.com".into()], house.now)
            .await
            .unwrap()
            .is_none(),
        "configured addresses need no link"
    );
    let (a, b) = (
        arrive(&house, &passport("1", "a@example.com"), &[]).await,
        arrive(&house, &passport("2", "b@example.com"), &[]).await,
    );
    let (a, b) = (as_user(&house, a).await, as_user(&house, b).await);
    let nobody = Ctx {
        actor: None,
        ..a.clone()
    };
    assert!(matches!(
        sign_in::set_up(web, &nobody, link.expose()).await,
        Err(Error::SignIn)
    ));
    assert!(matches!(
        sign_in::set_up(web, &a, &"0".repeat(64)).await,
        Err(Error::NotFound)
    ));
    let late = Ctx {
        now: house.now + sign_in::SETUP,
        ..a.clone()
    };
    assert!(matches!(
        sign_in::set_up(web, &late, link.expose()).await,
        Err(Error::NotFound)
    ));
    sign_in::look_at_setup(web, &a, link.expose())
        .await
        .unwrap();
    // Two at once: one of them.
    let (one, two) = tokio::join!(
        sign_in::set_up(web, &a, link.expose()),
        sign_in::set_up(web, &b, second.expose())
    );
    assert_eq!(
        [one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(),
        1,
        "{one:?} {two:?}"
    );
    for token in [&link, &second] {
        assert!(matches!(
            sign_in::look_at_setup(web, &b, token.expose()).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            sign_in::set_up(web, &b, token.expose()).await,
            Err(Error::NotFound)
        ));
    }
    assert!(
        sign_in::setup_link(web, &[], house.now)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_sign_in_is_finished_once_and_in_time() {
    let house = House::new().await;
    let web = &house.db.web;
    let token = sign_in::start(web, house.now).await.unwrap();
    assert!(
        !sign_in::finish(web, &"f".repeat(64), house.now)
            .await
            .unwrap()
    );
    let (one, two) = tokio::join!(
        sign_in::finish(web, token.expose(), house.now),
        sign_in::finish(web, token.expose(), house.now)
    );
    assert_eq!(
        [one.unwrap(), two.unwrap()]
            .iter()
            .filter(|ok| **ok)
            .count(),
        1
    );
    let late = sign_in::start(web, house.now).await.unwrap();
    assert!(
        !sign_in::finish(web, late.expose(), house.now + sign_in::FLOW)
            .await
            .unwrap()
    );
    // Nothing that finishes a sign-in stands in the database.
    let token = sign_in::start(web, house.now).await.unwrap();
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as("select token_hash from sign_in_flow")
        .fetch_all(&house.db.owner)
        .await
        .unwrap();
    for derived in ["state", "nonce", "verifier"].map(|p| slipway_seal::derive(token.expose(), p)) {
        assert!(rows.iter().all(|(row,)| slipway_seal::hex(row) != derived));
    }
}

#[tokio::test]
async fn nobody_gives_themselves_anything_and_the_last_admin_stays() {
    let house = House::new().await;
    let web = &house.db.web;
    let admin = house.ctx("admin").await;
    let me = admin.person().unwrap().user;
    for role in [OrgRole::Operator, OrgRole::Auditor, OrgRole::Admin] {
        assert!(refused(people::give_role(web, &admin, me, role).await).contains("themselves"));
    }
    let own =
        people::put_member(web, &admin, TeamId::new(1), &me.to_string(), TeamRole::Lead).await;
    assert!(refused(own).contains("themselves"));
    assert!(
        refused(people::take_role(web, &admin, me, OrgRole::Admin).await).contains("last admin")
    );
    assert!(refused(people::suspend(web, &admin, me).await).contains("themselves"));
    // With a second one each may take the other's; of two at once one stays.
    let lead = house.actor("lead").await.user;
    people::give_role(web, &admin, lead, OrgRole::Admin)
        .await
        .unwrap();
    let second = house.ctx("lead").await;
    let (one, two) = tokio::join!(
        people::take_role(web, &admin, lead, OrgRole::Admin),
        people::take_role(web, &second, me, OrgRole::Admin)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let left: i64 = sqlx::query_scalar("select count(*) from org_role where role = 'admin'")
        .fetch_one(&house.db.owner)
        .await
        .unwrap();
    assert_eq!(left, 1);
    let said = actions(&house).await;
    for action in ["role.give", "role.take", "person.suspend"] {
        assert!(said.contains(&action.to_owned()), "{action}: {said:?}");
    }
}

#[tokio::test]
async fn everybody_but_an_admin_finds_nothing_to_manage() {
    let house = House::new().await;
    let web = &house.db.web;
    let target = house.actor("developer").await;
    let (user, session_id) = (target.user, target.session.unwrap());
    for who in ["lead", "operator", "auditor", "other"] {
        let ctx = house.ctx(who).await;
        let all = [
            people::give_role(web, &ctx, user, OrgRole::Operator).await,
            people::take_role(web, &ctx, user, OrgRole::Operator).await,
            people::suspend(web, &ctx, user).await,
            people::resume(web, &ctx, user).await,
            people::add_team(web, &ctx, "new-team").await.map(drop),
            session::list(web, &ctx, user).await.map(drop),
            session::end_one(web, &ctx, session_id).await,
            session::end_all(web, &ctx, user).await.map(drop),
        ];
        for (n, done) in all.into_iter().enumerate() {
            assert!(matches!(done, Err(Error::NotFound)), "{who} {n}: {done:?}");
        }
        let sees = people::list(web, &ctx, &people::Filter::default())
            .await
            .is_ok();
        assert_eq!(sees, who == "auditor", "{who}");
    }
    // A team is kept by its leads; another team's lead is a stranger.
    let (lead, other) = (house.ctx("lead").await, house.ctx("other").await);
    let id = user.to_string();
    let by_lead = people::put_member(web, &lead, TeamId::new(1), &id, TeamRole::Lead).await;
    assert!(
        refused(by_lead).contains("Nobody with this address"),
        "ids are for admins"
    );
    assert!(matches!(
        people::team(web, &other, TeamId::new(1)).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        people::remove_member(web, &other, TeamId::new(1), user).await,
        Err(Error::NotFound)
    ));
    people::remove_member(web, &lead, TeamId::new(1), user)
        .await
        .unwrap();
    assert!(house.actor("developer").await.teams.is_empty());
}

#[tokio::test]
async fn an_admin_who_is_one_no_longer_changes_nothing_with_the_page_that_is_open() {
    let house = House::new().await;
    let web = &house.db.web;
    let lead = house.actor("lead").await.user;
    let admin = house.ctx("admin").await;
    people::give_role(web, &admin, lead, OrgRole::Admin)
        .await
        .unwrap();
    let second = house.ctx("lead").await;
    people::take_role(web, &admin, lead, OrgRole::Admin)
        .await
        .unwrap();
    // `second` was loaded while they were an admin: the office asks again, in the transaction.
    let developer = house.actor("developer").await.user;
    let done = people::give_role(web, &second, developer, OrgRole::Admin).await;
    assert!(matches!(done, Err(Error::NotFound)), "{done:?}");
    let stale = house.ctx("lead").await;
    people::remove_member(web, &admin, TeamId::new(1), lead)
        .await
        .unwrap();
    let done = people::remove_member(web, &stale, TeamId::new(1), developer).await;
    assert!(matches!(done, Err(Error::NotFound)), "{done:?}");
}

#[tokio::test]
async fn a_session_gets_another_token_when_rights_change() {
    let house = House::new().await;
    let web = &house.db.web;
    let user = house.actor("developer").await.user;
    let old = session::begin(web, user, "test", "test", house.now)
        .await
        .unwrap();
    let enter = |token: String, now: OffsetDateTime| async move {
        session::enter(web, &token, now).await.unwrap()
    };
    let first = enter(old.0.expose().to_owned(), house.now).await.unwrap();
    assert!(first.fresh.is_none(), "nothing changed");
    let admin = house.ctx("admin").await;
    people::give_role(web, &admin, user, OrgRole::Auditor)
        .await
        .unwrap();
    let found = enter(old.0.expose().to_owned(), house.now).await.unwrap();
    assert!(found.actor.is(OrgRole::Auditor));
    let new = found.fresh.expect("another token");
    // A request that was under way goes on with the old one for a moment, and gets no second new one.
    let under_way = enter(old.0.expose().to_owned(), house.now).await.unwrap();
    assert!(under_way.fresh.is_none());
    let after = house.now + session::GRACE;
    assert!(
        enter(old.0.expose().to_owned(), after).await.is_none(),
        "a stolen old token is worth nothing"
    );
    assert!(
        enter(new.0.expose().to_owned(), after)
            .await
            .unwrap()
            .fresh
            .is_none()
    );
}

#[tokio::test]
async fn sessions_end_by_themselves_by_their_owner_and_with_their_person() {
    let house = House::new().await;
    let web = &house.db.web;
    let user = house.actor("developer").await.user;
    let begin = || session::begin(web, user, "Mozilla/5.0 Firefox/130", "test", house.now);
    let token = begin().await.unwrap();
    let at = |now| session::find(web, token.0.expose(), now);
    let me = at(house.now).await.unwrap().unwrap();
    let almost = house.now + session::IDLE - Duration::seconds(1);
    assert!(at(almost).await.unwrap().is_some());
    // Used at that moment, so it goes on; unused it ends.
    assert!(at(almost + session::IDLE).await.unwrap().is_none());
    let mut now = almost;
    while now < house.now + session::ABSOLUTE {
        assert!(at(now).await.unwrap().is_some(), "{now}");
        now += Duration::hours(23);
    }
    let end = house.now + session::ABSOLUTE;
    assert!(at(end).await.unwrap().is_none(), "however much it is used");
    assert!(!session::still(web, &me, end).await.unwrap());

    let ctx = Ctx {
        actor: Some(me.clone()),
        request_id: "test".into(),
        now: house.now,
    };
    let other = begin().await.unwrap();
    let listed = session::list(web, &ctx, user).await.unwrap();
    assert_eq!(listed.iter().filter(|s| s.current).count(), 1);
    session::end_all(web, &ctx, user).await.unwrap();
    assert!(
        session::find(web, other.0.expose(), house.now)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        at(house.now).await.unwrap().is_some(),
        "the one that asks stays"
    );

    let admin = house.ctx("admin").await;
    people::suspend(web, &admin, user).await.unwrap();
    assert!(at(house.now).await.unwrap().is_none());
    people::resume(web, &admin, user).await.unwrap();
    assert!(
        at(house.now).await.unwrap().is_none(),
        "what ended stays ended"
    );
}

#[tokio::test]
async fn a_suspended_person_is_not_let_in_and_that_is_written_down() {
    let house = House::new().await;
    let user = arrive(&house, &passport("1", "a@example.com"), &[]).await;
    let admin = house.ctx("admin").await;
    people::suspend(&house.db.web, &admin, user).await.unwrap();
    let again = sign_in::arrive(
        &house.db.web,
        &passport("1", "a@example.com"),
        &[],
        "test",
        house.now,
    )
    .await;
    assert!(matches!(again, Err(Error::Refused(_))));
    assert!(
        actions(&house)
            .await
            .contains(&"sign_in.refused".to_owned())
    );
}

#[tokio::test]
async fn without_the_demo_its_people_have_no_sessions() {
    let house = House::new().await;
    let mine = arrive(&house, &passport("1", "a@example.com"), &[]).await;
    let real = session::begin(&house.db.web, mine, "test", "test", house.now)
        .await
        .unwrap();
    let demo = house.actor("admin").await;
    session::end_demo(&house.db.web, house.now).await.unwrap();
    assert!(
        !session::still(&house.db.web, &demo, house.now)
            .await
            .unwrap()
    );
    assert!(
        session::find(&house.db.web, real.0.expose(), house.now)
            .await
            .unwrap()
            .is_some()
    );
}
