use http::{Request, header};
use slipway_call::{self as call, Http};
use slipway_seal::Secret;

use super::{Trouble, plain};

/// Nobody reads more of what a chat answers, in bytes.
const LARGEST: usize = 64 * 1024;

/// A chat's incoming webhook, as Slack, Mattermost and Google Chat have it. Its address is its secret.
#[derive(Clone, Debug)]
pub struct Chat {
    http: Http,
    url: Secret,
}

impl Chat {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Trouble::Hopeless`] if the address is none, or not reached by TLS.
    pub fn new(url: Secret) -> Result<Self, Trouble> {
        let safe = url.expose().parse().is_ok_and(|uri| call::is_safe(&uri));
        if !safe {
            return Err(Trouble::Hopeless(
                "the webhook’s address must begin with https://".into(),
            ));
        }
        let http = Http::new(LARGEST).map_err(|error| Trouble::Hopeless(error.to_string()))?;
        Ok(Self { http, url })
    }

    /// Sends a line.
    ///
    /// # Errors
    /// [`Trouble::Later`], without a word of the address.
    pub async fn send(&self, text: &str) -> Result<(), Trouble> {
        let request = Request::post(self.url.expose())
            .header(header::CONTENT_TYPE, "application/json")
            .body(serde_json::json!({ "text": text }).to_string().into_bytes())
            .map_err(|_| Trouble::Hopeless("the webhook’s address is none".into()))?;
        let answer = self
            .http
            .send(request)
            .await
            .map_err(|error| Trouble::Later(format!("the chat: {error}")))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let said = plain(&String::from_utf8_lossy(answer.body()));
        Err(Trouble::Later(format!(
            "the chat answered {}: {said}",
            answer.status().as_u16()
        )))
    }
}
