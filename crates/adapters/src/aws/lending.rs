//! Credentials lent to one phase of one run, over loopback.
//!
//! The engine's AWS provider finds the endpoint by two variables that every AWS SDK knows
//! (`AWS_CONTAINER_CREDENTIALS_FULL_URI`, `AWS_CONTAINER_AUTHORIZATION_TOKEN`) and asks it again before what it has ends;
//! so an apply may take longer than any credentials do. What stands in the engine's environment is the endpoint's one-off
//! token, never a credential. Each lending has a port of its own, which is closed when the lending is dropped.

use std::{
    ffi::OsString,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex as Plain, PoisonError},
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use slipway_seal::Secret;
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

use super::sts::{Assume, Credentials, Denied, Reason, Sts};

/// How long what is lent counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What STS is asked for: no less than its 15 minutes.
    pub asked: Duration,
    /// What the borrower is told at most. The same, but where a test has no quarter of an hour.
    pub told: Duration,
    /// What has less than this left is not handed out any more. An SDK asks again five minutes before the end.
    pub least: Duration,
}

impl Default for Span {
    /// The shortest that AWS gives: what leaks is dead soon, even where it was copied out of the engine's memory.
    fn default() -> Self {
        Self {
            asked: Duration::from_secs(15 * 60),
            told: Duration::from_secs(15 * 60),
            least: Duration::from_secs(7 * 60),
        }
    }
}

/// An open endpoint. Dropping it closes it.
pub struct Lending {
    address: SocketAddr,
    arn: String,
    token: Secret,
    desk: Arc<Desk>,
    server: JoinHandle<io::Result<()>>,
}

impl std::fmt::Debug for Lending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lending({})", self.desk.assume.role)
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        // Connections that are open still reach the desk; it knows nobody any more.
        *lock(&self.desk.token) = None;
        self.server.abort();
    }
}

struct Desk {
    sts: Sts,
    assume: Assume,
    span: Span,
    /// `None` once the lending is over.
    token: Plain<Option<Secret>>,
    /// What is lent now, and since when.
    lent: Mutex<Option<(Credentials, SystemTime)>>,
    /// How often the role was assumed.
    times: Plain<u32>,
    /// Why it could not be assumed again the last time; `None` after a success.
    trouble: Plain<Option<Denied>>,
    /// Everything secret that was ever lent here, so that it can be taken out of what is shown.
    known: Plain<Vec<Secret>>,
}

fn lock<T>(of: &Plain<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lending {
    /// Assumes the role, so that a refusal is known before anything is begun, and opens the endpoint.
    ///
    /// # Errors
    /// [`Denied`]; that there is no port is [`super::Reason::Away`].
    pub async fn open(sts: Sts, assume: Assume, span: Span) -> Result<Self, Denied> {
        let desk = Arc::new(Desk {
            sts,
            assume,
            span,
            token: Plain::new(None),
            lent: Mutex::new(None),
            times: Plain::new(0),
            trouble: Plain::new(None),
            known: Plain::default(),
        });
        let arn = desk.current().await?.0.arn;
        let port = |error: io::Error| Denied {
            reason: Reason::Away,
            words: format!("no port on loopback to lend them on: {error}"),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(port)?;
        let address = listener.local_addr().map_err(port)?;
        let token = Secret::new(slipway_seal::hex(&slipway_seal::random::<24>()));
        *lock(&desk.token) = Some(token.clone());
        let router = Router::new()
            .route("/credentials", get(answer))
            .with_state(Arc::clone(&desk));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            arn,
            token,
            desk,
            server,
        })
    }

    /// What the engine must find in its environment: where to ask, and with which one-off token.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        vec![
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                format!("http://{}/credentials", self.address).into(),
            ),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                self.token.expose().into(),
            ),
        ]
    }

    /// What must never be shown: the token, and every credential that was lent until now.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let mut all = lock(&self.desk.known).clone();
        all.push(self.token.clone());
        all
    }

    /// The ARN of the assumed role's session.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// How often the role was assumed.
    #[must_use]
    pub fn times(&self) -> u32 {
        *lock(&self.desk.times)
    }

    /// Why the credentials could not be renewed the last time, if they could not.
    #[must_use]
    pub fn trouble(&self) -> Option<Denied> {
        lock(&self.desk.trouble).clone()
    }
}

impl Desk {
    /// Credentials with enough left, and until when they are told to count.
    async fn current(&self) -> Result<(Credentials, SystemTime), Denied> {
        let mut lent = self.lent.lock().await;
        let until = |credentials: &Credentials, since: SystemTime| {
            credentials.ends.min(since + self.span.told)
        };
        if let Some((credentials, since)) = &*lent {
            let until = until(credentials, *since);
            if until > now() + self.span.least {
                return Ok((credentials.clone(), until));
            }
        }
        let assumed = self.sts.assume(&self.assume).await;
        *lock(&self.trouble) = assumed.as_ref().err().cloned();
        let credentials = assumed?;
        *lock(&self.times) += 1;
        lock(&self.known).extend([credentials.secret.clone(), credentials.token.clone()]);
        let since = now();
        *lent = Some((credentials.clone(), since));
        let until = until(&credentials, since);
        Ok((credentials, until))
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).map(|v| v.as_bytes());
        match (&*lock(&self.token), given) {
            (Some(token), Some(given)) => slipway_seal::same(given, token.expose().as_bytes()),
            _ => false,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "credentials end in real time, whoever keeps another one"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if !desk.knows(&headers) {
        let why = say("Unauthorized", "not this run’s token, or the run is over");
        return (StatusCode::UNAUTHORIZED, why).into_response();
    }
    match desk.current().await {
        Ok((lent, until)) => (
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({
                "AccessKeyId": lent.key,
                "SecretAccessKey": lent.secret.expose(),
                "Token": lent.token.expose(),
                "Expiration": stamp(until),
            })),
        )
            .into_response(),
        // The SDKs show the code and the message in their own errors, and ask again after a 503 alone.
        Err(denied) => (
            match denied.reason {
                Reason::Throttled | Reason::Away => StatusCode::SERVICE_UNAVAILABLE,
                Reason::Refused | Reason::Nobody | Reason::Unacceptable => StatusCode::FORBIDDEN,
            },
            say("CannotAssumeRole", &denied.to_string()),
        )
            .into_response(),
    }
}

fn say(code: &str, message: &str) -> Json<Value> {
    Json(json!({ "code": code, "message": message }))
}

/// RFC 3339 in UTC, by whole seconds.
fn stamp(at: SystemTime) -> String {
    use aws_sdk_sts::primitives::{DateTime, DateTimeFormat};
    let seconds = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
        .fmt(DateTimeFormat::DateTime)
        .unwrap_or_default()
}
