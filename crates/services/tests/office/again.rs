use slipway_services::{Error, Refusal, draft, work};

use crate::house::{House, LEASE};

#[tokio::test]
async fn back_to_the_form_finds_it_as_it_was_sent_with_the_engines_word_at_its_control() {
    let house = House::new().await;
    let inputs = [("in.size", "3"), ("in.password", "a-secret-of-mine")];
    let run = house.request("developer", "preview", "mine", &inputs).await;
    let claim = work::claim(&house.db.worker, &house.worker, LEASE, house.now)
        .await
        .unwrap()
        .unwrap();
    let mut why = Refusal::new("Invalid value for variable", "Too many.", "");
    why.inputs.insert("size".into(), "Too many.".into());
    work::fail_preview(&house.db.worker, &house.worker, &claim, &why, house.now)
        .await
        .unwrap();

    let ctx = house.ctx("developer").await;
    let id = draft::again(&house.db.web, &ctx, run).await.unwrap();
    let back = draft::find(&house.db.web, &ctx, id).await.unwrap();
    assert_eq!((back.run, back.about.name.as_str()), (None, "mine"));
    assert_eq!(
        (back.about.life.as_str(), back.about.reason.as_str()),
        ("8h", "because")
    );
    assert_eq!(back.entered.get("in.size"), "3");
    assert_eq!(back.errors["in.size"], "Too many.");
    assert!(back.errors["in.password"].starts_with("Type it again"));

    // The same draft the second time, and nothing of another team's.
    assert_eq!(draft::again(&house.db.web, &ctx, run).await.unwrap(), id);
    let stranger = house.ctx("other").await;
    let refused = draft::again(&house.db.web, &stranger, run).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
}
