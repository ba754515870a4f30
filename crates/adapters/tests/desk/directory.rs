//! What comes of each answer of the directory: a whole list, or none.

use std::{io::ErrorKind, path::Path, sync::atomic::Ordering};

use slipway_adapters::directory::{Key, KeyTrouble, SCOPE, Trouble};

use crate::google::{Google, Mood, NOW, own_file};

#[tokio::test]
async fn it_is_asked_with_a_signed_request_for_the_one_scope_in_an_administrators_name() {
    let google = Google::start().await;
    google.has(&["Checkout@Example.com", "all@example.com"]);
    let client = google.client();
    let groups = client.groups("1234", NOW).await.unwrap();
    assert_eq!(groups, ["checkout@example.com", "all@example.com"]);
    let grant = google.grants.lock().unwrap()[0].clone();
    assert_eq!(grant["header"]["alg"], "RS256");
    assert_eq!(grant["header"]["kid"], "k1");
    let claims = &grant["claims"];
    assert_eq!(claims["iss"], "groups@portal.iam.gserviceaccount.com");
    assert_eq!(claims["sub"], "reader@example.com");
    assert_eq!(claims["scope"], SCOPE);
    assert!(SCOPE.ends_with(".readonly"), "it may write: {SCOPE}");
    assert_eq!(claims["aud"], format!("{}/token", google.address));
    assert_eq!(
        (claims["iat"].as_i64(), claims["exp"].as_i64()),
        (Some(NOW), Some(NOW + 300))
    );
    // One token for many questions.
    client.groups("5678", NOW).await.unwrap();
    assert_eq!(google.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_thousand_groups_come_by_pages_and_nobody_has_none() {
    let google = Google::start().await;
    let many: Vec<String> = (0..1000).map(|n| format!("g{n}@example.com")).collect();
    google.groups.lock().unwrap().clone_from(&many);
    assert_eq!(google.client().groups("1", NOW).await.unwrap(), many);
    assert_eq!(google.times(), 5);
    google.has(&[]);
    assert!(google.client().groups("1", NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_the_directory_does_not_know_is_in_no_group() {
    let google = Google::start().await;
    google.has(&["a@example.com"]);
    assert!(
        google
            .client()
            .groups("gone", NOW)
            .await
            .unwrap()
            .is_empty()
    );
    // A 404 of whoever else stands there is no word about a person.
    google.is(Mood::Fails(404, "", 1));
    let answer = google.client().groups("1", NOW).await;
    assert!(
        matches!(answer, Err(Trouble::Refused(404, _))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_missing_page_is_no_shorter_list() {
    let google = Google::start().await;
    let many: Vec<String> = (0..300).map(|n| format!("g{n}@example.com")).collect();
    google.groups.lock().unwrap().clone_from(&many);
    for (status, reason) in [(404, "notFound"), (400, "invalid"), (503, "backendError")] {
        google.is(Mood::LosesPages(status, reason));
        let answer = google.client().groups("1", NOW).await;
        assert!(answer.is_err(), "{status}: {answer:?}");
    }
    google.is(Mood::Circles);
    let answer = google.client().groups("1", NOW).await;
    assert_eq!(answer, Err(Trouble::Nonsense("it has no end")));
}

#[tokio::test]
async fn later_is_asked_again_and_not_for_ever() {
    let google = Google::start().await;
    google.has(&["a@example.com"]);
    for (status, reason) in [
        (429, "rateLimitExceeded"),
        (403, "userRateLimitExceeded"),
        (403, "quotaExceeded"),
        (500, "backendError"),
        (503, "backendError"),
    ] {
        google.is(Mood::Fails(status, reason, 3));
        let before = google.times();
        let answer = google.client().groups("1", NOW).await;
        assert_eq!(
            answer,
            Ok(vec!["a@example.com".to_owned()]),
            "{status} {reason}"
        );
        assert_eq!(google.times() - before, 4);
        google.is(Mood::Fails(status, reason, usize::MAX));
        let before = google.times();
        let answer = google.client().groups("1", NOW).await;
        assert_eq!(answer, Err(Trouble::Later(status)), "{reason}");
        assert!(answer.unwrap_err().is_general());
        assert_eq!(google.times() - before, 4);
    }
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() {
    let google = Google::start().await;
    google.is(Mood::Fails(403, "notAuthorized", usize::MAX));
    let answer = google.client().groups("1", NOW).await;
    assert!(
        matches!(&answer, Err(Trouble::Refused(403, why)) if why == "it says: notAuthorized"),
        "{answer:?}"
    );
    assert_eq!(google.times(), 1);
    google.believes_another_key();
    let answer = google.client().groups("1", NOW).await;
    assert_eq!(answer, Err(Trouble::NoToken(400, "invalid_grant".into())));
}

#[tokio::test]
async fn a_token_that_ended_early_is_replaced_once() {
    let google = Google::start().await;
    google.has(&["a@example.com"]);
    google.is(Mood::EndsTokens);
    assert_eq!(google.client().groups("1", NOW).await.unwrap().len(), 1);
    assert_eq!(google.tokens.load(Ordering::SeqCst), 2);
    google.is(Mood::Fails(401, "authError", usize::MAX));
    let answer = google.client().groups("1", NOW).await;
    assert!(
        matches!(answer, Err(Trouble::Refused(401, _))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let google = Google::start().await;
    for body in [
        "",
        "<html>sign in to the proxy</html>",
        "{}",
        "[]",
        r#"{"kind":"admin#directory#groups","groups":[{"name":"no address"}]}"#,
        r#"{"kind":"admin#directory#users","users":[]}"#,
        r#"{"kind":"admin#directory#groups","groups":"many"}"#,
    ] {
        google.is(Mood::Says(body));
        let answer = google.client().groups("1", NOW).await;
        assert_eq!(
            answer,
            Err(Trouble::Nonsense("no list of groups")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_silent_directory_costs_five_seconds() {
    let google = Google::start().await;
    google.is(Mood::Silent);
    let client = google.client();
    let begun = std::time::Instant::now();
    let answer = client.groups("1", NOW).await;
    assert!(matches!(answer, Err(Trouble::Away(_))), "{answer:?}");
    let took = begun.elapsed().as_secs_f64();
    assert!((4.9..9.0).contains(&took), "{took} s");
    // And one that is not there at once.
    drop(google);
    let nowhere = slipway_adapters::directory::Access {
        key: Key::parse(own_file().as_bytes()).unwrap(),
        subject: "reader@example.com".into(),
        api: "http://127.0.0.1:1".into(),
        token: "http://127.0.0.1:1/token".into(),
        pause: std::time::Duration::from_millis(1),
    };
    let answer = slipway_adapters::directory::Directory::new(nowhere.clone())
        .unwrap()
        .groups("1", NOW)
        .await;
    assert!(answer.is_err_and(|t| t.is_general()));
    // Nobody's groups travel in clear.
    for bad in ["http://admin.example.com", "ftp://127.0.0.1", "nowhere"] {
        let access = slipway_adapters::directory::Access {
            api: bad.into(),
            ..nowhere.clone()
        };
        assert!(
            slipway_adapters::directory::Directory::new(access).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn a_key_file_that_is_none_is_named_and_not_repeated() {
    assert_eq!(
        Key::read(Path::new("/nowhere/key.json")).unwrap_err(),
        KeyTrouble::Unreadable(ErrorKind::NotFound)
    );
    let good: serde_json::Value = serde_json::from_str(&own_file()).unwrap();
    assert_eq!(
        Key::parse(good.to_string().as_bytes()).unwrap().email(),
        "groups@portal.iam.gserviceaccount.com"
    );
    let mut other = good.clone();
    other["type"] = "authorized_user".into();
    let mut no_pem = good.clone();
    no_pem["private_key"] = "hush! hush!".into();
    let mut no_key = good.clone();
    no_key["private_key"] =
        "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n".into();
    for bad in [other, no_pem, no_key, serde_json::json!({})] {
        let error = Key::parse(bad.to_string().as_bytes()).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hush") && !said.contains("aHVza"), "{said}");
    }
    let shown = format!("{:?}", Key::parse(good.to_string().as_bytes()).unwrap());
    assert!(
        !shown.contains("PRIVATE") && shown.contains("groups@"),
        "{shown}"
    );
}
