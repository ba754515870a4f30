//! Pages as functions from what the office answered to a view. No page asks for anything by itself.

pub mod account;
pub mod accounts;
pub mod approvals;
pub mod audit;
pub mod back;
pub mod catalog;
pub mod environment;
pub mod environments;
pub mod health;
pub mod history;
pub mod home;
pub mod people;
pub mod request;
pub mod run;
pub mod settings;
pub mod sign_in;
pub mod tokens;
pub mod trouble;

use crate::components::{Frame, View};

/// A page: its frame and its content.
pub struct Page {
    /// The frame.
    pub frame: Frame,
    /// Whether it comes again by itself where there is no script.
    pub refresh: bool,
    /// The content.
    pub body: Body,
}

/// Makes a page's content when it is rendered.
pub type Body = Box<dyn FnOnce() -> View + Send>;

/// A small number in words, for headings.
#[must_use]
pub fn count_words(n: usize) -> String {
    const WORDS: [&str; 11] = [
        "nothing", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    WORDS
        .get(n)
        .map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

/// The same with a capital.
#[must_use]
pub fn count_capital(n: usize) -> String {
    let words = count_words(n);
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// A query string of what is set.
#[must_use]
pub fn query(path: &str, pairs: &[(&str, &str)]) -> String {
    let set: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if set.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", set.join("&"))
    }
}

/// Percent-encodes everything but letters, digits and `-._~`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
