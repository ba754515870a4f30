//! What somebody would try with a token, and with the provider's absence.

mod absence;
mod code;
mod provider;

use provider::{ONE, Provider, TWO, jwk, sign, unsigned};
use serde_json::{Value, json};
use slipway_oidc::{Expect, Refused, google};
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const EXPECT: Expect<'static> = Expect {
    audience: "portal",
    nonce: Some("this-sign-in"),
};

fn claims(issuer: &str) -> Value {
    let now = NOW.unix_timestamp();
    json!({
        "iss": issuer, "sub": "10769150350006150715113082367", "aud": "portal", "azp": "portal", "iat": now, "exp": now + 3600,
        "nonce": "this-sign-in", "email": "Alice@Example.com", "email_verified": true, "hd": "example.com", "name": "Alice",
    })
}

fn header() -> Value {
    json!({ "alg": "RS256", "typ": "JWT", "kid": "one" })
}

async fn judge(provider: &Provider, token: &str) -> Result<google::Person, Refused> {
    let verified = provider.issuer().verify(token, EXPECT, NOW).await?;
    google::person(
        verified,
        &["example.com".to_owned(), "example.org".to_owned()],
    )
}

#[tokio::test]
async fn an_honest_token_is_believed() {
    let provider = Provider::start().await;
    let person = judge(&provider, &sign(ONE, &header(), &claims(&provider.address)))
        .await
        .unwrap();
    assert_eq!(
        (person.email.as_str(), person.subject.as_str()),
        ("alice@example.com", "10769150350006150715113082367")
    );
    assert_eq!(person.issuer, provider.address);
}

/// Each claim, wrong in each way that somebody would try; everything else is honest.
#[tokio::test]
async fn a_wrong_claim_is_refused_for_what_it_is() {
    let provider = Provider::start().await;
    let now = NOW.unix_timestamp();
    let absent = Value::Null;
    let table = [
        (
            "a domain that ends in ours",
            "hd",
            json!("exploitexample.com"),
            Refused::Domain,
        ),
        (
            "a domain that ours ends in",
            "hd",
            json!("ample.com"),
            Refused::Domain,
        ),
        (
            "a domain below ours",
            "hd",
            json!("evil.example.com"),
            Refused::Domain,
        ),
        (
            "ours in another case",
            "hd",
            json!("EXAMPLE.COM"),
            Refused::Domain,
        ),
        (
            "ours with a dot",
            "hd",
            json!("example.com."),
            Refused::Domain,
        ),
        ("an empty domain", "hd", json!(""), Refused::Domain),
        (
            "no domain, but an address of ours",
            "hd",
            absent.clone(),
            Refused::Domain,
        ),
        (
            "several domains",
            "hd",
            json!(["example.com"]),
            Refused::Form,
        ),
        (
            "an unverified address",
            "email_verified",
            json!(false),
            Refused::Email,
        ),
        (
            "verified in words",
            "email_verified",
            json!("true"),
            Refused::Email,
        ),
        (
            "verified as a number",
            "email_verified",
            json!(1),
            Refused::Email,
        ),
        (
            "nothing said about it",
            "email_verified",
            absent.clone(),
            Refused::Email,
        ),
        ("no address", "email", absent.clone(), Refused::Email),
        (
            "an address over two lines",
            "email",
            json!("a@example.com\nb@x"),
            Refused::Email,
        ),
        (
            "another issuer",
            "iss",
            json!("https://evil.example"),
            Refused::Issuer,
        ),
        (
            "an issuer with a slash",
            "iss",
            json!(format!("{}/", provider.address)),
            Refused::Issuer,
        ),
        ("no issuer", "iss", absent.clone(), Refused::Form),
        ("another audience", "aud", json!("other"), Refused::Audience),
        (
            "an audience that ours begins",
            "aud",
            json!("portal2"),
            Refused::Audience,
        ),
        ("an empty audience", "aud", json!([]), Refused::Audience),
        ("no audience", "aud", absent.clone(), Refused::Form),
        (
            "issued to another client",
            "azp",
            json!("other"),
            Refused::Audience,
        ),
        ("expired", "exp", json!(now - 61), Refused::Time),
        (
            "ends before it begins",
            "exp",
            json!(now - 1),
            Refused::Time,
        ),
        ("no end", "exp", absent.clone(), Refused::Form),
        ("an end in words", "exp", json!("never"), Refused::Form),
        (
            "issued in the future",
            "iat",
            json!(now + 61),
            Refused::Time,
        ),
        ("no beginning", "iat", absent.clone(), Refused::Form),
        ("not yet", "nbf", json!(now + 61), Refused::Time),
        (
            "another sign-in",
            "nonce",
            json!("that-sign-in"),
            Refused::Nonce,
        ),
        ("no sign-in", "nonce", absent.clone(), Refused::Nonce),
        ("no subject", "sub", json!(""), Refused::Subject),
        (
            "a subject too long",
            "sub",
            json!("1".repeat(256)),
            Refused::Subject,
        ),
        (
            "a subject that moves the cursor",
            "sub",
            json!("1\u{1b}[2J"),
            Refused::Subject,
        ),
        ("a subject that is a number", "sub", json!(1), Refused::Form),
    ];
    for (what, name, value, wanted) in table {
        let mut claims = claims(&provider.address);
        let fields = claims.as_object_mut().unwrap();
        match value {
            Value::Null => {
                fields.remove(name);
            }
            value => {
                fields.insert(name.into(), value);
            }
        }
        let got = judge(&provider, &sign(ONE, &header(), &claims)).await;
        assert_eq!(got, Err(wanted), "{what}");
    }
}

