//! BLUEPRINTS: ids, types, rules and state machines.
//!
//! Everything here is a value or a pure function, so that the browser, the web process, the worker and a model
//! checker can all ask the same question and get the same answer. Forbidden: I/O, the clock (time is an argument),
//! randomness, and anything that does not compile to WASM.

pub mod environment;
pub mod field;
pub mod form;
pub mod id;
pub mod plan;
pub mod rights;
pub mod risk;
pub mod role;
pub mod run;
pub mod time_text;
pub mod token;
pub mod visible;
pub mod votes;
