//! The way to the provider: the house's way out, and what its troubles mean here.

use slipway_call as call;
pub use slipway_call::is_safe;

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
pub struct Http(call::Http);

impl Http {
    /// With the roots that browsers trust.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> Result<Self, Trouble> {
        call::Http::new(LARGEST)
            .map(Self)
            .map_err(|error| Trouble::Unreachable(error.to_string()))
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
        let host = request.uri().host().unwrap_or("the address").to_owned();
        self.0.send(request).await.map_err(|trouble| match trouble {
            call::Trouble::Insecure => Trouble::Insecure(host),
            call::Trouble::Unreachable(why) => Trouble::Unreachable(why),
            call::Trouble::Slow => Trouble::Slow,
            call::Trouble::Unreadable => Trouble::Nonsense("it is cut off, or far too long".into()),
        })
    }
}
