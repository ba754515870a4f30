//! Too much, too slow, too long; and a process that is being stopped.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use slipway_services::{people, session};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{Portal, now};
use crate::listen;

#[tokio::test]
async fn a_mass_of_sign_ins_from_one_address_is_slowed_down_and_another_address_is_not() {
    let portal = Portal::new().await;
    let mut browser = portal.nobody();
    browser.host = "other.localhost:7070".into();
    let from = |address: &str| {
        browser
            .request(Method::POST, "/sign-in")
            .header("origin", "http://other.localhost:7070")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-forwarded-for", address)
            .body(Body::from("persona=nobody-at-all"))
            .unwrap()
    };
    let mut slowed = 0;
    for n in 0..80 {
        // Another forged address each time: no proxy is ours, so nobody is believed.
        let answer = portal.send(from(&format!("203.0.113.{n}"))).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            slowed += 1;
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            assert!(answer.header("set-cookie").is_empty());
        }
    }
    assert!((15..=20).contains(&slowed), "{slowed}");
    // Behind one proxy of ours the last address counts, and each has its own measure.
    let portal = Portal::behind(1).await;
    for n in 0..80 {
        let answer = portal.send(from(&format!("203.0.113.{n}"))).await;
        assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    }
    let mut slowed = 0;
    for n in 0..80 {
        let answer = portal
            .send(from(&format!("198.51.100.{n}, 192.0.2.1")))
            .await;
        slowed += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(slowed >= 15, "{slowed}");
}

