//! The real engines and this crate, asked the same questions.
//!
//! Many questions go into one run of the engine: each is a variable of its own, and its complaints are told apart by
//! the lines of its block. A question may be answered here with "only the engine knows", but only where `Sure::No` says
//! so; a verdict that differs from the engine's always fails.

mod charts;
mod conditions;
mod conversions;
mod engine;
mod helm;
mod invented;
mod shipped;
