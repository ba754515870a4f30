//! What forms post to. Every answer is a redirect to a page, so that a reload never posts again; what was typed is kept
//! by the office (drafts) or shown again with what is wrong.

pub mod draft;
pub mod environment;
pub mod posted;
pub mod run;
