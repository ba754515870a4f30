//! Roles assumed and lent, against a stand-in that refuses, throttles and counts.

mod stand;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;
use slipway_adapters::aws::{Assume, Lending, Reason, Span, Sts};
use stand::Stand;

fn wanted() -> Assume {
    Assume {
        role: "arn:aws:iam::123456789012:role/slipway/apply".into(),
        region: "eu-central-1".into(),
        imitated: true,
        external_id: Some("portal-7".into()),
        session: "slipway-run-42".into(),
        tags: vec![
            ("slipway:environment".into(), "quay".into()),
            ("slipway:team".into(), "Ships & Co".into()),
        ],
        length: Duration::from_secs(900),
    }
}

async fn sts(stand: &Stand) -> Sts {
    Sts::new("eu-central-1", Some(&stand.endpoint())).await
}

/// Every request is told credentials that end at once, so each has the role assumed again.
const AT_ONCE: Span = Span {
    asked: Duration::from_secs(900),
    told: Duration::ZERO,
    least: Duration::ZERO,
};

/// The endpoint's address and token, as the engine finds them.
fn way(lending: &Lending) -> (SocketAddr, String) {
    let env: std::collections::BTreeMap<_, _> = lending
        .env()
        .into_iter()
        .map(|(n, v)| (n, v.into_string().unwrap()))
        .collect();
    let url = &env["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let address = url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/credentials"))
        .unwrap();
    (
        address.parse().unwrap(),
        env["AWS_CONTAINER_AUTHORIZATION_TOKEN"].clone(),
    )
}

/// One question on a connection that stays open.
fn ask(stream: &mut TcpStream, token: &str) -> (u16, String) {
    try_ask(stream, token).unwrap()
}

