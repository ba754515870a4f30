//! AWS accounts: who may see and keep them, in which one an environment is made, and what becomes of it when it is removed.

use std::collections::BTreeMap;

use slipway_catalog::{Bundle, Template};
use slipway_domain::{
    environment::Class,
    id::{AccountId, EnvironmentId, RunId},
};
use slipway_services::{
    Error,
    account::{self, Answer, Answers, Kind, New},
    draft::{self, Ask, Sent, Target},
    environment, run, template,
};

use crate::house::House;

fn new(name: &str, number: &str, serves: &[Class]) -> New {
    let role = |kind: &str| format!("arn:aws:iam::{number}:role/slipway/{kind}");
    New {
        name: name.into(),
        account: number.into(),
        region: "eu-central-1".into(),
        serves: serves.to_vec(),
        plan: role("plan"),
        apply: role("apply"),
        destroy: role("destroy"),
        ..New::default()
    }
}

const AWS: &str = "needs = [\"aws\"]\n";

/// Publishes these templates, each with what it says of its needs, and takes the house's own away.
async fn publish(house: &House, templates: &[(&str, &str)]) {
    let found: Vec<_> = templates
        .iter()
        .map(|(name, needs)| {
            let toml = format!(
                "title = \"A cloud thing\"\nsummary = \"For tests.\"\nowner = \"platform\"\nclass = \"shared\"\n{needs}\n\
                 [engine]\nname = \"terraform\"\nversion = \">= 1.9\"\n[request]\nwho = \"member\"\n"
            );
            let main = b"resource \"terraform_data\" \"it\" {}\n".to_vec();
            let bundle = Bundle::from_files(BTreeMap::from([
                ("template.toml".to_owned(), toml.into_bytes()),
                ("main.tf".to_owned(), main),
            ]))
            .unwrap();
            let template = Template::parse(&bundle).unwrap();
            ((*name).to_owned(), Ok((bundle, template)))
        })
        .collect();
    template::publish(&house.db.worker, &found, house.now)
        .await
        .unwrap();
}

