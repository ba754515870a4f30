//! The way of a line from the engine to the log: gathered by size and time, then written as one batch.

use std::time::Duration;

use slipway_adapters::terraform::Sink;
use slipway_services::{Error, PgPool, log::Writer};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::now;

/// A batch is written after this long at the latest…
const PAUSE: Duration = Duration::from_millis(60);
/// … or when it has this many bytes.
const SIZE: usize = 64 * 1024;

/// Takes lines, already redacted, and writes them in batches. Its memory is bounded by the engine's own log limit.
#[derive(Debug)]
pub struct Log {
    lines: mpsc::UnboundedSender<String>,
    task: JoinHandle<Result<(), Error>>,
}

impl Log {
    /// Begins to write.
    pub fn start(pool: PgPool, writer: Writer) -> Self {
        let (lines, receiver) = mpsc::unbounded_channel();
        let task = tokio::spawn(write(pool, writer, receiver));
        Self { lines, task }
    }

    /// Adds a line of our own.
    pub fn say(&self, line: impl Into<String>) {
        let _ = self.lines.send(line.into());
    }

    /// Writes what is left.
    pub async fn finish(self) -> Result<(), Error> {
        drop(self.lines);
        self.task.await.unwrap_or(Ok(()))
    }
}

/// The engine's way into a log.
#[derive(Debug)]
pub struct Lines(mpsc::UnboundedSender<String>);

impl Lines {
    /// Into this log.
    pub fn to(log: &Log) -> Self {
        Self(log.lines.clone())
    }
}

impl Sink for Lines {
    fn line(&mut self, text: &str) {
        let _ = self.0.send(plain(text));
    }
}

/// Without terminal codes and other control characters; tabs stay.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // CSI: parameters, then one final byte.
                Some('[') => {
                    while chars
                        .next()
                        .is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c))
                    {}
                }
                // OSC: until BEL or ESC \.
                Some(']') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

async fn write(
    pool: PgPool,
    mut writer: Writer,
    mut receiver: mpsc::UnboundedReceiver<String>,
) -> Result<(), Error> {
    let mut batch = Vec::new();
    let mut open = true;
    while open {
        let Some(first) = receiver.recv().await else {
            break;
        };
        let mut size = first.len();
        batch.push(first);
        let end = tokio::time::sleep(PAUSE);
        tokio::pin!(end);
        while size < SIZE {
            tokio::select! {
                biased;
                line = receiver.recv() => match line {
                    Some(line) => {
                        size += line.len() + 1;
                        batch.push(line);
                    }
                    None => {
                        open = false;
                        break;
                    }
                },
                () = &mut end => break,
            }
        }
        loop {
            match writer.append(&pool, &batch, now()).await {
                Ok(()) => break,
                Err(Error::Database(error)) if slipway_services::is_away(&error) => {
                    tracing::warn!(%error, "the log waits for the database");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return Err(error),
            }
        }
        batch.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn terminal_codes_do_not_reach_the_log() {
        assert_eq!(
            plain(
                "\u{1b}[1;31mred\u{1b}[0m\tand\u{7} \u{1b}]0;title\u{7}plain\u{1b}]8;;x\u{1b}\\link"
            ),
            "red\tand plainlink"
        );
        assert_eq!(plain("cut \u{1b}[31"), "cut ");
    }
}
