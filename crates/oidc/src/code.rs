//! The authorization code flow with PKCE. What ties its two halves together (state, nonce, verifier) is the caller's: it
//! must be bound to one browser and used once.

use std::cell::Cell;

use oauth2::{
    AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
        BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};

use crate::{Document, Issuer, Trouble};

/// Our client at the provider.
#[derive(Clone)]
pub struct Registration {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Where the provider sends people back to.
    pub redirect: String,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registration({}, {})", self.id, self.redirect)
    }
}

/// What ties the halves of one sign-in together.
#[derive(Clone)]
pub struct Tie {
    /// Comes back in the address.
    pub state: String,
    /// Comes back in the token.
    pub nonce: String,
    /// Shown only when the code is exchanged. 43 to 128 letters, digits, `-._~`.
    pub verifier: String,
}

/// Why a code gave no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The provider is away, or talks nonsense.
    #[error("{0}")]
    Trouble(#[from] Trouble),
    /// It refused: the code is old, used, or not for this verifier.
    #[error("the provider refused the code: {0}")]
    Refused(&'static str),
    /// Something in our own configuration is no address.
    #[error("{0} is no address")]
    Address(&'static str),
}

#[derive(Debug, Serialize, Deserialize)]
struct Extra {
    id_token: String,
}
impl ExtraTokenFields for Extra {}

type Flow = Client<
    BasicErrorResponse,
    StandardTokenResponse<Extra, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn client(document: &Document, of: &Registration) -> Result<Flow, Error> {
    let wrong = |what| move |_| Error::Address(what);
    Ok(Client::new(ClientId::new(of.id.clone()))
        .set_client_secret(ClientSecret::new(of.secret.clone()))
        .set_auth_uri(
            AuthUrl::new(document.authorization_endpoint.clone())
                .map_err(wrong("the provider's sign-in"))?,
        )
        .set_token_uri(
            TokenUrl::new(document.token_endpoint.clone())
                .map_err(wrong("the provider's token endpoint"))?,
        )
        .set_redirect_uri(
            RedirectUrl::new(of.redirect.clone()).map_err(wrong("our own callback"))?,
        ))
}

/// Where to send the browser. `domain` is a hint to the provider's account chooser, and proves nothing.
///
/// # Errors
/// If an address is none.
pub fn address(
    document: &Document,
    of: &Registration,
    tie: &Tie,
    domain: Option<&str>,
) -> Result<String, Error> {
    let verifier = PkceCodeVerifier::new(tie.verifier.clone());
    let client = client(document, of)?;
    let state = CsrfToken::new(tie.state.clone());
    let mut request = client
        .authorize_url(|| state)
        .add_scopes(["openid", "email", "profile"].map(|s| Scope::new(s.into())))
        .add_extra_param("nonce", tie.nonce.clone())
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    if let Some(domain) = domain {
        request = request.add_extra_param("hd", domain.to_owned());
    }
    Ok(request.url().0.to_string())
}

/// Exchanges a code for an ID token, not yet verified.
///
/// # Errors
/// If the provider refuses or is away.
pub async fn exchange(
    issuer: &Issuer,
    document: &Document,
    of: &Registration,
    code: &str,
    tie: &Tie,
) -> Result<String, Error> {
    // `oauth2` writes the request and reads the answer; the way between them is ours. (Its own way of waiting makes
    // futures that do not move between threads.)
    let client = client(document, of)?;
    let ask = |carry: &dyn Fn(HttpRequest) -> Result<HttpResponse, Trouble>| {
        client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(tie.verifier.clone()))
            .request(&|request| carry(request))
    };
    let written = Cell::new(None);
    let _ = ask(&|request| {
        written.set(Some(request));
        Err(Trouble::Slow)
    });
    let request = written
        .take()
        .ok_or(Error::Address("the provider's token endpoint"))?;
    let read = issuer.http().send(request).await?;
    let answer = ask(&|_| Ok(read.clone()));
    match answer {
        Ok(token) => Ok(token.extra_fields().id_token.clone()),
        // One of the standard's words, and nothing of the provider's free text.
        Err(RequestTokenError::ServerResponse(error)) => Err(Error::Refused(word(error.error()))),
        Err(RequestTokenError::Request(trouble)) => Err(trouble.into()),
        // Neither may hold parts of the answer: a token could be among them.
        Err(RequestTokenError::Parse(..)) => {
            Err(Trouble::Nonsense("its answer to a code is no token".into()).into())
        }
        Err(RequestTokenError::Other(_)) => {
            Err(Trouble::Nonsense("its answer to a code is none".into()).into())
        }
    }
}

fn word(of: &BasicErrorResponseType) -> &'static str {
    match of {
        BasicErrorResponseType::InvalidClient => "invalid_client",
        BasicErrorResponseType::InvalidGrant => "invalid_grant",
        BasicErrorResponseType::InvalidRequest => "invalid_request",
        BasicErrorResponseType::InvalidScope => "invalid_scope",
        BasicErrorResponseType::UnauthorizedClient => "unauthorized_client",
        BasicErrorResponseType::UnsupportedGrantType => "unsupported_grant_type",
        BasicErrorResponseType::Extension(_) => "for another reason",
    }
}
