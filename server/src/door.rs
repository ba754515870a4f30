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
};
use slipway_app::{App, routes::Rule};
use slipway_services::{Ctx, live::Hub, person::PERSONAS, session};
use time::OffsetDateTime;
use tokio::sync::watch;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, timeout::TimeoutLayer,
};

use crate::{
    api, assets, health,
    limits::{self, Key, Limits, Peer},
    live,
    metrics::{self, Metrics, RequestId},
    mount::{Mount, Mounted},
    sign_in::{self, google::Google},
};

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
    /// Google's sign-in, if it is configured.
    pub google: Option<Arc<Google>>,
    /// Says when the process is about to leave: it is not ready any more, and still answers.
    pub stopping: watch::Receiver<bool>,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// How much anybody may ask for.
    pub limits: Arc<Limits>,
    /// Proxies of ours in front.
    pub hops: usize,
    /// How long a sign-in waits for the directory.
    pub patience: Duration,
}

/// A sign-in waits no longer for the directory.
pub const PATIENCE_FOR_GROUPS: Duration = Duration::from_secs(3);

/// No address of ours is longer, in bytes.
const LONGEST_URI: usize = 8 * 1024;
/// No query of ours has more parts.
const MOST_PARTS: usize = 200;
/// A page that takes longer has hung.
pub const PATIENCE: Duration = Duration::from_secs(30);

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

    /// The name of the cookie of a sign-in that is under way.
    pub fn flow_name(&self) -> &'static str {
        if self.tls {
            "__Host-slipway-flow"
        } else {
            "slipway-flow"
        }
    }

    /// A `Set-Cookie` value for the session.
    pub fn cookie(&self, token: &str, seconds: i64) -> String {
        self.named_cookie(self.cookie_name(), token, seconds)
    }

    /// A `Set-Cookie` value.
    pub fn named_cookie(&self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.tls { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }

    /// A cookie's value. Of two with one name neither counts: somebody may have planted one.
    pub fn cookie_of<'a>(&self, headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == wanted)
            .map(|(_, value)| value);
        let first = found.next();
        first.filter(|_| found.next().is_none())
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

    /// The door's own pages and posts.
    fn passage() -> (Router<Door>, Vec<Mounted>) {
        Mount::new()
            .post("/sign-in", Rule::Public, sign_in::demo)
            .post("/sign-out", Rule::Public, sign_in::out)
            .get("/auth/start", Rule::Public, sign_in::google::start)
            .get("/auth/callback", Rule::Public, sign_in::google::callback)
            .done()
    }

    fn streams() -> (Router<Door>, Vec<Mounted>) {
        Mount::new()
            .get("/live", Rule::SignedIn, live::stream)
            .done()
    }

    fn signs_of_life() -> (Router<Door>, Vec<Mounted>) {
        Mount::new()
            .get("/health/live", Rule::Public, health::live)
            .get("/health/ready", Rule::Public, health::ready)
            .get("/metrics", Rule::Public, metrics::show)
            .done()
    }

    /// Everything that is mounted besides the front rooms.
    #[cfg(test)]
    pub fn table() -> Vec<Mounted> {
        [
            Self::passage().1,
            Self::streams().1,
            Self::signs_of_life().1,
            api::table().1,
            api::streams().1,
        ]
        .concat()
    }

    /// The whole router: front rooms, door, guards.
    pub fn router(self, site: &std::path::Path) -> Router {
        let door = Self::passage()
            .0
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
            .layer(compression());
        let streams = Self::streams().0.with_state(self.clone());
        let health = Self::signs_of_life().0.with_state(self.clone());
        let programs = api::router(&self);
        let tls = self.tls;
        let watched = self.clone();
        pages
            .merge(streams)
            .layer(middleware::from_fn_with_state(self.clone(), who))
            // Programs are known by their token alone, people by their cookie alone: neither layer knows the other.
            .merge(programs)
            .merge(assets::router(site))
            .layer(middleware::from_fn_with_state(self, guard))
            .merge(health)
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(watched, metrics::observe))
            .layer(middleware::map_response(move |response| {
                dress(response, tls)
            }))
    }
}

/// Quick rather than small.
pub fn compression() -> CompressionLayer {
    CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest)
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
    let parts = request.uri().query().map_or(0, |q| q.matches('&').count());
    if parts > MOST_PARTS {
        return Some((
            StatusCode::URI_TOO_LONG,
            "This address has more parts than any of ours.",
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
            if request.uri().path().starts_with(api::ROOT) {
                return api::problem::of_status(status, why).into_response();
            }
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
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.clone());
    let found = match door.cookie_of(request.headers(), door.cookie_name()) {
        None => None,
        Some(token) => match session::enter(&door.app.office.web, token, now).await {
            Ok(found) => found,
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
    let (actor, fresh) = found.map_or((None, None), |f| (Some(f.actor), f.fresh));
    let ctx = Ctx {
        actor,
        request_id,
        now,
    };
    let mut response = match too_much(&door, &request, ctx.actor.as_ref().map(|a| a.user.get())) {
        Some(seconds) => slow_down(seconds),
        None => {
            request.extensions_mut().insert(ctx.clone());
            next.run(request).await
        }
    };
    // For the log.
    response.extensions_mut().insert(ctx);
    if let Some(token) = fresh
        && !door.sets_session(response.headers())
    {
        let seconds = session::ABSOLUTE.whole_seconds();
        sign_in::set(&mut response, &door.cookie(token.0.expose(), seconds));
    }
    response
}

/// Seconds to wait, if this person or this address asks for too much.
pub fn too_much(door: &Door, request: &Request, person: Option<i64>) -> Option<u64> {
    let now = std::time::Instant::now();
    let peer = request.extensions().get::<Peer>().copied();
    let address = limits::address(peer, request.headers(), door.hops);
    let path = request.uri().path();
    let change = !matches!(*request.method(), Method::GET | Method::HEAD);
    // Looking at the sign-in page is free; beginning or ending a sign-in is not.
    let sign_in = path.starts_with("/auth/") || (change && path == "/sign-in");
    let mut keys = vec![person.map_or(Key::Address(address), Key::Person)];
    if sign_in {
        keys.push(Key::SignIns(address));
    } else if let (true, Some(person)) = (change, person) {
        keys.push(Key::Changes(person));
    }
    keys.into_iter()
        .find_map(|key| door.limits.take(key, now).err())
}

fn slow_down(seconds: u64) -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::RETRY_AFTER, HeaderValue::from(seconds))],
        format!("This is more than Slipway answers at once. Try again in {seconds} s; nothing was changed.\n"),
    )
        .into_response()
}

/// Headers on everything.
async fn dress(mut response: Response, tls: bool) -> Response {
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
    if tls {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
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

impl Door {
    /// Streams that are open now.
    pub fn open_streams(&self) -> usize {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.values().sum()
    }

    /// Whether an answer sets the session's cookie itself.
    fn sets_session(&self, headers: &HeaderMap) -> bool {
        let name = format!("{}=", self.cookie_name());
        headers
            .get_all(header::SET_COOKIE)
            .iter()
            .any(|v| v.as_bytes().starts_with(name.as_bytes()))
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
