//! The groups of whoever signs in: asked for by a worker, waited for a moment.
//!
//! This process holds no key of the directory. It says that somebody is here, and goes on with what is known when the
//! answer takes too long; their pages then say that it is still asked.

use std::time::Duration;

use slipway_domain::id::UserId;
use slipway_services::{Error, directory, live::Event};
use time::OffsetDateTime;
use tokio::sync::broadcast::error::RecvError;

use crate::door::Door;

/// A notification can be lost: so often it is looked at all the same.
const LOOK: Duration = Duration::from_millis(400);

/// Waits for the directory's answer about somebody, and no longer than the door's patience.
pub async fn wait(door: &Door, user: UserId, now: OffsetDateTime) {
    match tokio::time::timeout(door.patience, answer(door, user, now)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a sign-in goes on without asking the directory"),
        Err(_) => {
            tracing::info!(person = %user, "a sign-in goes on before the directory has answered")
        }
    }
}

async fn answer(door: &Door, user: UserId, now: OffsetDateTime) -> Result<(), Error> {
    let web = &door.app.office.web;
    let mut events = door.hub.subscribe();
    if !directory::ask(web, user, now).await? {
        return Ok(());
    }
    while !directory::answered(web, user, now).await? {
        let told = async {
            loop {
                match events.recv().await {
                    Ok(Event::Answered { user: about }) if about == user => return,
                    Ok(Event::Missed) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(LOOK, told).await;
    }
    Ok(())
}
