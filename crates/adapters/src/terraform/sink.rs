use slipway_domain::plan::{Action, Diagnostic};

/// Takes what a running tool says, while it says it. Called from the loop that reads the tool: it must not block.
pub trait Sink: Send {
    /// One line for people: redacted, without line end, at most 64 KiB. May contain ANSI sequences of programs that
    /// a template starts.
    fn line(&mut self, text: &str);

    /// One resource moved on.
    fn progress(&mut self, _progress: &Progress) {}

    /// A warning or an error of the engine, redacted. Its text has also been given as lines.
    fn diagnostic(&mut self, _diagnostic: &Diagnostic) {}
}

/// Where one resource stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Full address.
    pub address: String,
    /// What is done to it now. A replacement is seen as a delete and a create.
    pub action: Action,
    /// How far it is.
    pub state: ProgressState,
    /// Since it was begun, in milliseconds.
    pub millis: u64,
}

/// How far a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressState {
    /// Begun.
    Started,
    /// Still at it; said about every ten seconds.
    Running,
    /// Done.
    Complete,
    /// Failed.
    Errored,
}