#[tokio::test]
async fn several_audiences_need_to_have_been_issued_to_us() {
    let provider = Provider::start().await;
    for (audience, azp, good) in [
        (json!(["portal"]), None, true),
        (json!(["portal", "other"]), Some("portal"), true),
        (json!(["portal", "other"]), Some("other"), false),
        (json!(["portal", "other"]), None, false),
    ] {
        let mut claims = claims(&provider.address);
        claims["aud"] = audience;
        claims.as_object_mut().unwrap().remove("azp");
        if let Some(azp) = azp {
            claims["azp"] = json!(azp);
        }
        let got = judge(&provider, &sign(ONE, &header(), &claims)).await;
        assert_eq!(got.is_ok(), good, "{claims}");
    }
}

#[tokio::test]
async fn clocks_may_be_a_minute_apart_and_no_more() {
    let provider = Provider::start().await;
    let now = NOW.unix_timestamp();
    for (iat, exp, good) in [
        (now + 60, now + 3600, true),
        (now + 61, now + 3600, false),
        (now - 3600, now - 59, true),
        (now - 3600, now - 60, false),
        (i64::MIN, i64::MAX, true),
        (i64::MAX, i64::MAX, false),
    ] {
        let mut claims = claims(&provider.address);
        claims["iat"] = json!(iat);
        claims["exp"] = json!(exp);
        let got = judge(&provider, &sign(ONE, &header(), &claims)).await;
        assert_eq!(got.is_ok(), good, "{iat} {exp}");
    }
}

/// HS256 with the public key as its secret is the classic: a verifier that asks the token how to verify it believes it.
#[tokio::test]
async fn the_token_does_not_choose_how_it_is_verified() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
    use ring::hmac;
    let provider = Provider::start().await;
    let claims = claims(&provider.address);
    let public = jwk(ONE, "one");
    for secret in [
        public["n"].as_str().unwrap().as_bytes().to_vec(),
        B64.decode(public["n"].as_str().unwrap()).unwrap(),
        public.to_string().into_bytes(),
        vec![],
    ] {
        for alg in ["HS256", "RS256"] {
            let head = json!({ "alg": alg, "kid": "one" });
            let text = unsigned(&head, &claims);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text.as_bytes());
            let token = format!("{text}.{}", B64.encode(tag));
            assert!(judge(&provider, &token).await.is_err(), "{alg}");
        }
    }
    for alg in [
        "none", "None", "NONE", "", "rs256", "RS512", "PS256", "ES256",
    ] {
        let head = json!({ "alg": alg, "kid": "one" });
        for token in [
            format!("{}.", unsigned(&head, &claims)),
            sign(ONE, &head, &claims),
        ] {
            let got = judge(&provider, &token).await;
            assert_eq!(got, Err(Refused::Algorithm), "{alg}");
        }
    }
}

