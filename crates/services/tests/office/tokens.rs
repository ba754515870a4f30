//! Personal tokens, and what programs ask for by them.

use serde_json::{Map, Value, json};
use slipway_domain::{
    id::{RunId, TokenId},
    role::{OrgRole, TeamRole},
    run::State,
    token::Scopes,
};
use slipway_services::{
    Ctx, Error, approval, audit,
    draft::{self, Ask},
    environment, people, run, session, token,
};
use time::Duration;

use crate::house::House;

const READ: Scopes = Scopes {
    write: false,
    approve: false,
};
const WRITE: Scopes = Scopes {
    write: true,
    approve: false,
};
const APPROVE: Scopes = Scopes {
    write: false,
    approve: true,
};

impl House {
    /// A new token of somebody's.
    async fn token(&self, persona: &str, name: &str, scopes: Scopes) -> String {
        let ctx = self.ctx(persona).await;
        let made = token::create(&self.db.web, &ctx, name, scopes, token::USUAL).await;
        made.unwrap().expose().to_owned()
    }

    /// Whoever comes with this token.
    async fn by(&self, token: &str) -> Option<Ctx> {
        let actor = token::enter(&self.db.web, token, self.now).await.unwrap()?;
        Some(Ctx {
            actor: Some(actor),
            request_id: "test/token".into(),
            now: self.now,
        })
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, Error>) -> String {
    match done {
        Err(Error::Refused(of)) => format!("{} {} {}", of.message, of.detail, of.hint),
        other => panic!("not refused: {other:?}"),
    }
}

fn ask(name: &str) -> Ask {
    Ask {
        template: "preview".into(),
        name: name.into(),
        life: Some("8h".into()),
        reason: "because".into(),
        ..Ask::default()
    }
}

fn inputs(of: Value) -> Map<String, Value> {
    match of {
        Value::Object(map) => map,
        _ => panic!("inputs are an object"),
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_stored_nowhere_in_clear() {
    let house = House::new().await;
    let text = house.token("developer", "ci", READ).await;
    assert!(token::is_token(&text));
    let ctx = house.by(&text).await.expect("it lives");
    assert_eq!(ctx.actor.as_ref().unwrap().name, "Dana Developer");
    let dump = house.dump().await;
    assert!(!dump.contains(&text) && !dump.contains(&text[20..]));
    assert!(!dump.contains(&slipway_seal::hex(text.as_bytes())));
    // What looks like one is none.
    let mut other = text.clone();
    other.replace_range(10..11, if &text[10..11] == "x" { "y" } else { "x" });
    for no in [other.as_str(), "", "slipway_", "Bearer"] {
        assert!(house.by(no).await.is_none(), "{no}");
    }
}

#[tokio::test]
async fn a_token_ends_by_itself_by_its_owner_by_an_admin_and_with_its_person() {
    let mut house = House::new().await;
    let web = house.db.web.clone();
    let text = house.token("developer", "ci", READ).await;
    let dev = house.ctx("developer").await;
    let me = dev.person().unwrap().user;
    // By its end.
    let start = house.now;
    house.now = start + token::USUAL;
    assert!(house.by(&text).await.is_none());
    house.now = start + token::USUAL - Duration::SECOND;
    let listed = token::list(&web, &house.ctx("developer").await, me)
        .await
        .unwrap();
    assert_eq!(listed[0].last_used_at, None);
    assert!(house.by(&text).await.is_some());
    let listed = token::list(&web, &house.ctx("developer").await, me)
        .await
        .unwrap();
    assert_eq!(listed[0].last_used_at, Some(house.now));
    assert!(text.starts_with(&listed[0].begins) && listed[0].begins.len() == 12);
    house.now = start;
    // By its owner; nobody else but an admin finds it.
    for stranger in ["lead", "other", "operator", "auditor"] {
        let ctx = house.ctx(stranger).await;
        let gone = token::revoke(&web, &ctx, listed[0].id).await;
        assert!(matches!(gone, Err(Error::NotFound)), "{stranger}");
        let seen = token::list(&web, &ctx, me).await;
        assert!(matches!(seen, Err(Error::NotFound)), "{stranger}");
    }
    token::revoke(&web, &dev, listed[0].id).await.unwrap();
    assert!(house.by(&text).await.is_none());
    assert!(
        !token::is_alive(&web, listed[0].id, house.now)
            .await
            .unwrap()
    );
    // By an admin.
    let text = house.token("developer", "ci", READ).await;
    let admin = house.ctx("admin").await;
    let id = token::list(&web, &admin, me).await.unwrap()[0].id;
    token::revoke(&web, &admin, id).await.unwrap();
    assert!(house.by(&text).await.is_none());
    // With its person, and it stays dead when they come back.
    let text = house.token("developer", "ci", READ).await;
    people::suspend(&web, &admin, me).await.unwrap();
    assert!(house.by(&text).await.is_none());
    people::resume(&web, &admin, me).await.unwrap();
    assert!(house.by(&text).await.is_none());
    // Where there is no demo, invented people have none.
    let text = house.token("developer", "demo", READ).await;
    token::end_demo(&web, house.now).await.unwrap();
    assert!(house.by(&text).await.is_none());
}

#[tokio::test]
async fn what_a_token_may_is_what_its_person_may_now_and_its_scopes_leave() {
    let house = House::new().await;
    let web = &house.db.web;
    let environment = house.ready("shared", "there").await;
    let read = house
        .by(&house.token("developer", "read", READ).await)
        .await
        .unwrap();
    environment::find(web, &read, environment).await.unwrap();
    let day = Duration::DAY;
    let said = refused(environment::extend(web, &read, environment, day).await);
    assert!(said.contains("read") && said.contains("write"), "{said}");
    refused(environment::destroy(web, &read, environment, "").await);
    refused(draft::request(web, &read, &ask("x"), None).await);
    let write = house
        .by(&house.token("developer", "write", WRITE).await)
        .await
        .unwrap();
    environment::extend(web, &write, environment, day)
        .await
        .unwrap();
    // A stranger's token learns nothing, whatever its scopes.
    let all = Scopes {
        write: true,
        approve: true,
    };
    let stranger = house
        .by(&house.token("other", "all", all).await)
        .await
        .unwrap();
    let gone = environment::destroy(web, &stranger, environment, "").await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    // A right that the person loses is lost to the token that they made before.
    let dev = house.actor("developer").await;
    people::remove_member(web, &house.ctx("lead").await, dev.teams[0].0, dev.user)
        .await
        .unwrap();
    let text = house.token("developer", "late", WRITE).await;
    let late = house.by(&text).await.unwrap();
    let gone = environment::find(web, &late, environment).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn no_token_makes_tokens_or_reaches_people_and_sessions() {
    let house = House::new().await;
    let web = &house.db.web;
    let all = Scopes {
        write: true,
        approve: true,
    };
    let by = house
        .by(&house.token("admin", "all", all).await)
        .await
        .unwrap();
    let me = by.person().unwrap().user;
    let dev = house.actor("developer").await.user;
    refused(token::create(web, &by, "another", READ, token::USUAL).await);
    refused(token::list(web, &by, me).await);
    refused(token::revoke(web, &by, TokenId::new(1)).await);
    refused(people::list(web, &by, &people::Filter::default()).await);
    refused(people::find(web, &by, me).await);
    refused(people::give_role(web, &by, dev, OrgRole::Admin).await);
    refused(people::suspend(web, &by, dev).await);
    refused(people::add_team(web, &by, "theirs").await);
    refused(people::put_member(web, &by, 1.into(), "x@example.com", TeamRole::Lead).await);
    refused(session::list(web, &by, me).await);
    refused(session::end_all(web, &by, me).await);
    // An admin's token reads the trail: that is reading.
    audit::list(web, &by, &audit::Filter::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn names_are_ones_own_and_there_is_an_end_to_how_many() {
    let mut house = House::new().await;
    let web = house.db.web.clone();
    house.token("developer", "ci", READ).await;
    house.token("lead", "ci", READ).await;
    let dev = house.ctx("developer").await;
    for (name, life, wrong) in [
        ("ci", token::USUAL, "name"),
        ("a\nb", token::USUAL, "name"),
        ("long", token::LONGEST + Duration::SECOND, "for"),
        ("short", Duration::MINUTE, "for"),
    ] {
        match token::create(&web, &dev, name, READ, life).await {
            Err(Error::Invalid(errors)) => assert!(errors.contains_key(wrong), "{name:?}"),
            other => panic!("{name:?}: {other:?}"),
        }
    }
    for n in 1..token::MOST {
        house.token("developer", &format!("t{n}"), READ).await;
    }
    refused(token::create(&web, &dev, "one more", READ, token::USUAL).await);
    // What has ended gives name and place back.
    house.now += token::USUAL;
    house.token("developer", "ci", READ).await;
}

#[tokio::test]
async fn what_a_program_did_stands_in_the_trail_under_its_name_and_its_persons() {
    let house = House::new().await;
    let web = &house.db.web;
    let by = house
        .by(&house.token("developer", "ci", WRITE).await)
        .await
        .unwrap();
    draft::request(web, &by, &ask("by-program"), None)
        .await
        .unwrap();
    let auditor = house.ctx("auditor").await;
    let trail = audit::list(web, &auditor, &audit::Filter::default())
        .await
        .unwrap();
    let of = |action: &str| {
        let found = trail.records.iter().find(|r| r.action == action);
        found.unwrap_or_else(|| panic!("{action}")).actor.clone()
    };
    assert_eq!(of("token.create"), "Dana Developer");
    for action in ["environment.request", "run.request"] {
        assert_eq!(of(action), "token ci (1) of Dana Developer");
    }
}

#[tokio::test]
async fn a_vote_by_token_needs_approve_and_the_digest_and_is_its_persons() {
    let house = House::new().await;
    let web = &house.db.web;
    let run = house.request("developer", "shared", "voted", &[]).await;
    house.preview("one").await;
    let digest = run::find(web, &house.ctx("lead").await, run)
        .await
        .unwrap()
        .digest
        .unwrap();
    let vote = async |token: &str, digest: &str| {
        let ctx = house.by(token).await.unwrap();
        approval::vote(web, &ctx, run, digest, approval::Decision::Approve, "").await
    };
    let write = house.token("lead", "write", WRITE).await;
    assert!(refused(vote(&write, &digest).await).contains("approve"));
    let own = house.token("developer", "own", APPROVE).await;
    assert!(refused(vote(&own, &digest).await).contains("themselves"));
    let lead = house.token("lead", "votes", APPROVE).await;
    assert!(matches!(vote(&lead, "another").await, Err(Error::Stale(_))));
    assert_eq!(house.state(run).await, State::AwaitingApproval);
    assert_eq!(vote(&lead, &digest).await.unwrap(), State::Approved);
}

#[tokio::test]
async fn a_program_asks_by_the_same_form_and_nothing_is_left_of_what_was_wrong() {
    let house = House::new().await;
    let web = &house.db.web;
    // Somebody has the form open meanwhile: it stays as it is.
    let dev = house.ctx("developer").await;
    let target = draft::Target::Template("preview".into());
    let open = draft::open(web, &dev, &target).await.unwrap();
    let by = house
        .by(&house.token("developer", "ci", WRITE).await)
        .await
        .unwrap();
    let count = async || -> (i64, i64) {
        sqlx::query_as("select (select count(*) from draft), (select count(*) from input_secret)")
            .fetch_one(&house.db.owner)
            .await
            .unwrap()
    };
    let before = count().await;
    for (given, wrong) in [
        (json!({ "size": 9 }), "in.size"),
        (json!({ "size": [] }), "in.size"),
        (json!({ "sise": 1 }), "in.sise"),
        (json!({ "tags": "a" }), "in.tags"),
        (
            json!({ "password": "hunter2-canary", "size": 9 }),
            "in.size",
        ),
    ] {
        let mut ask = ask("wrong");
        ask.inputs = inputs(given.clone());
        match draft::request(web, &by, &ask, Some("k")).await {
            Err(Error::Invalid(errors)) => {
                assert!(errors.contains_key(wrong), "{given}: {errors:?}");
                assert!(!format!("{errors:?}").contains("hunter2"));
            }
            other => panic!("{given}: {other:?}"),
        }
    }
    let mut nameless = ask("Not A Name");
    nameless.team = Some("payments".into());
    nameless.life = Some("99d".into());
    match draft::request(web, &by, &nameless, None).await {
        Err(Error::Invalid(errors)) => {
            for wrong in ["name", "team", "life"] {
                assert!(errors.contains_key(wrong), "{wrong}: {errors:?}");
            }
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        count().await,
        before,
        "what was wrong left something behind"
    );
    let mut right = ask("right");
    right.inputs = inputs(json!({ "size": 2, "tags": ["a", "b"], "password": "hunter2-canary" }));
    let made = draft::request(web, &by, &right, None).await.unwrap();
    let view = run::find(web, &dev, made.run).await.unwrap();
    assert_eq!(
        Value::Object(view.inputs),
        json!({ "size": 2, "tags": ["a", "b"] })
    );
    assert_eq!(view.sensitive, ["password"]);
    assert!(!house.dump().await.contains("hunter2-canary"));
    let again = draft::open(web, &dev, &target).await.unwrap();
    assert_eq!(
        (again.id, again.run),
        (open.id, None),
        "the open form is another one"
    );
    // Its name is taken now.
    let taken = draft::request(web, &by, &ask("right"), None).await;
    assert!(matches!(taken, Err(Error::Invalid(e)) if e.contains_key("name")));
    let missing = Ask {
        template: "nothing".into(),
        ..ask("x")
    };
    let missing = draft::request(web, &by, &missing, None).await;
    assert!(matches!(missing, Err(Error::NotFound)));
    let none = house
        .by(&house.token("auditor", "ci", WRITE).await)
        .await
        .unwrap();
    refused(draft::request(web, &none, &ask("x"), None).await);
}

#[tokio::test]
async fn two_same_requests_with_one_key_are_one_run() {
    let mut house = House::new().await;
    let web = house.db.web.clone();
    let text = house.token("developer", "ci", WRITE).await;
    let by = house.by(&text).await.unwrap();
    let asked = ask("once");
    let (one, two) = tokio::join!(
        draft::request(&web, &by, &asked, Some("k-1")),
        draft::request(&web, &by, &asked, Some("k-1"))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.run, two.run);
    assert!(one.again != two.again, "one of them was the first");
    let runs: i64 = sqlx::query_scalar("select count(*) from run")
        .fetch_one(&house.db.owner)
        .await
        .unwrap();
    assert_eq!(runs, 1);
    let third = draft::request(&web, &by, &asked, Some("k-1"))
        .await
        .unwrap();
    assert_eq!((third.run, third.again), (one.run, true));
    // Another request under the same key is refused, another person's key is theirs.
    let said = refused(draft::request(&web, &by, &ask("twice"), Some("k-1")).await);
    assert!(said.contains("Idempotency-Key"), "{said}");
    let lead = house
        .by(&house.token("lead", "ci", WRITE).await)
        .await
        .unwrap();
    let other = draft::request(&web, &lead, &ask("theirs"), Some("k-1"))
        .await
        .unwrap();
    assert!(!other.again && other.run != RunId::new(one.run.get()));
    // After a day it is forgotten.
    house.now += Duration::DAY + Duration::SECOND;
    let by = house.by(&text).await.unwrap();
    let fresh = draft::request(&web, &by, &ask("next-day"), Some("k-1"))
        .await
        .unwrap();
    assert!(!fresh.again);
}
