use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use slipway_adapters::terraform::{Access, Backend, Session, StateStore};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::Memory;

/// What the engine would find in its environment.
fn door(session: &Session) -> (String, String) {
    let env: std::collections::HashMap<_, _> = session.env().into_iter().collect();
    let text = |name: &str| env[name].to_str().unwrap().to_owned();
    (text("TF_HTTP_ADDRESS"), text("TF_HTTP_PASSWORD"))
}

/// A client that can say what the real one never would.
async fn ask(
    session: &Session,
    method: &str,
    password: Option<&str>,
    extra: &str,
    body: &str,
) -> (u16, String) {
    let (address, real) = door(session);
    ask_at(&address, password.unwrap_or(&real), method, extra, body).await
}

async fn ask_at(
    address: &str,
    password: &str,
    method: &str,
    extra: &str,
    body: &str,
) -> (u16, String) {
    let rest = address.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let credential = STANDARD.encode(format!("slipway:{password}"));
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic {credential}\r\nconnection: close\r\n{extra}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

fn state(lineage: &str, serial: u64) -> String {
    json!({ "version": 4, "lineage": lineage, "serial": serial, "outputs": {}, "resources": [] })
        .to_string()
}

async fn open(access: Access) -> (Arc<Memory>, Session) {
    let store = Memory::new();
    let backend = Backend::start().await.unwrap();
    let session = backend.open(access, Arc::clone(&store) as Arc<dyn StateStore>, None);
    (store, session)
}

#[tokio::test]
async fn only_the_credential_opens_the_state_and_only_while_its_step_lives() {
    let (_, session) = open(Access::Write).await;
    assert_eq!(ask(&session, "GET", None, "", "").await.0, 404);
    for wrong in ["", "x", &"0".repeat(48)] {
        assert_eq!(
            ask(&session, "GET", Some(wrong), "", "").await.0,
            401,
            "{wrong}"
        );
    }
    let store = Memory::new();
    let backend = Backend::start().await.unwrap();
    let (one, other) = (
        backend.open(
            Access::Write,
            Arc::clone(&store) as Arc<dyn StateStore>,
            None,
        ),
        backend.open(
            Access::Write,
            Arc::clone(&store) as Arc<dyn StateStore>,
            None,
        ),
    );
    let (_, password) = door(&other);
    assert_eq!(ask(&one, "GET", Some(&password), "", "").await.0, 401);
    let (address, password) = door(&other);
    drop(other);
    assert_eq!(ask_at(&address, &password, "GET", "", "").await.0, 401);
}

#[tokio::test]
async fn a_session_that_plans_only_reads() {
    let (store, session) = open(Access::Read).await;
    for method in ["POST", "LOCK", "UNLOCK", "DELETE"] {
        assert_eq!(
            ask(&session, method, None, "", &state("a", 1)).await.0,
            403,
            "{method}"
        );
    }
    assert!(store.current().is_none() && !store.is_locked());
}

#[tokio::test]
async fn an_upload_continues_the_state_or_is_refused() {
    let (store, session) = open(Access::Write).await;
    for nonsense in [
        "",
        "{}",
        "[]",
        r#"{"version":3,"lineage":"a","serial":1}"#,
        r#"{"version":4,"serial":1}"#,
    ] {
        assert_eq!(
            ask(&session, "POST", None, "", nonsense).await.0,
            400,
            "{nonsense}"
        );
    }
    assert_eq!(
        ask(
            &session,
            "POST",
            None,
            "content-md5: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
            &state("a", 5)
        )
        .await
        .0,
        400
    );
    assert_eq!(ask(&session, "POST", None, "", &state("a", 5)).await.0, 200);
    assert_eq!(
        ask(&session, "POST", None, "", &state("a", 5)).await.0,
        200,
        "a repeated upload"
    );
    assert_eq!(
        ask(&session, "POST", None, "", &state("b", 9)).await.0,
        409,
        "another lineage"
    );
    assert_eq!(
        ask(&session, "POST", None, "", &state("a", 4)).await.0,
        409,
        "an older serial"
    );
    assert_eq!(
        ask(
            &session,
            "POST",
            None,
            "",
            &state("a", 5).replace("[]", "[ ]")
        )
        .await
        .0,
        409,
        "the same serial, other content"
    );
    assert_eq!(ask(&session, "POST", None, "", &state("a", 6)).await.0, 200);
    assert_eq!(session.wrote().unwrap().serial, 6);
    assert_eq!(ask(&session, "GET", None, "", "").await.1, state("a", 6));
    assert_eq!(ask(&session, "DELETE", None, "", "").await.0, 405);
    *store.fenced.lock().unwrap() = true;
    assert_eq!(ask(&session, "POST", None, "", &state("a", 7)).await.0, 403);
    assert_eq!(session.wrote().unwrap().serial, 6);
    let serials: Vec<_> = store
        .saved
        .lock()
        .unwrap()
        .iter()
        .map(|(version, _)| version.serial)
        .collect();
    assert_eq!(serials, [5, 5, 6]);
}

#[tokio::test]
async fn a_lock_that_is_held_says_by_whom() {
    let (store, session) = open(Access::Write).await;
    let info = |id: &str| json!({ "ID": id, "Who": id }).to_string();
    assert_eq!(ask(&session, "LOCK", None, "", &info("one")).await.0, 200);
    let (status, held) = ask(&session, "LOCK", None, "", &info("two")).await;
    assert_eq!(status, 423);
    assert_eq!(serde_json::from_str::<Value>(&held).unwrap()["ID"], "one");
    assert_eq!(ask(&session, "UNLOCK", None, "", &info("one")).await.0, 200);
    assert!(!store.is_locked());
}
