use slipway_services::audit;

use crate::house::House;

#[tokio::test]
async fn the_web_role_appends_and_reads_and_no_more() {
    let house = House::new().await;
    house.request("developer", "preview", "traced", &[]).await;
    for (sql, pool) in [
        ("update audit set actor = 'somebody else'", &house.db.web),
        ("delete from audit", &house.db.web),
        ("truncate audit", &house.db.web),
        ("update audit set actor = 'somebody else'", &house.db.worker),
        ("delete from audit", &house.db.worker),
        ("delete from audit_seal", &house.db.worker),
        (
            "insert into audit_seal values (1, 1, '', '', now())",
            &house.db.web,
        ),
        ("select * from state_version", &house.db.web),
        ("select * from session", &house.db.worker),
        (
            "insert into approval (run_id, digest, user_id, decision, created_at) values (1, '', 1, 'approve', now())",
            &house.db.worker,
        ),
        ("update approval set decision = 'approve'", &house.db.web),
    ] {
        let error = sqlx::query(sql).execute(pool).await.expect_err(sql);
        let code = error
            .as_database_error()
            .and_then(|e| e.code())
            .unwrap_or_default();
        assert_eq!(code, "42501", "{sql}: {error}");
    }
}

#[tokio::test]
async fn every_decision_is_in_the_trail_and_gets_its_place_in_the_chain() {
    let house = House::new().await;
    house.ready("shared", "traced").await;
    let auditor = house.ctx("auditor").await;
    let trail = |page: &audit::Page| {
        page.records
            .iter()
            .map(|r| format!("{} {}", r.actor, r.action))
            .collect::<Vec<_>>()
    };
    let filter = audit::Filter {
        noun: Some("run".into()),
        ..Default::default()
    };
    let page = audit::list(&house.db.web, &auditor, &filter).await.unwrap();
    assert_eq!(
        trail(&page),
        [
            "worker-a run.verify",
            "worker-a run.finish_apply",
            "worker-a run.start_apply",
            "Lee Lead run.approve",
            "worker-a run.preview",
            "worker-a run.start_preview",
            "Dana Developer run.request",
        ]
    );
    assert!(page.records.iter().all(|r| r.sealed.is_none()));
    let mut sealed = 0;
    loop {
        match audit::seal(&house.db.worker, house.now).await.unwrap() {
            0 => break,
            n => sealed += n,
        }
    }
    let page = audit::list(&house.db.web, &auditor, &Default::default())
        .await
        .unwrap();
    assert_eq!(
        page.records.iter().filter(|r| r.sealed.is_some()).count() as u64,
        sealed
    );
    // The chain: each link is the hash of the one before and the record's own.
    let links: Vec<(i64, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select seq, record, chain from audit_seal order by seq")
            .fetch_all(&house.db.owner)
            .await
            .unwrap();
    let mut before = Vec::new();
    for (n, (seq, record, chain)) in links.iter().enumerate() {
        assert_eq!(*seq, n as i64 + 1);
        let mut text = before.clone();
        text.extend(record);
        assert_eq!(chain[..], slipway_seal::sha256(&text)[..]);
        before.clone_from(chain);
    }
}

#[tokio::test]
async fn refused_votes_are_in_the_trail_too() {
    let house = House::new().await;
    let id = house.request("lead", "shared", "own", &[]).await;
    house.preview("x").await;
    assert!(house.approve("lead", id).await.is_err());
    let filter = audit::Filter {
        action: Some("run.vote_refused".into()),
        ..Default::default()
    };
    let page = audit::list(&house.db.web, &house.ctx("auditor").await, &filter)
        .await
        .unwrap();
    assert_eq!((page.records.len(), page.records[0].allowed), (1, false));
}

#[tokio::test]
async fn the_end_of_the_chain_is_signed_and_a_chain_that_was_cut_or_made_anew_is_noticed() {
    use slipway_services::audit::chain;
    let house = House::new().await;
    house.request("developer", "preview", "signed", &[]).await;
    let (worker, key) = (&house.db.worker, &house.key);
    assert!(
        !chain::checkpoint(worker, key, house.now).await.unwrap(),
        "nothing is sealed yet"
    );
    audit::seal(worker, house.now).await.unwrap();
    assert!(chain::checkpoint(worker, key, house.now).await.unwrap());
    assert!(
        !chain::checkpoint(worker, key, house.now).await.unwrap(),
        "it has not grown"
    );
    let later = house.now + chain::HEARTBEAT;
    assert!(
        chain::checkpoint(worker, key, later).await.unwrap(),
        "so that its age tells something"
    );
    // Somebody who owns the database cuts off the end.
    let cut = "delete from audit_seal where seq = (select max(seq) from audit_seal)";
    sqlx::query(cut).execute(&house.db.owner).await.unwrap();
    let error = chain::checkpoint(worker, key, later)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("cut off"), "{error}");
    // Sealed again as if nothing had been: it is the chain that was signed, if nothing was changed.
    audit::seal(worker, later).await.unwrap();
    assert!(!chain::checkpoint(worker, key, later).await.unwrap());
    sqlx::query(cut).execute(&house.db.owner).await.unwrap();
    sqlx::query("update audit set detail = 'changed' where id = (select max(id) from audit)")
        .execute(&house.db.owner)
        .await
        .unwrap();
    audit::seal(worker, later).await.unwrap();
    let error = chain::checkpoint(worker, key, later)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("written anew"), "{error}");
}

#[tokio::test]
async fn the_trail_is_found_by_person_noun_thing_action_and_time() {
    let house = House::new().await;
    let run = house.request("developer", "preview", "found", &[]).await;
    house.request("lead", "preview", "other", &[]).await;
    let auditor = house.ctx("auditor").await;
    let count = async |filter: audit::Filter| {
        let page = audit::list(&house.db.web, &auditor, &filter).await.unwrap();
        page.records.len()
    };
    let runs = || audit::Filter {
        noun: Some("run".into()),
        ..Default::default()
    };
    assert_eq!(count(runs()).await, 2);
    let one = audit::Filter {
        noun_id: Some(run.get()),
        ..runs()
    };
    assert_eq!(count(one).await, 1);
    let by = audit::Filter {
        actor: Some("Lee".into()),
        ..runs()
    };
    assert_eq!(count(by).await, 1);
    let second = time::Duration::seconds(1);
    for (since, until, wanted) in [
        (Some(house.now), None, 2),
        (Some(house.now + second), None, 0),
        (None, Some(house.now), 0),
        (None, Some(house.now + second), 2),
    ] {
        let filter = audit::Filter {
            since,
            until,
            ..runs()
        };
        assert_eq!(count(filter).await, wanted, "{since:?} {until:?}");
    }
}
