use std::sync::Arc;

use tokio::sync::watch;

/// Why a person or the worker wants a running tool to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// A person canceled the run.
    Canceled,
    /// The worker can no longer renew its lease on the run.
    LeaseLost,
    /// The worker itself is shutting down.
    Shutdown,
}

/// How hard: nothing yet, an interrupt that lets the engine save its state, or force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Run,
    Interrupt,
    Force,
}

/// A switch that ends a running tool; clones share it. It only ever gets stronger.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<(Level, Option<Stop>)>>);

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A switch that nobody has touched.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new((Level::Run, None))))
    }

    /// Asks the tool to stop: one SIGINT, then as long as it needs to save its state.
    pub fn interrupt(&self, stop: Stop) {
        self.raise(Level::Interrupt, stop);
    }

    /// SIGTERM to the whole group, and SIGKILL five seconds later. State that was not saved by then is lost.
    pub fn force(&self, stop: Stop) {
        self.raise(Level::Force, stop);
    }

    /// True once somebody asked for an end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.borrow().0 > Level::Run
    }

    fn raise(&self, level: Level, stop: Stop) {
        self.0.send_if_modified(|now| {
            let stronger = level > now.0;
            if stronger {
                *now = (level, Some(now.1.unwrap_or(stop)));
            }
            stronger
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<(Level, Option<Stop>)> {
        let mut receiver = self.0.subscribe();
        // What was raised before the tool started counts as news.
        receiver.mark_changed();
        receiver
    }
}