#[tokio::test]
async fn a_signature_is_over_this_token_by_the_key_that_it_names() {
    let provider = Provider::start().await;
    let good = claims(&provider.address);
    let by_two = sign(TWO, &header(), &good);
    assert_eq!(judge(&provider, &by_two).await, Err(Refused::Signature));
    let honest = sign(ONE, &header(), &good);
    let mut admin = good.clone();
    admin["sub"] = json!("1");
    let (_, signature) = honest.rsplit_once('.').unwrap();
    let grafted = format!("{}.{signature}", unsigned(&header(), &admin));
    assert_eq!(judge(&provider, &grafted).await, Err(Refused::Signature));
    let cut = honest.rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(judge(&provider, &cut).await, Err(Refused::Signature));
    // A key that the token brings itself is nobody's key.
    let brought = json!({ "alg": "RS256", "kid": "two", "jwk": jwk(TWO, "two"), "jku": "https://evil.example/keys" });
    let got = judge(&provider, &sign(TWO, &brought, &good)).await;
    assert_eq!(got, Err(Refused::UnknownKey));
    let critical = json!({ "alg": "RS256", "kid": "one", "crit": ["exp"] });
    let got = judge(&provider, &sign(ONE, &critical, &good)).await;
    assert_eq!(got, Err(Refused::Form));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let provider = Provider::start().await;
    let honest = sign(ONE, &header(), &claims(&provider.address));
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "a.b.c".into(),
        format!("{honest}.{honest}"),
        format!(" {honest}"),
        honest.replace('.', "=."),
        "é.é.é".into(),
        format!("{honest}{}", "A".repeat(20_000)),
    ] {
        assert!(judge(&provider, &bad).await.is_err());
    }
    // Two values of one claim: whoever reads the first and whoever reads the last would differ.
    let text = claims(&provider.address).to_string();
    let twice = text.replacen('{', r#"{"aud":"other","#, 1);
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
    let raw = format!("{}.{}", B64.encode(header().to_string()), B64.encode(twice));
    let key = ring::signature::RsaKeyPair::from_pkcs8(ONE).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(
        &ring::signature::RSA_PKCS1_SHA256,
        &random,
        raw.as_bytes(),
        &mut signature,
    )
    .unwrap();
    let got = judge(&provider, &format!("{raw}.{}", B64.encode(signature))).await;
    assert_eq!(got, Err(Refused::Form));
}

/// GitLab's tokens have no nonce, no address and no domain: the same verifier, other claims.
#[tokio::test]
async fn the_same_verifier_serves_a_pipeline() {
    #[derive(Debug, serde::Deserialize)]
    struct Pipeline {
        project_path: String,
        ref_protected: String,
    }
    let provider = Provider::start().await;
    let now = NOW.unix_timestamp();
    let claims = json!({ "iss": provider.address, "sub": "project_path:shop/web:ref_type:branch:ref:main", "aud": "slipway",
        "iat": now, "nbf": now - 5, "exp": now + 300, "project_path": "shop/web", "ref_protected": "true" });
    let token = sign(ONE, &header(), &claims);
    let expect = Expect {
        audience: "slipway",
        nonce: None,
    };
    let issuer = provider.issuer();
    let got = issuer
        .verify::<Pipeline>(&token, expect, NOW)
        .await
        .unwrap();
    assert_eq!(
        (
            got.claims.project_path.as_str(),
            got.claims.ref_protected.as_str()
        ),
        ("shop/web", "true")
    );
    // And it is no way in for people: it has no verified address.
    let as_person = issuer
        .verify::<google::Claims>(&token, expect, NOW)
        .await
        .unwrap();
    assert_eq!(
        google::person(as_person, &["example.com".into()]),
        Err(Refused::Email)
    );
    let late = NOW + Duration::hours(1);
    assert_eq!(
        issuer
            .verify::<Pipeline>(&token, expect, late)
            .await
            .unwrap_err(),
        Refused::Time
    );
}
