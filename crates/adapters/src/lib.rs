//! TOOL SHED: how the outside world is touched, one folder for each tool.
//!
//! Nothing here knows a database, a queue, a user or a page: the worker calls, gives what a tool needs, and gets back
//! what happened as values. Forbidden: SQL, reading configuration, and printing a value that came from a secret.

pub mod aws;
pub mod directory;
pub mod helm;
pub mod kubernetes;
pub mod post;
pub mod terraform;
