//! `make bench`: what Slipway costs beside the bare engine, measured side by side in one run.
//!
//! Ratios, because machines differ; pairs in turn, because a machine differs from minute to minute.
//! The numbers that are meant to be kept stand in docs/performance.md.

use crate::ui::Step;
use crate::{Result, cmd, engine, newcomer, pg, serve, tree, wasm};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const COLD_PAIRS: usize = 5;
const WARM_PAIRS: usize = 10;
const STARTS: usize = 20;

/// Measures everything and prints a table.
pub fn run(_args: &[String]) -> Result<()> {
    // SLIPWAY_BIN: a program that is there already, to try the bench itself.
    let program = match std::env::var_os("SLIPWAY_BIN") {
        Some(program) => PathBuf::from(program),
        None => serve::everything(true)?,
    };
    let binaries = pg::ensure()?;
    let engine = engine::ensure()?;
    let bench = Bench {
        program,
        engine: engine.program,
        catalog: tree::root().join("bench/catalog"),
        cluster: pg::Cluster::start(&binaries, true)?,
        scratch: tree::target().join("bench"),
    };
    let _ = fs::remove_dir_all(&bench.scratch);
    fs::create_dir_all(&bench.scratch)
        .map_err(|error| format!("{}: {error}", bench.scratch.display()))?;
    println!(
        "\n{} · PostgreSQL {} (durable) · {} cores · medians, [least–most]\n",
        engine.version,
        binaries.version,
        cores()
    );

    let (cold, warm, bare) = bench.creates()?;
    let ratio = |of: &[f64]| median(of) / median(&bare);
    line("bare init + plan + show + apply", &spread(&bare, "ms"), "");
    line(
        "cold create, request to applied",
        &spread(&cold, "ms"),
        &format!("{:.2}× bare (at most 1.10×)", ratio(&cold)),
    );
    line(
        "warm create, request to applied",
        &spread(&warm, "ms"),
        &format!("{:.2}× bare (at most 0.75×)", ratio(&warm)),
    );
    let (starts, memory) = bench.starts()?;
    line(
        "exec to first page, data folder warm",
        &spread(&starts, "ms"),
        "at most 68 ms",
    );
    line(
        "PSS of an idle `slipway up`",
        &format!("{memory:.1} MiB"),
        "at most 32 MiB",
    );
    line(
        "first load, brotli",
        &format!("{:.1} KB", first_load()? / 1024.0),
        "aim 100 KB, law 200 KB",
    );
    Ok(())
}

struct Bench {
    program: PathBuf,
    engine: PathBuf,
    catalog: PathBuf,
    cluster: pg::Cluster,
    scratch: PathBuf,
}

