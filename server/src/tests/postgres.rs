//! The database of `slipway up`, for real: made, stopped, killed, found again, refused.

use std::{fs, path::PathBuf, process::Command};

use sqlx::{Connection, PgConnection};

use crate::{folder::Folder, postgres::Cluster};

fn temp(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("slipway-pg-test-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

async fn ask(cluster: &Cluster, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect_with(&cluster.options())
        .await
        .unwrap();
    sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn it_survives_being_stopped_and_being_killed() {
    let path = temp("life");
    let folder = Folder::open(&path).unwrap();
    let cluster = Cluster::start(&folder, None).await.unwrap();
    let mut connection = PgConnection::connect_with(&cluster.options())
        .await
        .unwrap();
    sqlx::query("create table kept (n bigint)")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query("insert into kept values (42)")
        .execute(&mut connection)
        .await
        .unwrap();
    let fsync: String = sqlx::query_scalar("select current_setting('fsync')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(fsync, "on");
    cluster.stop().await;
    let cluster = Cluster::start(&folder, None).await.unwrap();
    assert_eq!(ask(&cluster, "select n from kept").await, 42);
    // Killed, with everything it started.
    let pid = fs::read_to_string(path.join("postgresql/data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().to_owned();
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .unwrap()
            .success()
    );
    let cluster = Cluster::start(&folder, None).await.unwrap();
    assert_eq!(ask(&cluster, "select n from kept").await, 42);
    // Left running by an earlier life of ours that was killed: it is taken over.
    let cluster = {
        let again = Cluster::start(&folder, None).await.unwrap();
        drop(cluster);
        again
    };
    assert_eq!(ask(&cluster, "select n from kept").await, 42);
    cluster.stop().await;
    let _ = fs::remove_dir_all(&path);
}

#[tokio::test]
async fn another_major_version_is_refused_with_what_to_do() {
    let path = temp("major");
    let folder = Folder::open(&path).unwrap();
    let cluster = Cluster::start(&folder, None).await.unwrap();
    cluster.stop().await;
    fs::write(path.join("made-with.toml"), "postgresql = \"9\"\n").unwrap();
    let error = Cluster::start(&folder, None).await.unwrap_err().to_string();
    assert!(
        error.contains("postgresql 9") && error.contains("SLIPWAY_PG_BIN"),
        "{error}"
    );
    fs::remove_file(path.join("made-with.toml")).unwrap();
    fs::write(path.join("postgresql/data/PG_VERSION"), "9\n").unwrap();
    let error = Cluster::start(&folder, None).await.unwrap_err().to_string();
    assert!(error.contains("PostgreSQL 9"), "{error}");
    let _ = fs::remove_dir_all(&path);
}

#[tokio::test]
async fn programs_that_are_not_there_are_named() {
    let folder = Folder::open(&temp("missing")).unwrap();
    let error = Cluster::start(&folder, Some(std::path::Path::new("/nowhere")))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/nowhere") && error.contains("SLIPWAY_PG_BIN"),
        "{error}"
    );
}
