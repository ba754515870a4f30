//! The way out: services that are asked over HTTPS, or over HTTP on this machine. No redirects, one patience, one limit.
//!
//! No error says what was sent or to which address: either may hold a secret. Forbidden: knowing who is asked, and why.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// Whoever takes longer does not answer.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The address is neither `https` nor on loopback.
    #[error("its address is not reached by TLS")]
    Insecure,
    /// It cannot be reached.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It took longer than five seconds.
    #[error("it does not answer within five seconds")]
    Slow,
    /// The answer is cut off or far too long.
    #[error("its answer cannot be read")]
    Unreadable,
}

/// A client without limits, for streams.
pub type Line = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client with the roots that browsers trust.
///
/// # Errors
/// [`Trouble::Unreachable`] if TLS cannot be set up.
pub fn line() -> Result<Line, Trouble> {
    let ring = rustls::crypto::ring::default_provider();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(Arc::new(ring))
        .map_err(|error| Trouble::Unreachable(error.to_string()))?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(connector))
}

/// A client with limits.
#[derive(Clone, Debug)]
pub struct Http {
    line: Line,
    largest: usize,
}

impl Http {
    /// For answers of at most `largest` bytes.
    ///
    /// # Errors
    /// As [`line()`].
    pub fn new(largest: usize) -> Result<Self, Trouble> {
        Ok(Self {
            line: line()?,
            largest,
        })
    }

    /// Sends one request, and reads the answer to its end, whatever its status.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Trouble> {
        if !is_safe(request.uri()) {
            return Err(Trouble::Insecure);
        }
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let talk = async {
            let answer = self.line.request(request).await.map_err(|error| {
                // The innermost reason names what failed (refused, no such name); the outer ones name addresses.
                let mut inner: &dyn std::error::Error = &error;
                while let Some(source) = inner.source() {
                    inner = source;
                }
                Trouble::Unreachable(inner.to_string())
            })?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, self.largest)
                .collect()
                .await
                .map_err(|_| Trouble::Unreadable)?;
            Ok(http::Response::from_parts(parts, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(PATIENCE, talk)
            .await
            .unwrap_or(Err(Trouble::Slow))
    }
}

/// TLS, or the machine itself.
#[must_use]
pub fn is_safe(uri: &http::Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    }
}
