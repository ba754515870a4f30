use std::time::Duration;

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{authentication::Credentials, extension::ClientId},
};
use slipway_seal::Secret;

use super::{Trouble, plain};

/// A server that takes longer, from greeting to goodbye, does not take this letter.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to reach the mail server.
#[derive(Clone, Debug)]
pub struct Access {
    /// `smtps://HOST[:465]` with TLS from the first byte, `smtp://HOST[:587]` with STARTTLS; on loopback `smtp://` is
    /// without TLS.
    pub url: String,
    /// User and password, if it wants any.
    pub user: Option<(String, Secret)>,
    /// Who writes: an address, or `Name <address>`.
    pub from: String,
}

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// To which address.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// Its own name at our house: a letter that goes twice, because nobody could say that it had gone, is the same one.
    pub id: String,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

impl Mail {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Trouble::Hopeless`], in words for whoever set it up.
    pub fn new(access: &Access) -> Result<Self, Trouble> {
        let hopeless = |what: &str| Trouble::Hopeless(what.to_owned());
        let from: Mailbox = access
            .from
            .parse()
            .map_err(|_| hopeless("the sender is no address"))?;
        let (scheme, rest) = access
            .url
            .split_once("://")
            .ok_or_else(|| hopeless("the server is none: smtps://HOST or smtp://HOST"))?;
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (
                host,
                Some(
                    port.parse()
                        .map_err(|_| hopeless("the server’s port is none"))?,
                ),
            ),
            None => (rest, None),
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(hopeless("the server is none: smtps://HOST or smtp://HOST"));
        }
        let loopback = matches!(host, "127.0.0.1" | "localhost");
        let tls = |_| hopeless("TLS cannot be set up");
        let builder = match scheme {
            "smtps" => AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(tls)?,
            "smtp" if loopback => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
            "smtp" => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(tls)?,
            _ => return Err(hopeless("the server is none: smtps://HOST or smtp://HOST")),
        };
        let builder = builder
            .timeout(Some(Duration::from_secs(10)))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        let builder = match port {
            Some(port) => builder.port(port),
            None => builder,
        };
        let builder = match &access.user {
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()))
            }
            None => builder,
        };
        Ok(Self {
            transport: builder.build(),
            from,
            host: host.to_owned(),
        })
    }

    /// Through which server and from whom, for a page.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} through {}", self.from.email, self.host)
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// [`Trouble`]: hopeless if the address is none, or the server will never take it.
    pub async fn send(&self, letter: &Letter) -> Result<(), Trouble> {
        let message = self.message(letter)?;
        match tokio::time::timeout(PATIENCE, self.transport.send(message)).await {
            Err(_) => Err(Trouble::Later(
                "the mail server does not answer in time".into(),
            )),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let said = format!("the mail server: {}", plain(&error.to_string()));
                // No such mailbox, and its kin. Everything else may be a matter of time, or of settings.
                let never = error
                    .status()
                    .is_some_and(|code| (550..=553).contains(&u16::from(code)));
                Err(if never {
                    Trouble::Hopeless(said)
                } else {
                    Trouble::Later(said)
                })
            }
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, Trouble> {
        let to: Address = letter
            .to
            .parse()
            .map_err(|_| Trouble::Hopeless("the recipient’s address is none".into()))?;
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        );
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(plain(&letter.subject))
            .message_id(Some(format!(
                "<{}@{}>",
                letter.id,
                self.from.email.domain()
            )))
            // No answer of an absent person comes back.
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| Trouble::Hopeless("the letter cannot be written".into()))
    }
}
