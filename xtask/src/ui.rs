//! What the person sees: one line per step, `▸ PostgreSQL … found 15.18 (0.0 s)`.
//!
//! A step that takes long shows its seconds while it works, on a terminal by rewriting the line.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One visible step. Dropping it without an end (an early `?`) ends its line as failed.
pub struct Step {
    name: String,
    started: Instant,
    /// Another program printed below the first line, so the end needs a line of its own.
    broken: bool,
    ended: bool,
    ticker: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    /// The ticker wrote over the line, which has to be cleared before its end is written.
    ticked: Arc<AtomicBool>,
}

impl Step {
    /// Starts the line of a step.
    pub fn begin(name: &str) -> Self {
        print!("▸ {name} … ");
        let _ = std::io::stdout().flush();
        Step {
            name: name.to_owned(),
            started: Instant::now(),
            broken: false,
            ended: false,
            ticker: None,
            ticked: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Says what is under way and, on a terminal, counts its seconds until the step ends.
    pub fn working(&mut self, what: &str) {
        self.stop_ticker();
        if !std::io::stdout().is_terminal() {
            print!("{what} … ");
            let _ = std::io::stdout().flush();
            return;
        }
        let (sender, receiver) = mpsc::channel::<()>();
        let (name, what, started) = (self.name.clone(), what.to_owned(), self.started);
        let ticked = Arc::clone(&self.ticked);
        ticked.store(true, Ordering::Relaxed);
        let handle = std::thread::spawn(move || {
            loop {
                print!(
                    "\r\x1b[2K▸ {name} … {what} {} s",
                    started.elapsed().as_secs()
                );
                let _ = std::io::stdout().flush();
                if receiver.recv_timeout(Duration::from_secs(1))
                    != Err(mpsc::RecvTimeoutError::Timeout)
                {
                    return;
                }
            }
        });
        self.ticker = Some((sender, handle));
    }

    /// Another program is about to print (cargo's own progress): end the line, and close the step below.
    pub fn hand_over(&mut self, what: &str) {
        self.stop_ticker();
        println!("{what}");
        self.broken = true;
    }

    /// Ends the step well.
    pub fn done(mut self, result: &str) {
        self.finish(result);
    }

    /// Ends the step with something missing that the rest can do without.
    pub fn skipped(mut self, why: &str) {
        self.finish(&format!("skipped: {why}"));
    }

    fn finish(&mut self, result: &str) {
        self.stop_ticker();
        let seconds = self.started.elapsed().as_secs_f64();
        if self.broken || self.ticked.load(Ordering::Relaxed) {
            print!(
                "{}▸ {} … ",
                if self.broken { "" } else { "\r\x1b[2K" },
                self.name
            );
        }
        println!("{result} ({seconds:.1} s)");
        self.ended = true;
    }

    fn stop_ticker(&mut self) {
        if let Some((sender, handle)) = self.ticker.take() {
            drop(sender);
            let _ = handle.join();
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.finish("failed");
        }
    }
}
