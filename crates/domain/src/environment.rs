//! What an environment is: its class, its name and its state.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::run::{Operation, State};

/// How careful one has to be. Declared by the template; the policy decides what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Short-lived, one team's own.
    Preview,
    /// Used by several people or teams.
    Shared,
    /// Used by customers.
    Production,
}

impl Class {
    /// The word in URLs, templates and tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Shared => "shared",
            Self::Production => "production",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Preview, Self::Shared, Self::Production]
            .into_iter()
            .find(|class| class.word() == word)
    }
}

/// What is known to exist of an environment. What is being done to it is its active run's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentState {
    /// Asked for; nothing exists yet.
    Pending,
    /// Exists as its last deployment says.
    Ready,
    /// A run stopped half-way: part of it exists.
    Incomplete,
    /// Nobody knows what exists until somebody looks.
    Unknown,
    /// Existed, and is gone.
    Destroyed,
    /// Was asked for and never made.
    Withdrawn,
}

impl EnvironmentState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Ready,
        Self::Incomplete,
        Self::Unknown,
        Self::Destroyed,
        Self::Withdrawn,
    ];

    /// The word in URLs and tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Incomplete => "incomplete",
            Self::Unknown => "unknown",
            Self::Destroyed => "destroyed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// True if it is over: its name is free again and nothing can be asked of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Destroyed | Self::Withdrawn)
    }

    /// What is known after a run has ended.
    ///
    /// `touched` says whether the run had begun to apply: until then the world is what it was.
    #[must_use]
    pub fn after(self, operation: Operation, end: State, touched: bool) -> Self {
        match (end, operation) {
            (State::Succeeded | State::Degraded | State::NoChanges, Operation::Destroy) => {
                Self::Destroyed
            }
            (State::Succeeded | State::Degraded | State::NoChanges, _) => Self::Ready,
            (State::Unknown | State::Reconciling, _) => Self::Unknown,
            (State::NotApplied, Operation::Create) => Self::Withdrawn,
            (State::NotApplied, _) if self == Self::Unknown => Self::Ready,
            (_, Operation::Create) if !touched && self == Self::Pending => Self::Withdrawn,
            (_, _) if touched => Self::Incomplete,
            _ => self,
        }
    }
}

/// A name that can become a DNS label: 3 to 40 characters, lower-case letters, digits and single hyphens inside,
/// beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// One sentence for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("Give the environment a name.");
        }
        if !(3..=40).contains(&text.chars().count()) {
            return Err("A name has 3 to 40 characters.");
        }
        if !text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        {
            return Err(
                "Only small letters, digits and hyphens, because the name becomes part of addresses.",
            );
        }
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err("A name begins with a letter.");
        }
        if text.ends_with('-') || text.contains("--") {
            return Err("Hyphens stand singly, between letters or digits.");
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}
impl TryFrom<String> for Name {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

/// Whether the end of an environment is near enough to speak of: within a day, and for one that lives shorter, within the
/// last quarter of its life. One that was made a minute ago for four hours does not end soon.
#[must_use]
pub fn ends_soon(now: OffsetDateTime, created_at: OffsetDateTime, ends_at: OffsetDateTime) -> bool {
    let life: Duration = ends_at - created_at;
    ends_at - now < (life / 4_i32).min(Duration::DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_near_in_the_last_quarter_of_a_life_and_at_most_a_day_before_it() {
        let made = OffsetDateTime::UNIX_EPOCH;
        let soon = |after: Duration, life: Duration| ends_soon(made + after, made, made + life);
        let (hour, day) = (Duration::HOUR, Duration::DAY);
        assert!(!soon(Duration::ZERO, hour * 4));
        assert!(!soon(hour * 3, hour * 4));
        assert!(soon(hour * 3 + Duration::MINUTE, hour * 4));
        assert!(!soon(day * 5, day * 7));
        assert!(!soon(day * 6, day * 7));
        assert!(soon(day * 6 + Duration::MINUTE, day * 7));
        assert!(soon(day * 8, day * 7), "past it, too");
    }

    #[test]
    fn names_become_dns_labels() {
        for good in ["abc", "checkout-mr-984", "a1b"] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "1ab",
            "-ab",
            "ab-",
            "a--b",
            "Abc",
            "a_b",
            "äbc",
            "a.b",
            &"a".repeat(41),
            "a b",
            "a\nb",
        ] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_run_that_never_began_to_apply_leaves_the_world_alone() {
        use EnvironmentState::{Incomplete, Pending, Ready, Withdrawn};
        assert_eq!(
            Pending.after(Operation::Create, State::Rejected, false),
            Withdrawn
        );
        assert_eq!(
            Ready.after(Operation::Change, State::Rejected, false),
            Ready
        );
        assert_eq!(
            Ready.after(Operation::Destroy, State::Canceled, false),
            Ready
        );
        assert_eq!(
            Ready.after(Operation::Destroy, State::Canceled, true),
            Incomplete
        );
        assert_eq!(
            Incomplete.after(Operation::Create, State::Failed, false),
            Incomplete
        );
    }
}
