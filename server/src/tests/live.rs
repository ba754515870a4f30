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