#[tokio::test]
async fn somebody_who_changes_too_much_is_slowed_down_and_still_may_read() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let lead = portal.sign_in("lead").await;
    let mut last = StatusCode::OK;
    for _ in 0..70 {
        last = developer.post("/runs/987654/cancel", &[]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(developer.get("/").await.status, StatusCode::OK);
    assert_eq!(
        lead.post("/runs/987654/cancel", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_address_with_too_many_parts_is_refused_before_it_is_read() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let answer = developer
        .get(&format!("/history?{}", "a=b&".repeat(201)))
        .await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn a_form_that_holds_too_much_is_refused_before_it_is_read_and_the_draft_stays() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let form = developer.get("/catalog/hello/request").await;
    let draft = super::between(&form.body, "action=\"/drafts/", "\"").to_owned();
    let path = format!("/drafts/{draft}");
    let mine = [
        ("do", "save"),
        ("reason", "kept-reason"),
        ("in.who", "kept-who"),
    ];
    developer.post(&path, &mine).await;
    // More fields than any form has, ours or not: nothing of it is read, and what was kept stays.
    for name in ["in.x", "x"] {
        let names: Vec<String> = (0..5_000).map(|n| format!("{name}{n}")).collect();
        let mut many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "1")).collect();
        many.push(("do", "send"));
        let answer = developer.post(&path, &many).await;
        assert_eq!(answer.header("location"), format!("{path}#problem"));
        let page = developer.get(&path).await.body;
        assert!(page.contains("more than 4000 fields"), "{page}");
        assert!(
            page.contains("kept-reason") && page.contains("kept-who"),
            "{page}"
        );
    }
    // A name that nests without end: that field is refused, the others are kept.
    for deep in [".a".repeat(100), ".a".repeat(50_000), "[0]".repeat(50_000)] {
        let name = format!("in.who{deep}");
        let answer = developer
            .post(
                &path,
                &[("do", "send"), (&name, "1"), ("in.who", "other-who")],
            )
            .await;
        assert_eq!(answer.header("location"), format!("{path}#problem"));
        let page = developer.get(&path).await.body;
        assert!(page.contains("nests deeper than 8 levels"), "{page}");
        assert!(page.contains("other-who"));
    }
    // The small forms.
    let run = developer.request_environment("small").await["runs"].clone();
    let path = format!("/runs/{run}/cancel");
    let names: Vec<String> = (0..65).map(|n| format!("x{n}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "1")).collect();
    let long = "force".to_owned() + &"[a]".repeat(1_000);
    let big = "a".repeat(70_000);
    for (fields, why) in [
        (many, "more than 64 fields"),
        (vec![(long.as_str(), "")], "name has more than 64 bytes"),
        (vec![("force", big.as_str())], "larger than 64 KiB"),
    ] {
        let answer = developer.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{why}");
        assert!(
            answer.body.contains(why) && answer.body.contains("Nothing was changed"),
            "{}",
            answer.body
        );
    }
    let page = developer.get(&format!("/runs/{run}")).await;
    assert!(!page.body.contains("Canceled"), "the run goes on");
}

#[tokio::test]
async fn of_two_cookies_with_one_name_neither_counts() {
    let portal = Portal::new().await;
    let mut developer = portal.sign_in("developer").await;
    let mine = developer.cookie.clone();
    for planted in [
        format!("slipway={}; {mine}", "a".repeat(64)),
        format!("{mine}; slipway={}", "a".repeat(64)),
    ] {
        developer.cookie = planted;
        assert_eq!(developer.get("/").await.status, StatusCode::SEE_OTHER);
    }
    developer.cookie = format!("theme=dark; {mine}; other=1");
    assert_eq!(developer.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn behind_tls_browsers_are_told_to_stay_there() {
    let tls = Portal::with(true, true).await;
    let mut browser = tls.nobody();
    browser.host = "portal.example.com".into();
    assert!(
        browser
            .get("/sign-in")
            .await
            .header("strict-transport-security")
            .contains("max-age=63072000")
    );
    let plain = Portal::new().await;
    assert_eq!(
        plain
            .nobody()
            .get("/sign-in")
            .await
            .header("strict-transport-security"),
        ""
    );
}

#[tokio::test]
async fn a_stopping_process_is_not_ready_and_still_answers() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    assert_eq!(developer.get("/health/ready").await.body, "ready\n");
    portal.stop.send(true).unwrap();
    let ready = developer.get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.body.contains("leaving"), "{}", ready.body);
    assert_eq!(developer.get("/health/live").await.status, StatusCode::OK);
    assert_eq!(developer.get("/").await.status, StatusCode::OK);
    portal.db.web.close().await;
    let ready = developer.get("/health/ready").await;
    assert!(
        ready.body.contains("database: it does not answer"),
        "{}",
        ready.body
    );
    assert_eq!(developer.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_by_route_and_not_for_outside() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let ids = developer.request_environment("counted").await;
    developer.get(&format!("/runs/{}", ids["runs"])).await;
    developer.get("/nowhere/canary-path").await;
    let text = developer.get("/metrics").await.body;
    for line in [
        "slipway_http_requests_total{method=\"GET\",route=\"/runs/{id}\",status=\"200\"}",
        "slipway_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "slipway_http_request_seconds_count{route=\"/runs/{id}\"}",
        "slipway_runs{state=\"queued\"} 1",
        "slipway_runs{state=\"unknown\"} 0",
        "slipway_workers_alive 1",
        "slipway_database_up 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("canary-path"));
    // Names that infra's alerts use, as far as there is something to measure.
    let rules = include_str!("../../../infra/monitoring/rules/slipway.yaml");
    for name in [
        "slipway_queue_oldest_seconds",
        "slipway_workers_alive",
        "slipway_runs",
        "slipway_audit_unsealed_oldest_seconds",
        "slipway_http_requests_total",
    ] {
        assert!(
            rules.contains(name) && text.contains(&format!("\n{name}")),
            "{name}"
        );
    }
    let through_a_proxy = developer
        .request(Method::GET, "/metrics")
        .header("x-forwarded-for", "203.0.113.7")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        portal.send(through_a_proxy).await.status,
        StatusCode::NOT_FOUND
    );
}

/// A served portal: over a socket, by the listener that production has.
async fn served(portal: &Portal) -> (std::net::SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (leave, leaving) = watch::channel(false);
    tokio::spawn(listen::serve(listener, portal.router.clone(), leaving));
    (address, leave)
}

async fn answer(stream: &mut TcpStream, say: &str) -> String {
    stream.write_all(say.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_refused() {
    let portal = Portal::new().await;
    let (address, _leave) = served(&portal).await;
    let head = "GET /sign-in HTTP/1.1\r\nhost: localhost:7070\r\nconnection: close\r\n";
    let open = || TcpStream::connect(address);
    let good = answer(&mut open().await.unwrap(), &format!("{head}\r\n")).await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    let many = "x-a: 1\r\n".repeat(listen::HEADERS);
    let refused = answer(&mut open().await.unwrap(), &format!("{head}{many}\r\n")).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
    let large = format!("x-a: {}\r\n", "a".repeat(2 * listen::HEADER_BYTES));
    let refused = answer(&mut open().await.unwrap(), &format!("{head}{large}\r\n")).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
}

/// Slow headers: each connection sends a byte now and then, and would hold its place for ever.
#[tokio::test]
async fn slow_headers_lose_their_place_and_others_are_answered_meanwhile() {
    let portal = Portal::new().await;
    let (address, _leave) = served(&portal).await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: localh")
            .await
            .unwrap();
        slow.push(stream);
    }
    let begun = Instant::now();
    let mut honest = TcpStream::connect(address).await.unwrap();
    let good = answer(
        &mut honest,
        "GET /sign-in HTTP/1.1\r\nhost: localhost:7070\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    let mut ended = 0;
    for mut stream in slow {
        // A byte more does not begin the patience anew.
        let _ = stream.write_all(b"o").await;
        let mut rest = Vec::new();
        let end = tokio::time::timeout(listen::PATIENCE * 3, stream.read_to_end(&mut rest)).await;
        ended += u32::from(end.is_ok());
    }
    assert_eq!(ended, 300, "all of them, after {:?}", begun.elapsed());
}

#[tokio::test]
async fn leaving_lets_a_request_end_and_takes_no_new_one() {
    let portal = Portal::new().await;
    let (address, leave) = served(&portal).await;
    // Under way: its head has arrived, its body has not.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"POST /sign-in HTTP/1.1\r\nhost: localhost:7070\r\norigin: http://localhost:7070\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 17\r\n\r\npersona=")
        .await
        .unwrap();
    // The front room has begun with it once another one of the same connection order was answered.
    let mut other = TcpStream::connect(address).await.unwrap();
    answer(
        &mut other,
        "GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    leave.send(true).unwrap();
    let until = Instant::now() + Duration::from_secs(3);
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < until, "it still takes connections");
        tokio::task::yield_now().await;
    }
    let text = answer(&mut stream, "developer").await;
    assert!(text.starts_with("HTTP/1.1 303"), "{text}");
}

/// Reads a stream until it ends; how long that took.
async fn until_the_end(
    portal: &Portal,
    browser: &super::Browser<'_>,
    act: impl AsyncFnOnce(),
) -> Duration {
    use tower::ServiceExt;
    let request = browser
        .request(Method::GET, "/live")
        .body(Body::empty())
        .unwrap();
    let response = portal.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body().into_data_stream();
    use futures_util::StreamExt as _;
    assert!(body.next().await.is_some(), "it has begun");
    act().await;
    let begun = Instant::now();
    while tokio::time::timeout(Duration::from_secs(25), body.next())
        .await
        .expect("it ends")
        .is_some()
    {}
    begun.elapsed()
}

#[tokio::test]
async fn an_open_stream_ends_with_its_session_and_when_rights_change() {
    let portal = Portal::new().await;
    let web = &portal.db.web;
    let admin = portal.sign_in("admin").await;
    let token = admin.cookie.split_once('=').unwrap().1;
    let ctx = slipway_services::Ctx {
        actor: session::find(web, token, now()).await.unwrap(),
        request_id: "test".into(),
        now: now(),
    };
    let developer = portal.sign_in("developer").await;
    let user = person(&portal, "demo:developer").await;
    // Well before the next beat: the announcement ends it.
    let soon = Duration::from_secs(4);
    let took = until_the_end(&portal, &developer, async || {
        people::give_role(web, &ctx, user, slipway_domain::role::OrgRole::Auditor)
            .await
            .unwrap();
    })
    .await;
    assert!(took < soon, "{took:?}");
    let developer = portal.sign_in("developer").await;
    let took = until_the_end(&portal, &developer, async || {
        assert_eq!(
            developer.post("/sign-out", &[]).await.status,
            StatusCode::SEE_OTHER
        );
    })
    .await;
    assert!(took < soon, "{took:?}");
    let developer = portal.sign_in("developer").await;
    let took = until_the_end(&portal, &developer, async || {
        people::suspend(web, &ctx, user).await.unwrap();
    })
    .await;
    assert!(took < soon, "{took:?}");
    assert_eq!(
        developer.get("/live").await.status,
        StatusCode::UNAUTHORIZED
    );
    // Somebody who changes the table by hand announces nothing: the next beat sees it.
    let lead = portal.sign_in("lead").await;
    let took = until_the_end(&portal, &lead, async || {
        sqlx::query("update user_account set suspended_at = now() where subject = 'demo:lead'")
            .execute(&portal.db.owner)
            .await
            .unwrap();
    })
    .await;
    assert!(took < Duration::from_secs(12), "{took:?}");
}

/// The database is away, so nobody can say whether the session lives: that is no yes for longer than half a minute.
#[tokio::test]
async fn a_stream_ends_when_nobody_can_say_whether_its_session_lives() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let took = until_the_end(&portal, &developer, async || portal.db.web.close().await).await;
    let most = std::time::Duration::try_from(session::DOUBT).unwrap() + Duration::from_secs(12);
    assert!(took > Duration::from_secs(15) && took < most, "{took:?}");
}

async fn person(portal: &Portal, subject: &str) -> slipway_domain::id::UserId {
    let id: i64 = sqlx::query_scalar("select id from user_account where subject = $1")
        .bind(subject)
        .fetch_one(&portal.db.owner)
        .await
        .unwrap();
    slipway_domain::id::UserId::new(id)
}

#[tokio::test]
async fn the_twenty_first_stream_of_a_person_is_refused_and_a_place_is_given_back() {
    use tower::ServiceExt;
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let open = || {
        portal.router.clone().oneshot(
            developer
                .request(Method::GET, "/live")
                .body(Body::empty())
                .unwrap(),
        )
    };
    let mut streams = Vec::new();
    for _ in 0..20 {
        let response = open().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        streams.push(response);
    }
    assert_eq!(
        open().await.unwrap().status(),
        StatusCode::TOO_MANY_REQUESTS
    );
    streams.clear();
    let until = Instant::now() + Duration::from_secs(15);
    while open().await.unwrap().status() != StatusCode::OK {
        assert!(Instant::now() < until, "no place was given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