impl Bench {
    /// Cold creates (a fresh data folder and database each), warm ones in the last of these portals,
    /// and the bare engine after each of either.
    fn creates(&self) -> Result<(Vec<f64>, Vec<f64>, Vec<f64>)> {
        let (mut cold, mut warm, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        let mut step = Step::begin("creates");
        step.working(&format!("{COLD_PAIRS} cold and {WARM_PAIRS} warm pairs"));
        let mut last = None;
        for pair in 0..COLD_PAIRS {
            drop(last.take());
            let name = format!("cold{pair}");
            let portal = self.portal(&name)?;
            cold.push(create(portal.port, &name)?);
            bare.push(self.bare(pair)?);
            last = Some(portal);
        }
        let portal = last.ok_or("no portal")?;
        for pair in 0..WARM_PAIRS {
            warm.push(create(portal.port, &format!("warm{pair}"))?);
            bare.push(self.bare(COLD_PAIRS + pair)?);
        }
        step.done("measured");
        Ok((cold, warm, bare))
    }

    /// A portal with a database and a data folder of that name, answering.
    fn portal(&self, name: &str) -> Result<Portal> {
        self.cluster
            .session("postgres")?
            .run(&format!("create database {name}"))?;
        self.start(name)
    }

    fn start(&self, name: &str) -> Result<Portal> {
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no free port: {error}"))?;
        let data = self.scratch.join(name);
        let log = cmd::append(&self.scratch.join(format!("{name}.log")))?;
        let copy = log.try_clone().map_err(|error| error.to_string())?;
        let mut up = Command::new(&self.program);
        up.args(["up", "--listen", &address.to_string()])
            .env("SLIPWAY_DATA", &data)
            .env("SLIPWAY_DATABASE_URL", self.cluster.url(name));
        up.env("SLIPWAY_ENGINE", &self.engine)
            .env("SLIPWAY_SITE", wasm::site_folder())
            .env("SLIPWAY_CATALOG", &self.catalog);
        up.env_remove("TF_CLI_CONFIG_FILE")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(copy);
        let began = Instant::now();
        let child = up
            .spawn()
            .map_err(|error| format!("slipway did not start: {error}"))?;
        let mut portal = Portal {
            child,
            port: address.port(),
            to_first_page: 0.0,
        };
        let mut visitor = crate::http::Visitor::new("developer.localhost", address.port());
        loop {
            // Connecting is cheap to try often; the page is asked for once it can answer.
            if TcpStream::connect(address).is_ok()
                && visitor.get("/sign-in").is_ok_and(|page| page.status == 200)
            {
                portal.to_first_page = millis(began);
                return Ok(portal);
            }
            if portal.child.try_wait().ok().flatten().is_some()
                || began.elapsed() > Duration::from_secs(60)
            {
                let said = fs::read_to_string(self.scratch.join(format!("{name}.log")))
                    .unwrap_or_default();
                return Err(format!(
                    "slipway up did not answer: {}",
                    cmd::tail(&said, 10)
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The same module by hand: a fresh folder, init, plan to a file, show it, apply it.
    fn bare(&self, number: usize) -> Result<f64> {
        let folder = self.scratch.join(format!("bare{number}"));
        cmd::output(
            Command::new("cp")
                .arg("-R")
                .arg(self.catalog.join("ten"))
                .arg(&folder),
        )?;
        let began = Instant::now();
        for words in [
            &["init", "-input=false"] as &[&str],
            &["plan", "-input=false", "-out=plan"],
            &["show", "-json", "plan"],
            &["apply", "-input=false", "plan"],
        ] {
            let mut engine = Command::new(&self.engine);
            engine
                .args(words)
                .current_dir(&folder)
                .env_remove("TF_CLI_CONFIG_FILE")
                .env("CHECKPOINT_DISABLE", "1");
            cmd::output(&mut engine)?;
        }
        Ok(millis(began))
    }

    /// Exec to the first page of a warm data folder, and the memory of the last one after it has been idle.
    fn starts(&self) -> Result<(Vec<f64>, f64)> {
        let mut step = Step::begin("starts");
        step.working(&format!("{STARTS} of them"));
        let mut times = Vec::new();
        for _ in 0..STARTS {
            times.push(self.start("cold0")?.to_first_page);
        }
        let portal = self.start("cold0")?;
        std::thread::sleep(Duration::from_secs(10));
        let memory = pss(portal.child.id())?;
        step.done("measured");
        Ok((times, memory))
    }
}

/// A running `slipway up`; asked to stop, and waited for, when dropped.
struct Portal {
    child: Child,
    port: u16,
    to_first_page: f64,
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
    }
}

/// From sending the form to a run that is over, in milliseconds. The form itself is opened before.
fn create(port: u16, name: &str) -> Result<f64> {
    let mut developer = newcomer::sign_in(port, "developer")?;
    let form = newcomer::open(&mut developer, "ten", name, &[])?;
    let began = Instant::now();
    let run = newcomer::send(&mut developer, &form)?;
    // The end is heard as an open page hears it: asking for pages would take the engine's processor away.
    let id = run.trim_start_matches("/runs/");
    let ends = ["succeeded", "failed", "degraded", "awaiting_approval"];
    let ends = ends.map(|state| format!("\"state\":\"{state}\""));
    developer.listen(
        &format!("/live?run={id}:0"),
        &ends.each_ref().map(String::as_str),
    )?;
    let took = millis(began);
    let (every, patience) = (Duration::from_millis(5), Duration::from_secs(60));
    let page = newcomer::wait(&mut developer, &run, every, patience)?;
    // Out of the way again, unmeasured: a team has a few environments without a vote, not as many as we make.
    let environment = page
        .first_link("/environments/")
        .ok_or("the run names no environment")?;
    newcomer::destroy(&mut developer, &environment, name)?;
    Ok(took)
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

/// Proportional set size of a process and its children, in MiB.
fn pss(pid: u32) -> Result<f64> {
    let file = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let kilobytes = text.lines().find_map(|line| {
        line.strip_prefix("Pss:")?
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    });
    kilobytes
        .map(|kilobytes| kilobytes / 1024.0)
        .ok_or_else(|| format!("{file} has no Pss"))
}

/// The bytes of brotli that a first visit loads besides its page.
fn first_load() -> Result<f64> {
    let mut sum = 0.0;
    let map = fs::read_to_string(wasm::site_folder().join("assets.json"))
        .map_err(|error| format!("assets.json: {error}"))?;
    if let crate::json::Json::Object(assets) = crate::json::Json::read(&map)? {
        for (_, path) in &assets {
            let file = wasm::site_folder().join(format!("{}.br", path.text()));
            sum += fs::metadata(&file)
                .map_err(|error| format!("{}: {error}", file.display()))?
                .len() as f64;
        }
    }
    Ok(sum)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(of: &[f64], unit: &str) -> String {
    let least = of.iter().copied().fold(f64::INFINITY, f64::min);
    let most = of.iter().copied().fold(0.0, f64::max);
    format!("{:.0} {unit} [{least:.0}–{most:.0}]", median(of))
}

fn line(what: &str, value: &str, beside: &str) {
    println!("{what:<38} {value:<26} {beside}");
}
