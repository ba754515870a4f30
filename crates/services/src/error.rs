use std::collections::BTreeMap;

/// A refusal in three sentences: what, why, what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// What did not happen.
    pub message: String,
    /// Why; may be empty.
    pub detail: String,
    /// What to do; may be empty.
    pub hint: String,
    /// What is wrong with single inputs, by the variable's name, where the engine said so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

impl Refusal {
    /// In three sentences.
    pub fn new(
        message: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            message: message.into(),
            detail: detail.into(),
            hint: hint.into(),
            inputs: BTreeMap::new(),
        }
    }
}

/// Why the office did not do it. The texts are for people; `Database` is for the log, its text never leaves the house.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignIn,
    /// There is no such thing, or the actor may not know of it. The same answer for both.
    #[error("not found")]
    NotFound,
    /// It is there, and it can't be done: by this person, or now.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// Somebody was faster: what was on the page is no longer so. Look again.
    #[error("{}", .0.message)]
    Stale(Refusal),
    /// What was typed is wrong, control by control.
    #[error("some inputs need another look")]
    Invalid(BTreeMap<String, String>),
    /// A worker wrote with an old fence: another one has taken over.
    #[error("the lease on this run was lost")]
    Fenced,
    /// The database did not answer, or not as expected.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something of ours is broken: a stored record that can't be read, a policy that can't be evaluated.
    #[error("broken: {0}")]
    Broken(String),
}

impl Error {
    /// A refusal in three sentences.
    pub fn refused(
        message: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Refused(Refusal::new(message, detail, hint))
    }

    /// A refusal because the page that asked is old.
    pub fn stale(
        message: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Stale(Refusal::new(message, detail, hint))
    }

    pub(crate) fn broken(what: impl std::fmt::Display) -> Self {
        Self::Broken(what.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::broken(format_args!("a stored record cannot be read: {error}"))
    }
}
