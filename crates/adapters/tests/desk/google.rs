//! Google's directory on loopback: tokens against a signed request, groups by pages, and its errors, word for word as the
//! API documents them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64},
};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};
use slipway_adapters::directory::{Access, Directory, Key};

const ONE: &[u8] = include_bytes!("../../../oidc/tests/keys/one.der");
const TWO: &[u8] = include_bytes!("../../../oidc/tests/keys/two.der");

/// The moment at which the tests ask.
pub const NOW: i64 = 1_795_000_000;

/// What the directory does when it is asked for groups.
#[derive(Clone, Debug, PartialEq)]
pub enum Mood {
    Well,
    /// This status, and this reason, so many times; then well.
    Fails(u16, &'static str, usize),
    /// As `Fails`, but on pages after the first alone.
    LosesPages(u16, &'static str),
    /// The same page again and again.
    Circles,
    /// A good status and this body.
    Says(&'static str),
    Silent,
    /// The first token is not good any more.
    EndsTokens,
}

pub struct Google {
    pub address: String,
    pub groups: Mutex<Vec<String>>,
    pub mood: Mutex<Mood>,
    pub asked: AtomicUsize,
    pub tokens: AtomicUsize,
    /// The key whose signature is believed.
    pub believed: Mutex<&'static [u8]>,
    pub grants: Mutex<Vec<Value>>,
}

/// A service account's file, as the console gives it.
pub fn file(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|c| std::str::from_utf8(c).unwrap())
        .collect();
    json!({
        "type": "service_account",
        "project_id": "portal",
        "private_key_id": "k1",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
        "client_email": "groups@portal.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    })
    .to_string()
}

pub fn own_file() -> String {
    file(ONE)
}

fn failure(status: u16, reason: &str) -> Response {
    let body = json!({ "error": {
        "code": status,
        "message": format!("it says: {reason}"),
        "errors": [{ "message": "it says", "domain": "global", "reason": reason }],
    }});
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

impl Google {
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let google = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            groups: Mutex::default(),
            mood: Mutex::new(Mood::Well),
            asked: AtomicUsize::new(0),
            tokens: AtomicUsize::new(0),
            believed: Mutex::new(ONE),
            grants: Mutex::default(),
        });
        let router = Router::new()
            .route("/token", post(token))
            .route("/admin/directory/v1/groups", get(groups))
            .with_state(google.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        google
    }

    /// Our side of it.
    pub fn client(&self) -> Directory {
        Directory::new(Access {
            key: Key::parse(own_file().as_bytes()).unwrap(),
            subject: "reader@example.com".into(),
            api: self.address.clone(),
            token: format!("{}/token", self.address),
            pause: Duration::from_millis(1),
        })
        .unwrap()
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn has(&self, groups: &[&str]) {
        *self.groups.lock().unwrap() = groups.iter().map(|g| (*g).to_owned()).collect();
    }

    pub fn believes_another_key(&self) {
        *self.believed.lock().unwrap() = TWO;
    }

    pub fn times(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Gives a token for a request that is signed by the key that it knows, and keeps what it said.
async fn token(State(google): State<Arc<Google>>, body: String) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let refuse = |why: &str| {
        (
            StatusCode::BAD_REQUEST,
            json!({ "error": "invalid_grant", "error_description": why }).to_string(),
        )
            .into_response()
    };
    if form.get("grant_type").map(String::as_str)
        != Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
    {
        return refuse("no such grant");
    }
    let assertion = form.get("assertion").cloned().unwrap_or_default();
    let parts: Vec<&str> = assertion.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        return refuse("no assertion");
    };
    let der: &[u8] = *google.believed.lock().unwrap();
    let pair = RsaKeyPair::from_pkcs8(der).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let good = public
        .verify(
            &RSA_PKCS1_2048_8192_SHA256,
            format!("{head}.{claims}").as_bytes(),
            &B64.decode(signature).unwrap(),
        )
        .is_ok();
    if !good {
        return refuse("the signature is wrong");
    }
    let read = |part: &str| serde_json::from_slice::<Value>(&B64.decode(part).unwrap()).unwrap();
    google
        .grants
        .lock()
        .unwrap()
        .push(json!({ "header": read(head), "claims": read(claims) }));
    let n = google.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    json!({ "access_token": format!("token-{n}"), "expires_in": 3599, "token_type": "Bearer" })
        .to_string()
        .into_response()
}

async fn groups(
    State(google): State<Arc<Google>>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    google.asked.fetch_add(1, Ordering::SeqCst);
    let bearer = headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
    assert!(bearer.starts_with("Bearer token-"), "{bearer}");
    let from: usize = query
        .get("pageToken")
        .map_or(0, |t| t.strip_prefix("from-").unwrap().parse().unwrap());
    let mood = google.mood.lock().unwrap().clone();
    match mood {
        Mood::Fails(status, reason, times) if times > 0 => {
            google.is(Mood::Fails(status, reason, times - 1));
            return failure(status, reason);
        }
        Mood::LosesPages(status, reason) if from > 0 => return failure(status, reason),
        Mood::Says(body) => return body.into_response(),
        Mood::Silent => std::future::pending().await,
        Mood::EndsTokens if bearer == "Bearer token-1" => return failure(401, "authError"),
        _ => {}
    }
    if query.get("userKey").is_some_and(|k| k == "gone") {
        return failure(404, "notFound");
    }
    let size: usize = query["maxResults"].parse().unwrap();
    let all = google.groups.lock().unwrap().clone();
    let page: Vec<Value> = all
        .iter()
        .skip(from)
        .take(size)
        .map(|email| json!({ "email": email }))
        .collect();
    let mut body = json!({ "kind": "admin#directory#groups", "groups": page });
    if page.is_empty() {
        // The API leaves an empty list out.
        body.as_object_mut().unwrap().remove("groups");
    }
    if google.mood.lock().unwrap().clone() == Mood::Circles {
        body["nextPageToken"] = json!("from-0");
    } else if from + size < all.len() {
        body["nextPageToken"] = json!(format!("from-{}", from + size));
    }
    body.to_string().into_response()
}
