//! A template that needs AWS, against an imitation of it on the wire and the real provider.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use slipway_domain::{environment::EnvironmentState, run::State};
use slipway_services::{draft::Target, environment};
use slipway_worker::Imitation;

use crate::house::House;

/// What a service of the imitation answers, in its own words.
fn ask(endpoint: &str, service: &str, body: &str) -> String {
    ask_as(endpoint, service, body, "imitation")
}

/// The same, asked with this access key; the imitation looks at no signature.
pub fn ask_as(endpoint: &str, service: &str, body: &str, key: &str) -> String {
    let address = endpoint.trim_start_matches("http://");
    let method = if body.is_empty() { "GET" } else { "POST" };
    let who = format!("{key}/20260101/eu-west-1/{service}/aws4_request");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} / HTTP/1.0\r\nhost: {address}\r\nauthorization: AWS4-HMAC-SHA256 Credential={who}, SignedHeaders=host, \
         Signature=x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The buckets, networks and subnets that are there, in AWS's words.
fn everything(endpoint: &str) -> String {
    ask(endpoint, "s3", "")
        + &ask(endpoint, "ec2", "Action=DescribeVpcs&Version=2016-11-15")
        + &ask(endpoint, "ec2", "Action=DescribeSubnets&Version=2016-11-15")
}

/// The imitation's address and the folder of providers; without them, nothing, said aloud.
#[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
pub fn cloud() -> Option<(String, std::path::PathBuf)> {
    let endpoint = std::env::var("SLIPWAY_AWS_ENDPOINT").ok();
    let mirror = std::env::var_os("SLIPWAY_PROVIDER_MIRROR").map(Into::into);
    if endpoint.is_none() || mirror.is_none() {
        println!("skipped: no imitation of AWS, or no AWS provider");
    }
    endpoint.zip(mirror)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_and_a_bucket_are_made_looked_at_changed_and_destroyed() {
    let Some((endpoint, mirror)) = cloud() else {
        return;
    };
    let imitation = Imitation {
        endpoint: endpoint.clone(),
        name: "moto".into(),
    };
    let house = House::with(30, |config| {
        config.imitation = Some(imitation);
        config.provider_mirror = Some(mirror);
    })
    .await;
    let Some(house) = house else { return };
    let name = format!("quay-{}", std::process::id());
    let run = house
        .create("network-bucket", &name, &[("in.name", &name)])
        .await;
    house.reaches(run, State::AwaitingApproval).await;
    assert!(
        !everything(&endpoint).contains(&name),
        "a plan makes nothing"
    );
    house.approve("lead", run).await;
    let view = house.reaches(run, State::Succeeded).await;
    let made = house.environment(view.environment_id).await;
    for kind in ["aws_vpc", "aws_subnet", "aws_s3_bucket"] {
        let found = made.resources.iter().find(|r| r.kind == kind);
        let found = found.unwrap_or_else(|| panic!("no {kind}: {:?}", made.resources));
        let id = found.id.as_deref().unwrap();
        assert!(
            everything(&endpoint).contains(id),
            "{kind} {id} is not there"
        );
    }
    let log = house.log(run).await;
    assert!(log.contains("look again"), "the world was looked at");
    let ids: Vec<String> = made.resources.into_iter().filter_map(|r| r.id).collect();
    let target = Target::Environment(view.environment_id, false);
    let run = house.send(&target, &[("in.keep_versions", "false")]).await;
    let waiting = house.reaches(run, State::AwaitingApproval).await;
    let tally = waiting.steps[0].tally.unwrap();
    assert!(tally.delete == 0 && tally.replace == 0, "{tally:?}");
    house.approve("lead", run).await;
    house.reaches(run, State::Succeeded).await;
    let dev = house.ctx("developer").await;
    let run = environment::destroy(&house.db.web, &dev, view.environment_id, "")
        .await
        .unwrap();
    house.reaches(run, State::AwaitingApproval).await;
    house.approve("lead", run).await;
    house.approve("operator", run).await;
    house.reaches(run, State::Succeeded).await;
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Destroyed
    );
    let left = everything(&endpoint);
    assert!(!left.contains(&name), "nothing is left");
    assert!(ids.iter().all(|id| !left.contains(id)), "{ids:?} in {left}");
    house.end().await;
}
