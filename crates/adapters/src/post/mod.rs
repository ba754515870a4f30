//! Messages to people: a letter by SMTP, a line into a chat by its webhook.
//!
//! Whatever a message holds, it cannot become another recipient, another header or another command: addresses are parsed,
//! headers are encoded, and no text of ours is pasted into a protocol.

mod chat;
mod mail;

pub use chat::Chat;
pub use mail::{Access, Letter, Mail};

/// Why a message did not go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Trying again would end the same way.
    #[error("{0}")]
    Hopeless(String),
    /// It may go later.
    #[error("{0}")]
    Later(String),
}

impl Trouble {
    /// True if it is not worth another try.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Self::Hopeless(_))
    }
}

/// A word of somebody else's, for a page and a log: one line, not long.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect::<String>()
        .trim()
        .to_owned()
}
