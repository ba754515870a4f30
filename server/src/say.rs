//! What the process says on the terminal, and to its log.

use std::io::{IsTerminal, Write};

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

/// Starts the log on standard error.
pub fn start_logging(filter: Option<&str>, json: bool) {
    let filter = EnvFilter::try_new(filter.unwrap_or("info,sqlx=warn"))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    if json {
        log.json().init();
    } else {
        log.compact().init();
    }
}
