//! Terraform and OpenTofu: a plan made, shown and applied exactly as shown, in a clean process of its own.
//!
//! The way through, as the worker walks it:
//!
//! 1. once per process: [`Engine::find`], [`Backend::start`], [`Terraform::new`];
//! 2. per step: [`Terraform::prepare`] makes a private folder and gives a [`Step`];
//! 3. [`Step::plan`] gives a [`Planned`]: the preview to show, the projection to take the digest of, and a
//!    [`SavedPlan`] to seal and store;
//! 4. later, here or on another worker: `prepare` again, then [`Step::apply`] with the opened [`SavedPlan`] gives an
//!    [`Applied`]; it refuses another engine version, and a state that moved since;
//! 5. dropping the [`Step`] takes its folder and its credential away.
//!
//! After each tool has ended its whole process group is killed, and seen to be gone.

mod backend;
pub(crate) mod cancel;
pub(crate) mod canonical;
pub(crate) mod clear;
mod constraint;
mod engine;
pub(crate) mod failure;
pub(crate) mod flatten;
mod group;
mod inputs;
mod outcome;
mod plan_json;
pub(crate) mod process;
mod projection;
pub(crate) mod redact;
mod run;
mod saved;
mod shop;
mod sink;
mod spool;
pub mod state;
mod ui;
mod verdict;
mod warm;
mod workspace;

pub use backend::{Access, Backend, Locked, Session, StateStore, StoreError};
pub use cancel::{Cancel, Stop};
pub use clear::Clear;
pub use constraint::{Constraint, Version};
pub use engine::{Engine, EngineKind, EngineMissing};
pub use failure::{Failed, Failure};
pub use group::{Orphan, kill_orphan, orphans};
pub use inputs::Inputs;
pub use process::KillReason;
pub use redact::{Redactor, Stream};
pub use run::{Applied, End, Mode, Planned, Step};
pub use saved::SavedPlan;
pub use shop::{Limits, Rescued, Settings, StepSpec, Swept, Terraform};
pub use sink::{Progress, ProgressState, Sink};
pub use spool::{Entry, Spool};
pub use state::StateVersion;
pub use workspace::Aws;
