//! PASSPORT DESK: who signed a token, and what it says. Imports nothing of ours.
//!
//! - [`Issuer`]: an OpenID provider that is trusted by its address: discovery and signing keys, fetched when needed,
//!   kept for a stated time when it is away.
//! - [`Issuer::verify`]: the one verifier of ID tokens, for people (Google) and, later, for pipelines (GitLab).
//! - [`google`]: what a Google token must say besides before its bearer is one of ours.
//! - [`code`]: the authorization code flow with PKCE.
//!
//! Forbidden: any algorithm but RS256 (there is no code for another one), the clock (it is an argument), following
//! redirects, reading answers without a limit, and an error that repeats a token, a code or a client's secret.

pub mod code;
pub mod google;
mod http;
mod issuer;
mod token;

pub use http::{Http, Trouble};
pub use issuer::{AGAIN, Document, FRESH, Issuer, KEEP};
pub use token::{Expect, LEEWAY, Refused, Standard, Verified};
