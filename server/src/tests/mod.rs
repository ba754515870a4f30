//! The door tier: the real router, in-process, over a real PostgreSQL.

mod api;
mod crawl;
mod desk;
mod guards;
mod hostile;
mod limits;
mod live;
mod postgres;
mod queries;
mod strangers;
mod trail;
mod walk;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
pub use slipway_app::views::encode;
use slipway_app::{
    App,
    assets::Assets,
    site::{Aws, DemoSite, Site},
};
use slipway_seal::WorkerKey;
use slipway_services::{Office, live::Hub, person, template, work};
use slipway_testkit::Database;
use time::OffsetDateTime;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::{
    door::{self, Door},
    limits::Limits,
};

/// A portal without a network.
pub struct Portal {
    pub db: Database,
    pub router: Router,
    pub door: Door,
    pub stop: watch::Sender<bool>,
    pub limits: Arc<Limits>,
    _stay: watch::Sender<bool>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "sessions are judged by the door's own clock"
)]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Portal {
    pub async fn new() -> Self {
        Self::with(true, false).await
    }

    pub async fn with(demo: bool, tls: bool) -> Self {
        Self::made(demo, tls, 0, None).await
    }

    /// Behind so many proxies of ours.
    pub async fn behind(hops: usize) -> Self {
        Self::made(true, false, hops, None).await
    }

    /// A portal to which no notification ever comes: it listens to another database.
    pub async fn deaf() -> Self {
        let elsewhere = slipway_testkit::database().await;
        Self::made(true, false, 0, Some(Hub::start(elsewhere.web.clone()))).await
    }

    async fn made(demo: bool, tls: bool, hops: usize, hub: Option<Hub>) -> Self {
        let db = slipway_testkit::database().await;
        person::seed_demo(&db.web, now()).await.unwrap();
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/catalog/hello");
        let bundle = slipway_catalog::Bundle::read_dir(&catalog).unwrap();
        let parsed = slipway_catalog::Template::parse(&bundle).unwrap();
        template::publish(
            &db.worker,
            &[("hello".to_owned(), Ok((bundle, parsed)))],
            now(),
        )
        .await
        .unwrap();
        let key = WorkerKey::from_master(&[1; 32]);
        work::register(
            &db.worker,
            "w",
            &serde_json::json!({}),
            (&key.id(), &key.public()),
            now(),
        )
        .await
        .unwrap();
        let (stay, leaving) = watch::channel(false);
        let (stop, stopping) = watch::channel(false);
        let site = Site {
            assets: Arc::new(Assets::default()),
            demo: demo.then_some(DemoSite { port: 7070 }),
            google: None,
            aws: Aws::Unsaid,
        };
        let limits = Arc::<Limits>::default();
        let door = Door {
            app: App {
                office: Office {
                    web: db.web.clone(),
                },
                site: Arc::new(site),
            },
            hub: hub.unwrap_or_else(|| Hub::start(db.web.clone())),
            hosts: vec!["portal.example.com".to_owned()].into(),
            tls,
            loopback: true,
            leaving,
            streams: door::no_streams(),
            google: None,
            stopping,
            metrics: Arc::default(),
            limits: limits.clone(),
            hops,
            patience: door::PATIENCE_FOR_GROUPS,
        };
        let router = door.clone().router(Path::new("/nowhere"));
        Self {
            db,
            router,
            door,
            stop,
            limits,
            _stay: stay,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Signs a persona in on their own host, as a browser would.
    pub async fn sign_in(&self, who: &str) -> Browser<'_> {
        let mut browser = Browser {
            portal: self,
            host: format!("{who}.localhost:7070"),
            cookie: String::new(),
        };
        let answer = browser
            .post("/sign-in", &[("persona", who), ("next", "/")])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned();
        assert!(browser.cookie.len() > 60, "{}", browser.cookie);
        browser
    }

    pub fn nobody(&self) -> Browser<'_> {
        Browser {
            portal: self,
            host: "localhost:7070".into(),
            cookie: String::new(),
        }
    }
}

/// Somebody's browser.
pub struct Browser<'p> {
    portal: &'p Portal,
    pub host: String,
    pub cookie: String,
}

impl Browser<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.portal
            .send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = form
            .iter()
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect::<Vec<_>>()
            .join("&");
        let request = self
            .request(Method::POST, path)
            .header("origin", format!("http://{}", self.host))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.portal
            .send(request.body(Body::from(body)).unwrap())
            .await
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("cookie", &self.cookie)
    }

    /// Asks for an environment of `hello`; answers the ids of draft, run and environment.
    pub async fn request_environment(&self, name: &str) -> BTreeMap<&'static str, String> {
        let form = self.get("/catalog/hello/request").await;
        let draft = between(&form.body, "action=\"/drafts/", "\"").to_owned();
        let team = between(&form.body, "<option", ">")
            .split("value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let fields = [
            ("do", "send"),
            ("name", name),
            ("team", &team),
            ("life", "8h"),
            ("in.who", "world"),
            ("in.copies", "1"),
            ("in.language", "English"),
        ];
        let sent = self.post(&format!("/drafts/{draft}"), &fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
        let run = sent
            .header("location")
            .strip_prefix("/runs/")
            .expect("a run")
            .to_owned();
        let page = self.get(&format!("/runs/{run}")).await;
        let environment = between(&page.body, "href=\"/environments/", "\"").to_owned();
        BTreeMap::from([
            ("drafts", draft),
            ("runs", run),
            ("environments", environment),
        ])
    }
}

pub fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    text.split(start)
        .nth(1)
        .and_then(|rest| rest.split(end).next())
        .unwrap_or_default()
}

/// Has this thread's events go to a subscriber for as long as what is answered lives.
///
/// There are always two: with a single one, tracing decides for good whether an event is wanted by asking the thread that
/// comes to it first, which may be another test's.
pub fn listen<S>(subscriber: S) -> (tracing::Dispatch, tracing::subscriber::DefaultGuard)
where
    S: tracing::Subscriber + Send + Sync + 'static,
{
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let guard = tracing::subscriber::set_default(subscriber);
    tracing::callsite::rebuild_interest_cache();
    (second, guard)
}
