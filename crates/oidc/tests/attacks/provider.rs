//! A provider on loopback that does what a test tells it to: it signs with test keys, rotates them, and fails. What it
//! signs and serves is what the wire would carry; the real protocol runs against a real provider (end2end/door.spec.mjs).

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use ring::{
    rand::SystemRandom,
    signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair, RsaPublicKeyComponents},
};
use serde_json::{Value, json};
use slipway_oidc::{Http, Issuer};

pub const ONE: &[u8] = include_bytes!("../keys/one.der");
pub const TWO: &[u8] = include_bytes!("../keys/two.der");

/// What the provider does when its keys are asked for.
#[derive(Clone, Debug)]
pub enum Mood {
    Well,
    Broken,
    Nonsense,
    Endless,
    Silent,
}

pub struct Provider {
    pub address: String,
    pub keys: Mutex<Vec<Value>>,
    pub mood: Mutex<Mood>,
    pub name: Mutex<Option<String>>,
    pub asked: AtomicUsize,
    pub token: Mutex<(StatusCode, String)>,
}

fn pair(der: &[u8]) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(der).expect("a test key")
}

/// The public half as a JWK.
pub fn jwk(der: &[u8], kid: &str) -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair(der).public_key());
    let part = |bytes: &[u8]| B64.encode(bytes.strip_prefix(&[0]).unwrap_or(bytes));
    let (n, e) = (part(&public.n), part(&public.e));
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e })
}

/// A signed token with this header and these claims.
pub fn sign(der: &[u8], header: &Value, claims: &Value) -> String {
    let text = unsigned(header, claims);
    let key = pair(der);
    let mut signature = vec![0; key.public().modulus_len()];
    let scheme = if header["alg"] == "RS512" {
        &RSA_PKCS1_SHA512
    } else {
        &RSA_PKCS1_SHA256
    };
    key.sign(
        scheme,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .expect("signed");
    format!("{text}.{}", B64.encode(signature))
}

pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        B64.encode(header.to_string()),
        B64.encode(claims.to_string())
    )
}

impl Provider {
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let provider = Arc::new(Self {
            address,
            keys: Mutex::new(vec![jwk(ONE, "one")]),
            mood: Mutex::new(Mood::Well),
            name: Mutex::new(None),
            asked: AtomicUsize::new(0),
            token: Mutex::new((StatusCode::OK, "{}".into())),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn issuer(&self) -> Issuer {
        Issuer::new(Http::new().expect("TLS"), &self.address).expect("loopback")
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn document(State(of): State<Arc<Provider>>) -> Response {
    let a = &of.address;
    let name = of.name.lock().unwrap().clone().unwrap_or(a.clone());
    json!({ "issuer": name, "authorization_endpoint": format!("{a}/auth"), "token_endpoint": format!("{a}/token"), "jwks_uri": format!("{a}/jwks") })
        .to_string()
        .into_response()
}

async fn jwks(State(of): State<Arc<Provider>>) -> Response {
    of.asked.fetch_add(1, Ordering::SeqCst);
    let mood = of.mood.lock().unwrap().clone();
    match mood {
        Mood::Well => json!({ "keys": *of.keys.lock().unwrap() })
            .to_string()
            .into_response(),
        Mood::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Nonsense => "<html>out of order".into_response(),
        Mood::Endless => vec![b' '; 1 << 20].into_response(),
        Mood::Silent => std::future::pending().await,
    }
}

async fn token(State(of): State<Arc<Provider>>) -> Response {
    let (status, body) = of.token.lock().unwrap().clone();
    (status, [("content-type", "application/json")], body).into_response()
}
