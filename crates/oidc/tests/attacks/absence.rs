//! Keys come and go, and the provider is away.

use serde_json::json;
use slipway_oidc::{AGAIN, Expect, FRESH, Issuer, KEEP, Refused, Standard, Trouble};
use time::{Duration, OffsetDateTime};

use crate::{
    NOW, claims, header,
    provider::{Mood, ONE, Provider, TWO, jwk, sign},
};

async fn at(
    issuer: &Issuer,
    provider: &Provider,
    der: &[u8],
    kid: &str,
    now: OffsetDateTime,
) -> Result<Standard, Refused> {
    let mut head = header();
    head["kid"] = json!(kid);
    let mut said = claims(&provider.address);
    said["iat"] = json!(now.unix_timestamp());
    said["exp"] = json!(now.unix_timestamp() + 60);
    let expect = Expect {
        audience: "portal",
        nonce: None,
    };
    issuer
        .verify::<serde_json::Value>(&sign(der, &head, &said), expect, now)
        .await
        .map(|v| v.standard)
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_is_forgotten() {
    let provider = Provider::start().await;
    let issuer = provider.issuer();
    at(&issuer, &provider, ONE, "one", NOW).await.unwrap();
    *provider.keys.lock().unwrap() = vec![jwk(TWO, "two")];
    let later = NOW + AGAIN;
    at(&issuer, &provider, TWO, "two", later).await.unwrap();
    let got = at(&issuer, &provider, ONE, "one", later + AGAIN).await;
    assert_eq!(
        got,
        Err(Refused::UnknownKey),
        "what was taken back counts no longer"
    );
    // The same id with another key: what the provider says now is what counts, an hour later at the latest.
    *provider.keys.lock().unwrap() = vec![jwk(ONE, "two")];
    at(&issuer, &provider, ONE, "two", later + FRESH + AGAIN)
        .await
        .unwrap();
}

#[tokio::test]
async fn invented_keys_make_us_ask_once_and_no_more() {
    let provider = Provider::start().await;
    let issuer = provider.issuer();
    at(&issuer, &provider, ONE, "one", NOW).await.unwrap();
    assert_eq!(provider.asked(), 1);
    let later = NOW + AGAIN;
    for n in 0..50 {
        let got = at(&issuer, &provider, TWO, &format!("invented-{n}"), later).await;
        assert_eq!(got, Err(Refused::UnknownKey));
    }
    assert_eq!(provider.asked(), 2);
    at(&issuer, &provider, ONE, "one", later).await.unwrap();
}

#[tokio::test]
async fn while_the_provider_is_away_its_last_keys_count_for_a_day() {
    for mood in [Mood::Broken, Mood::Nonsense, Mood::Endless] {
        let provider = Provider::start().await;
        let issuer = provider.issuer();
        at(&issuer, &provider, ONE, "one", NOW).await.unwrap();
        provider.is(mood.clone());
        at(&issuer, &provider, ONE, "one", NOW + FRESH)
            .await
            .unwrap();
        let last = NOW + KEEP - Duration::seconds(1);
        at(&issuer, &provider, ONE, "one", last).await.unwrap();
        assert_eq!(
            at(&issuer, &provider, TWO, "two", last).await,
            Err(Refused::UnknownKey),
            "{mood:?}"
        );
        let got = at(&issuer, &provider, ONE, "one", NOW + KEEP + AGAIN).await;
        assert!(
            matches!(got, Err(Refused::KeysAway(_))),
            "{mood:?}: {got:?}"
        );
        provider.is(Mood::Well);
        at(&issuer, &provider, ONE, "one", NOW + KEEP + AGAIN + AGAIN)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_silent_provider_costs_five_seconds_and_not_a_thread() {
    let provider = Provider::start().await;
    let issuer = provider.issuer();
    provider.is(Mood::Silent);
    let begun = std::time::Instant::now();
    let crowd = (0..20).map(|_| at(&issuer, &provider, ONE, "one", NOW));
    let got = futures(crowd).await;
    assert!(
        got.iter().all(|g| matches!(g, Err(Refused::KeysAway(_)))),
        "{got:?}"
    );
    assert!(got.contains(&Err(Refused::KeysAway(Trouble::Slow))));
    assert_eq!(provider.asked(), 1, "a crowd asks once");
    assert!(begun.elapsed().as_secs() < 9, "{:?}", begun.elapsed());
}

async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (slot, one) in done.iter_mut().zip(&mut all) {
            if slot.is_none()
                && let std::task::Poll::Ready(out) = one.as_mut().poll(cx)
            {
                *slot = Some(out);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn an_address_without_tls_and_a_provider_with_another_name_are_not_trusted() {
    let provider = Provider::start().await;
    for bad in [
        "http://accounts.example",
        "ftp://127.0.0.1",
        "accounts.google.com",
        "http://127.0.0.1.evil.example",
        "",
    ] {
        assert!(
            Issuer::new(slipway_oidc::Http::new().unwrap(), bad).is_err(),
            "{bad}"
        );
    }
    *provider.name.lock().unwrap() = Some("https://accounts.google.com".into());
    let got = provider.issuer().document(NOW).await;
    assert!(matches!(got, Err(Trouble::Nonsense(_))), "{got:?}");
}

#[tokio::test]
async fn keys_of_other_kinds_are_passed_over() {
    let provider = Provider::start().await;
    let mut encrypts = jwk(TWO, "enc");
    encrypts["use"] = json!("enc");
    let mut other = jwk(TWO, "ps");
    other["alg"] = json!("PS256");
    let curve = json!({ "kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA" });
    let secret = json!({ "kty": "oct", "kid": "oct", "k": "AAAA" });
    *provider.keys.lock().unwrap() = vec![
        encrypts,
        other,
        curve,
        secret,
        json!("odd"),
        jwk(ONE, "one"),
    ];
    let issuer = provider.issuer();
    at(&issuer, &provider, ONE, "one", NOW).await.unwrap();
    for kid in ["enc", "ps", "ec", "oct"] {
        assert_eq!(
            at(&issuer, &provider, TWO, kid, NOW).await,
            Err(Refused::UnknownKey),
            "{kid}"
        );
    }
}
