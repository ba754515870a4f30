//! What the web process leaves to workers: the groups of whoever signs in, and messages. With a real worker, and the
//! directory, the mail server and the chat played on loopback.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::Query,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use slipway_domain::{
    id::{TeamId, UserId},
    role::TeamRole,
};
use slipway_seal::{Secret, WorkerKey};
use slipway_services::{Ctx, directory, people, person, session, sign_in, work};
use slipway_worker::{Config, Groups, Leaving, MailBy, PostBy};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use super::{Answer, Browser, Portal, now};
use crate::door::Door;

const LEADS: &str = "checkout-leads@example.com";

async fn arrive(portal: &Portal, subject: &str) -> UserId {
    let passport = sign_in::Passport {
        issuer: "https://accounts.google.com".into(),
        subject: subject.into(),
        email: format!("{subject}@example.com"),
        name: format!("Name of {subject}"),
    };
    sign_in::arrive(&portal.db.web, &passport, &[], "test", now())
        .await
        .unwrap()
}

async fn admin(portal: &Portal) -> Ctx {
    let web = &portal.db.web;
    let user = person::persona(web, "admin").await.unwrap().unwrap();
    let token = session::begin(web, user, "test", "test", now())
        .await
        .unwrap();
    Ctx {
        actor: session::find(web, token.0.expose(), now()).await.unwrap(),
        request_id: "test".into(),
        now: now(),
    }
}

/// What the callback does once Google has said who somebody is.
async fn enter<'p>(portal: &'p Portal, door: &Door, user: UserId) -> (Browser<'p>, Duration) {
    let ctx = Ctx {
        actor: None,
        request_id: "test".into(),
        now: now(),
    };
    let begun = Instant::now();
    let response = crate::sign_in::begin(door, &ctx, &HeaderMap::new(), user, "/").await;
    let took = begun.elapsed();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let mut browser = portal.nobody();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie
        .split(';')
        .next()
        .unwrap()
        .clone_into(&mut browser.cookie);
    (browser, took)
}

#[tokio::test]
async fn a_sign_in_goes_on_without_an_answer_and_the_page_says_that_it_waits() {
    let portal = Portal::new().await;
    let sam = arrive(&portal, "sam").await;
    let waits = Duration::from_millis(600);
    let door = Door {
        patience: waits,
        ..portal.door.clone()
    };
    // No team has a group: nobody waits for anything.
    let (home, took) = enter(&portal, &door, sam).await;
    assert!(took < waits, "{took:?}");
    assert!(!home.get("/").await.body.contains("still being asked"));
    let ctx = admin(&portal).await;
    people::add_group(&portal.db.web, &ctx, TeamId::new(1), LEADS, TeamRole::Lead)
        .await
        .unwrap();
    directory::present(&portal.db.worker, time::Duration::hours(24), now())
        .await
        .unwrap();
    // A worker asks, and the directory hangs.
    let (home, took) = enter(&portal, &door, sam).await;
    assert!(
        took >= waits && took < waits + Duration::from_secs(5),
        "{took:?}"
    );
    for page in ["/", "/access"] {
        let answer = home.get(page).await;
        assert!(
            answer
                .body
                .contains("Google is still being asked which groups you are in."),
            "{page}"
        );
    }
    assert_eq!(home.get("/teams/1").await.status, StatusCode::NOT_FOUND);
    // In the real house it is three seconds.
    assert_eq!(portal.door.patience, Duration::from_secs(3));
}

