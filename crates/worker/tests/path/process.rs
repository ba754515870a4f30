//! A worker in a process of its own, which can be stopped as only a process can be. The process is this very test program:
//! the test below is what it runs, and without its setting it is no test at all.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    str::FromStr,
};

use slipway_testkit::Database;
use sqlx::{
    Executor,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::house::{config, worker};

const SETTING: &str = "SLIPWAY_TEST_WORKER";

/// A worker's process.
pub struct Process(Child);

impl Process {
    pub fn start(db: &Database, folder: &Path, lease: i64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "process::worker_of_its_own", "--nocapture"])
            .env(SETTING, format!("{} {lease} {}", db.url, folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0);
        Self(command.spawn().unwrap())
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal("CONT");
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_of_its_own() {
    let Ok(setting) = std::env::var(SETTING) else {
        return;
    };
    let mut parts = setting.splitn(3, ' ');
    let options = PgConnectOptions::from_str(parts.next().unwrap()).unwrap();
    let lease = parts.next().unwrap().parse().unwrap();
    let folder = parts.next().unwrap().into();
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("set role slipway_worker").await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    let _worker = worker(config(folder, lease), pool).await;
    std::future::pending::<()>().await;
}
