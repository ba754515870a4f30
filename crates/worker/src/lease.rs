//! Holding a lease: renewed at a third of its length; lost, it takes the children down with it.

use std::sync::Arc;

use slipway_services::{
    Error,
    live::Event,
    work::{self, Claim},
};
use tokio::{sync::watch, task::JoinHandle};

use crate::{Leaving, Shared, heard, now};

/// How urgently a job's engine should stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// It should not.
    #[default]
    No,
    /// Interrupt once, let it save.
    Gently,
    /// Kill.
    Now,
}

/// Why it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Why {
    /// Somebody called the run off.
    #[default]
    Canceled,
    /// The lease is lost, or could not be renewed in time.
    LeaseLost,
    /// The worker leaves.
    Leaving,
}

/// A claim that is being renewed for as long as this lives.
#[derive(Debug)]
pub struct Hold {
    stop: watch::Receiver<(Stop, Why)>,
    task: JoinHandle<()>,
    end: watch::Sender<bool>,
}

impl Hold {
    /// Begins to renew.
    pub fn start(shared: Arc<Shared>, claim: Claim) -> Self {
        let (say, stop) = watch::channel((Stop::No, Why::default()));
        let (end, ended) = watch::channel(false);
        let task = tokio::spawn(keep(shared, claim, say, ended));
        Self { stop, task, end }
    }

    /// Says when to stop, how urgently, and why; only ever becomes more urgent, and the first reason stays.
    pub fn stop(&self) -> watch::Receiver<(Stop, Why)> {
        self.stop.clone()
    }

    /// Ends the renewing.
    pub async fn release(self) {
        let _ = self.end.send(true);
        let _ = self.task.await;
    }
}

async fn keep(
    shared: Arc<Shared>,
    claim: Claim,
    say: watch::Sender<(Stop, Why)>,
    mut ended: watch::Receiver<bool>,
) {
    let raise = |how: Stop, why: Why| {
        say.send_if_modified(|(stop, first)| {
            let more = how > *stop;
            if more {
                *first = if *stop == Stop::No { why } else { *first };
                *stop = how;
            }
            more
        });
    };
    let lease = shared.config.lease;
    let third = (lease.length / 3_i32).unsigned_abs();
    let mut leaving = shared.leaving.clone();
    let mut events = shared.hub.subscribe();
    let mut until = claim.lease_until;
    let mut lost = false;
    loop {
        match *leaving.borrow_and_update() {
            Leaving::No => {}
            Leaving::Gently => raise(Stop::Gently, Why::Leaving),
            Leaving::Now => raise(Stop::Now, Why::Leaving),
        }
        let now_ = now();
        // A safety margin before the end: an interrupt must come while the lease still holds.
        if lost || now_ >= until - lease.length / 4_i32 {
            raise(Stop::Gently, Why::LeaseLost);
        }
        if now_ >= until + lease.grace {
            raise(Stop::Now, Why::LeaseLost);
        }
        let pause = if lost || now_ >= until - lease.length / 2_i32 {
            third.min(std::time::Duration::from_millis(500))
        } else {
            third
        };
        tokio::select! {
            biased;
            _ = ended.changed() => return,
            _ = leaving.changed() => continue,
            // A cancel should not wait for the next renewal.
            () = heard(&mut events, |event| matches!(event, Event::Run { run, .. } if *run == claim.run)) => {}
            () = tokio::time::sleep(pause) => {}
        }
        if lost {
            continue;
        }
        // A database that does not answer must not keep us from looking at the clock and at who wants us to stop.
        let renewed = tokio::select! {
            biased;
            _ = ended.changed() => return,
            _ = leaving.changed() => continue,
            renewed = tokio::time::timeout(third, work::renew(&shared.pool, &claim, lease, now())) => renewed,
        };
        let Ok(renewed) = renewed else {
            tracing::warn!(run = %claim.run, "the database does not answer; the lease is not renewed yet");
            continue;
        };
        match renewed {
            Ok(renewed) => {
                until = renewed.lease_until.unwrap_or(until);
                if renewed.cancel {
                    raise(Stop::Gently, Why::Canceled);
                }
                if renewed.force {
                    raise(Stop::Now, Why::Canceled);
                }
            }
            Err(Error::Fenced) => lost = true,
            Err(error) => {
                tracing::warn!(run = %claim.run, %error, "the lease could not be renewed; trying again")
            }
        }
    }
}
