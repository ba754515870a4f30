//! The templates that ship.

use std::collections::BTreeMap;

use slipway_catalog::{Bundle, Need, Template, read_catalog};
use slipway_domain::{
    environment::Class,
    field::{Checked, Kind},
};

use crate::catalog;

#[test]
fn every_template_that_ships_can_be_requested() {
    let entries = read_catalog(&catalog()).expect("the catalog");
    let templates: BTreeMap<String, Template> = entries
        .into_iter()
        .map(|entry| match entry.template {
            Ok((bundle, template)) => {
                let stored = serde_json::to_string(&template).expect("JSON");
                assert_eq!(
                    serde_json::from_str::<Template>(&stored).expect("a template"),
                    template
                );
                assert_eq!(
                    Bundle::decode(&bundle.encode()).expect("decoded").digest(),
                    bundle.digest()
                );
                (entry.name, template)
            }
            Err(broken) => panic!("{}: {broken}", entry.name),
        })
        .collect();
    let classes: Vec<_> = templates
        .iter()
        .map(|(name, template)| (name.as_str(), template.class))
        .collect();
    for (name, class) in [
        ("every-input", Class::Shared),
        ("hello", Class::Preview),
        ("network-bucket", Class::Shared),
        ("playground", Class::Preview),
    ] {
        assert!(classes.contains(&(name, class)), "{name} in {classes:?}");
        assert_eq!(templates[name].needs.is_empty(), name != "network-bucket");
        for field in &templates[name].fields {
            assert!(
                field.description.is_some(),
                "{name}: {} has no description",
                field.name
            );
        }
        for output in &templates[name].outputs {
            assert!(
                output.description.is_some(),
                "{name}: the output {} has no description",
                output.name
            );
        }
    }
    assert_eq!(templates["network-bucket"].needs, [Need::Aws]);
    assert_eq!(
        templates["network-bucket"].providers[0].source,
        "hashicorp/aws"
    );
    assert!(
        templates["network-bucket"]
            .resources
            .contains(&"aws_s3_bucket".to_owned())
    );
    assert_eq!(templates["playground"].resources, ["terraform_data"]);
    assert!(
        templates["playground"].providers.is_empty(),
        "terraform_data needs no provider"
    );
}

#[test]
fn every_input_shows_every_kind_of_control() {
    let bundle = Bundle::read_dir(&catalog().join("every-input")).expect("read");
    let template = Template::parse(&bundle).expect("parsed");
    let field = |name: &str| {
        template
            .fields
            .iter()
            .find(|field| field.name == name)
            .expect(name)
    };
    assert!(field("title").required());
    assert_eq!(
        field("size").choices.as_deref(),
        Some(&["small".to_owned(), "medium".into(), "large".into()][..])
    );
    assert_eq!(field("replicas").kind, Kind::Number);
    assert_eq!(field("public").kind, Kind::Bool);
    assert!(field("password").sensitive && field("password").required());
    assert!(matches!(&field("zones").kind, Kind::List(inner) if **inner == Kind::String));
    assert!(matches!(&field("allowed_networks").kind, Kind::Set(_)));
    assert!(matches!(&field("labels").kind, Kind::Map(_)));
    assert!(matches!(&field("window").kind, Kind::Tuple(kinds) if kinds.len() == 2));
    assert_eq!(field("extra").kind, Kind::Any);
    let note = field("note").description.clone().expect("a description");
    assert!(
        note.starts_with("May stay unset") && note.contains("\n\nThis description"),
        "{note:?}"
    );
    // Conversions of the defaults, those of optional attributes included.
    let database = field("database").default.clone().expect("a default");
    assert_eq!(database["backup"]["keep_days"], 7);
    assert_eq!(database["storage"], 20);
    let rules = |name: &str| {
        field(name)
            .validations
            .iter()
            .map(|rule| rule.checked)
            .collect::<Vec<_>>()
    };
    assert_eq!(rules("replicas"), [Checked::Here, Checked::Here]);
    assert_eq!(rules("digest"), [Checked::AtPreview]);
    let here = template
        .fields
        .iter()
        .flat_map(|field| &field.validations)
        .filter(|v| v.checked == Checked::Here);
    assert_eq!(
        here.count(),
        14,
        "all rules but the one that says so are judged when the form is sent"
    );
}