/// `None` if the connection is closed instead.
fn try_ask(stream: &mut TcpStream, token: &str) -> Option<(u16, String)> {
    let sent = write!(
        stream,
        "GET /credentials HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\n\r\n"
    );
    sent.ok()?;
    let mut text = String::new();
    let mut some = [0; 4096];
    loop {
        let n = stream.read(&mut some).ok().filter(|n| *n > 0)?;
        text.push_str(std::str::from_utf8(&some[..n]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        if body.len() == length {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return Some((status, body.to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_assumed_with_its_name_its_tags_and_its_external_id() {
    let stand = Stand::start().await;
    let given = sts(&stand).await.assume(&wanted()).await.unwrap();
    assert_eq!(given.key, "ASIASTAND1");
    assert_eq!(
        given.arn,
        "arn:aws:sts::123456789012:assumed-role/apply/slipway-run-42"
    );
    let asked = stand.book().assumed[0].clone();
    for (name, value) in [
        ("RoleArn", "arn:aws:iam::123456789012:role/slipway/apply"),
        ("RoleSessionName", "slipway-run-42"),
        ("ExternalId", "portal-7"),
        ("DurationSeconds", "900"),
        ("Tags.member.1.Key", "slipway:environment"),
        ("Tags.member.1.Value", "quay"),
        ("Tags.member.2.Value", "Ships _ Co"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!format!("{given:?}").contains("canary"), "{given:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_question_is_asked_again_and_a_refused_one_is_not() {
    let stand = Stand::start().await;
    let sts = sts(&stand).await;
    let slow = (400, "Throttling", "Rate exceeded");
    stand.book().troubles.extend([slow, slow]);
    sts.assume(&wanted()).await.unwrap();
    assert_eq!(stand.book().assumed.len(), 3);
    let no =
        "User: arn:aws:sts::1:assumed-role/worker/x is not authorized to perform: sts:AssumeRole";
    stand.book().troubles.push_back((403, "AccessDenied", no));
    let denied = sts.assume(&wanted()).await.unwrap_err();
    assert_eq!(denied.reason, Reason::Refused);
    assert!(denied.words.contains(no), "{denied}");
    assert_eq!(stand.book().assumed.len(), 4);
    stand.book().troubles.extend([slow; 5]);
    let denied = sts.assume(&wanted()).await.unwrap_err();
    assert_eq!(denied.reason, Reason::Throttled);
    assert_eq!(stand.book().assumed.len(), 9, "it gives up in the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_and_nobody_is_known() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let sts = Sts::new("eu-central-1", Some(&endpoint)).await;
    let denied = sts.assume(&wanted()).await.unwrap_err();
    assert_eq!(denied.reason, Reason::Away, "{denied}");
    let stand = Stand::start().await;
    let whatever = (403, "InvalidClientTokenId", "The security token is invalid");
    stand.book().troubles.push_back(whatever);
    let sts = self::sts(&stand).await;
    let denied = sts.assume(&wanted()).await.unwrap_err();
    assert_eq!(denied.reason, Reason::Nobody, "{denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_token_gets_credentials_and_nobody_else_does() {
    let stand = Stand::start().await;
    let lending = Lending::open(sts(&stand).await, wanted(), Span::default())
        .await
        .unwrap();
    let (address, token) = way(&lending);
    let mut stream = TcpStream::connect(address).unwrap();
    for wrong in ["", "x", &token[1..]] {
        let (status, body) = ask(&mut stream, wrong);
        assert!(
            status == 401 && !body.contains("canary"),
            "{wrong:?}: {body}"
        );
    }
    let (status, body) = ask(&mut stream, &token);
    assert_eq!(status, 200);
    let given: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(given["AccessKeyId"], "ASIASTAND1");
    assert_eq!(given["SecretAccessKey"], format!("{}-1", stand::SECRET));
    assert_eq!(given["Token"], "canary-aws-session-token-1");
    // What STS says lives for decades is told to end in a quarter of an hour.
    assert!(given["Expiration"].as_str().unwrap() < "2099", "{given}");
    assert_eq!(
        lending.times(),
        1,
        "what has enough left is not asked for again"
    );
    let env = format!("{:?}", lending.env());
    assert!(!env.contains("canary") && !env.contains("ASIA"), "{env}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_soon_is_renewed_and_a_refusal_is_told_in_words() {
    let stand = Stand::start().await;
    let lending = Lending::open(sts(&stand).await, wanted(), AT_ONCE)
        .await
        .unwrap();
    let (address, token) = way(&lending);
    let mut stream = TcpStream::connect(address).unwrap();
    for n in 2..=3 {
        let (_, body) = ask(&mut stream, &token);
        assert!(body.contains(&format!("ASIASTAND{n}")), "{body}");
        assert_eq!(lending.times(), n);
    }
    assert_eq!(lending.trouble(), None);
    let gone = (
        403,
        "AccessDenied",
        "not authorized to perform: sts:AssumeRole",
    );
    stand.book().troubles.push_back(gone);
    let (status, body) = ask(&mut stream, &token);
    assert_eq!(status, 403, "an SDK is not to ask again and again");
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(said["code"], "CannotAssumeRole");
    assert!(body.contains("sts:AssumeRole"), "{body}");
    assert_eq!(lending.trouble().unwrap().reason, Reason::Refused);
    ask(&mut stream, &token);
    assert_eq!(lending.trouble(), None, "it was let in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lending_that_is_over_answers_nobody_not_even_on_an_open_connection() {
    let stand = Stand::start().await;
    let lending = Lending::open(sts(&stand).await, wanted(), AT_ONCE)
        .await
        .unwrap();
    let (address, token) = way(&lending);
    let mut stream = TcpStream::connect(address).unwrap();
    assert_eq!(ask(&mut stream, &token).0, 200);
    drop(lending);
    if let Some((status, body)) = try_ask(&mut stream, &token) {
        assert!(status == 401 && !body.contains("ASIA"), "{body}");
    }
    // The port is closed when the listener's task has been told, a moment later.
    while TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(stand.book().assumed.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_refused_opens_nothing() {
    let stand = Stand::start().await;
    stand.book().troubles.push_back((403, "AccessDenied", "no"));
    let refused = Lending::open(sts(&stand).await, wanted(), AT_ONCE).await;
    assert_eq!(refused.unwrap_err().reason, Reason::Refused);
}
