//! Teams by group: where a membership comes from, that it goes with the group at once, and that a directory which is
//! silent for too long gives nothing any more.

use slipway_domain::{
    id::{TeamId, UserId},
    role::TeamRole,
    run::State,
};
use slipway_services::{
    Ctx, Error, audit, directory, people, session,
    sign_in::{self, Passport},
    work,
};
use time::{Duration, OffsetDateTime};

use crate::house::{House, LEASE};

const KEEP: Duration = Duration::hours(24);
const TEAM: TeamId = TeamId::new(1);
const LEADS: &str = "checkout-leads@example.com";

pub async fn arrive(house: &House, subject: &str) -> UserId {
    let passport = Passport {
        issuer: "https://accounts.google.com".into(),
        subject: subject.into(),
        email: format!("{subject}@example.com"),
        name: format!("Name of {subject}"),
    };
    sign_in::arrive(&house.db.web, &passport, &[], "test", house.now)
        .await
        .unwrap()
}

async fn group(house: &House, address: &str, role: TeamRole) {
    let admin = house.ctx("admin").await;
    people::add_group(&house.db.web, &admin, TEAM, address, role)
        .await
        .unwrap();
}

/// A worker that asks is there.
async fn present(house: &House, now: OffsetDateTime) {
    directory::present(&house.db.worker, KEEP, now)
        .await
        .unwrap();
}

/// The directory says this of somebody at a moment.
async fn says(house: &House, user: UserId, groups: &[&str], now: OffsetDateTime) {
    present(house, now).await;
    directory::ask(&house.db.web, user, now).await.unwrap();
    let due = directory::claim(&house.db.worker, true, now)
        .await
        .unwrap()
        .expect("somebody waits");
    assert_eq!(due.user, user);
    let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
    directory::confirm(&house.db.worker, &house.worker, &due, &groups, now)
        .await
        .unwrap();
}

async fn ctx(house: &House, user: UserId, now: OffsetDateTime) -> Ctx {
    let token = session::begin(&house.db.web, user, "test", "test", now)
        .await
        .unwrap();
    Ctx {
        actor: session::find(&house.db.web, token.0.expose(), now)
            .await
            .unwrap(),
        request_id: "test".into(),
        now,
    }
}

async fn role(house: &House, user: UserId, now: OffsetDateTime) -> Option<TeamRole> {
    ctx(house, user, now).await.actor.unwrap().in_team(TEAM)
}

#[tokio::test]
async fn a_group_gives_and_takes_and_pages_say_so() {
    let house = House::new().await;
    let (web, now) = (&house.db.web, house.now);
    let sam = arrive(&house, "sam").await;
    group(&house, LEADS, TeamRole::Lead).await;
    assert_eq!(role(&house, sam, now).await, None);
    says(&house, sam, &[LEADS, "family@example.com"], now).await;
    assert_eq!(role(&house, sam, now).await, Some(TeamRole::Lead));

    let admin = house.ctx("admin").await;
    let place = &people::find(web, &admin, sam).await.unwrap().teams[0];
    assert_eq!(place.source, format!("group:{LEADS}"));
    assert_eq!(place.confirmed_at, Some(now));
    let team = people::team(web, &admin, TEAM).await.unwrap();
    let group = &team.groups[0];
    assert_eq!(
        (group.address.as_str(), group.role, group.count),
        (LEADS, TeamRole::Lead, 1)
    );
    assert!(
        team.members
            .iter()
            .any(|m| m.user == sam && m.confirmed_at == Some(now))
    );
    // A group that no team uses is nobody's business.
    assert!(!house.dump().await.contains("family@"));

    // By hand as well: the page names both, the stronger counts, and taking one away leaves the other.
    people::put_member(web, &admin, TEAM, &sam.to_string(), TeamRole::Member)
        .await
        .unwrap();
    let places = people::find(web, &admin, sam).await.unwrap().teams;
    let sources: Vec<&str> = places.iter().map(|p| p.source.as_str()).collect();
    assert_eq!(sources, ["group:checkout-leads@example.com", "hand"]);
    assert_eq!(role(&house, sam, now).await, Some(TeamRole::Lead));
    assert_eq!(
        people::teams(web, &admin).await.unwrap()[0].count,
        3,
        "a person counts once"
    );
    people::remove_member(web, &admin, TEAM, sam).await.unwrap();
    let error = people::remove_member(web, &admin, TEAM, sam)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Refused(r) if r.detail.contains(LEADS)),
        "{error:?}"
    );

    says(
        &house,
        sam,
        &["family@example.com"],
        now + Duration::minutes(1),
    )
    .await;
    assert_eq!(role(&house, sam, now + Duration::minutes(1)).await, None);
    let auditor = house.ctx("auditor").await;
    let filter = audit::Filter {
        action: Some("team.by_group".into()),
        ..audit::Filter::default()
    };
    let trail = audit::list(web, &auditor, &filter).await.unwrap().records;
    let roles: Vec<_> = trail
        .iter()
        .map(|r| {
            (
                r.before.as_ref().unwrap()["role"].clone(),
                r.after.as_ref().unwrap()["role"].clone(),
            )
        })
        .collect();
    let (lead, none) = (serde_json::json!("lead"), serde_json::Value::Null);
    assert_eq!(roles, [(lead.clone(), none.clone()), (none, lead)]);
}

