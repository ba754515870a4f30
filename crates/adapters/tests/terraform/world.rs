use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use slipway_adapters::{
    aws::{Assume, Lending, Span, Sts},
    terraform::{Aws, Cancel, Failure, Limits, Mode},
};
use slipway_domain::plan::Shown;

use crate::stand::Stand;
use crate::support::{Log, Memory, Shop, Template, engines, skipped};

/// A mirror with the AWS provider, if this machine has one.
fn mirror() -> Option<PathBuf> {
    let named = std::env::var_os("SLIPWAY_PROVIDER_MIRROR").map(PathBuf::from);
    let mirror = named.unwrap_or_else(|| "/opt/tf-plugins".into());
    let found = mirror.join("registry.terraform.io/hashicorp/aws").is_dir();
    if !found {
        skipped(
            "the AWS provider is not here: SLIPWAY_PROVIDER_MIRROR names no mirror that has it",
        );
    }
    found.then_some(mirror)
}

/// An account behind a stand-in that knows who asks, and nothing else.
async fn aws() -> Aws {
    let stand = Stand::start().await;
    let sts = Sts::new("eu-central-1", Some(&stand.endpoint())).await;
    let wanted = Assume {
        role: "arn:aws:iam::123456789012:role/plan".to_owned(),
        region: "eu-central-1".to_owned(),
        imitated: true,
        external_id: None,
        session: "slipway-run-7".to_owned(),
        tags: vec![],
        length: Duration::from_secs(900),
    };
    let lending = Lending::open(sts, wanted, Span::default()).await.unwrap();
    assert_eq!(stand.book().assumed.len(), 1);
    Aws {
        account: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        carried_out_by: "apply",
        endpoint: Some(stand.endpoint()),
        lending: Arc::new(lending),
        tags: [("slipway:environment".to_owned(), "7".to_owned())].into(),
    }
}

#[tokio::test]
async fn a_template_for_aws_is_planned_with_the_real_provider_from_a_mirror() {
    let engine = &engines().await[0];
    // Without the provider there is nothing to prove; the runner reports which parts were found.
    let Some(mirror) = mirror() else { return };
    let shop = Shop::with(engine, Some(mirror), Limits::default()).await;
    let store = Memory::new();
    let plain =
        Template::new("resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n");
    assert_eq!(
        shop.try_step(&plain, &store).unwrap_err().failure,
        Failure::Template
    );

    let template = Template {
        aws: Some(aws().await),
        ..plain
    };
    let mut template = template;
    let mut first = None;
    // The third time with the lock file of the second, as an apply has it: warm too.
    for cold in [true, false, false] {
        let mut log = Log::default();
        let mut step = shop.step(&template, &store);
        let planned = step
            .plan(Mode::Change, &Cancel::new(), &mut log)
            .await
            .unwrap();
        assert_eq!(step.execs(), if cold { 3 } else { 2 });
        assert!(step.has_world());
        let lock = planned.saved.lock_file.as_deref().unwrap();
        assert!(lock.contains("registry.terraform.io/hashicorp/aws"));
        let change = &planned.preview.changes[0];
        assert_eq!(change.provider, "registry.terraform.io/hashicorp/aws");
        let tag = change
            .attributes
            .iter()
            .find(|a| a.path == "tags_all[\"slipway:environment\"]")
            .unwrap();
        assert_eq!(tag.after, Shown::Value("\"7\"".into()));
        assert!(
            change
                .attributes
                .iter()
                .any(|a| a.path == "id" && a.after == Shown::Unknown)
        );
        assert!(!format!("{planned:?}{}", log.text()).contains("canary"));
        assert!(!String::from_utf8_lossy(planned.projection.expose()).contains("canary-aws"));
        assert_eq!(
            first.get_or_insert(planned.projection.clone()),
            &planned.projection
        );
        if !cold {
            template.lock_file = planned.saved.lock_file;
        }
    }
}

#[tokio::test]
async fn a_template_s_own_provider_block_gets_our_settings() {
    let engine = &engines().await[0];
    let Some(mirror) = mirror() else { return };
    let shop = Shop::with(engine, Some(mirror), Limits::default()).await;
    let own = "provider \"aws\" {\n  region = \"us-east-1\"\n}\nresource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n";
    let template = Template {
        aws: Some(aws().await),
        ..Template::new(own)
    };
    let planned = shop
        .step(&template, &Memory::new())
        .plan(Mode::Change, &Cancel::new(), &mut Log::default())
        .await
        .unwrap();
    assert!(
        planned.preview.changes[0]
            .attributes
            .iter()
            .any(|a| a.path == "tags_all[\"slipway:environment\"]")
    );
}

#[tokio::test]
async fn a_provider_that_the_mirror_lacks_fails_with_the_engine_s_words() {
    let engine = &engines().await[0];
    let empty = tempfile::tempdir().unwrap();
    let shop = Shop::with(
        engine,
        Some(Path::to_owned(empty.path())),
        Limits::default(),
    )
    .await;
    let template = Template {
        aws: Some(aws().await),
        ..Template::new("data \"aws_region\" \"here\" {}\n")
    };
    let failed = shop
        .step(&template, &Memory::new())
        .plan(Mode::Change, &Cancel::new(), &mut Log::default())
        .await
        .unwrap_err();
    assert_eq!(failed.failure, Failure::Engine);
    assert!(
        failed
            .diagnostics
            .iter()
            .any(|d| d.detail.contains("hashicorp/aws")),
        "{failed:?}"
    );
}
