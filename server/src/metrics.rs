//! `/metrics`: what is asked for, how long it takes, and how the house is. By matched route, never by address: a path
//! that somebody invents makes no new line. Infra's alerts (`infra/monitoring/rules/slipway.yaml`) use these names.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use slipway_services::{Ctx, gauges};

use crate::door::Door;

/// Upper ends of the buckets, in seconds.
const BUCKETS: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

#[derive(Clone, Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

type Answers = BTreeMap<(&'static str, String, u16), u64>;

/// What was counted since the process started.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<(Answers, BTreeMap<String, Times>)>);

impl Metrics {
    fn count(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            _ => "other",
        };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *inner
            .0
            .entry((method, route.to_owned(), status.as_u16()))
            .or_default() += 1;
        let times = inner.1.entry(route.to_owned()).or_default();
        let seconds = took.as_secs_f64();
        for (count, end) in times.buckets.iter_mut().zip(BUCKETS) {
            *count += u64::from(seconds <= end);
        }
        times.count += 1;
        times.sum += seconds;
    }

    /// The text that Prometheus reads.
    fn text(&self, of: Option<&gauges::Gauges>, streams: usize) -> String {
        let mut out = String::new();
        let mut say = |text: std::fmt::Arguments<'_>| {
            let _ = writeln!(out, "{text}");
        };
        let (answers, times) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        say(format_args!("# TYPE slipway_http_requests_total counter"));
        for ((method, route, status), n) in &answers {
            say(format_args!(
                "slipway_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {n}"
            ));
        }
        say(format_args!(
            "# TYPE slipway_http_request_seconds histogram"
        ));
        for (route, times) in &times {
            for (n, end) in times.buckets.iter().zip(BUCKETS) {
                say(format_args!(
                    "slipway_http_request_seconds_bucket{{route=\"{route}\",le=\"{end}\"}} {n}"
                ));
            }
            let (n, sum) = (times.count, times.sum);
            say(format_args!(
                "slipway_http_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {n}\nslipway_http_request_seconds_sum{{route=\"{route}\"}} {sum}\nslipway_http_request_seconds_count{{route=\"{route}\"}} {n}"
            ));
        }
        say(format_args!(
            "# TYPE slipway_streams gauge\nslipway_streams {streams}"
        ));
        say(format_args!(
            "# TYPE slipway_database_up gauge\nslipway_database_up {}",
            u8::from(of.is_some())
        ));
        let Some(of) = of else { return out };
        say(format_args!(
            "# TYPE slipway_queue_oldest_seconds gauge\nslipway_queue_oldest_seconds {}",
            of.queue_oldest
        ));
        say(format_args!(
            "# TYPE slipway_workers_alive gauge\nslipway_workers_alive {}",
            of.workers
        ));
        say(format_args!(
            "# TYPE slipway_audit_unsealed_oldest_seconds gauge\nslipway_audit_unsealed_oldest_seconds {}",
            of.unsealed_oldest
        ));
        if let Some((age, failures)) = of.directory {
            say(format_args!(
                "# TYPE slipway_directory_success_age_seconds gauge\nslipway_directory_success_age_seconds {age}"
            ));
            say(format_args!(
                "# TYPE slipway_directory_failures_total counter\nslipway_directory_failures_total {failures}"
            ));
        }
        say(format_args!(
            "# TYPE slipway_notices_queued gauge\nslipway_notices_queued {}",
            of.notices
        ));
        say(format_args!(
            "# TYPE slipway_notices_failed gauge\nslipway_notices_failed {}",
            of.notices_failed
        ));
        say(format_args!("# TYPE slipway_runs gauge"));
        // A state without a run is a zero: an alert on it must not lose its series.
        for state in ["queued", "awaiting_approval", "applying", "unknown"] {
            if !of.runs.iter().any(|(s, _)| s == state) {
                say(format_args!("slipway_runs{{state=\"{state}\"}} 0"));
            }
        }
        for (state, n) in &of.runs {
            say(format_args!("slipway_runs{{state=\"{state}\"}} {n}"));
        }
        out
    }
}

/// `GET /metrics`. Prometheus asks the process itself; what comes through our proxies is somebody from outside.
pub async fn show(State(door): State<Door>, headers: HeaderMap) -> Response {
    if headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED) {
        return StatusCode::NOT_FOUND.into_response();
    }
    #[expect(clippy::disallowed_methods, reason = "ages are counted from now")]
    let now = time::OffsetDateTime::now_utc();
    let read = gauges::read(&door.app.office.web, now);
    let gauges = match tokio::time::timeout(Duration::from_secs(2), read).await {
        Ok(Ok(gauges)) => Some(gauges),
        _ => None,
    };
    let text = door.metrics.text(gauges.as_ref(), door.open_streams());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// A request's id: in the log, in the trail, in the answer's header.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Counts every request, and writes those that change something or fail into the log.
pub async fn observe(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = slipway_seal::hex(&slipway_seal::random::<8>());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let took = begun.elapsed();
    door.metrics.count(&method, &route, status, took);
    let who = response
        .extensions()
        .get::<Ctx>()
        .and_then(|c| c.actor.as_ref());
    let (person, session) = (
        who.map(|a| a.user.get()),
        who.and_then(|a| a.session).map(|s| s.get()),
    );
    let ms = took.as_millis() as u64;
    // The route and not the address: what somebody typed into it is not the log's business.
    if method != Method::GET || status.is_client_error() || status.is_server_error() {
        tracing::info!(request = id, %method, route, status = status.as_u16(), ms, person, session, "answered");
    } else {
        tracing::debug!(request = id, %method, route, status = status.as_u16(), ms, person, session, "answered");
    }
    if let Ok(id) = id.parse() {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
