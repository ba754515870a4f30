//! Terraform's HTTP state backend, on loopback: one listener for all steps of the process.
//!
//! A step gets an address and a password of its own ([`Session`]), passed by environment only and forgotten when the
//! session is dropped. A session that plans may read and nothing else; one that applies may write, and only a state
//! that continues the one it began with. What is uploaded is answered after the [`StateStore`] has made it durable,
//! never before.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use md5::{Digest as _, Md5};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    clear::Clear,
    state::{self, StateVersion},
};

/// The largest state that is taken, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;

/// Where the state of one stack is kept. The worker implements it with a spool and the database.
pub trait StateStore: Send + Sync + 'static {
    /// The current state; `None` before the first.
    fn load(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;

    /// Keeps a new state. Returns once it is durable: the engine believes it from then on.
    fn save(&self, version: StateVersion, state: Bytes) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Takes the lock, or says who holds it. `info` is the engine's own JSON (`ID`, `Operation`, `Who`, `Created`, …).
    fn lock(&self, id: String, info: Bytes) -> BoxFuture<'_, Result<Locked, StoreError>>;

    /// Gives the lock back. Unlocking what is not locked is no error.
    fn unlock(&self, id: String) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The answer to a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// It is yours.
    Taken,
    /// Somebody else holds it: the info that they gave.
    Held(Bytes),
}

/// Why a store could not do it. The text reaches the engine's error message: no secrets in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// This worker's claim was lost: it must not write any more.
    #[error("this worker no longer holds the run")]
    Fenced,
    /// Disk or database.
    #[error("{0}")]
    Unavailable(String),
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read the state: for plans. They take no lock.
    Read,
    /// Lock, read and write it: for an apply.
    Write,
}

/// The listener.
#[derive(Clone, Debug)]
pub struct Backend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    desk: Arc<Desk>,
    server: JoinHandle<io::Result<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Default)]
struct Desk(Mutex<HashMap<String, Arc<Guest>>>);

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk(…)")
    }
}

struct Guest {
    password: String,
    access: Access,
    store: Arc<dyn StateStore>,
    /// What the step has read or written last, so that one load serves it.
    current: Mutex<Option<Bytes>>,
    /// At least one state was uploaded.
    wrote: Mutex<Option<StateVersion>>,
}

/// One step's way to its state. Dropping it takes the credential away.
pub struct Session {
    backend: Backend,
    id: String,
    guest: Arc<Guest>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?})", self.guest.access)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.backend.0.desk.lock().remove(&self.id);
    }
}

impl Backend {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk::default());
        let router = Router::new()
            .route("/state/{id}", any(answer))
            .with_state(Arc::clone(&desk));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self(Arc::new(Inner {
            address,
            desk,
            server,
        })))
    }

    /// Opens a way to a state that was just loaded from `store`.
    #[must_use]
    pub fn open(
        &self,
        access: Access,
        store: Arc<dyn StateStore>,
        current: Option<Bytes>,
    ) -> Session {
        let id = slipway_seal::hex(&slipway_seal::random::<16>());
        let guest = Arc::new(Guest {
            password: slipway_seal::hex(&slipway_seal::random::<24>()),
            access,
            store,
            current: Mutex::new(current),
            wrote: Mutex::new(None),
        });
        self.0.desk.lock().insert(id.clone(), Arc::clone(&guest));
        Session {
            backend: self.clone(),
            id,
            guest,
        }
    }
}

