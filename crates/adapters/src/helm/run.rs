//! One call of Helm, and what its words mean.

use std::{ffi::OsString, path::Path, time::Duration};

use super::Helm;
use crate::terraform::{
    Cancel, Failed, Failure, KillReason, Redactor, Sink,
    process::{Command, Ended, Output, Patience, Running},
};

/// The most that Helm may say: a release and its chart, as JSON.
const MOST: usize = 32 * 1024 * 1024;

/// After an interrupt Helm rolls back what it began, and may take as long as that takes.
const GRACE: Duration = Duration::from_secs(120);

/// What a call said.
pub(super) struct Said {
    pub out: Vec<u8>,
    pub err: String,
    pub ended: Ended,
}

struct Collect<'a, 's> {
    out: Vec<u8>,
    err: Vec<u8>,
    line: Vec<u8>,
    redactor: &'a Redactor,
    sink: Option<&'s mut dyn Sink>,
}

impl Output for Collect<'_, '_> {
    fn out(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.out.len());
        self.out
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn err(&mut self, bytes: &[u8]) {
        if self.err.len() < 256 * 1024 {
            self.err.extend_from_slice(bytes);
        }
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            self.tell(&line);
        }
        if self.line.len() > 64 * 1024 {
            let line = std::mem::take(&mut self.line);
            self.tell(&line);
        }
    }
}

impl Collect<'_, '_> {
    fn tell(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if let Some(sink) = &mut self.sink
            && !line.is_empty()
        {
            sink.line(&self.redactor.text(line));
        }
    }
}

impl Helm {
    /// Runs it in a step's folder.
    pub(super) async fn call(
        &self,
        folder: &Path,
        args: &[&str],
        deadline: Duration,
        cancel: &Cancel,
        redactor: &Redactor,
        sink: Option<&mut dyn Sink>,
    ) -> Result<Said, Failed> {
        let env = vec![
            ("KUBECONFIG", folder.join("kubeconfig").into_os_string()),
            ("HELM_NO_PLUGINS", OsString::from("1")),
        ];
        let running = Running::start(Command {
            program: &self.program,
            args: args.iter().map(OsString::from).collect(),
            folder,
            cwd: folder,
            env,
            config: Path::new("/dev/null"),
            gated: false,
        })
        .map_err(|error| Failed::io("start Helm", &error))?;
        let mut collect = Collect {
            out: Vec::new(),
            err: Vec::new(),
            line: Vec::new(),
            redactor,
            sink,
        };
        let patience = Patience {
            deadline,
            grace: GRACE,
            thorough: false,
        };
        let ended = running
            .drive(&mut collect, patience, cancel)
            .await
            .map_err(|error| Failed::io("wait for Helm", &error))?;
        let rest = std::mem::take(&mut collect.line);
        collect.tell(&rest);
        let err = redactor
            .text(&String::from_utf8_lossy(&collect.err))
            .into_owned();
        Ok(Said {
            out: collect.out,
            err,
            ended,
        })
    }
}

impl Said {
    /// What it wrote, or why it could not.
    pub fn good(self, doing: &str) -> Result<Vec<u8>, Failed> {
        if self.ended.status.success() && self.ended.killed.is_none() {
            return Ok(self.out);
        }
        Err(self.failed(doing))
    }

    /// Why it failed.
    pub fn failed(&self, doing: &str) -> Failed {
        let detail = why(&self.err);
        match self.ended.killed {
            Some(reason @ KillReason::Asked { .. }) => Failed::new(
                Failure::Killed(reason),
                format!("Helm was stopped while it was to {doing}."),
                detail,
                "Look at the release; then ask again.",
            ),
            Some(reason @ KillReason::Deadline { .. }) => Failed::new(
                Failure::Killed(reason),
                format!("Helm took longer than it may to {doing}."),
                detail,
                "Look at what it waited for; then ask again.",
            ),
            None => {
                let away = [
                    "connection refused",
                    "i/o timeout",
                    "no such host",
                    "cluster unreachable",
                    "TLS handshake",
                ]
                .iter()
                .any(|word| detail.contains(word));
                let (failure, message) = if away {
                    (Failure::Worker, "The cluster cannot be reached.".to_owned())
                } else {
                    (Failure::Engine, format!("Helm could not {doing}."))
                };
                Failed::new(
                    failure,
                    message,
                    detail,
                    "The words are Helm's own; change what they are about.",
                )
            }
        }
    }
}

/// The reason among what Helm wrote: what stands behind the last `Error:`, with the lines that follow.
fn why(err: &str) -> String {
    let start = err.rfind("Error: ").map_or(0, |at| at + "Error: ".len());
    let text = err.get(start..).unwrap_or(err).trim();
    let text = text.split("\n\nUse \"helm").next().unwrap_or(text);
    text.chars().take(4_000).collect()
}
