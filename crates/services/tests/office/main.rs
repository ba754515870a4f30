//! The office on a real PostgreSQL, a database per test: what people may do, what workers may write, and what happens
//! when two do it at once.

mod accounts;
mod again;
mod asking;
mod audit;
mod back;
mod directory;
mod door;
mod house;
mod notice;
mod queue;
mod request;
mod strangers;
mod tokens;
mod turns;
mod votes;
