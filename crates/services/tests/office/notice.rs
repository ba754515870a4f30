//! Messages: written with what they tell of, once each, to whom it concerns at the moment of sending, and with nothing in
//! them that is anybody's secret.

use std::collections::BTreeSet;

use slipway_domain::{id::RunId, run::State};
use slipway_services::{
    approval::{self, Decision},
    notice::{self, Channel, Means, Message},
    run, settings,
};
use time::Duration;

use crate::house::House;

const BASE: &str = "https://portal.example.com";

fn both() -> Means {
    Means {
        mail: true,
        chat: true,
        words: "slipway@example.com through mail.example.com, and a chat’s webhook".into(),
    }
}

/// A house with mail and chat, whose people have addresses.
async fn house() -> House {
    let house = House::new().await;
    sqlx::query("update user_account set email = replace(subject, 'demo:', '') || '@example.com'")
        .execute(&house.db.owner)
        .await
        .unwrap();
    notice::present(&house.db.worker, &both(), house.now)
        .await
        .unwrap();
    house
}

async fn next(house: &House, after: Duration) -> Option<Message> {
    notice::claim(&house.db.worker, &both(), BASE, house.now + after)
        .await
        .unwrap()
}

/// Everything that can be sent now, sent.
async fn post(house: &House) -> Vec<Message> {
    let mut all = Vec::new();
    while let Some(message) = next(house, Duration::ZERO).await {
        notice::sent(&house.db.worker, message.id, house.now)
            .await
            .unwrap();
        all.push(message);
    }
    all
}

fn readers(messages: &[Message]) -> BTreeSet<&str> {
    messages
        .iter()
        .map(|m| {
            if m.channel == Channel::Chat {
                "the chat"
            } else {
                m.to.as_str()
            }
        })
        .collect()
}

/// Rows by kind, reader and state, and why.
async fn rows(house: &House) -> Vec<(String, String, String, Option<String>)> {
    sqlx::query_as(
        "select n.kind, coalesce(u.email, 'the chat'), n.state, n.error from notice n left join user_account u on u.id = n.user_id order by n.id",
    )
    .fetch_all(&house.db.owner)
    .await
    .unwrap()
}

async fn waiting(house: &House, template: &str, name: &str) -> RunId {
    let run = house
        .request(
            "developer",
            template,
            name,
            &[("in.password", "hush-hush"), ("in.size", "3")],
        )
        .await;
    house.preview(name).await;
    run
}