#[tokio::test]
async fn losing_a_group_changes_the_sessions_token_and_takes_the_vote_back() {
    let house = House::new().await;
    let (web, now) = (&house.db.web, house.now);
    let sam = arrive(&house, "sam").await;
    group(&house, LEADS, TeamRole::Lead).await;
    says(&house, sam, &[LEADS], now).await;
    let run = house.request("developer", "shared", "by-group", &[]).await;
    house.preview("a").await;
    let token = session::begin(web, sam, "test", "test", now).await.unwrap();
    let actor = session::find(web, token.0.expose(), now)
        .await
        .unwrap()
        .unwrap();
    let me = Ctx {
        actor: Some(actor.clone()),
        request_id: "test".into(),
        now,
    };
    let digest = slipway_services::run::find(web, &me, run)
        .await
        .unwrap()
        .digest
        .unwrap();
    let yes = slipway_services::approval::Decision::Approve;
    let voted = slipway_services::approval::vote(web, &me, run, &digest, yes, "")
        .await
        .unwrap();
    assert_eq!(voted, State::Approved);
    assert!(session::still(web, &actor, now).await.unwrap());

    says(&house, sam, &[], now + Duration::seconds(5)).await;
    // A stream that was open under the old rights ends, and the token changes at the next request.
    assert!(!session::still(web, &actor, now).await.unwrap());
    let found = session::enter(web, token.0.expose(), now)
        .await
        .unwrap()
        .unwrap();
    assert!(found.fresh.is_some() && found.actor.teams.is_empty());
    let claim = work::claim(
        &house.db.worker,
        &house.worker,
        LEASE,
        now + Duration::seconds(5),
    )
    .await
    .unwrap();
    assert!(
        claim.is_none(),
        "it was applied by the vote of somebody who is no lead"
    );
    assert_eq!(house.state(run).await, State::AwaitingApproval);
}

#[tokio::test]
async fn a_silent_directory_counts_for_a_day_and_then_no_longer() {
    let house = House::new().await;
    let (web, now) = (&house.db.web, house.now);
    let (sam, kim) = (arrive(&house, "sam").await, arrive(&house, "kim").await);
    group(&house, LEADS, TeamRole::Lead).await;
    says(&house, sam, &[LEADS], now).await;
    says(&house, kim, &[LEADS], now).await;
    let admin = house.ctx("admin").await;
    people::put_member(web, &admin, TEAM, &kim.to_string(), TeamRole::Member)
        .await
        .unwrap();
    let stream = ctx(&house, sam, now).await.actor.unwrap();

    for hour in 1..24 {
        let at = now + Duration::hours(hour);
        present(&house, at).await;
        let due = directory::claim(&house.db.worker, false, at)
            .await
            .unwrap()
            .expect("due");
        directory::fail(&house.db.worker, &due, "the directory was not reached", at)
            .await
            .unwrap();
        assert_eq!(
            role(&house, sam, at).await,
            Some(TeamRole::Lead),
            "after {hour} hours"
        );
    }
    // Nothing sweeps; the moment itself is enough. What was given by hand stays.
    let end = now + KEEP;
    assert_eq!(
        role(&house, sam, end - Duration::seconds(1)).await,
        Some(TeamRole::Lead)
    );
    assert_eq!(role(&house, sam, end).await, None);
    assert_eq!(role(&house, kim, end).await, Some(TeamRole::Member));
    let late = Ctx {
        now: end,
        ..admin.clone()
    };
    let places = people::find(web, &late, kim).await.unwrap().teams;
    assert_eq!(places.len(), 1, "{places:?}");
    // Every reader judges by the same moment, the database's owner too.
    let live = session::begin(web, sam, "test", "test", end).await.unwrap();
    let actor = session::find(web, live.0.expose(), end)
        .await
        .unwrap()
        .unwrap();
    assert!(
        !session::still(
            web,
            &slipway_domain::role::Actor {
                session: actor.session,
                ..stream
            },
            end
        )
        .await
        .unwrap()
    );
    // It answers again, and what it says is in force again.
    says(&house, sam, &[LEADS], end).await;
    assert_eq!(role(&house, sam, end).await, Some(TeamRole::Lead));
}

