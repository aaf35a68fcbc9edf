//! This program in other roles, each in its own process: the yardstick of HTTP calls, and a proxy.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{self, Bytes},
};
use futures_util::{StreamExt, stream};
use shared::routes::AUTHY_STATUS_STREAM;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::Result;

/// The environment variable with the role, and the one with its value.
pub(crate) const ROLE: &str = "BENCH_ROLE";
pub(crate) const VALUE: &str = "BENCH_VALUE";
/// Answers every call with the value.
pub(crate) const BARE: &str = "bare";
/// Passes connections on to the addresses of the value, in turn.
pub(crate) const PROXY: &str = "proxy";

/// Prints its address and serves until it is killed.
pub(crate) fn serve(role: &str, value: String) -> Result<()> {
    match role {
        BARE => bare(value),
        PROXY => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(proxy(value.split(',').map(str::to_owned).collect()))
        }
        other => Err(format!("{ROLE} is {other}").into()),
    }
}

fn bare(body: String) -> Result<()> {
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let body = body.clone();
            App::new().route(AUTHY_STATUS_STREAM, web::get().to(stream)).default_service(web::to(move || {
                let body = body.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(body) }
            }))
        })
        .bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        server.run().await?;
        Ok(())
    })
}

/// One event, and nothing after it.
async fn stream() -> HttpResponse {
    let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"event: status\ndata: {}\n\n"))]);
    HttpResponse::Ok().content_type("text/event-stream").streaming(first.chain(stream::pending()))
}

async fn proxy(addresses: Vec<String>) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    let next = AtomicUsize::new(0);
    loop {
        let (mut client, _) = listener.accept().await?;
        let address = addresses[next.fetch_add(1, Ordering::Relaxed) % addresses.len()].clone();
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(address).await {
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                // Ends with either side.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
