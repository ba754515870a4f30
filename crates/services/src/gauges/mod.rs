//! Numbers about the house for whoever watches it: how old the queue is, who works, what is open, what is not sealed.
//! Counts only, of what is open: nothing about anybody, and nothing over history.

mod store;

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::Result;

/// The numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// Seconds that the oldest queued job has waited.
    pub queue_oldest: f64,
    /// Workers that were heard of within a minute.
    pub workers: i64,
    /// Open runs by state.
    pub runs: Vec<(String, i64)>,
    /// Seconds since the oldest audit record that is not sealed was written.
    pub unsealed_oldest: f64,
    /// Seconds since the directory last answered well about anybody (before its first answer: since it was set up), and
    /// how often it did not; `None` while there is none.
    pub directory: Option<(f64, i64)>,
    /// Messages that wait to be sent.
    pub notices: i64,
    /// Messages that were given up within a day.
    pub notices_failed: i64,
}

/// Reads them.
///
/// # Errors
/// Database errors.
pub async fn read(web: &PgPool, now: OffsetDateTime) -> Result<Gauges> {
    store::read(web, now).await
}
