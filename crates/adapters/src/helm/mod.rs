//! Helm: a chart rendered, released exactly as it was rendered, taken away, and found again after a crash.
//!
//! 1. once per process: [`Helm::find`];
//! 2. per step: [`Helm::prepare`] makes a private folder and gives a [`Release`];
//! 3. [`Release::render`] says what the chart would be; [`Release::upgrade`] and [`Release::uninstall`] act;
//!    [`Release::history`] is the evidence of what happened.
//!
//! Helm runs like every tool: in a clean environment and a process group of its own, with fixed arguments; values and
//! credentials travel in files of the step's folder. Forbidden: plugins, repositories, and a chart that is not in the
//! step's folder.

mod find;
mod release;
mod run;

pub use find::Helm;
pub use release::{Release, ReleaseSpec, Rendered, Revision};
