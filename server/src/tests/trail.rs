//! The trail as it leaves the house, and what somebody would do to it on the way.

use serde_json::{Value, json};
use slipway_seal::{WorkerKey, hex, sha256, unhex};
use slipway_services::audit::{self, chain};

use super::{Portal, now};
use crate::audit::verify::{Wrong, compare, verify};

/// An exported trail of a few records, its lines, and the key.
async fn exported() -> (Vec<Value>, String) {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    for name in ["one", "two"] {
        developer.request_environment(name).await;
    }
    let key = WorkerKey::from_master(&[1; 32]);
    let auditor = portal.sign_in("auditor").await;
    audit::seal(&portal.db.worker, now()).await.unwrap();
    chain::checkpoint(&portal.db.worker, &key, now())
        .await
        .unwrap();
    let answer = auditor.get("/audit/export").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (lines, hex(&key.signing().public()))
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|l| format!("{l}\n")).collect()
}

/// The line of a record's place.
fn at(lines: &[Value], seq: i64) -> usize {
    lines.iter().position(|l| l["link"]["seq"] == seq).unwrap()
}

/// Makes the hashes anew from a line on, as somebody would who knows how it works; the signature stays what it was.
fn rehash(lines: &mut [Value], renumber: bool) {
    let (mut chain, mut seq) = (String::new(), 0);
    for line in lines.iter_mut().filter(|l| l.get("link").is_some()) {
        let link = &mut line["link"];
        seq += 1;
        if renumber {
            link["seq"] = json!(seq);
        }
        let record = hex(&sha256(link["text"].as_str().unwrap().as_bytes()));
        let mut bytes = unhex(&chain).unwrap();
        bytes.extend(unhex(&record).unwrap());
        chain = hex(&sha256(&bytes));
        link["record"] = json!(record);
        link["chain"] = json!(chain.clone());
    }
}

#[tokio::test]
async fn a_clean_export_is_whole() {
    let (lines, key) = exported().await;
    let found = verify(&text(&lines), Some(&key)).unwrap();
    assert!(
        found.records >= 4 && found.trusted && found.unsigned == 0,
        "{found:?}"
    );
    assert_eq!(
        found.unsealed, 1,
        "the export itself is in the trail, and not sealed yet"
    );
    assert!(!verify(&text(&lines), None).unwrap().trusted);
    let other = "00".repeat(32);
    assert_eq!(
        verify(&text(&lines), Some(&other)),
        Err(Wrong::OtherKey(key))
    );
}

/// Each tampering, and again with the numbers made anew, so that only the chain tells.
#[tokio::test]
async fn the_first_record_that_was_touched_is_named() {
    let (lines, key) = exported().await;
    let judge = |lines: &[Value]| verify(&text(lines), Some(&key)).unwrap_err();
    let renumbered = |mut lines: Vec<Value>| {
        let mut seq = 0;
        for line in lines.iter_mut().filter(|l| l.get("link").is_some()) {
            seq += 1;
            line["link"]["seq"] = json!(seq);
        }
        lines
    };

    let mut edited = lines.clone();
    let n = at(&edited, 3);
    let changed = edited[n]["link"]["text"]
        .as_str()
        .unwrap()
        .replace("Dana", "Lee");
    assert_ne!(json!(changed), edited[n]["link"]["text"]);
    edited[n]["link"]["text"] = json!(changed);
    assert_eq!(judge(&edited), Wrong::Edited(3));
    // With its own hash made anew, the chain does not follow.
    edited[n]["link"]["record"] = json!(hex(&sha256(changed.as_bytes())));
    assert_eq!(judge(&edited), Wrong::Broken(3));
    // With the whole chain made anew, nobody signed it.
    rehash(&mut edited, false);
    assert!(
        matches!(judge(&edited), Wrong::Forged { after: 0, .. }),
        "{:?}",
        judge(&edited)
    );

    let mut removed = lines.clone();
    removed.remove(at(&removed, 2));
    assert_eq!(judge(&removed), Wrong::Removed(2));
    let quiet = renumbered(removed.clone());
    assert_eq!(judge(&quiet), Wrong::Broken(2));
    rehash(&mut removed, true);
    assert!(matches!(
        judge(&removed),
        Wrong::Removed(_) | Wrong::Forged { .. }
    ));

    let mut inserted = lines.clone();
    let mut copy = inserted[at(&inserted, 3)].clone();
    let invented = copy["link"]["text"]
        .as_str()
        .unwrap()
        .replace("Dana", "Lee");
    copy["link"]["record"] = json!(hex(&sha256(invented.as_bytes())));
    copy["link"]["text"] = json!(invented);
    inserted.insert(at(&inserted, 3) + 1, copy);
    assert_eq!(judge(&inserted), Wrong::Inserted(3));
    assert_eq!(judge(&renumbered(inserted)), Wrong::Inserted(4));

    let mut reordered = lines.clone();
    let (two, three) = (at(&reordered, 2), at(&reordered, 3));
    reordered.swap(two, three);
    assert_eq!(judge(&reordered), Wrong::Reordered(3));
    assert_eq!(judge(&renumbered(reordered)), Wrong::Reordered(2));
}

