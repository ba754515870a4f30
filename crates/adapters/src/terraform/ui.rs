//! What the engine says with `-json`, turned into lines for people, progress, and diagnostics.
//!
//! Unknown message types pass through as their text; lines that are no JSON pass through as they are. All text is
//! redacted before it leaves.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use slipway_domain::plan::{Action, Diagnostic};

use super::{
    outcome::Tracker,
    process::Output,
    redact::Redactor,
    sink::{ProgressState, Sink},
    workspace::VALUES,
};

/// The longest line that reaches a log, in bytes.
const LONGEST: usize = 64 * 1024;

/// The longest message that is still understood, in bytes; a longer line is text.
const MESSAGE: usize = 4 * 1024 * 1024;

/// The major version of the machine-readable interface that is understood.
const UI: &str = "1";

/// The most diagnostics that are kept.
const DIAGNOSTICS: usize = 200;

/// Listens to one tool.
pub(crate) struct Ui<'a> {
    sink: &'a mut dyn Sink,
    redactor: &'a Redactor,
    /// Names of the variables that are given, in the order of the values' file.
    inputs: &'a [String],
    out: Vec<u8>,
    err: Vec<u8>,
    /// Bytes of log that may still be written.
    room: u64,
    full: bool,
    pub tracker: Tracker,
    pub diagnostics: Vec<Diagnostic>,
    /// A major version of the interface that is not understood.
    pub stranger: Option<String>,
    /// Plain text of standard error, for when there is no diagnostic; the last lines.
    pub last_words: Vec<String>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "@message", borrow, default)]
    message: Cow<'a, str>,
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    ui: Option<Cow<'a, str>>,
    #[serde(default)]
    diagnostic: Option<RawDiagnostic>,
    #[serde(borrow, default)]
    hook: Option<Hook<'a>>,
    #[serde(default)]
    outputs: Option<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct Hook<'a> {
    #[serde(borrow, default)]
    resource: Option<Resource<'a>>,
    #[serde(borrow, default)]
    action: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    addr: Cow<'a, str>,
}

/// A diagnostic as the engine writes it, here and in `show`.
#[derive(Deserialize)]
pub(crate) struct RawDiagnostic {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    range: Option<Range>,
    #[serde(default)]
    snippet: Option<Snippet>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: u64,
}

#[derive(Deserialize)]
struct Snippet {
    #[serde(default)]
    code: String,
}

impl RawDiagnostic {
    /// Without secrets. `inputs` are the variables' names, one for each line of the values' file after its first.
    fn redacted(self, redactor: &Redactor, inputs: &[String]) -> Diagnostic {
        let declared = self
            .snippet
            .as_ref()
            .and_then(|s| s.code.strip_prefix("variable \"")?.split('"').next());
        let (ours, others): (Option<Range>, Option<Range>) = match self.range {
            Some(range) if range.filename == VALUES => (Some(range), None),
            range => (None, range),
        };
        let given = ours
            .and_then(|range| inputs.get(usize::try_from(range.start.line).ok()?.checked_sub(2)?));
        let variable = given
            .map(String::as_str)
            .or(declared)
            .map(|name| format!("var.{name}"));
        Diagnostic {
            severity: self.severity,
            summary: redactor.text(&self.summary).into_owned(),
            detail: redactor.text(&self.detail).into_owned(),
            address: self
                .address
                .filter(|address| !address.is_empty())
                .or(variable),
            at: others.map(|range| format!("{}:{}", range.filename, range.start.line)),
        }
    }
}

impl<'a> Ui<'a> {
    pub(crate) fn new(
        sink: &'a mut dyn Sink,
        (redactor, inputs): (&'a Redactor, &'a [String]),
        room: u64,
    ) -> Self {
        Self {
            sink,
            redactor,
            inputs,
            out: Vec::new(),
            err: Vec::new(),
            room,
            full: false,
            tracker: Tracker::default(),
            diagnostics: Vec::new(),
            stranger: None,
            last_words: Vec::new(),
        }
    }

    /// A line of our own.
    pub(crate) fn say(&mut self, text: &str) {
        let text = self.redactor.text(text).into_owned();
        for line in text.split('\n') {
            self.write(line.trim_end_matches('\r'));
        }
    }

    /// What is left in the pipes' last lines. Gives how much log may still be written.
    pub(crate) fn finish(&mut self) -> u64 {
        for from_err in [false, true] {
            let rest = std::mem::take(if from_err {
                &mut self.err
            } else {
                &mut self.out
            });
            if !rest.is_empty() {
                self.line(&rest, from_err);
            }
        }
        self.room
    }

    fn write(&mut self, mut line: &str) {
        while !self.full {
            let mut end = line.len().min(LONGEST);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            let cost = end as u64 + 1;
            if cost > self.room {
                self.full = true;
                self.sink.line("The log has reached its greatest size. What follows is not kept; the run goes on.");
                self.room = 0;
                return;
            }
            self.room -= cost;
            self.sink.line(&line[..end]);
            line = &line[end..];
            if line.is_empty() {
                return;
            }
        }
    }

