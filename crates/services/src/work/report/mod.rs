//! What a worker reports, and what follows from it; a file per report.

mod apply;
mod keep;
mod preview;
mod reconcile;

pub use apply::{Applied, finish_apply, outdate, verify};
pub use keep::World;
pub(crate) use keep::held;
pub use preview::{Next, Planned, fail_preview, finish_preview, stop_preview};
pub use reconcile::finish_reconcile;
