//! The way to the portal: HTTPS, or HTTP on this machine; no redirects, because a token must not follow one.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};

use super::{Stop, login::Account};
use crate::api::problem::Problem;

/// A portal that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(40);
/// No answer of a portal is longer, in bytes; a stream is none.
const LARGEST: usize = 64 << 20;

/// A portal, and who asks.
pub struct Portal {
    server: String,
    authorization: header::HeaderValue,
    client: slipway_call::Line,
}

/// An address without a path, over TLS or on this machine.
pub fn server(text: &str) -> anyhow::Result<String> {
    let text = text.trim().trim_end_matches('/');
    let uri: http::Uri = text
        .parse()
        .map_err(|_| anyhow!("{text} is no address.\n  Write https://HOST, or http://127.0.0.1:PORT for this machine."))?;
    if !slipway_call::is_safe(&uri) {
        bail!(
            "{text} is not reached by TLS, and a token would be read on the way.\n  Write https://HOST; plain http is for this machine alone."
        );
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        bail!("{text} has more than a host.\n  Write https://HOST.");
    }
    Ok(text.to_owned())
}

impl Portal {
    /// Ready to ask, as this account.
    pub fn new(account: &Account) -> anyhow::Result<Self> {
        let server = server(&account.server)?;
        let mut authorization =
            header::HeaderValue::from_str(&format!("Bearer {}", account.token.expose()))
                .map_err(|_| anyhow!("The token contains what no token contains."))?;
        authorization.set_sensitive(true);
        Ok(Self {
            server,
            authorization,
            client: slipway_call::line().context("TLS could not be set up")?,
        })
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(
                header::USER_AGENT,
                concat!("slipway/", env!("CARGO_PKG_VERSION")),
            )
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Stop> {
        let sent = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let answer = sent
            .map_err(|_| anyhow!("{} does not answer.", self.server))?
            .map_err(|error| {
                let why = std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string);
                anyhow!("{} cannot be reached: {why}", self.server)
            })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let text = whole(answer).await?;
        Err(match serde_json::from_slice::<Problem>(&text) {
            Ok(problem) => Stop::Refused(Box::new(problem)),
            Err(_) if status == StatusCode::NOT_FOUND => {
                anyhow!("{} is no Slipway, or an older one.", self.server).into()
            }
            Err(_) => anyhow!("{} answered {status}.", self.server).into(),
        })
    }

    /// Looks.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Stop> {
        let request = self.request(Method::GET, path).body(Full::default());
        read(self.send(request.map_err(anyhow::Error::from)?).await?).await
    }

    /// Asks for something. With a key, the same request twice is one.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        key: Option<&str>,
    ) -> Result<T, Stop> {
        let text = serde_json::to_vec(body).map_err(anyhow::Error::from)?;
        let mut request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(Bytes::from(text)));
        read(self.send(request.map_err(anyhow::Error::from)?).await?).await
    }

    /// Listens. The events come one by one, until the portal or the way to it ends.
    pub async fn listen(&self, path: &str) -> Result<Events, Stop> {
        let request = self.request(Method::GET, path).body(Full::default());
        let answer = self.send(request.map_err(anyhow::Error::from)?).await?;
        Ok(Events {
            body: answer.into_body(),
            rest: Vec::new(),
        })
    }
}

async fn whole(answer: http::Response<Incoming>) -> anyhow::Result<Bytes> {
    let body = Limited::new(answer.into_body(), LARGEST).collect();
    let body = tokio::time::timeout(PATIENCE, body)
        .await
        .map_err(|_| anyhow!("The portal did not finish its answer."))?
        .map_err(|error| anyhow!("The answer could not be read: {error}"))?;
    Ok(body.to_bytes())
}

async fn read<T: DeserializeOwned>(answer: http::Response<Incoming>) -> Result<T, Stop> {
    let text = whole(answer).await?;
    let read = serde_json::from_slice(&text);
    Ok(read.context("The portal's answer is not what this version of slipway knows")?)
}

/// Server-sent events.
pub struct Events {
    body: Incoming,
    rest: Vec<u8>,
}

/// Silence that long means that the way to the portal is cut: it says something every 10 s.
const SILENCE: Duration = Duration::from_secs(35);

impl Events {
    /// The next event's name and data; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|w| w == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                let block = String::from_utf8_lossy(&block);
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim_start().to_owned())
                };
                match (field("event:"), field("data:")) {
                    (Some(event), Some(data)) => return Some((event, data)),
                    _ => continue,
                }
            }
            let frame = tokio::time::timeout(SILENCE, self.body.frame()).await;
            let frame = frame.ok()??.ok()?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn a_token_travels_by_tls_or_not_at_all() {
        for good in [
            "https://slipway.example",
            "https://slipway.example/",
            "http://127.0.0.1:7070",
        ] {
            assert!(server(good).is_ok(), "{good}");
        }
        for bad in [
            "http://slipway.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "slipway.example",
            "https://slipway.example/path",
            "https://slipway.example?x",
            "http://127.0.0.1@slipway.example",
            "",
        ] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }
}
