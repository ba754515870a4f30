//! What changed, for whoever watches: PostgreSQL's NOTIFY as a hint, never as the truth. Whoever gets a hint reads the
//! tables; whoever misses one reads them when it reconnects.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use slipway_domain::{
    id::{RunId, UserId},
    run::State,
};
use sqlx::{PgConnection, PgPool, postgres::PgListener};
use tokio::sync::broadcast;

use crate::Result;

/// The channel that everything is announced on.
pub const CHANNEL: &str = "slipway";

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "e", rename_all = "snake_case")]
pub enum Event {
    /// A run has another state.
    Run {
        /// Which.
        run: RunId,
        /// Its version, which only rises.
        version: i64,
        /// Its state.
        state: State,
    },
    /// A run's log grew to this many bytes.
    Log {
        /// Which run.
        run: RunId,
        /// The log's length in bytes.
        end: i64,
    },
    /// There is something in the queue.
    Job,
    /// Somebody's session has ended, or what they may do has changed: whatever is open for them must ask anew.
    Person {
        /// Who.
        user: UserId,
    },
    /// There is something to ask the directory.
    Ask,
    /// The directory has answered about somebody, well or not.
    Answered {
        /// Who.
        user: UserId,
    },
    /// What runs in a cluster is other than it was.
    Workload,
    /// There are messages to send.
    Notice,
    /// An AWS account is to be asked.
    Account,
    /// The connection to the database was lost for a while: hints may have been missed, look at everything.
    Missed,
}

/// Announces an event when the caller's transaction commits.
pub(crate) async fn notify(tx: &mut PgConnection, event: &Event) -> Result<()> {
    let payload = serde_json::to_string(event)?;
    sqlx::query!("select pg_notify($1, $2) as done", CHANNEL, payload)
        .fetch_one(tx)
        .await?;
    Ok(())
}

/// One listening connection of this process, shared by everybody in it.
#[derive(Clone, Debug)]
pub struct Hub {
    sender: broadcast::Sender<Event>,
}

impl Hub {
    /// Begins to listen; reconnects for as long as the process lives, and says [`Event::Missed`] after each gap.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let (sender, _) = broadcast::channel(1024);
        let hub = Self { sender };
        let to = hub.sender.clone();
        tokio::spawn(async move {
            loop {
                let ended = listen(&pool, &to).await;
                if pool.is_closed() {
                    return;
                }
                if let Err(error) = ended {
                    tracing::warn!(%error, "the database's notifications are interrupted; listening again");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        hub
    }

    /// Gets every event from now on. A receiver that is too slow is told so (`Lagged`): treat it like `Missed`.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }
}

async fn listen(
    pool: &PgPool,
    to: &broadcast::Sender<Event>,
) -> std::result::Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    let _ = to.send(Event::Missed);
    loop {
        match listener.try_recv().await? {
            Some(notification) => {
                if let Ok(event) = serde_json::from_str(notification.payload()) {
                    let _ = to.send(event);
                }
            }
            None => {
                let _ = to.send(Event::Missed);
            }
        }
    }
}