#[tokio::test]
async fn an_end_that_was_cut_off_shows() {
    let (lines, key) = exported().await;
    // With its signature: nothing is signed.
    let short: Vec<Value> = lines
        .iter()
        .filter(|l| {
            l["link"]["seq"].as_i64().is_none_or(|seq| seq <= 3) && l.get("checkpoint").is_none()
        })
        .cloned()
        .collect();
    assert_eq!(verify(&text(&short), Some(&key)), Err(Wrong::Unsigned));
    // Without: what it covers is missing.
    let last = lines
        .iter()
        .filter_map(|l| l["link"]["seq"].as_i64())
        .max()
        .unwrap();
    let mut cut = lines.clone();
    cut.remove(at(&cut, last));
    assert_eq!(verify(&text(&cut), Some(&key)), Err(Wrong::Removed(last)));
    // Back to an older signature: the export is younger than it could be.
    let mut old = lines.clone();
    let late = old[0]["head"]["at"].as_i64().unwrap() + 3600;
    old[0]["head"]["at"] = json!(late);
    assert!(matches!(
        verify(&text(&old), Some(&key)),
        Err(Wrong::Cut { .. })
    ));
    for bad in [
        "",
        "{}",
        "not json",
        "{\"head\":{\"kind\":\"other\",\"version\":1,\"at\":0,\"after\":0,\"before\":\"\",\"run\":null}}",
    ] {
        assert!(matches!(verify(bad, None), Err(Wrong::Form(_))), "{bad}");
    }
}

#[tokio::test]
async fn the_evidence_of_one_run_proves_itself_and_tells_nothing_of_others() {
    let portal = Portal::new().await;
    let developer = portal.sign_in("developer").await;
    let mine = developer.request_environment("evident").await;
    developer.request_environment("somebody-elses").await;
    developer
        .post(&format!("/runs/{}/cancel", mine["runs"]), &[])
        .await;
    let key = WorkerKey::from_master(&[1; 32]);
    audit::seal(&portal.db.worker, now()).await.unwrap();
    chain::checkpoint(&portal.db.worker, &key, now())
        .await
        .unwrap();
    let auditor = portal.sign_in("auditor").await;
    let path = format!("/runs/{}/evidence", mine["runs"]);
    let answer = auditor.get(&path).await;
    let found = verify(&answer.body, Some(&hex(&key.signing().public()))).unwrap();
    assert!(
        found.withheld > 0 && found.records > found.withheld,
        "{found:?}"
    );
    assert!(answer.body.contains("run.cancel") && !answer.body.contains("somebody-elses"));
    // Beside the records, what an auditor asks for.
    let about: Value = serde_json::from_str(answer.body.lines().last().unwrap()).unwrap();
    let about = &about["about"];
    assert_eq!(about["environment"], "evident");
    assert_eq!(about["request"]["inputs"]["who"], "world");
    assert_eq!(
        about["request"]["template_digest"].as_str().unwrap().len(),
        64
    );
    let policy = about["policy"]["text"].as_str().unwrap();
    assert_eq!(
        about["policy"]["digest"],
        hex(&sha256(policy.as_bytes())),
        "the policy's text is there"
    );
    let edited = answer.body.replace("run.cancel", "run.reject");
    assert!(matches!(verify(&edited, None), Err(Wrong::Edited(_))));
}

/// Somebody who owns the database cuts the end off, and the signatures over it; the note outside stays.
#[tokio::test]
async fn an_end_that_was_cut_off_with_its_signatures_is_noticed_by_what_was_noted_outside() {
    let portal = Portal::new().await;
    let key = WorkerKey::from_master(&[1; 32]);
    let public = hex(&key.signing().public());
    let mut noted = String::new();
    for name in ["one", "two"] {
        let developer = portal.sign_in("developer").await;
        developer.request_environment(name).await;
        audit::seal(&portal.db.worker, now()).await.unwrap();
        let signed = chain::sign(&portal.db.worker, &key, now())
            .await
            .unwrap()
            .unwrap();
        noted += &(serde_json::to_string(&chain::Line::Checkpoint(signed)).unwrap() + "\n");
    }
    let auditor = portal.sign_in("auditor").await;
    let judge = |text: &str, noted: &str| {
        verify(text, Some(&public)).and_then(|found| compare(text, noted, found))
    };
    let whole = auditor.get("/audit/export").await.body;
    let found = judge(&whole, &noted).unwrap();
    for question in [
        "delete from audit_checkpoint where seq = (select max(seq) from audit_checkpoint)",
        "delete from audit_seal where seq > (select max(seq) from audit_checkpoint)",
        "delete from audit a where not exists (select from audit_seal s where s.audit_id = a.id)",
    ] {
        sqlx::query(question)
            .execute(&portal.db.owner)
            .await
            .unwrap();
    }
    let cut = auditor.get("/audit/export").await.body;
    let alone = verify(&cut, Some(&public)).unwrap();
    assert!(alone.signed < found.signed, "by itself it looks whole");
    assert_eq!(
        judge(&cut, &noted),
        Err(Wrong::CutOff {
            ends: alone.signed,
            noted: found.signed
        })
    );
    // What was noted must be ours; a line that a crash cut short is none.
    assert!(judge(&whole, &(noted.clone() + "{\"checkpoint\":{\"seq\"")).is_ok());
    let forged = noted.replacen("\"seq\":", "\"seq\":9", 1);
    assert_eq!(judge(&whole, &forged), Err(Wrong::Note(1)));
    // The evidence of one run is a piece of the chain, and no trail that was cut.
    let run = whole
        .lines()
        .find_map(|l| l.split("\\\"run\\\", ").nth(1)?.split(',').next());
    let evidence = auditor
        .get(&format!("/runs/{}/evidence", run.unwrap()))
        .await
        .body;
    assert!(
        judge(&evidence, &noted).is_ok(),
        "{:?}",
        judge(&evidence, &noted)
    );
}
