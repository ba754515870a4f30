//! The code flow's two ends.

use axum::http::StatusCode;
use slipway_oidc::code::{Error, Registration, Tie, address, exchange};

use crate::{NOW, provider::Provider};

fn tie() -> Tie {
    Tie {
        state: "the-state".into(),
        nonce: "the-nonce".into(),
        verifier: "v".repeat(64),
    }
}

fn ours() -> Registration {
    Registration {
        id: "portal".into(),
        secret: "hunter2-the-client".into(),
        redirect: "https://portal.example.com/auth/callback".into(),
    }
}

#[tokio::test]
async fn the_browser_is_sent_with_everything_that_ties_it_to_its_return_and_no_secret() {
    let provider = Provider::start().await;
    let document = provider.issuer().document(NOW).await.unwrap();
    let url = address(&document, &ours(), &tie(), Some("example.com")).unwrap();
    for part in [
        "response_type=code",
        "state=the-state",
        "nonce=the-nonce",
        "code_challenge_method=S256",
        "code_challenge=",
        "scope=openid+email+profile",
        "hd=example.com",
        "redirect_uri=https%3A%2F%2Fportal.example.com%2Fauth%2Fcallback",
    ] {
        assert!(url.contains(part), "{part} is not in {url}");
    }
    assert!(
        !url.contains("hunter2") && !url.contains(&"v".repeat(64)),
        "{url}"
    );
}

#[tokio::test]
async fn what_the_provider_answers_is_never_repeated() {
    let provider = Provider::start().await;
    let issuer = provider.issuer();
    let document = issuer.document(NOW).await.unwrap();
    for (status, body) in [
        (
            StatusCode::OK,
            r#"{"access_token":"canary","token_type":"Bearer"}"#,
        ),
        (StatusCode::OK, "canary <html>"),
        (StatusCode::OK, ""),
        (
            StatusCode::BAD_REQUEST,
            r#"{"error":"invalid_grant","error_description":"canary"}"#,
        ),
        (StatusCode::BAD_REQUEST, "{\"error\":\"\\u001b[2Jcana ry\"}"),
        (StatusCode::INTERNAL_SERVER_ERROR, "canary"),
    ] {
        *provider.token.lock().unwrap() = (status, body.into());
        let error = exchange(&issuer, &document, &ours(), "code-canary", &tie())
            .await
            .unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(
            !said.contains("canary") && !said.contains('\u{1b}') && !said.contains("hunter2"),
            "{said}"
        );
    }
    *provider.token.lock().unwrap() = (
        StatusCode::BAD_REQUEST,
        r#"{"error":"invalid_grant"}"#.into(),
    );
    let error = exchange(&issuer, &document, &ours(), "used", &tie())
        .await
        .unwrap_err();
    assert_eq!(error, Error::Refused("invalid_grant"));
    let good = r#"{"access_token":"a","token_type":"Bearer","id_token":"a.b.c"}"#;
    *provider.token.lock().unwrap() = (StatusCode::OK, good.into());
    assert_eq!(
        exchange(&issuer, &document, &ours(), "fresh", &tie())
            .await
            .unwrap(),
        "a.b.c"
    );
}

/// The front door's handlers move between threads.
#[tokio::test]
async fn what_waits_may_move_between_threads() {
    fn boxed<'a, T>(
        future: impl Future<Output = T> + Send + 'a,
    ) -> std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>> {
        Box::pin(future)
    }
    let provider = Provider::start().await;
    let issuer = provider.issuer();
    let document = boxed(async { issuer.document(NOW).await }).await.unwrap();
    let code = String::from("x");
    let got = boxed(async { exchange(&issuer, &document, &ours(), code.as_str(), &tie()).await });
    assert!(got.await.is_err());
    let expect = slipway_oidc::Expect {
        audience: "portal",
        nonce: Some(code.as_str()),
    };
    let got = boxed(async {
        issuer
            .verify::<slipway_oidc::google::Claims>(&code, expect, NOW)
            .await
    });
    assert!(got.await.is_err());
}
