//! What tries to get past the door.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};

use super::Portal;

#[tokio::test]
async fn a_name_that_somebody_else_points_at_us_is_turned_away() {
    let portal = Portal::new().await;
    for host in [
        "evil.example",
        "localhost.evil.example",
        "evil.localhost:7070",
        "127.0.0.1.nip.io:7070",
        "",
        "lead.localhost.evil.example",
    ] {
        let answer = portal
            .send(
                Request::builder()
                    .uri("/")
                    .header("host", host)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host:?}");
    }
    for host in [
        "127.0.0.1:7070",
        "localhost:7070",
        "[::1]:7070",
        "LEAD.localhost:7070",
        "portal.example.com",
    ] {
        let answer = portal
            .send(
                Request::builder()
                    .uri("/sign-in")
                    .header("host", host)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{host:?}");
    }
    let two = Request::builder()
        .uri("/")
        .header("host", "localhost:7070")
        .header("host", "evil.example");
    assert_eq!(
        portal.send(two.body(Body::empty()).unwrap()).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn a_form_from_another_page_changes_nothing() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let ids = developer.request_environment("target").await;
    let path = format!("/runs/{}/cancel", ids["runs"]);
    for (origin, site) in [
        (Some("https://evil.example"), Some("cross-site")),
        (Some("null"), Some("cross-site")),
        (Some("http://lead.localhost:7070"), Some("same-site")),
        (Some("http://developer.localhost:9999"), Some("same-site")),
        (Some("https://developer.localhost:7070"), None),
        (None, Some("cross-site")),
        (None, Some("same-site")),
    ] {
        let mut request = developer
            .request(Method::POST, &path)
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        let answer = portal.send(request.body(Body::from("")).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?} {site:?}");
    }
    let page = developer.get(&format!("/runs/{}", ids["runs"])).await;
    assert!(!page.body.contains("Canceled"));
    assert_eq!(
        developer.post(&path, &[]).await.status,
        StatusCode::SEE_OTHER,
        "our own page may"
    );
}

#[tokio::test]
async fn another_site_may_link_to_a_page_and_not_fetch_it() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let ask = |mode: &str| {
        let request = developer
            .request(Method::GET, "/")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", mode);
        portal.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("navigate").await.status, StatusCode::OK);
    for mode in ["cors", "no-cors", "websocket"] {
        assert_eq!(ask(mode).await.status, StatusCode::FORBIDDEN, "{mode}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let evil = portal
        .send(
            Request::builder()
                .uri("/")
                .header("host", "evil.example")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    for answer in [
        developer.get("/").await,
        developer.get("/nowhere").await,
        developer.get("/assets/none.js").await,
        portal.nobody().get("/").await,
        evil,
    ] {
        let csp = answer.header("content-security-policy");
        assert!(
            csp.starts_with("default-src 'none'")
                && !csp.contains("unsafe-inline")
                && csp.contains("frame-ancestors 'none'"),
            "{csp}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn too_long_is_refused_before_it_is_read() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    assert_eq!(
        developer
            .get(&format!("/?{}", "a".repeat(9000)))
            .await
            .status,
        StatusCode::URI_TOO_LONG
    );
    let big = "a".repeat(30 << 20);
    let ids = developer.request_environment("big").await;
    let answer = developer
        .post(&format!("/drafts/{}", ids["drafts"]), &[("in.who", &big)])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_cookie_is_bound_as_tightly_as_it_can_be() {
    let portal = Portal::new().await;
    let answer = portal
        .nobody()
        .post("/sign-in", &[("persona", "developer")])
        .await;
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("slipway=")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
            && !cookie.contains("Domain"),
        "{cookie}"
    );
    let behind_tls = Portal::with(true, true).await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/sign-in")
        .header("host", "portal.example.com")
        .header("origin", "https://portal.example.com")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = behind_tls
        .send(request.body(Body::from("persona=developer")).unwrap())
        .await;
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-slipway=") && cookie.contains("; Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn a_session_ends_when_its_person_signs_out_and_a_planted_one_is_not_continued() {
    let portal = Portal::new().await;
    let mut developer = portal.sign_in("developer").await;
    assert_eq!(developer.get("/").await.status, StatusCode::OK);
    let planted = developer.cookie.clone();
    // Signing in again with that cookie gives another session, and ends the planted one.
    let again = developer
        .post("/sign-in", &[("persona", "developer")])
        .await;
    developer.cookie = again
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    assert_ne!(developer.cookie, planted);
    let old = super::Browser {
        portal: &portal,
        host: developer.host.clone(),
        cookie: planted,
    };
    assert_eq!(old.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(developer.get("/").await.status, StatusCode::OK);
    assert_eq!(
        developer.post("/sign-out", &[]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(developer.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_suspended_person_is_out_at_once() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    sqlx::query("update user_account set suspended_at = now() where subject = 'demo:developer'")
        .execute(&portal.db.owner)
        .await
        .unwrap();
    assert_eq!(developer.get("/").await.status, StatusCode::SEE_OTHER);
    let again = portal
        .nobody()
        .post("/sign-in", &[("persona", "developer")])
        .await;
    assert!(again.header("set-cookie").is_empty());
}

#[tokio::test]
async fn without_the_demo_nobody_signs_in_as_an_invented_person() {
    let portal = Portal::with(false, false).await;
    let answer = portal
        .nobody()
        .post("/sign-in", &[("persona", "admin")])
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.header("set-cookie").is_empty());
}

#[tokio::test]
async fn on_a_personas_own_host_nobody_else_signs_in() {
    let portal = Portal::new().await;
    let lead = super::Browser {
        portal: &portal,
        host: "lead.localhost:7070".into(),
        cookie: String::new(),
    };
    let answer = lead.post("/sign-in", &[("persona", "admin")]).await;
    assert!(
        answer.header("set-cookie").is_empty(),
        "{}",
        answer.header("set-cookie")
    );
}

#[tokio::test]
async fn the_demo_is_refused_where_others_could_reach_it() {
    use clap::Parser;
    let settings =
        |args: &[&str]| match crate::config::Args::parse_from([&["slipway", "up"], args].concat())
            .command
        {
            crate::config::Command::Up(settings) => settings,
            other => panic!("{other:?}"),
        };
    assert!(settings(&[]).demo(true).unwrap());
    assert!(!settings(&["--listen", "0.0.0.0:7070"]).demo(true).unwrap());
    assert!(!settings(&["--google-client-id", "x"]).demo(true).unwrap());
    let error = settings(&["--listen", "0.0.0.0:7070", "--demo", "true"])
        .demo(true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("anybody"), "{error}");
}

#[tokio::test]
async fn hostile_text_is_shown_and_not_obeyed() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let form = developer.get("/catalog/hello/request").await;
    let draft = super::between(&form.body, "action=\"/drafts/", "\"").to_owned();
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let path = format!("/drafts/{draft}");
    developer
        .post(
            &path,
            &[
                ("do", "send"),
                ("name", evil),
                ("reason", evil),
                ("in.who", evil),
            ],
        )
        .await;
    let answer = developer.get(&path).await;
    assert!(
        !answer.body.contains("<script>alert") && !answer.body.contains("<img src=x"),
        "{}",
        answer.body
    );
    assert!(
        answer.body.contains("&lt;script&gt;"),
        "what was typed is kept"
    );
    let search = developer
        .get("/environments?name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .await;
    assert!(!search.body.contains("<script>alert"));
}
