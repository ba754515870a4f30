//! Who the worker is, and the roles that it assumes.

use std::time::{Duration, SystemTime};

use aws_config::{
    AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_sts::{
    Client,
    config::Credentials as Keys,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
    types::Tag,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use slipway_seal::Secret;

/// How often a throttled or unanswered question is asked before it is given up; the pauses between grow.
const TRIES: u32 = 5;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// One question and its tries take no longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// One try takes no longer.
const ONE_TRY: Duration = Duration::from_secs(15);

/// AWS's security token service, asked as the worker itself.
#[derive(Clone, Debug)]
pub struct Sts {
    /// The worker's own identity.
    real: SdkConfig,
    /// For an imitation; it believes everybody.
    imitated: Option<SdkConfig>,
}

/// A role to be assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assume {
    /// Its ARN.
    pub role: String,
    /// The region whose STS is asked.
    pub region: String,
    /// At the imitation.
    pub imitated: bool,
    /// What the role's trust policy wants to hear, if anything.
    pub external_id: Option<String>,
    /// The session's name, for CloudTrail: two to 64 letters, digits and `+=,.@-_`.
    pub session: String,
    /// Tags of the session, for policies and CloudTrail.
    pub tags: Vec<(String, String)>,
    /// For how long; AWS gives no less than 15 minutes.
    pub length: Duration,
}

/// Credentials that end by themselves.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Access key id.
    pub key: String,
    /// Secret access key.
    pub secret: Secret,
    /// Session token.
    pub token: Secret,
    /// When they end.
    pub ends: SystemTime,
    /// Whose they are: the ARN of the assumed role's session.
    pub arn: String,
}

/// What STS says about who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoAmI {
    /// The account's number.
    pub account: String,
    /// The ARN.
    pub arn: String,
}

/// Why there are no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Denied {
    /// Which kind of reason.
    pub reason: Reason,
    /// AWS's own words, or the connection's.
    pub words: String,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The role's trust policy does not let this identity in, or there is no such role: AWS says the same of both.
    Refused,
    /// Asked too often; tried again with growing pauses, in vain.
    Throttled,
    /// No answer.
    Away,
    /// The worker has no identity of its own.
    Nobody,
    /// AWS does not accept the question: a region that is off, a length that the role does not allow.
    Unacceptable,
}

impl Sts {
    /// Finds the worker's own identity when it is first needed; asks nothing yet. With `imitation`, accounts that say so
    /// are asked for there.
    pub async fn new(region: &str, imitation: Option<&str>) -> Self {
        let base = || {
            let http = Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https();
            let loader = aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .region(Region::new(region.to_owned()))
                .retry_config(
                    RetryConfig::standard()
                        .with_max_attempts(TRIES)
                        .with_initial_backoff(Duration::from_millis(500))
                        .with_max_backoff(LONGEST_PAUSE),
                )
                .timeout_config(
                    TimeoutConfig::builder()
                        .operation_timeout(PATIENCE)
                        .operation_attempt_timeout(ONE_TRY)
                        .build(),
                );
            match AppName::new("slipway") {
                Ok(name) => loader.app_name(name),
                Err(_) => loader,
            }
        };
        let imitated = match imitation {
            None => None,
            Some(endpoint) => Some(
                base()
                    .endpoint_url(endpoint)
                    .credentials_provider(Keys::new(
                        "imitation",
                        "imitation",
                        None,
                        None,
                        "imitation",
                    ))
                    .load()
                    .await,
            ),
        };
        Self {
            real: base().load().await,
            imitated,
        }
    }

    fn client(&self, region: &str, imitated: bool) -> Result<Client, Denied> {
        let config = match (imitated, &self.imitated) {
            (false, _) => &self.real,
            (true, Some(config)) => config,
            (true, None) => {
                return Err(Denied {
                    reason: Reason::Away,
                    words: "This worker was started without the imitation.".into(),
                });
            }
        };
        let config = config
            .to_builder()
            .region(Region::new(region.to_owned()))
            .build();
        Ok(Client::new(&config))
    }

    /// Who the worker itself is.
    ///
    /// # Errors
    /// See [`Reason`].
    pub async fn myself(&self, region: &str, imitated: bool) -> Result<WhoAmI, Denied> {
        who(&self.client(region, imitated)?).await
    }

