//! The baseline for status polls: a handler that responds with fixed bytes.

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Result;

/// If this environment variable is set, this program is the baseline. Its value is the response.
pub(crate) const BODY: &str = "BENCH_BARE_BODY";

/// Prints its address and serves until it is killed.
pub(crate) fn serve(body: String) -> Result<()> {
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let body = body.clone();
            App::new().route(
                shared::routes::AUTHY_STATUS,
                web::get().to(move || {
                    let body = body.clone();
                    async move { HttpResponse::Ok().content_type("application/json").body(body) }
                }),
            )
        })
        .bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        server.run().await?;
        Ok(())
    })
}