#[tokio::test]
async fn a_vote_by_a_role_that_nobody_could_confirm_counts_no_longer() {
    let house = House::new().await;
    let now = house.now;
    let sam = arrive(&house, "sam").await;
    group(&house, LEADS, TeamRole::Lead).await;
    says(&house, sam, &[LEADS], now).await;
    let me = ctx(&house, sam, now).await;
    let run = house.request("developer", "shared", "stale", &[]).await;
    house.preview("a").await;
    let digest = slipway_services::run::find(&house.db.web, &me, run)
        .await
        .unwrap()
        .digest
        .unwrap();
    let yes = slipway_services::approval::Decision::Approve;
    slipway_services::approval::vote(&house.db.web, &me, run, &digest, yes, "")
        .await
        .unwrap();
    let late = now + KEEP;
    let claim = work::claim(&house.db.worker, &house.worker, LEASE, late)
        .await
        .unwrap();
    assert!(claim.is_none());
    assert_eq!(house.state(run).await, State::AwaitingApproval);
}

#[tokio::test]
async fn everybody_is_asked_for_every_quarter_of_an_hour_and_whoever_waits_first() {
    let house = House::new().await;
    let (worker, now) = (&house.db.worker, house.now);
    let (sam, kim) = (arrive(&house, "sam").await, arrive(&house, "kim").await);
    present(&house, now).await;
    assert_eq!(
        directory::claim(worker, false, now).await.unwrap(),
        None,
        "no team has a group"
    );
    assert!(
        !directory::ask(&house.db.web, kim, now).await.unwrap(),
        "nothing to wait for"
    );
    group(&house, LEADS, TeamRole::Lead).await;
    let at = now + Duration::seconds(1);
    assert!(directory::ask(&house.db.web, kim, at).await.unwrap());
    let demo = house.actor("developer").await.user;
    assert!(
        !directory::ask(&house.db.web, demo, at).await.unwrap(),
        "the directory knows no invented people"
    );
    // Two workers never ask about one person at once.
    let first = directory::claim(worker, false, at).await.unwrap().unwrap();
    assert_eq!(
        (first.user, first.key.as_str()),
        (kim, "kim"),
        "who waits comes first"
    );
    let second = directory::claim(worker, false, at).await.unwrap().unwrap();
    assert_eq!(second.user, sam);
    assert_eq!(directory::claim(worker, false, at).await.unwrap(), None);
    directory::confirm(worker, &house.worker, &first, &[], at)
        .await
        .unwrap();
    assert!(directory::answered(&house.db.web, kim, at).await.unwrap());
    // A worker that died with its question does not keep it.
    let again = directory::claim(worker, false, at + directory::CLAIM)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.user, sam);
    directory::confirm(worker, &house.worker, &again, &[], again.began)
        .await
        .unwrap();
    // The dead one's late answer is older than the one in force.
    let late = [LEADS.to_owned()];
    directory::confirm(worker, &house.worker, &second, &late, again.began)
        .await
        .unwrap();
    assert_eq!(role(&house, sam, again.began).await, None);
    // The next round.
    let next = at + directory::EVERY;
    assert_eq!(
        directory::claim(worker, false, next - Duration::seconds(1))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        directory::claim(worker, false, next)
            .await
            .unwrap()
            .unwrap()
            .user,
        kim
    );
    // Whoever signs in while a question is under way is asked for once more after it.
    let second = next + Duration::seconds(1);
    present(&house, second).await;
    directory::ask(&house.db.web, kim, second).await.unwrap();
    let old = directory::Due {
        user: kim,
        key: "kim".into(),
        began: next,
    };
    directory::confirm(worker, &house.worker, &old, &[], second)
        .await
        .unwrap();
    assert!(
        !directory::answered(&house.db.web, kim, second)
            .await
            .unwrap()
    );
    assert_eq!(
        directory::claim(worker, true, second)
            .await
            .unwrap()
            .unwrap()
            .user,
        kim
    );
    // Nobody waits for a worker that is gone.
    assert!(
        !directory::ask(&house.db.web, sam, next + Duration::hours(1))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn only_an_admin_gives_a_team_to_a_group_and_taking_it_off_is_in_force_at_once() {
    let house = House::new().await;
    let (web, now) = (&house.db.web, house.now);
    for who in ["lead", "developer", "operator", "auditor", "other"] {
        let ctx = house.ctx(who).await;
        let added = people::add_group(web, &ctx, TEAM, LEADS, TeamRole::Lead).await;
        assert!(matches!(added, Err(Error::NotFound)), "{who}: {added:?}");
        let removed = people::remove_group(web, &ctx, TEAM, LEADS).await;
        assert!(
            matches!(removed, Err(Error::NotFound)),
            "{who}: {removed:?}"
        );
    }
    let admin = house.ctx("admin").await;
    for bad in [
        "",
        "checkout",
        "@example.com",
        "a@b",
        "a@@example.com",
        "a b@example.com",
        "a@example.com\n",
        "ü@example.com",
    ] {
        let added = people::add_group(web, &admin, TEAM, bad, TeamRole::Lead).await;
        // A line's end at its end is trimmed; within it is none.
        assert!(
            bad.ends_with('\n') || matches!(added, Err(Error::Refused(_))),
            "{bad:?}: {added:?}"
        );
    }
    let sam = arrive(&house, "sam").await;
    people::add_group(web, &admin, TEAM, &LEADS.to_uppercase(), TeamRole::Member)
        .await
        .unwrap();
    says(&house, sam, &[LEADS], now).await;
    assert_eq!(role(&house, sam, now).await, Some(TeamRole::Member));
    // Another role for the same group.
    group(&house, LEADS, TeamRole::Lead).await;
    let token = session::begin(web, sam, "test", "test", now).await.unwrap();
    assert_eq!(role(&house, sam, now).await, Some(TeamRole::Lead));
    people::remove_group(web, &admin, TEAM, LEADS)
        .await
        .unwrap();
    let found = session::enter(web, token.0.expose(), now)
        .await
        .unwrap()
        .unwrap();
    assert!(found.actor.teams.is_empty() && found.fresh.is_some());
    let auditor = house.ctx("auditor").await;
    let filter = audit::Filter {
        action: Some("team.".into()),
        ..audit::Filter::default()
    };
    let actions: Vec<String> = audit::list(web, &auditor, &filter)
        .await
        .unwrap()
        .records
        .into_iter()
        .map(|r| r.action)
        .collect();
    assert_eq!(
        actions.iter().filter(|a| *a == "team.remove_group").count(),
        1,
        "{actions:?}"
    );
    assert!(
        actions.iter().filter(|a| *a == "team.add_group").count() >= 2,
        "{actions:?}"
    );
}

#[tokio::test]
async fn the_web_process_can_ask_and_not_answer() {
    let house = House::new().await;
    let sam = arrive(&house, "sam").await;
    directory::ask(&house.db.web, sam, house.now).await.unwrap();
    for sql in [
        "insert into person_group (user_id, address, created_at) values (1, 'a@example.com', now())",
        "update directory_person set confirmed_at = now()",
        "update directory set keep_seconds = 1e9",
        "delete from person_group",
    ] {
        let done = sqlx::query(sql).execute(&house.db.web).await;
        assert!(
            done.is_err_and(|e| e.to_string().contains("permission denied")),
            "{sql}"
        );
    }
    // And the worker, that may turn a token out, never sees one.
    for sql in [
        "select token_hash from session",
        "update session set user_id = 1",
        "update session set expires_at = now()",
        "insert into team_group (team_id, address, role, created_at) values (1, 'a@example.com', 'lead', now())",
    ] {
        let done = sqlx::query(sql).execute(&house.db.worker).await;
        assert!(
            done.is_err_and(|e| e.to_string().contains("permission denied")),
            "{sql}"
        );
    }
}
