//! The desks that the worker has in other people's houses: Google's directory, a mail server, a chat. Each is played on
//! loopback by a stand-in that speaks the wire's language, and fails in the ways of the real one.

mod directory;
mod google;
mod mail;