    /// Who these credentials make one.
    ///
    /// # Errors
    /// See [`Reason`].
    pub async fn whose(
        &self,
        credentials: &Credentials,
        region: &str,
        imitated: bool,
    ) -> Result<WhoAmI, Denied> {
        let of = self.client(region, imitated)?;
        let keys = Keys::new(
            credentials.key.clone(),
            credentials.secret.expose(),
            Some(credentials.token.expose().to_owned()),
            Some(credentials.ends),
            "slipway",
        );
        let config = of.config().to_builder().credentials_provider(keys).build();
        who(&Client::from_conf(config)).await
    }

    /// Assumes a role.
    ///
    /// # Errors
    /// See [`Reason`].
    pub async fn assume(&self, wanted: &Assume) -> Result<Credentials, Denied> {
        let mut ask = self
            .client(&wanted.region, wanted.imitated)?
            .assume_role()
            .role_arn(&wanted.role)
            .role_session_name(&wanted.session)
            .set_external_id(wanted.external_id.clone())
            .duration_seconds(i32::try_from(wanted.length.as_secs()).unwrap_or(i32::MAX));
        for (name, value) in &wanted.tags {
            let tag = Tag::builder().key(name).value(tag_text(value)).build();
            ask = ask.tags(tag.map_err(|error| Denied {
                reason: Reason::Unacceptable,
                words: error.to_string(),
            })?);
        }
        let answer = ask.send().await.map_err(denied)?;
        let arn = answer
            .assumed_role_user
            .map(|user| user.arn)
            .unwrap_or_default();
        let nothing = || Denied {
            reason: Reason::Unacceptable,
            words: "STS answered without credentials.".into(),
        };
        let given = answer.credentials.ok_or_else(nothing)?;
        Ok(Credentials {
            key: given.access_key_id,
            secret: Secret::new(given.secret_access_key),
            token: Secret::new(given.session_token),
            ends: SystemTime::try_from(given.expiration).map_err(|_| nothing())?,
            arn,
        })
    }
}

async fn who(client: &Client) -> Result<WhoAmI, Denied> {
    let answer = client.get_caller_identity().send().await.map_err(denied)?;
    Ok(WhoAmI {
        account: answer.account.unwrap_or_default(),
        arn: answer.arn.unwrap_or_default(),
    })
}

/// AWS takes letters, digits, spaces and `_.:/=+-@` in a tag, at most 256; what else a name has is a `_` there.
fn tag_text(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_alphanumeric() || " _.:/=+-@".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(256)
        .collect()
}

fn denied<E, R>(error: SdkError<E, R>) -> Denied
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
    SdkError<E, R>: RequestId,
{
    let id = error
        .request_id()
        .map(|id| format!(" (AWS’s request {id})"))
        .unwrap_or_default();
    if let SdkError::ServiceError(said) = &error {
        let code = said.err().code().unwrap_or("an error without a name");
        let reason = match code {
            "AccessDenied" | "AccessDeniedException" => Reason::Refused,
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown" => Reason::Throttled,
            "ServiceUnavailable" | "InternalFailure" | "InternalError" => Reason::Away,
            "InvalidClientTokenId"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Reason::Nobody,
            _ => Reason::Unacceptable,
        };
        let words = said.err().message().unwrap_or_default();
        return Denied {
            reason,
            words: format!("{code}: {words}{id}"),
        };
    }
    // What lies beneath says more than “dispatch failure”.
    let mut words = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(one) = cause {
        let text = one.to_string();
        // The SDK's name for a kind of failure that it has no name for.
        if text != "other" && !words.contains(&text) {
            words = if words.is_empty() {
                text
            } else {
                format!("{words}: {text}")
            };
        }
        cause = one.source();
    }
    let nobody = words.contains("credentials") || words.contains("no providers in chain");
    Denied {
        reason: if nobody { Reason::Nobody } else { Reason::Away },
        words: if words.is_empty() {
            error.to_string()
        } else {
            words
        },
    }
}

#[cfg(test)]
mod tests {
    use super::tag_text;

    #[test]
    fn a_tag_has_only_what_aws_takes() {
        assert_eq!(tag_text("Team Größe & Co <x>"), "Team Größe _ Co _x_");
        assert_eq!(tag_text(&"x".repeat(300)).len(), 256);
    }
}
