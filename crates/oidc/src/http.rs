//! The way to the provider: HTTPS (or HTTP on loopback, for tests), no redirects, one patience, one limit.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A provider that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// No honest answer of a provider is longer, in bytes.
const LARGEST: usize = 256 * 1024;

/// Why a provider gave no usable answer. Holds no part of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The address is neither `https` nor on loopback.
    #[error("{0} is not reached by TLS")]
    Insecure(String),
    /// It cannot be reached.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// It took longer than five seconds.
    #[error("the provider does not answer in time")]
    Slow,
    /// It answered with another status than 200.
    #[error("the provider answered {0}")]
    Status(u16),
    /// It answered with something that is not what was asked for.
    #[error("the provider's answer cannot be read: {0}")]
    Nonsense(String),
}

/// A client with limits.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// With the roots that browsers trust.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> Result<Self, Trouble> {
        let ring = rustls::crypto::ring::default_provider();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(Arc::new(ring))
            .map_err(|error| Trouble::Unreachable(error.to_string()))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(
            Client::builder(TokioExecutor::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .build(connector),
        ))
    }

    /// Fetches JSON.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn json<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, Trouble> {
        let request = http::Request::get(url)
            .header("accept", "application/json")
            .body(Vec::new())
            .map_err(|_| Trouble::Nonsense("its address is none".into()))?;
        let answer = self.send(request).await?;
        if answer.status() != http::StatusCode::OK {
            return Err(Trouble::Status(answer.status().as_u16()));
        }
        serde_json::from_slice(answer.body()).map_err(|error| Trouble::Nonsense(error.to_string()))
    }

    /// Sends one request, and reads the answer to its end.
    ///
    /// # Errors
    /// [`Trouble`], but not for a status.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Trouble> {
        if !is_safe(request.uri()) {
            let host = request.uri().host().unwrap_or("the address");
            return Err(Trouble::Insecure(host.to_owned()));
        }
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let talk = async {
            let answer = self.0.request(request).await.map_err(|error| {
                Trouble::Unreachable(
                    std::error::Error::source(&error)
                        .map_or_else(|| error.to_string(), ToString::to_string),
                )
            })?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, LARGEST)
                .collect()
                .await
                .map_err(|error| Trouble::Nonsense(error.to_string()))?;
            Ok(http::Response::from_parts(parts, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(PATIENCE, talk)
            .await
            .unwrap_or(Err(Trouble::Slow))
    }
}

/// TLS, or the machine itself.
pub fn is_safe(uri: &http::Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    }
}
