//! The stream of events, where hints fail.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, StatusCode},
};
use futures_util::StreamExt;
use tower::ServiceExt;

use super::Portal;

/// Reads until a message says this.
async fn heard(stream: &mut BodyDataStream, words: &str) -> bool {
    let mut text = String::new();
    let reading = async {
        while let Some(Ok(piece)) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(&piece));
            if text.contains(words) {
                return true;
            }
        }
        false
    };
    // Half as long again as the longest that it may take.
    tokio::time::timeout(Duration::from_secs(15), reading)
        .await
        .unwrap_or(false)
}

#[tokio::test]
async fn a_lost_notification_costs_no_state_for_longer_than_a_beat() {
    let portal = Portal::deaf().await;
    let developer = portal.sign_in("developer").await;
    let run = developer.request_environment("unheard").await["runs"].clone();
    let request = developer
        .request(Method::GET, &format!("/live?run={run}:0"))
        .body(Body::empty())
        .unwrap();
    let response = portal.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    assert!(
        heard(&mut stream, "\"state\":\"queued\"").await,
        "where it stands comes first"
    );
    let canceled = developer.post(&format!("/runs/{run}/cancel"), &[]).await;
    assert_eq!(canceled.status, StatusCode::SEE_OTHER);
    assert!(
        heard(&mut stream, "\"state\":\"canceled\"").await,
        "the beat reads the state again"
    );
}

/// Everything that a stream says until it ends.
async fn until_it_ends(stream: &mut BodyDataStream) -> String {
    let mut text = String::new();
    let reading = async {
        while let Some(Ok(piece)) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .expect("it ends within seconds");
    text
}

/// An open tab is not left standing: the last thing that its stream says is why it is over.
#[tokio::test]
async fn a_stream_says_why_it_is_over_before_it_ends() {
    let portal = Portal::new().await;
    let admin = portal.sign_in("admin").await;
    let developer: i64 =
        sqlx::query_scalar("select id from user_account where subject = 'demo:developer'")
            .fetch_one(&portal.db.owner)
            .await
            .unwrap();
    let open = async |browser: &super::Browser<'_>| {
        let request = browser.request(Method::GET, "/live").body(Body::empty());
        let response = portal
            .router
            .clone()
            .oneshot(request.unwrap())
            .await
            .unwrap();
        let mut stream = response.into_body().into_data_stream();
        assert!(stream.next().await.is_some(), "it has begun");
        stream
    };
    // Other rights are no end: the browser comes again, and is not told to go.
    let browser = portal.sign_in("developer").await;
    let mut stream = open(&browser).await;
    let path = format!("/people/{developer}/give");
    let given = admin.post(&path, &[("role", "auditor")]).await;
    assert_eq!(given.status, StatusCode::SEE_OTHER);
    let said = until_it_ends(&mut stream).await;
    assert!(!said.contains("event: over"), "{said}");

    let path = format!("/people/{developer}/end-sessions");
    let browser = portal.sign_in("developer").await;
    let mut stream = open(&browser).await;
    admin.post(&path, &[]).await;
    let said = until_it_ends(&mut stream).await;
    assert!(
        said.ends_with("event: over\ndata: {\"why\":\"ended\"}\n\n"),
        "{said}"
    );

    let path = format!("/people/{developer}/suspend");
    let browser = portal.sign_in("developer").await;
    let mut stream = open(&browser).await;
    admin.post(&path, &[]).await;
    let said = until_it_ends(&mut stream).await;
    assert!(
        said.ends_with("event: over\ndata: {\"why\":\"suspended\"}\n\n"),
        "{said}"
    );
    // A tab whose stream was cut meanwhile asks again, and learns that nobody is signed in.
    assert_eq!(browser.get("/live").await.status, StatusCode::UNAUTHORIZED);
    let page = portal.nobody().get("/sign-in?trouble=suspended").await;
    assert!(
        page.body.contains("Your account was suspended."),
        "{}",
        page.body
    );
}
