//! Ids are types: a run's id cannot be passed where an environment's is wanted.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A database id of the noun `N`, positive, unique within that noun.
pub struct Id<N>(i64, PhantomData<fn() -> N>);

/// The nouns that have ids; never constructed.
pub mod noun {
    /// A person.
    #[derive(Debug)]
    pub enum User {}
    /// A team.
    #[derive(Debug)]
    pub enum Team {}
    /// An environment.
    #[derive(Debug)]
    pub enum Environment {}
    /// One Terraform state of an environment.
    #[derive(Debug)]
    pub enum Stack {}
    /// A run.
    #[derive(Debug)]
    pub enum Run {}
    /// A signed-in browser.
    #[derive(Debug)]
    pub enum Session {}
    /// A personal token, for programs.
    #[derive(Debug)]
    pub enum Token {}
    /// A form that is being filled in.
    #[derive(Debug)]
    pub enum Draft {}
    /// A job in the queue.
    #[derive(Debug)]
    pub enum Job {}
    /// A finished run in the history.
    #[derive(Debug)]
    pub enum Deployment {}
    /// An AWS account.
    #[derive(Debug)]
    pub enum Account {}
}

/// A person.
pub type UserId = Id<noun::User>;
/// A team.
pub type TeamId = Id<noun::Team>;
/// An environment.
pub type EnvironmentId = Id<noun::Environment>;
/// One Terraform state of an environment.
pub type StackId = Id<noun::Stack>;
/// A run.
pub type RunId = Id<noun::Run>;
/// A signed-in browser.
pub type SessionId = Id<noun::Session>;
/// A personal token, for programs.
pub type TokenId = Id<noun::Token>;
/// A form that is being filled in.
pub type DraftId = Id<noun::Draft>;
/// A job in the queue.
pub type JobId = Id<noun::Job>;
/// A finished run in the history.
pub type DeploymentId = Id<noun::Deployment>;
/// An AWS account; not AWS's own number for it.
pub type AccountId = Id<noun::Account>;

impl<N> Id<N> {
    /// Wraps a number that came from the database.
    #[must_use]
    pub const fn new(value: i64) -> Self {
        Self(value, PhantomData)
    }

    /// The number, for the database.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<N> Clone for Id<N> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<N> Copy for Id<N> {}
impl<N> PartialEq for Id<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<N> Eq for Id<N> {}
impl<N> PartialOrd for Id<N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<N> Ord for Id<N> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<N> std::hash::Hash for Id<N> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<N> fmt::Debug for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<N> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<N> From<i64> for Id<N> {
    fn from(value: i64) -> Self {
        Self::new(value)
    }
}
impl<N> FromStr for Id<N> {
    type Err = std::num::ParseIntError;

    /// Digits only, no sign, no leading zero: one id has one spelling in a URL.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(['0', '+', '-']) {
            return "x".parse::<i64>().map(Self::new);
        }
        text.parse().map(Self::new)
    }
}
impl<N> Serialize for Id<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}
impl<'de, N> Deserialize<'de> for Id<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!("42".parse::<RunId>().ok(), Some(RunId::new(42)));
        for bad in [
            "042",
            "+42",
            "-42",
            "0",
            "",
            "4x",
            " 42",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?} must not name a run");
        }
    }
}