#[tokio::test]
async fn a_sign_in_goes_on_as_soon_as_there_is_an_answer_heard_or_not() {
    for portal in [Portal::new().await, Portal::deaf().await] {
        let sam = arrive(&portal, "sam").await;
        let ctx = admin(&portal).await;
        people::add_group(&portal.db.web, &ctx, TeamId::new(1), LEADS, TeamRole::Lead)
            .await
            .unwrap();
        directory::present(&portal.db.worker, time::Duration::hours(24), now())
            .await
            .unwrap();
        let pool = portal.db.worker.clone();
        let key = WorkerKey::from_master(&[1; 32]);
        let me = work::register(&pool, "asks", &json!({}), (&key.id(), &key.public()), now())
            .await
            .unwrap();
        let worker = tokio::spawn(async move {
            loop {
                if let Some(due) = directory::claim(&pool, true, now()).await.unwrap() {
                    directory::confirm(&pool, &me, &due, &[LEADS.to_owned()], now())
                        .await
                        .unwrap();
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        let door = Door {
            patience: Duration::from_secs(60),
            ..portal.door.clone()
        };
        let (browser, took) = enter(&portal, &door, sam).await;
        assert!(took < Duration::from_secs(30), "{took:?}");
        worker.await.unwrap();
        let team = browser.get("/teams/1").await;
        assert!(
            team.body
                .contains("by the group checkout-leads@example.com"),
            "{}",
            team.body
        );
        assert!(!browser.get("/").await.body.contains("still being asked"));
    }
}

type Said = Arc<Mutex<Vec<String>>>;

/// The directory, which says that everybody is in these groups, and a chat.
async fn outside(groups: Said) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (to, heard) = mpsc::unbounded_channel();
    let router = Router::new()
        .route(
            "/token",
            post(|| async { json!({ "access_token": "t", "expires_in": 3600 }).to_string() }),
        )
        .route(
            "/admin/directory/v1/groups",
            get(
                move |Query(_): Query<BTreeMap<String, String>>| async move {
                    let list: Vec<_> = groups
                        .lock()
                        .unwrap()
                        .iter()
                        .map(|g| json!({ "email": g }))
                        .collect();
                    json!({ "kind": "admin#directory#groups", "groups": list }).to_string()
                },
            ),
        )
        .route(
            "/room",
            post(move |body: String| async move { to.send(body).map_err(|_| StatusCode::GONE) }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, heard)
}

/// A mail server that hands on each letter with its recipient.
async fn mail_server() -> (u16, mpsc::UnboundedReceiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (to, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.split();
                let mut lines = BufReader::new(read).lines();
                let mut recipient = String::new();
                write.write_all(b"220 mail.test\r\n").await?;
                while let Some(line) = lines.next_line().await? {
                    if line.starts_with("RCPT") {
                        recipient.clone_from(&line);
                    }
                    if line == "DATA" {
                        write.write_all(b"354 go on\r\n").await?;
                        let mut letter = String::new();
                        while let Some(line) = lines.next_line().await? {
                            if line == "." {
                                break;
                            }
                            letter += &format!("{line}\n");
                        }
                        let _ = to.send((recipient.clone(), letter));
                    }
                    write.write_all(b"250 ok\r\n").await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    (port, heard)
}

/// A service account's key, in a file as Google's console gives it.
fn key_file(folder: &Path) -> PathBuf {
    let der = include_bytes!("../../../crates/oidc/tests/keys/one.der");
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    let text = json!({ "type": "service_account", "client_email": "groups@portal.iam.gserviceaccount.com", "private_key_id": "k1", "private_key": pem });
    let path = folder.join("directory.json");
    std::fs::write(&path, text.to_string()).unwrap();
    path
}

#[tokio::test]
async fn a_worker_asks_the_directory_and_sends_what_is_to_be_told() {
    let portal = Portal::new().await;
    let folder = tempfile::tempdir().unwrap();
    let groups: Said = Arc::new(Mutex::new(vec![LEADS.to_owned()]));
    let (address, mut chat) = outside(groups.clone()).await;
    let (port, mut mail) = mail_server().await;
    let config = Config {
        terraform: Some("/nowhere/terraform".into()),
        opentofu: Some("/nowhere/tofu".into()),
        groups: Some(Groups {
            key: key_file(folder.path()),
            subject: "reader@example.com".into(),
            api: address.clone(),
            token: format!("{address}/token"),
            keep: time::Duration::hours(24),
            pause: Duration::from_millis(1),
        }),
        post: PostBy {
            mail: Some(MailBy {
                url: format!("smtp://127.0.0.1:{port}"),
                user: None,
                from: "slipway@example.com".into(),
            }),
            chat: Some(Secret::new(format!("{address}/room"))),
            base: "https://portal.example.com".into(),
        },
        ..Config::new("desk", folder.path().join("worker"))
    };
    // An admin gives the team to a group, on the team's page.
    let boss = portal.sign_in("admin").await;
    let page = boss.get("/teams/1").await;
    assert!(
        page.body.contains("Address of a Google group"),
        "{}",
        page.body
    );
    let added = boss
        .post("/teams/1/groups", &[("group", LEADS), ("role", "lead")])
        .await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let key = WorkerKey::from_master(&[1; 32]);
    let worker = slipway_worker::start(
        config,
        portal.db.worker.clone(),
        portal.door.hub.clone(),
        key,
    )
    .await
    .unwrap();
    eventually(
        || boss.get("/settings"),
        "a worker asks for everybody’s every 15 minutes",
    )
    .await;
    let settings = eventually(
        || boss.get("/settings"),
        "slipway@example.com through 127.0.0.1",
    )
    .await;
    assert!(!settings.body.contains("/room"), "the webhook is a secret");

    let sam = arrive(&portal, "sam").await;
    let door = Door {
        patience: Duration::from_secs(60),
        ..portal.door.clone()
    };
    let (browser, _) = enter(&portal, &door, sam).await;
    let team = browser.get("/teams/1").await;
    assert!(
        team.body
            .contains("by the group checkout-leads@example.com"),
        "{}",
        team.body
    );
    assert!(
        browser
            .get("/sessions")
            .await
            .body
            .contains("Send me no mail")
    );
    // Without an engine the run fails, and whoever asked hears of it: Sam by mail, the room by chat.
    let made = browser.request_environment("told").await;
    let (recipient, letter) = tokio::time::timeout(Duration::from_secs(60), mail.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(recipient, "RCPT TO:<sam@example.com>");
    let link = format!("https://portal.example.com/runs/{}", made["runs"]);
    assert!(
        letter.contains(&link) && letter.contains("told: failed"),
        "{letter}"
    );
    let line = tokio::time::timeout(Duration::from_secs(60), chat.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(line.contains(&link), "{line}");

    // Sam leaves the group: at the next question the team is somebody else's.
    groups.lock().unwrap().clear();
    let (browser, _) = enter(&portal, &door, sam).await;
    assert_eq!(browser.get("/teams/1").await.status, StatusCode::NOT_FOUND);
    worker.leave(Leaving::Gently);
    worker.done().await;
    assert!(
        mail.try_recv().is_err() && chat.try_recv().is_err(),
        "told twice"
    );
}

/// Asks until the page says so.
async fn eventually<F: Future<Output = Answer>>(ask: impl Fn() -> F, what: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if answer.body.contains(what) {
            return answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "never said: {what}\n{}",
            answer.body
        );
        tokio::task::yield_now().await;
    }
}