async fn vote(house: &House, who: &str, id: RunId, decision: Decision) -> State {
    let ctx = house.ctx(who).await;
    let digest = run::find(&house.db.web, &ctx, id)
        .await
        .unwrap()
        .digest
        .unwrap();
    approval::vote(
        &house.db.web,
        &ctx,
        id,
        &digest,
        decision,
        "not like this, hush-reason",
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn whoever_may_vote_is_told_once_and_whoever_asked_hears_the_end() {
    let house = house().await;
    let id = waiting(&house, "shared", "demo-1").await;
    let told = post(&house).await;
    assert_eq!(
        readers(&told),
        BTreeSet::from(["lead@example.com", "the chat"])
    );
    for message in &told {
        assert!(
            message.text.contains(&format!("{BASE}/runs/{id}")),
            "{}",
            message.text
        );
        assert!(
            message.text.contains(
                "Dana Developer asks to create the environment demo-1 (team checkout, shared)."
            ),
            "{}",
            message.text
        );
        // A link that decides would be a link that a mail scanner presses.
        assert!(
            !message.text.contains("approve")
                && !message.text.contains("reject")
                && !message.text.contains('?'),
            "{}",
            message.text
        );
    }
    assert_eq!(
        told.iter()
            .find(|m| m.channel == Channel::Mail)
            .unwrap()
            .subject,
        "[Slipway] demo-1 waits for your vote"
    );
    // Planned again with the same result: nothing new to say.
    run::replan(&house.db.web, &house.ctx("developer").await, id)
        .await
        .unwrap();
    house.preview("demo-1").await;
    assert_eq!(post(&house).await, []);
    // With another result there is.
    run::replan(&house.db.web, &house.ctx("developer").await, id)
        .await
        .unwrap();
    house.preview("another plan").await;
    assert_eq!(
        readers(&post(&house).await),
        BTreeSet::from(["lead@example.com", "the chat"])
    );
    assert_eq!(
        vote(&house, "lead", id, Decision::Reject).await,
        State::Rejected
    );
    let ended = post(&house).await;
    assert_eq!(
        readers(&ended),
        BTreeSet::from(["developer@example.com", "the chat"])
    );
    assert!(
        ended[0].subject == "[Slipway] demo-1: rejected"
            || ended[1].subject == "[Slipway] demo-1: rejected",
        "{ended:?}"
    );
    // Neither inputs, nor reasons, nor secrets.
    for message in told.iter().chain(&ended) {
        let all = format!("{message:?}");
        assert!(!all.contains("hush") && !all.contains("size"), "{all}");
    }
}

#[tokio::test]
async fn production_tells_operators_too_and_nobody_who_may_not() {
    let house = house().await;
    waiting(&house, "production", "prod-1").await;
    assert_eq!(
        readers(&post(&house).await),
        BTreeSet::from(["lead@example.com", "operator@example.com", "the chat"])
    );
    assert!(rows(&house).await.iter().all(|r| r.2 == "sent"));
}

#[tokio::test]
async fn the_message_is_there_exactly_when_the_run_has_changed() {
    let house = house().await;
    let id = waiting(&house, "shared", "atomic").await;
    post(&house).await;
    // The message cannot be written, so the vote is none.
    sqlx::query("alter table notice add constraint full_up check (kind <> 'ended') not valid")
        .execute(&house.db.owner)
        .await
        .unwrap();
    let ctx = house.ctx("lead").await;
    let digest = run::find(&house.db.web, &ctx, id)
        .await
        .unwrap()
        .digest
        .unwrap();
    let done = approval::vote(&house.db.web, &ctx, id, &digest, Decision::Reject, "no").await;
    assert!(done.is_err(), "{done:?}");
    assert_eq!(house.state(id).await, State::AwaitingApproval);
    let votes: i64 = sqlx::query_scalar("select count(*) from approval")
        .fetch_one(&house.db.owner)
        .await
        .unwrap();
    assert_eq!(votes, 0);
    sqlx::query("alter table notice drop constraint full_up")
        .execute(&house.db.owner)
        .await
        .unwrap();
    vote(&house, "lead", id, Decision::Reject).await;
    assert_eq!(
        readers(&post(&house).await),
        BTreeSet::from(["developer@example.com", "the chat"])
    );
}

#[tokio::test]
async fn whoever_ends_it_themselves_is_not_told_of_it() {
    let house = house().await;
    let id = waiting(&house, "shared", "own-end").await;
    post(&house).await;
    run::cancel(&house.db.web, &house.ctx("developer").await, id, false)
        .await
        .unwrap();
    assert_eq!(readers(&post(&house).await), BTreeSet::from(["the chat"]));
    // Called off by somebody else, they are.
    let id = waiting(&house, "shared", "others-end").await;
    post(&house).await;
    run::cancel(&house.db.web, &house.ctx("lead").await, id, false)
        .await
        .unwrap();
    assert_eq!(
        readers(&post(&house).await),
        BTreeSet::from(["developer@example.com", "the chat"])
    );
}

#[tokio::test]
async fn whoever_it_concerns_no_longer_gets_nothing() {
    let house = house().await;
    // No lead any more.
    waiting(&house, "shared", "one").await;
    sqlx::query("update team_member set role = 'member'")
        .execute(&house.db.owner)
        .await
        .unwrap();
    assert_eq!(readers(&post(&house).await), BTreeSet::from(["the chat"]));
    sqlx::query("update team_member set role = 'lead' where user_id = (select id from user_account where subject = 'demo:lead')")
        .execute(&house.db.owner).await.unwrap();
    // Decided meanwhile.
    let id = waiting(&house, "shared", "two").await;
    vote(&house, "lead", id, Decision::Reject).await;
    let sent = post(&house).await;
    assert!(
        sent.iter()
            .all(|m| m.subject.is_empty() || m.subject.ends_with("rejected")),
        "{sent:?}"
    );
    // Suspended, and switched off, between the writing and the sending.
    waiting(&house, "shared", "three").await;
    notice::want(&house.db.web, &house.ctx("lead").await, false)
        .await
        .unwrap();
    assert_eq!(readers(&post(&house).await), BTreeSet::from(["the chat"]));
    // Switched off before: not even queued.
    let before = rows(&house).await.len();
    waiting(&house, "shared", "four").await;
    assert_eq!(rows(&house).await.len(), before + 1, "the chat's alone");
    notice::want(&house.db.web, &house.ctx("lead").await, true)
        .await
        .unwrap();
    assert_eq!(
        notice::wants(&house.db.web, &house.ctx("lead").await)
            .await
            .unwrap(),
        Some(true)
    );
    let why: BTreeSet<_> = rows(&house)
        .await
        .into_iter()
        .filter(|r| r.2 == "dropped")
        .filter_map(|r| r.3)
        .collect();
    assert!(
        why.contains("they may not vote on it any more")
            && why.contains("it waits no longer")
            && why.contains("they want no mail, or are suspended"),
        "{why:?}"
    );
}

#[tokio::test]
async fn two_workers_send_one_mail() {
    let house = house().await;
    waiting(&house, "production", "once").await;
    let claims = (0..8).map(|_| notice::claim(&house.db.worker, &BOTH, BASE, house.now));
    let claimed: Vec<i64> = futures_util::future::join_all(claims)
        .await
        .into_iter()
        .filter_map(|m| m.unwrap().map(|m| m.id))
        .collect();
    let different: BTreeSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), different.len()), (3, 3));
    // A worker that died with it in its hands does not keep it.
    assert_eq!(
        next(&house, notice::CLAIM - Duration::seconds(1)).await,
        None
    );
    assert!(next(&house, notice::CLAIM).await.is_some());
}

