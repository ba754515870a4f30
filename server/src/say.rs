//! What the process says on the terminal, and to its log.

use std::io::Write;

use slipway_domain::visible::visible;
use tracing_subscriber::EnvFilter;

/// One line on standard output.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// What went wrong, why, and what to do, on standard error.
pub fn problem(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let mut parts = error.chain().map(ToString::to_string);
    let _ = writeln!(out, "slipway: {}", parts.next().unwrap_or_default());
    for part in parts {
        let _ = writeln!(out, "  because: {part}");
    }
}

/// A log that obeys nobody: terminal codes and line ends within a message are shown. Errors quote what others wrote, and
/// whoever reads the log may read it in a terminal. Each message comes in one piece.
pub struct Plain<W>(pub W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, message: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(message);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (&*text, ""),
        };
        let text = visible(text)
            .replace('\n', "\u{240a}")
            .replace('\r', "\u{240d}");
        self.0.write_all((text + end).as_bytes())?;
        Ok(message.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Starts the log on standard error.
pub fn start_logging(filter: Option<&str>, json: bool) {
    let filter = EnvFilter::try_new(filter.unwrap_or("info,sqlx=warn"))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Plain(std::io::stderr()))
        .with_target(false)
        .with_ansi(false);
    if json {
        log.json().init();
    } else {
        log.compact().init();
    }
}
