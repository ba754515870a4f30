//! Connections: how many, how slow, how large their headers. What is too much is refused before it is read.
//!
//! axum's own `serve` has no patience to set: a client that sends a header's first byte and then nothing would hold its
//! connection for ever.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, sync::watch};
use tower::ServiceExt;

use crate::limits::Peer;

/// Most connections at the same time.
pub const MOST: usize = 1_024;
/// A header that has not arrived by then is not worth waiting for.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Most headers of one request.
pub const HEADERS: usize = 64;
/// Most bytes of one request's headers.
pub const HEADER_BYTES: usize = 32 * 1024;
/// Requests that are under way may end; streams have been told to.
const DRAIN: Duration = Duration::from_secs(4);

async fn told(leaving: &mut watch::Receiver<bool>) {
    let _ = leaving.wait_for(|left| *left).await;
}

/// Serves until told to leave; then takes nothing new, and lets what is under way end.
pub async fn serve(listener: TcpListener, router: Router, mut leaving: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MOST));
    let graceful = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .keep_alive(true);
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => match place {
                Ok(place) => place,
                Err(_) => return,
            },
            () = told(&mut leaving) => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, or a connection that was gone before it came.
                    tracing::debug!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = told(&mut leaving) => break,
        };
        let _ = stream.set_nodelay(true);
        let service =
            router
                .clone()
                .map_request(move |request: hyper::Request<hyper::body::Incoming>| {
                    let mut request = request.map(axum::body::Body::new);
                    request.extensions_mut().insert(Peer(peer));
                    request
                });
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}
