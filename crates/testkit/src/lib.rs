//! WORKBENCH: a database per test, cloned from a template that the migrations made once.
//!
//! One private PostgreSQL cluster serves all test binaries of a build folder. It is started by whoever comes first
//! (under a file lock), keeps running between runs, and is found again by its socket; its data may be lost at any time.
//! Forbidden outside tests.

mod cluster;

pub use cluster::Own;

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{
    Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// A database of one test's own.
#[derive(Debug)]
pub struct Database {
    /// Connections as its owner.
    pub owner: PgPool,
    /// Connections with the role of the web process.
    pub web: PgPool,
    /// Connections with the role of the worker.
    pub worker: PgPool,
    /// Its address, for a process of its own.
    pub url: String,
    /// Its name.
    pub name: String,
}

/// Makes a database with all migrations applied, in some tens of milliseconds.
///
/// # Panics
/// If PostgreSQL is missing or does not start: the message says what to install.
#[expect(clippy::panic, reason = "without a database no test can say anything")]
pub async fn database() -> Database {
    match cluster::get().await {
        Ok(cluster) => of(cluster).await,
        Err(error) => panic!("no database for this test: {error:#}"),
    }
}

/// A database in a cluster of this test's own, which may be stopped and started.
///
/// # Panics
/// If PostgreSQL is missing or does not start: the message says what to install.
#[expect(clippy::panic, reason = "without a database no test can say anything")]
pub async fn own_cluster(name: &str) -> (Own, Database) {
    match Own::make(&format!("{name}-{}", std::process::id())).await {
        Ok(own) => {
            let database = of(&own.cluster).await;
            (own, database)
        }
        Err(error) => panic!("no database for this test: {error:#}"),
    }
}

#[expect(clippy::panic, reason = "without a database no test can say anything")]
async fn of(cluster: &cluster::Cluster) -> Database {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!(
        "t{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let made = cluster.clone_template(&name).await;
    if let Err(error) = made {
        panic!("no database for this test: {error:#}");
    }
    let options = cluster.options(&name);
    Database {
        owner: pool(options.clone(), None),
        web: pool(options.clone(), Some("set role slipway_web")),
        worker: pool(options, Some("set role slipway_worker")),
        url: cluster.url(&name),
        name,
    }
}

fn pool(options: PgConnectOptions, role: Option<&'static str>) -> PgPool {
    PgPoolOptions::new()
        .max_connections(6)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if let Some(role) = role {
                    connection.execute(role).await?;
                }
                Ok(())
            })
        })
        .connect_lazy_with(options)
}