static BOTH: Means = Means {
    mail: true,
    chat: true,
    words: String::new(),
};

#[tokio::test]
async fn what_cannot_be_sent_is_tried_less_and_less_and_then_given_up_where_admins_see_it() {
    let house = house().await;
    let id = waiting(&house, "shared", "lost").await;
    let only_mail = Means {
        chat: false,
        ..both()
    };
    let mut at = house.now;
    let mut pauses = Vec::new();
    for n in 1..=notice::TRIES {
        let message = notice::claim(&house.db.worker, &only_mail, BASE, at)
            .await
            .unwrap()
            .expect("another try");
        notice::failed(
            &house.db.worker,
            message.id,
            &format!("try {n}: the mail server: 451 later"),
            false,
            at,
        )
        .await
        .unwrap();
        let due: time::OffsetDateTime =
            sqlx::query_scalar("select next_at from notice where id = $1")
                .bind(message.id)
                .fetch_one(&house.db.owner)
                .await
                .unwrap();
        assert_eq!(
            notice::claim(
                &house.db.worker,
                &only_mail,
                BASE,
                due - Duration::seconds(1)
            )
            .await
            .unwrap(),
            None
        );
        pauses.push((due - at).whole_seconds());
        at = due;
    }
    assert_eq!(pauses[..3], [30, 60, 120]);
    assert_eq!(
        notice::claim(&house.db.worker, &only_mail, BASE, at + Duration::days(1))
            .await
            .unwrap(),
        None
    );
    let admin = house.ctx("admin").await;
    let seen = settings::in_force(&house.db.web, &admin)
        .await
        .unwrap()
        .post;
    let failed = &seen.failed[..];
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].run, failed[0].to.as_deref(), failed[0].tries),
        (id, Some("Lee Lead"), notice::TRIES)
    );
    assert!(failed[0].error.as_ref().unwrap().contains("451 later"));
    assert_eq!(seen.queued, 1, "the chat's");
    // Hopeless at once.
    let chat = next(&house, Duration::ZERO).await.unwrap();
    notice::failed(&house.db.worker, chat.id, "no such room", true, house.now)
        .await
        .unwrap();
    assert_eq!(
        settings::in_force(&house.db.web, &admin)
            .await
            .unwrap()
            .post
            .failed
            .len(),
        2
    );
    for who in ["lead", "developer", "operator"] {
        let ctx = house.ctx(who).await;
        assert!(
            settings::in_force(&house.db.web, &ctx).await.is_err(),
            "{who}"
        );
    }
}

#[tokio::test]
async fn without_means_nothing_is_queued_and_what_was_is_dropped() {
    let house = house().await;
    waiting(&house, "shared", "queued").await;
    assert_eq!(rows(&house).await.len(), 2);
    notice::present(&house.db.worker, &Means::default(), house.now)
        .await
        .unwrap();
    assert!(rows(&house).await.iter().all(|r| r.2 == "dropped"));
    let id = waiting(&house, "shared", "unheard").await;
    vote(&house, "lead", id, Decision::Reject).await;
    assert_eq!(rows(&house).await.len(), 2);
    assert_eq!(
        notice::wants(&house.db.web, &house.ctx("lead").await)
            .await
            .unwrap(),
        None
    );
    // And before any worker ever spoke.
    let fresh = House::new().await;
    waiting(&fresh, "shared", "unheard").await;
    assert_eq!(rows(&fresh).await, []);
}

#[tokio::test]
async fn a_hostile_name_stays_a_name() {
    let house = house().await;
    sqlx::query("update user_account set name = E'Dana\\r\\nBcc: all@example.com\\r\\n\\r\\n<!channel> @here \\u202ereversed & <https://evil.example|click>' where subject = 'demo:developer'")
        .execute(&house.db.owner).await.unwrap();
    waiting(&house, "shared", "named").await;
    let told = post(&house).await;
    assert_eq!(told.len(), 2);
    for message in told {
        assert!(
            !message.subject.contains(['\r', '\n']) && !message.text.contains(['\r', '\u{202e}']),
            "{message:?}"
        );
        assert!(!message.text.contains("\nBcc"), "{message:?}");
        if message.channel == Channel::Chat {
            assert!(
                !message.text.contains(['<', '>']) && !message.text.contains("@here"),
                "{message:?}"
            );
            assert!(
                message.text.ends_with(&format!(" {BASE}/runs/1")),
                "{message:?}"
            );
        }
    }
}