async fn ask(house: &House, template: &str, name: &str) -> Result<RunId, String> {
    let ctx = house.ctx("developer").await;
    let target = Target::Template(template.into());
    let draft = draft::open(&house.db.web, &ctx, &target).await.unwrap();
    let pairs = [
        ("do", "send"),
        ("name", name),
        ("life", ""),
        ("reason", "x"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .into();
    match draft::post(&house.db.web, &ctx, draft.id, pairs)
        .await
        .unwrap()
    {
        Sent::Run(run) => Ok(run),
        Sent::Again(draft) => Err(draft.errors["form"].clone()),
        Sent::Discarded => panic!("discarded"),
    }
}

async fn of_run(house: &House, id: RunId) -> (EnvironmentId, String) {
    let ctx = house.ctx("developer").await;
    let view = run::find(&house.db.web, &ctx, id).await.unwrap();
    (view.environment_id, view.account.unwrap().name)
}

#[tokio::test]
async fn an_environment_is_made_in_the_account_for_its_class_and_stays_there() {
    let house = House::new().await;
    let web = &house.db.web;
    let admin = house.ctx("admin").await;
    let picky = format!("{AWS}[aws]\naccount = \"lab\"");
    publish(&house, &[("cloud", AWS), ("picky", &picky), ("plain", "")]).await;

    let why = ask(&house, "cloud", "none").await.unwrap_err();
    assert!(why.contains("No AWS account is there for shared"), "{why}");
    let staging = new("staging", "123456789012", &[Class::Shared, Class::Preview]);
    account::add(web, &admin, &staging).await.unwrap();
    let why = ask(&house, "picky", "none").await.unwrap_err();
    assert!(why.contains("lab is not there"), "{why}");
    let first = ask(&house, "cloud", "first").await.unwrap();
    let (environment, account) = of_run(&house, first).await;
    assert_eq!(account, "staging");
    let dev = house.ctx("developer").await;
    let view = environment::find(web, &dev, environment).await.unwrap();
    assert_eq!(
        view.account.unwrap().words(),
        "staging (123456789012), eu-central-1"
    );

    // A second one for the class: what is there stays where it is, and what is new has to be told.
    let lab = new("lab", "210987654321", &[Class::Shared]);
    account::add(web, &admin, &lab).await.unwrap();
    let why = ask(&house, "cloud", "none").await.unwrap_err();
    assert!(why.contains("lab and staging"), "{why}");
    let asked = Ask {
        template: "cloud".into(),
        name: "none".into(),
        life: None,
        ..Ask::default()
    };
    let refused = draft::request(web, &dev, &asked, None).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused:?}");
    let picky = ask(&house, "picky", "picky").await.unwrap();
    assert_eq!(of_run(&house, picky).await.1, "lab");
    assert_eq!(of_run(&house, first).await.1, "staging");
    // What needs no AWS is in no account.
    let plain = ask(&house, "plain", "plain").await.unwrap();
    let plain = run::find(web, &dev, plain).await.unwrap();
    assert_eq!(plain.account, None);
    let names: Vec<String> = environment::list(web, &dev, &environment::Filter::default())
        .await
        .unwrap()
        .environments
        .into_iter()
        .map(|e| e.name)
        .collect();
    assert!(
        !names.contains(&"none".to_owned()),
        "nothing was begun: {names:?}"
    );
}

#[tokio::test]
async fn a_worker_finds_the_account_of_what_older_code_asked_for_and_none_that_is_removed() {
    let house = House::new().await;
    let web = &house.db.web;
    let admin = house.ctx("admin").await;
    publish(&house, &[("cloud", AWS)]).await;
    let id = account::add(
        web,
        &admin,
        &new("staging", "123456789012", &[Class::Shared]),
    )
    .await
    .unwrap();
    let run = ask(&house, "cloud", "old").await.unwrap();
    // As the code before it leaves it.
    sqlx::query("update environment set aws_account_id = null")
        .execute(&house.db.owner)
        .await
        .unwrap();
    let claim = house.claim().await.unwrap();
    let bundle = template::bundle(&house.db.worker, &claim.template_digest)
        .await
        .unwrap();
    let template = Template::parse(&bundle).unwrap();
    let of = async || {
        account::of_claim(&house.db.worker, &claim, &template)
            .await
            .unwrap()
    };
    let found = of().await.unwrap();
    assert_eq!(
        found.roles[&Kind::Destroy],
        "arn:aws:iam::123456789012:role/slipway/destroy"
    );
    let (environment, name) = of_run(&house, run).await;
    assert_eq!(name, "staging", "it is written down");

    account::remove(web, &admin, id).await.unwrap();
    let why = of().await.unwrap_err();
    assert!(why.message.contains("staging was removed"), "{why:?}");
    let dev = house.ctx("developer").await;
    let view = environment::find(web, &dev, environment).await.unwrap();
    assert!(view.account.unwrap().removed);
    // Another account does not inherit anything; the same one, with other roles, does.
    account::add(web, &admin, &new("other", "210987654321", &[Class::Shared]))
        .await
        .unwrap();
    assert!(of().await.is_err());
    let mut again = new("staging", "123456789012", &[Class::Shared]);
    again.destroy = "arn:aws:iam::123456789012:role/undo".into();
    account::add(web, &admin, &again).await.unwrap();
    let found = of().await.unwrap();
    assert_eq!(
        found.roles[&Kind::Destroy],
        "arn:aws:iam::123456789012:role/undo"
    );
    // A claim that was lost learns nothing and writes nothing.
    sqlx::query("update run set fence = fence + 1")
        .execute(&house.db.owner)
        .await
        .unwrap();
    let late = account::of_claim(&house.db.worker, &claim, &template).await;
    assert!(matches!(late, Err(Error::Fenced)), "{late:?}");
}

#[tokio::test]
async fn operators_see_accounts_admins_keep_them_and_nobody_else_learns_of_one() {
    let house = House::new().await;
    let web = &house.db.web;
    let admin = house.ctx("admin").await;
    let new = new("staging", "123456789012", &[Class::Shared]);
    let id = account::add(web, &admin, &new).await.unwrap();
    let twice = account::add(web, &admin, &new).await.unwrap_err();
    assert!(
        matches!(twice, Error::Invalid(ref w) if w.contains_key("name")),
        "{twice:?}"
    );
    for who in ["developer", "lead", "auditor", "other", "operator"] {
        let ctx = house.ctx(who).await;
        let sees = who == "operator";
        assert_eq!(account::list(web, &ctx).await.is_ok(), sees, "{who}");
        assert_eq!(account::ask(web, &ctx, id).await.is_ok(), sees, "{who}");
        for refused in [
            account::add(web, &ctx, &new).await.map(drop),
            account::remove(web, &ctx, id).await,
        ] {
            assert!(
                matches!(refused, Err(Error::NotFound)),
                "{who}: {refused:?}"
            );
        }
    }
    let missing = account::remove(web, &admin, AccountId::new(99)).await;
    assert!(matches!(missing, Err(Error::NotFound)), "{missing:?}");
    // Who added and removed it is in the trail.
    account::remove(web, &admin, id).await.unwrap();
    let trail: Vec<String> =
        sqlx::query_scalar("select action from audit where noun = 'account' order by id")
            .fetch_all(&house.db.owner)
            .await
            .unwrap();
    assert_eq!(trail, ["account.add", "account.remove"]);
    // The web process cannot say what an account answered, and a worker can make none that is real.
    let lie = sqlx::query("update aws_account set answers = '{}'")
        .execute(web)
        .await;
    assert!(lie.unwrap_err().to_string().contains("permission denied"));
    let real = sqlx::query("update aws_account set plan_role = 'x'")
        .execute(&house.db.worker)
        .await;
    assert!(real.unwrap_err().to_string().contains("permission denied"));
}

#[tokio::test]
async fn an_account_is_asked_when_it_is_new_when_it_is_old_and_when_somebody_wants_it() {
    let house = House::new().await;
    let (web, work) = (&house.db.web, &house.db.worker);
    let admin = house.ctx("admin").await;
    let id = account::add(
        web,
        &admin,
        &new("staging", "123456789012", &[Class::Shared]),
    )
    .await
    .unwrap();
    let now = house.now;
    let due = account::due(work, now).await.unwrap().unwrap();
    assert_eq!(due.id, id);
    assert!(account::due(work, now).await.unwrap().is_none(), "claimed");
    let answers = Answers {
        worker: Some(Answer::As("arn:aws:iam::1:role/worker".into())),
        roles: BTreeMap::from([(Kind::Plan, Answer::As("arn".into()))]),
    };
    account::answered(work, id, &answers, now).await.unwrap();
    let seen = account::list(web, &admin).await.unwrap().remove(0);
    assert_eq!((seen.answers, seen.checked_at), (answers, Some(now)));
    assert!(!seen.asking);
    assert!(account::due(work, now).await.unwrap().is_none(), "young");
    let later = slipway_services::Ctx {
        now: now + time::Duration::minutes(1),
        ..house.ctx("operator").await
    };
    account::ask(web, &later, id).await.unwrap();
    assert!(account::list(web, &admin).await.unwrap()[0].asking);
    assert!(account::due(work, later.now).await.unwrap().is_some());
    account::answered(work, id, &Answers::default(), later.now)
        .await
        .unwrap();
    let old = later.now + account::EVERY + time::Duration::seconds(1);
    assert!(account::due(work, old).await.unwrap().is_some(), "old");
}

#[tokio::test]
async fn an_imitation_serves_everything_while_a_worker_has_it() {
    let house = House::new().await;
    let (web, work) = (&house.db.web, &house.db.worker);
    let admin = house.ctx("admin").await;
    publish(&house, &[("cloud", AWS)]).await;
    account::imitate(work, Some(("moto", "eu-west-1")), house.now)
        .await
        .unwrap();
    let run = ask(&house, "cloud", "made").await.unwrap();
    assert_eq!(of_run(&house, run).await.1, "moto");
    let id = account::list(web, &admin).await.unwrap()[0].id;
    let kept = account::remove(web, &admin, id).await;
    assert!(
        matches!(kept, Err(Error::NotFound)),
        "its worker has it: {kept:?}"
    );
    account::imitate(work, None, house.now).await.unwrap();
    assert!(account::list(web, &admin).await.unwrap().is_empty());
    account::imitate(work, Some(("moto", "eu-west-3")), house.now)
        .await
        .unwrap();
    let again = account::list(web, &admin).await.unwrap();
    assert_eq!(
        (again[0].id, &*again[0].region, again[0].environments),
        (id, "eu-west-3", 1)
    );
}