impl Session {
    /// What the engine must find in its environment: the one-off credential too.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, std::ffi::OsString)> {
        let address = format!("http://{}/state/{}", self.backend.0.address, self.id);
        let mut env = vec![
            ("TF_HTTP_ADDRESS", address.clone()),
            ("TF_HTTP_USERNAME", "slipway".to_owned()),
            ("TF_HTTP_PASSWORD", self.guest.password.clone()),
            // Ours answers at once or not at all; an upload is worth some patience.
            ("TF_HTTP_RETRY_MAX", "8".to_owned()),
            ("TF_HTTP_RETRY_WAIT_MIN", "1".to_owned()),
            ("TF_HTTP_RETRY_WAIT_MAX", "10".to_owned()),
        ];
        if self.guest.access == Access::Write {
            env.extend([
                ("TF_HTTP_LOCK_ADDRESS", address.clone()),
                ("TF_HTTP_LOCK_METHOD", "LOCK".to_owned()),
                ("TF_HTTP_UNLOCK_ADDRESS", address),
                ("TF_HTTP_UNLOCK_METHOD", "UNLOCK".to_owned()),
            ]);
        }
        env.into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect()
    }

    /// The state as this step knows it.
    #[must_use]
    pub fn current(&self) -> Option<Clear> {
        self.guest
            .current()
            .as_ref()
            .map(|bytes| Clear::new(bytes.to_vec()))
    }

    /// The last version that this step uploaded; `None` if it uploaded nothing.
    #[must_use]
    pub fn wrote(&self) -> Option<StateVersion> {
        self.guest
            .wrote
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Desk {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Guest>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    fn current(&self) -> Option<Bytes> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A refusal, in words that the engine shows.
fn refuse(status: StatusCode, why: impl Into<String>) -> Response {
    (status, why.into()).into_response()
}

async fn answer(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let guest = desk.lock().get(&id).cloned();
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.as_bytes().to_vec());
    // A stranger learns nothing: an unknown state and a wrong password look the same.
    let Some(guest) = guest.filter(|guest| knows(guest, given.as_deref())) else {
        return refuse(StatusCode::UNAUTHORIZED, "not this step's credential");
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the state is larger than 256 MiB",
        );
    };
    if let Some(sum) = parts.headers.get("content-md5")
        && sum.as_bytes() != STANDARD.encode(Md5::digest(&body)).as_bytes()
    {
        return refuse(StatusCode::BAD_REQUEST, "the upload was damaged on its way");
    }
    if parts.method != Method::GET && guest.access == Access::Read {
        return refuse(StatusCode::FORBIDDEN, "this step may only read its state");
    }
    match parts.method.as_str() {
        "GET" => match guest.current() {
            Some(state) => (
                StatusCode::OK,
                [(header::CONTENT_TYPE, "application/json")],
                Body::from(state),
            )
                .into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        "POST" => save(&guest, query.as_deref(), body).await,
        "LOCK" => lock(&guest, body).await,
        "UNLOCK" => match guest.store.unlock(lock_id(&body)).await {
            Ok(()) => StatusCode::OK.into_response(),
            Err(error) => failed(&error),
        },
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "a state is never deleted"),
    }
}

fn knows(guest: &Guest, given: Option<&[u8]>) -> bool {
    let expected = format!(
        "Basic {}",
        STANDARD.encode(format!("slipway:{}", guest.password))
    );
    given.is_some_and(|given| slipway_seal::same(given, expected.as_bytes()))
}

async fn save(guest: &Guest, _query: Option<&str>, body: Bytes) -> Response {
    let Ok(version) = state::lineage_serial(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "this is not a state of format 4");
    };
    let current = guest.current();
    if let Some(before) = current
        .as_deref()
        .and_then(|bytes| state::lineage_serial(bytes).ok())
    {
        if before.lineage != version.lineage {
            return refuse(
                StatusCode::CONFLICT,
                "the upload belongs to another state: its lineage differs",
            );
        }
        // The same serial with the same content is a repeated upload; with other content it is an accident.
        if version.serial < before.serial
            || (version.serial == before.serial && current.as_ref() != Some(&body))
        {
            return refuse(
                StatusCode::CONFLICT,
                format!(
                    "the upload is older than the state: serial {} after {}",
                    version.serial, before.serial
                ),
            );
        }
    }
    if let Err(error) = guest.store.save(version.clone(), body.clone()).await {
        return failed(&error);
    }
    *guest.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    *guest.wrote.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    StatusCode::OK.into_response()
}

async fn lock(guest: &Guest, body: Bytes) -> Response {
    match guest.store.lock(lock_id(&body), body.clone()).await {
        Ok(Locked::Taken) => StatusCode::OK.into_response(),
        Ok(Locked::Held(info)) => (
            StatusCode::LOCKED,
            [(header::CONTENT_TYPE, "application/json")],
            Body::from(info),
        )
            .into_response(),
        Err(error) => failed(&error),
    }
}

fn lock_id(body: &[u8]) -> String {
    let info: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    info["ID"].as_str().unwrap_or_default().to_owned()
}

/// A fence is final; for the rest the engine's retries are worth it.
fn failed(error: &StoreError) -> Response {
    let status = match error {
        StoreError::Fenced => StatusCode::FORBIDDEN,
        StoreError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    refuse(status, error.to_string())
}
