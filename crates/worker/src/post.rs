//! Sending messages: one after the other, each by whichever worker claims it first.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use slipway_adapters::post::{self, Letter, Trouble};
use slipway_seal::Secret;
use slipway_services::{
    live::Event,
    notice::{self, Channel, Means, Message},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::{Leaving, Shared, heard, now};

/// Without a hint the list is looked at this often.
const POLL: Duration = Duration::from_secs(5);
/// What is old is swept this often.
const SWEEP: Duration = Duration::from_secs(3600);

/// A mail server, and who writes.
#[derive(Clone, Debug)]
pub struct MailBy {
    /// `smtps://HOST` or `smtp://HOST`.
    pub url: String,
    /// User and password, if it wants any.
    pub user: Option<(String, Secret)>,
    /// Who writes.
    pub from: String,
}

/// How messages go; by default not at all.
#[derive(Clone, Debug, Default)]
pub struct PostBy {
    /// By mail.
    pub mail: Option<MailBy>,
    /// Into a chat: its webhook, which is a secret.
    pub chat: Option<Secret>,
    /// Where browsers reach the portal, without a slash at its end.
    pub base: String,
}

/// What sends.
#[derive(Debug)]
pub struct Post {
    mail: Option<post::Mail>,
    chat: Option<post::Chat>,
    base: String,
}

impl PostBy {
    /// Looks at the settings, and sends nothing.
    ///
    /// # Errors
    /// What is wrong with them, with what to do.
    pub fn open(&self) -> anyhow::Result<Post> {
        let mail = self
            .mail
            .as_ref()
            .map(|by| {
                post::Mail::new(&post::Access {
                    url: by.url.clone(),
                    user: by.user.clone(),
                    from: by.from.clone(),
                })
            })
            .transpose()
            .context("Mail is not set up.\n  SLIPWAY_SMTP_URL and SLIPWAY_MAIL_FROM name the server and who writes (docs/operating.md)")?;
        let chat = self.chat.clone().map(post::Chat::new).transpose().context(
            "The chat is not set up.\n  SLIPWAY_CHAT_WEBHOOK is the address that the chat gave",
        )?;
        Ok(Post {
            mail,
            chat,
            base: self.base.clone(),
        })
    }
}

impl Post {
    fn means(&self) -> Means {
        let mut words: Vec<String> = self.mail.iter().map(post::Mail::words).collect();
        if self.chat.is_some() {
            words.push("a chat’s webhook".into());
        }
        Means {
            mail: self.mail.is_some(),
            chat: self.chat.is_some(),
            words: words.join(", and "),
        }
    }

    async fn send(&self, message: &Message) -> Result<(), Trouble> {
        match (message.channel, &self.mail, &self.chat) {
            (Channel::Mail, Some(mail), _) => {
                mail.send(&Letter {
                    to: message.to.clone(),
                    subject: message.subject.clone(),
                    text: message.text.clone(),
                    id: format!("slipway-{}", message.id),
                })
                .await
            }
            (Channel::Chat, _, Some(chat)) => chat.send(&message.text).await,
            _ => Err(Trouble::Later("it is not set up here".into())),
        }
    }
}

/// Starts it. A worker that can send nothing says so once, so that nothing is queued.
pub fn start(shared: &Arc<Shared>, post: Post) -> JoinHandle<()> {
    tokio::spawn(run(shared.clone(), post))
}

async fn run(shared: Arc<Shared>, post: Post) {
    let means = post.means();
    let mut leaving = shared.leaving.clone();
    let mut events = shared.hub.subscribe();
    let mut swept: Option<Instant> = None;
    while *leaving.borrow() == Leaving::No {
        if swept.is_none_or(|at| at.elapsed() > SWEEP) {
            match notice::present(&shared.pool, &means, now()).await {
                Ok(()) => swept = Some(Instant::now()),
                Err(error) => tracing::warn!(%error, "what can be sent could not be said"),
            }
        }
        // A letter that is under way goes to its end: nobody could say whether it had gone.
        if let Err(error) = round(&shared, &post, &means).await {
            tracing::warn!(%error, "messages could not be read; tried again");
        }
        tokio::select! {
            () = heard(&mut events, |event| *event == Event::Notice) => {}
            () = tokio::time::sleep(POLL) => {}
            _ = leaving.changed() => {}
        }
    }
}

async fn round(shared: &Shared, post: &Post, means: &Means) -> slipway_services::Result<()> {
    while *shared.leaving.borrow() == Leaving::No {
        let Some(message) = notice::claim(&shared.pool, means, &post.base, now()).await? else {
            break;
        };
        match post.send(&message).await {
            Ok(()) => notice::sent(&shared.pool, message.id, now()).await?,
            Err(trouble) => {
                tracing::warn!(notice = message.id, %trouble, "a message did not go");
                let (why, hopeless) = (trouble.to_string(), trouble.is_hopeless());
                notice::failed(&shared.pool, message.id, &why, hopeless, now()).await?;
            }
        }
    }
    Ok(())
}
