//! A stand-in of AWS's token service, for what the imitation will not do: refuse, throttle, and count.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::post,
};

/// What it was asked: the form's fields.
pub type Asked = BTreeMap<String, String>;

#[derive(Default)]
pub struct Book {
    /// What it answers first instead of credentials: status, code and message.
    pub troubles: VecDeque<(u16, &'static str, &'static str)>,
    /// Every AssumeRole.
    pub assumed: Vec<Asked>,
}

#[derive(Clone)]
pub struct Stand {
    pub address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

/// The secret of everything that it hands out begins like this.
pub const SECRET: &str = "canary-aws-secret-key";

impl Stand {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Mutex::new(Book::default()));
        let router = Router::new()
            .route("/", post(answer))
            .with_state(book.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, book }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

async fn answer(State(book): State<Arc<Mutex<Book>>>, body: String) -> impl IntoResponse {
    let asked: Asked = form_urlencoded::parse(body.as_bytes())
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    let xml = [(header::CONTENT_TYPE, "text/xml")];
    let space = "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"";
    if asked["Action"] == "GetCallerIdentity" {
        let text = format!(
            "<GetCallerIdentityResponse {space}><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/worker/x</Arn>\
             <UserId>AROA</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
        return (StatusCode::OK, xml, text);
    }
    let mut book = book.lock().unwrap();
    let role = asked["RoleArn"].rsplit('/').next().unwrap().to_owned();
    let session = asked["RoleSessionName"].clone();
    book.assumed.push(asked);
    if let Some((status, code, message)) = book.troubles.pop_front() {
        let text = format!(
            "<ErrorResponse {space}><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>r-2</RequestId></ErrorResponse>"
        );
        return (StatusCode::from_u16(status).unwrap(), xml, text);
    }
    let n = book.assumed.len();
    let text = format!(
        "<AssumeRoleResponse {space}><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA:{session}</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/{role}/{session}</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>ASIASTAND{n}</AccessKeyId><SecretAccessKey>{SECRET}-{n}</SecretAccessKey>\
         <SessionToken>canary-aws-session-token-{n}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r-3</RequestId></ResponseMetadata></AssumeRoleResponse>"
    );
    (StatusCode::OK, xml, text)
}
