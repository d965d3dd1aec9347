//! The server itself: is it there, does it stop, what does it send with every answer.

use dorbank_tests::{Engine, TestServer};

#[tokio::test]
async fn it_answers_that_it_is_alive_on_both_databases() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
        server.stop().await;
    }
}
