//! The yardstick for polls: a handler that answers fixed bytes.

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Result;

/// The variable that makes this program the yardstick; its value is the answer.
pub(crate) const BODY: &str = "BENCH_BARE_BODY";

/// Serves until it is killed; prints its address first.
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
