//! The law of the pages: at most three queries each, beside the one that says who asks. What sqlx reports is counted, so
//! that nothing can be asked unseen; the list of pages is the router's own.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use axum::http::{Method, StatusCode};
use slipway_app::routes::table;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use super::Portal;

/// Every statement that was sent, in sqlx's own short words.
#[derive(Clone, Default)]
pub struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// What was sent since the last time. A connection that the pool happens to open says who it is: that is nobody's
    /// question.
    pub fn take(&self) -> Vec<String> {
        let mut sent = std::mem::take(&mut *self.0.lock().unwrap());
        sent.retain(|statement| !statement.starts_with("set role"));
        sent
    }
}

struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Statements {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut summary = Summary(String::new());
        event.record(&mut summary);
        self.0.lock().unwrap().push(summary.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_page_asks_more_than_three_times() {
    let seen = Statements::default();
    let guard = super::listen(seen.clone());
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let mut ids = developer.request_environment("counted").await;
    for noun in ["people", "teams"] {
        ids.insert(noun, "1".into());
    }
    // Who keeps people and decides on requests, too, is shown the most that a page has.
    sqlx::query(
        "insert into org_role (user_id, role, source, created_at)
         select id, 'operator', 'hand', now() from user_account where subject = 'demo:admin'",
    )
    .execute(&portal.db.owner)
    .await
    .unwrap();
    let mut counted = 0;
    for who in ["developer", "lead", "auditor", "admin"] {
        let browser = portal.sign_in(who).await;
        for route in table().iter().filter(|r| r.method == Method::GET) {
            let path = super::walk::path(route, &ids);
            seen.take();
            let answer = browser.get(&path).await;
            let sent = seen.take();
            // A file to keep is no page: it gathers everything about one thing.
            let kept = answer
                .header("content-disposition")
                .starts_with("attachment");
            if answer.status != StatusCode::OK || kept {
                continue;
            }
            counted += 1;
            assert!(!sent.is_empty(), "{who} {path}: nothing was counted");
            assert!(
                sent.len() <= 4,
                "{who} {path} asks {} times:\n{}",
                sent.len(),
                sent.join("\n")
            );
        }
    }
    drop(guard);
    assert!(counted >= 45, "only {counted} pages were counted");
}