    fn pieces(&mut self, bytes: &[u8], from_err: bool) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let held = if from_err {
                &mut self.err
            } else {
                &mut self.out
            };
            if held.is_empty() {
                self.line(&rest[..end], from_err);
            } else {
                held.extend_from_slice(&rest[..end]);
                let line = std::mem::take(held);
                self.line(&line, from_err);
            }
            rest = &rest[end + 1..];
        }
        let held = if from_err {
            &mut self.err
        } else {
            &mut self.out
        };
        held.extend_from_slice(rest);
        if held.len() > MESSAGE {
            self.overflow(from_err);
        }
    }

    /// A line without end: written in pieces, holding back what may be the beginning of a secret.
    fn overflow(&mut self, from_err: bool) {
        let held = std::mem::take(if from_err {
            &mut self.err
        } else {
            &mut self.out
        });
        let mut stream = self.redactor.stream();
        let sure = String::from_utf8_lossy(&stream.push(&held)).into_owned();
        let kept = stream.into_held();
        *(if from_err {
            &mut self.err
        } else {
            &mut self.out
        }) = kept;
        self.write(&sure);
    }

    fn line(&mut self, line: &[u8], from_err: bool) {
        if line.first() == Some(&b'{')
            && line.len() <= MESSAGE
            && let Ok(message) = serde_json::from_slice::<Message>(line)
        {
            return self.message(message);
        }
        let text = String::from_utf8_lossy(line);
        self.say(&text);
        if from_err {
            let text = self.redactor.text(text.trim()).into_owned();
            if !text.is_empty() && self.last_words.len() < 40 {
                self.last_words.push(super::canonical::cut(&text));
            }
        }
    }

    fn message(&mut self, message: Message<'_>) {
        match &*message.kind {
            "version" => {
                let ui = message.ui.as_deref().unwrap_or_default();
                if ui.split('.').next() != Some(UI) {
                    self.stranger = Some(ui.to_owned());
                }
                self.say(&message.message);
            }
            "diagnostic" => match message.diagnostic {
                Some(raw) => self.diagnostic(raw),
                None => self.say(&message.message),
            },
            "apply_start" | "apply_progress" | "apply_complete" | "apply_errored" => {
                let state = match &*message.kind {
                    "apply_start" => ProgressState::Started,
                    "apply_progress" => ProgressState::Running,
                    "apply_complete" => ProgressState::Complete,
                    _ => ProgressState::Errored,
                };
                self.say(&message.message);
                self.progress(message.hook.as_ref(), state);
            }
            "outputs" => {
                self.say(&message.message);
                for (name, output) in message.outputs.unwrap_or_default() {
                    if let Some(value) = output.get("value") {
                        let hidden = output
                            .get("sensitive")
                            .and_then(Value::as_bool)
                            .unwrap_or(true);
                        let value = if hidden {
                            "(sensitive)".to_owned()
                        } else {
                            value.to_string()
                        };
                        self.say(&format!("  {name} = {value}"));
                    }
                }
            }
            _ => self.say(&message.message),
        }
    }

    fn progress(&mut self, hook: Option<&Hook<'_>>, state: ProgressState) {
        let Some((resource, action)) =
            hook.and_then(|hook| hook.resource.as_ref().zip(hook.action.as_deref()))
        else {
            return;
        };
        let action = match action {
            "create" => Action::Create,
            "update" => Action::Update,
            "delete" => Action::Delete,
            "read" => Action::Read,
            _ => return,
        };
        let progress = self.tracker.take(&resource.addr, action, state);
        self.sink.progress(&progress);
    }

    fn diagnostic(&mut self, raw: RawDiagnostic) {
        let diagnostic = raw.redacted(self.redactor, self.inputs);
        let head = if diagnostic.severity == "warning" {
            "Warning"
        } else {
            "Error"
        };
        let mut text = format!("{head}: {}", diagnostic.summary);
        match (&diagnostic.address, &diagnostic.at) {
            (Some(address), Some(at)) => text.push_str(&format!("\n  with {address}, at {at}")),
            (Some(address), None) => text.push_str(&format!("\n  with {address}")),
            (None, Some(at)) => text.push_str(&format!("\n  at {at}")),
            (None, None) => {}
        }
        for line in diagnostic.detail.lines() {
            text.push_str("\n  ");
            text.push_str(line);
        }
        self.say(&text);
        self.sink.diagnostic(&diagnostic);
        if self.diagnostics.len() < DIAGNOSTICS && !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }
}

impl Output for Ui<'_> {
    fn out(&mut self, bytes: &[u8]) {
        self.pieces(bytes, false);
    }

    fn err(&mut self, bytes: &[u8]) {
        self.pieces(bytes, true);
    }
}

/// Collects standard output whole, and standard error as text.
pub(crate) struct Collect {
    pub out: zeroize::Zeroizing<Vec<u8>>,
    pub err: Vec<u8>,
    limit: usize,
    /// There was more than the limit.
    pub cut: bool,
}

impl Collect {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            out: zeroize::Zeroizing::new(Vec::new()),
            err: Vec::new(),
            limit,
            cut: false,
        }
    }
}

impl Output for Collect {
    fn out(&mut self, bytes: &[u8]) {
        if self.out.len() + bytes.len() > self.limit {
            self.cut = true;
        } else {
            self.out.extend_from_slice(bytes);
        }
    }

    fn err(&mut self, bytes: &[u8]) {
        if self.err.len() < LONGEST {
            self.err.extend_from_slice(bytes);
        }
    }
}
