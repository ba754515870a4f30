//! AWS: roles assumed with short-lived credentials, and handed to one run at a time.
//!
//! The way through, as the worker walks it:
//!
//! 1. once per process: [`Sts::new`], with the worker's own identity, which is whatever the SDK finds (a pod's identity,
//!    an instance's role, a profile); for an imitation on loopback it is two invented words;
//! 2. per phase of a run (plan, apply, look again): [`Lending::open`] assumes the role and opens an endpoint on loopback
//!    that the engine's AWS provider asks for credentials, and again before they end;
//! 3. dropping the [`Lending`] closes the endpoint and forgets its token: nothing that knew it gets credentials any more.
//!
//! Forbidden: a long-lived key, and credentials in a file, in an environment variable or in a message.

mod lending;
mod sts;

pub use lending::{Lending, Span};
pub use sts::{Assume, Credentials, Denied, Reason, Sts, WhoAmI};
