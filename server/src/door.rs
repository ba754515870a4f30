//! The door: every request passes the same guards, in this order. Which host, how long, from which page, by whom.
//!
//! Only our own pages talk to us: a page from elsewhere must not reach somebody's portal, on loopback above all (a host
//! name that is made to point at 127.0.0.1 is the classic way in).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use slipway_app::App;
use slipway_services::{Ctx, live::Hub, person::PERSONAS, session};
use time::OffsetDateTime;
use tokio::sync::watch;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, timeout::TimeoutLayer,
};

use crate::{assets, live, sign_in};

/// What the guards and the door's own routes know.
#[derive(Clone, Debug)]
pub struct Door {
    /// The front rooms.
    pub app: App,
    /// What changed.
    pub hub: Hub,
    /// Host names (with port) that may be used, besides loopback's.
    pub hosts: Arc<[String]>,
    /// Browsers come by TLS.
    pub tls: bool,
    /// Listening on loopback: its own names are allowed.
    pub loopback: bool,
    /// Says when the process leaves: streams end.
    pub leaving: watch::Receiver<bool>,
    /// Open streams by person.
    pub streams: Arc<Mutex<HashMap<i64, usize>>>,
}

/// No address of ours is longer, in bytes.
const LONGEST_URI: usize = 8 * 1024;
/// A page that takes longer has hung.
const PATIENCE: Duration = Duration::from_secs(30);

const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

impl Door {
    /// The session cookie's name: bound to the host and to TLS where there is TLS.
    fn cookie_name(&self) -> &'static str {
        if self.tls {
            "__Host-slipway"
        } else {
            "slipway"
        }
    }

    /// A `Set-Cookie` value.
    pub fn cookie(&self, token: &str, seconds: i64) -> String {
        let secure = if self.tls { "; Secure" } else { "" };
        format!(
            "{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}",
            self.cookie_name()
        )
    }

    fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(';'))
            .find_map(|pair| {
                pair.trim()
                    .split_once('=')
                    .filter(|(name, _)| *name == self.cookie_name())
                    .map(|(_, token)| token)
            })
    }

    /// True for a host that is ours.
    fn knows(&self, host: &str) -> bool {
        if self.hosts.iter().any(|h| h.eq_ignore_ascii_case(host)) {
            return true;
        }
        if !self.loopback {
            return false;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.to_ascii_lowercase();
        matches!(name.as_str(), "127.0.0.1" | "localhost" | "[::1]")
            || (self.app.site.demo.is_some()
                && name
                    .strip_suffix(".localhost")
                    .is_some_and(|word| PERSONAS.iter().any(|p| p.word == word)))
    }

    /// The whole router: front rooms, door, guards.
    pub fn router(self, site: &std::path::Path) -> Router {
        let door = Router::new()
            .route("/sign-in", post(sign_in::demo))
            .route("/sign-out", post(sign_in::out))
            .layer(DefaultBodyLimit::max(16 * 1024))
            .layer(middleware::from_fn_with_state(
                self.app.clone(),
                slipway_app::pages::dress,
            ))
            .with_state(self.clone());
        let pages = slipway_app::router(self.app.clone())
            .merge(door)
            .layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                PATIENCE,
            ))
            .layer(CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest));
        let streams = Router::new()
            .route("/live", get(live::stream))
            .with_state(self.clone());
        let health = Router::new()
            .route("/health/live", get(|| async { "alive\n" }))
            .route("/health/ready", get(ready))
            .with_state(self.clone());
        pages
            .merge(streams)
            .layer(middleware::from_fn_with_state(self.clone(), who))
            .merge(assets::router(site))
            .layer(middleware::from_fn_with_state(self, guard))
            .merge(health)
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::map_response(dress))
    }
}

async fn ready(State(door): State<Door>) -> Response {
    if *door.leaving.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "leaving\n").into_response();
    }
    match tokio::time::timeout(Duration::from_secs(2), door.app.office.web.acquire()).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        )
            .into_response(),
    }
}

/// A panic of ours: the person learns that, the log learns more.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a page panicked");
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something in Slipway broke. It has been written to the log; nothing was changed by it.\n",
    )
        .into_response()
}

/// Why a request is turned away before anybody looks at it.
fn turned_away(door: &Door, request: &Request) -> Option<(StatusCode, &'static str)> {
    let text = |name: HeaderName| {
        request
            .headers()
            .get(name)
            .map(|v| v.to_str().unwrap_or("\u{fffd}"))
    };
    if request.uri().to_string().len() > LONGEST_URI {
        return Some((
            StatusCode::URI_TOO_LONG,
            "This address is longer than any of ours.",
        ));
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts
        .next()
        .and_then(|h| h.to_str().ok())
        .unwrap_or_default();
    if hosts.next().is_some() || !door.knows(host) {
        return Some((
            StatusCode::MISDIRECTED_REQUEST,
            "Slipway does not answer under this host name. Name it in SLIPWAY_HOSTS if it should.",
        ));
    }
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if safe {
        // A link from elsewhere may be followed; anything else is fetched by our own pages only.
        let navigation =
            text(HeaderName::from_static("sec-fetch-mode")).is_none_or(|mode| mode == "navigate");
        let foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
        if foreign && !navigation {
            return Some((
                StatusCode::FORBIDDEN,
                "Only Slipway's own pages may fetch this.",
            ));
        }
        return None;
    }
    // A browser names where a form comes from, always. A program that names nothing is no browser, and has no cookies
    // that somebody could misuse.
    let scheme = if door.tls { "https" } else { "http" };
    let from_elsewhere = match text(header::ORIGIN) {
        Some(origin) => !origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")),
        None => site.is_some_and(|site| !matches!(site, "same-origin" | "none")),
    };
    from_elsewhere.then_some((
        StatusCode::FORBIDDEN,
        "This form was sent from another page than Slipway's own. Nothing was changed.",
    ))
}

async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    match turned_away(&door, &request) {
        Some((status, why)) => {
            tracing::info!(%status, why, method = %request.method(), "turned away");
            (status, format!("{why}\n")).into_response()
        }
        None => next.run(request).await,
    }
}

/// Finds out who asks.
async fn who(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    #[expect(
        clippy::disallowed_methods,
        reason = "the front door reads the clock once per request, for everybody behind it"
    )]
    let now = OffsetDateTime::now_utc();
    let request_id = slipway_seal::hex(&slipway_seal::random::<8>());
    let actor = match door.token(request.headers()) {
        None => None,
        Some(token) => match session::find(&door.app.office.web, token, now).await {
            Ok(actor) => actor,
            Err(error) => {
                let here = request.uri().path_and_query().map_or("/", |p| p.as_str());
                let ctx = Ctx {
                    actor: None,
                    request_id,
                    now,
                };
                return slipway_app::pages::trouble_page(&door.app, ctx, here, error);
            }
        },
    };
    request.extensions_mut().insert(Ctx {
        actor,
        request_id: request_id.clone(),
        now,
    });
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// Headers on everything.
async fn dress(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", CSP),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A stream's place among those of its person; given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<Mutex<HashMap<i64, usize>>>, i64);

impl Door {
    /// At most twenty streams a person.
    pub fn place(&self, person: i64) -> Option<Place> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(person).or_default();
        if *count >= 20 {
            return None;
        }
        *count += 1;
        Some(Place(self.streams.clone(), person))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.1);
            }
        }
    }
}

/// Shared by everybody who builds a door.
pub fn no_streams() -> Arc<Mutex<HashMap<i64, usize>>> {
    Arc::default()
}
