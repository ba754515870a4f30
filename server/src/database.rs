//! Connections by role, and migrations.

use std::time::Duration;

use anyhow::Context;
use sqlx::{
    Executor, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{config::Settings, say};

/// The migrations, compiled in: a binary brings its own.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Brings the database to this version.
///
/// # Errors
/// If it is away, or a migration fails.
pub async fn migrate(options: &PgConnectOptions) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.clone())
        .await
        .context("The database does not answer")?;
    MIGRATIONS
        .run(&pool)
        .await
        .context("The database could not be brought to this version")?;
    pool.close().await;
    Ok(())
}

/// `slipway migrate`
///
/// # Errors
/// See [`migrate`]; and without an address.
pub async fn migrate_only(settings: &Settings) -> anyhow::Result<()> {
    migrate(&options(settings)?).await?;
    say::line("The database is at this version.");
    Ok(())
}

/// The configured database.
///
/// # Errors
/// Without one, or if its address cannot be read.
pub fn options(settings: &Settings) -> anyhow::Result<PgConnectOptions> {
    let url = settings.database_url.as_deref().context("No database is configured.\n  Name one with SLIPWAY_DATABASE_URL, or use `slipway up`, which brings its own")?;
    // The address may hold a password: it is not repeated in the message.
    url.parse().map_err(|_| anyhow::anyhow!("SLIPWAY_DATABASE_URL is no address of a PostgreSQL database (postgres://user@host/name)"))
}

/// A pool whose connections have this role and nothing else.
pub fn pool(options: &PgConnectOptions, role: &'static str, most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(120))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(role).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.clone())
}

/// Sets the web role.
pub const WEB: &str = "set role slipway_web";
/// Sets the worker's role.
pub const WORKER: &str = "set role slipway_worker";
