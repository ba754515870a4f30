//! Whether what was released is as it was approved, and well.

use slipway_domain::run::Seen;
use slipway_services::work::Claim;

use super::{Bench, words};
use crate::logging::Log;

/// Whether everything is as it was approved, and well.
pub async fn look(bench: &Bench, claim: &Claim, log: &Log) -> Seen {
    let Ok(history) = bench.release.history().await else {
        return Seen::NotSeen;
    };
    let Some(newest) = words::newest(&history) else {
        return Seen::Differs;
    };
    let Ok(objects) = bench.release.manifest(newest.revision).await else {
        return Seen::NotSeen;
    };
    let mut seen = Seen::AsPlanned;
    match bench.cluster.health(&objects, &bench.namespace).await {
        Ok(workloads) => {
            for one in workloads {
                log.say(format!(
                    "slipway: {}: {} of {} ready",
                    one.address, one.ready, one.wanted
                ));
                if !one.complete {
                    log.say(format!(
                        "slipway: {} is not rolled out: {}",
                        one.address,
                        one.trouble.unwrap_or_default()
                    ));
                    seen = Seen::Differs;
                }
            }
        }
        Err(failed) => {
            log.say(format!("slipway: it could not be looked at: {failed}"));
            return Seen::NotSeen;
        }
    }
    for object in &objects {
        let target = (claim.environment.as_str(), bench.namespace.as_str());
        match bench
            .cluster
            .compare(object, target, bench.volatile(), bench.release.redactor())
            .await
        {
            Ok(compared) => {
                if let Some(change) = compared.change {
                    let paths: Vec<String> =
                        change.attributes.iter().map(|a| a.path.clone()).collect();
                    log.say(format!(
                        "slipway: {} is not as approved: {}",
                        change.address,
                        words::few(&paths, 5)
                    ));
                    seen = Seen::Differs;
                }
            }
            Err(failed) => {
                log.say(format!(
                    "slipway: {} could not be looked at: {failed}",
                    object.address()
                ));
                return Seen::NotSeen;
            }
        }
    }
    seen
}
