//! OFFICE: what users may do. Authorise, decide, write; the only SQL in the house.
//!
//! Every function takes a [`Ctx`] and authorises before it reads: pages call these functions directly, so a check in a
//! layer in front of them would be no check. The office never touches the outside world: it writes intent, and a worker
//! (`slipway-worker`) acts. A change of a run's state is one transaction: the new state (compare-and-set on its
//! version), the run's event, the audit record, and the jobs that it causes.
//!
//! Forbidden: reading the clock (it is in the `Ctx`), network, files, processes, and SQL outside a `store.rs`.

mod ctx;
mod error;

pub mod account;
pub mod approval;
pub mod audit;
pub mod cluster;
pub mod deployment;
pub mod directory;
pub mod draft;
pub mod environment;
pub mod gauges;
pub mod live;
pub mod log;
pub mod notice;
pub mod people;
pub mod person;
pub mod run;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod template;
pub mod token;
pub mod work;
pub mod workload;

pub use ctx::Ctx;
pub use error::{Error, Refusal};
pub use sqlx::{Error as DatabaseError, PgPool};

/// What every function of the office answers.
pub type Result<T> = std::result::Result<T, Error>;

/// The office as the web process holds it: a pool whose connections have the role `slipway_web`.
#[derive(Clone, Debug)]
pub struct Office {
    /// Connections with the role `slipway_web`.
    pub web: PgPool,
}

/// True if the database is away for a while (it restarts, or the way to it is cut), as opposed to refusing.
#[must_use]
pub fn is_away(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Io(_)
        | DatabaseError::PoolTimedOut
        | DatabaseError::Tls(_)
        | DatabaseError::Protocol(_)
        | DatabaseError::WorkerCrashed => true,
        // Shutting down, crashed, starting up, connection failures.
        DatabaseError::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}
