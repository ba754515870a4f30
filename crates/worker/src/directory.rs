//! Asking the directory for people's groups: everybody in turn, and whoever is signing in at once.
//!
//! Two lanes, so that nobody at the door waits behind the round. A directory that is away is left alone for a while that
//! grows; those at the door are still asked about, because for them a moment matters.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use slipway_adapters::directory::{Access, Directory, Key, Trouble};
use slipway_services::{
    directory::{self, Due},
    live::Event,
};
use tokio::{task::JoinHandle, time::Instant};

use crate::{Leaving, Shared, heard, now};

pub use slipway_adapters::directory::{API, TOKEN};

/// Without a hint the list is looked at this often.
const POLL: Duration = Duration::from_secs(5);
/// All pages about one person take no longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// A directory that is away is left alone for this long at most.
const LONGEST_REST: Duration = Duration::from_secs(120);

/// How to ask the directory.
#[derive(Clone, Debug)]
pub struct Groups {
    /// File with the service account's key.
    pub key: PathBuf,
    /// The administrator in whose name it asks.
    pub subject: String,
    /// Where the API answers.
    pub api: String,
    /// Where tokens are given.
    pub token: String,
    /// For how long a membership counts after it was confirmed.
    pub keep: time::Duration,
    /// The first pause after an answer that says “later”.
    pub pause: Duration,
}

impl Groups {
    /// Reads the key, and asks nothing.
    ///
    /// # Errors
    /// What is wrong with it, with what to do.
    pub fn open(&self) -> anyhow::Result<Directory> {
        let key = Key::read(&self.key).with_context(|| {
            format!(
                "The directory’s key file {} cannot be used.\n  It is the JSON file of the service account, readable for the worker (docs/operating.md)",
                self.key.display()
            )
        })?;
        if !self.subject.contains('@') {
            anyhow::bail!(
                "The directory is asked in nobody’s name.\n  Name an administrator’s address in SLIPWAY_DIRECTORY_SUBJECT."
            );
        }
        Directory::new(Access {
            key,
            subject: self.subject.clone(),
            api: self.api.clone(),
            token: self.token.clone(),
            pause: self.pause,
        })
        .context("The directory’s addresses are not reached by TLS.\n  SLIPWAY_DIRECTORY_URL and SLIPWAY_DIRECTORY_TOKEN_URL must begin with https://")
    }
}

/// Starts both lanes.
pub fn start(shared: &Arc<Shared>, of: Directory, keep: time::Duration) -> Vec<JoinHandle<()>> {
    let of = Arc::new(of);
    [true, false]
        .into_iter()
        .map(|door| {
            let lane = Lane {
                shared: shared.clone(),
                of: of.clone(),
                keep,
                door,
            };
            tokio::spawn(lane.run())
        })
        .collect()
}

struct Lane {
    shared: Arc<Shared>,
    of: Arc<Directory>,
    keep: time::Duration,
    /// Only for whoever is signing in.
    door: bool,
}

impl Lane {
    async fn run(self) {
        let mut leaving = self.shared.leaving.clone();
        let mut events = self.shared.hub.subscribe();
        let mut rest = Rest::default();
        while *leaving.borrow() == Leaving::No {
            tokio::select! {
                done = self.round(&mut rest) => if let Err(error) = done {
                    tracing::warn!(%error, "people’s groups could not be written down; tried again");
                },
                _ = leaving.changed() => return,
            }
            tokio::select! {
                () = heard(&mut events, |event| *event == Event::Ask) => {}
                () = tokio::time::sleep(POLL) => {}
                _ = leaving.changed() => return,
            }
        }
    }

    /// Everybody whose turn it is. What is interrupted is asked again by whoever finds the claim old.
    async fn round(&self, rest: &mut Rest) -> slipway_services::Result<()> {
        let pool = &self.shared.pool;
        directory::present(pool, self.keep, now()).await?;
        while let Some(due) = directory::claim(pool, self.door || rest.is_on(), now()).await? {
            match self.ask(&due).await {
                Ok(groups) => {
                    rest.end();
                    directory::confirm(pool, &self.shared.me, &due, &groups, now()).await?;
                }
                Err(trouble) => {
                    tracing::warn!(person = %due.user, %trouble, "groups could not be had");
                    if trouble.is_general() {
                        rest.longer();
                    }
                    directory::fail(pool, &due, &trouble.to_string(), now()).await?;
                }
            }
        }
        Ok(())
    }

    async fn ask(&self, due: &Due) -> Result<Vec<String>, Trouble> {
        let unix = due.began.unix_timestamp();
        tokio::time::timeout(PATIENCE, self.of.groups(&due.key, unix))
            .await
            .unwrap_or(Err(Trouble::Nonsense("it takes longer than a minute")))
    }
}

/// For how long a directory that is away is left alone.
#[derive(Default)]
struct Rest {
    length: Duration,
    until: Option<Instant>,
}

impl Rest {
    fn is_on(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    fn longer(&mut self) {
        self.length = (self.length * 2).clamp(POLL, LONGEST_REST);
        self.until = Some(Instant::now() + self.length);
    }

    fn end(&mut self) {
        *self = Self::default();
    }
}
