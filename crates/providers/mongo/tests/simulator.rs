//! The simulator, driven by MongoDB's official driver.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use crate::suite::{self, Flavor};
    use business_tools_mongo::sandbox::{NoFaults, Simulator, WireFault, WireFaults};
    use mongodb::{
        Client,
        bson::{Document, doc, oid::ObjectId},
        error::ErrorKind,
    };
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    async fn start(faults: Arc<dyn WireFaults>) -> (Simulator, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, faults, CancellationToken::new())
            .await
            .unwrap();
        let client = Client::with_uri_str(simulator.uri()).await.unwrap();
        (simulator, client)
    }

    fn fresh() -> String {
        format!("t_{}", ObjectId::new().to_hex())
    }

    macro_rules! against_the_simulator {
        ($($name:ident)*) => {
            $(#[tokio::test]
            async fn $name() {
                let (_simulator, client) = start(Arc::new(NoFaults)).await;
                suite::$name(&client, &fresh(), Flavor::Simulator).await;
            })*
        };
    }
    crate::suite::for_each_behaviour!(against_the_simulator);

    /// The next fault for commands of one name, and the names of all commands that came.
    #[derive(Default)]
    struct Script {
        fault: Mutex<Option<(&'static str, WireFault)>>,
        seen: Mutex<Vec<String>>,
    }

    impl Script {
        fn set(&self, command: &'static str, fault: WireFault) {
            *self.fault.lock().unwrap() = Some((command, fault));
        }

        fn count(&self, command: &str) -> usize {
            self.seen
                .lock()
                .unwrap()
                .iter()
                .filter(|seen| *seen == command)
                .count()
        }
    }

    impl WireFaults for Script {
        fn next(&self, command: &str) -> Option<WireFault> {
            self.fault
                .lock()
                .unwrap()
                .take_if(|(name, _)| *name == command)
                .map(|(_, fault)| fault)
        }

        fn record(&self, _: &str, command: &Document) {
            self.seen
                .lock()
                .unwrap()
                .extend(command.keys().next().cloned());
        }
    }

    #[tokio::test]
    async fn a_connection_reset_after_the_write_leaves_the_write_done() {
        let script = Arc::new(Script::default());
        let (_simulator, client) = start(script.clone()).await;
        let things = client.database("d").collection::<Document>("things");
        script.set("insert", WireFault::ResetAfterWrite);
        let error = things.insert_one(doc! { "_id": 1 }).await.unwrap_err();
        assert!(matches!(*error.kind, ErrorKind::Io(_)), "{error}");
        assert_eq!(script.count("insert"), 1);
        assert_eq!(things.count_documents(doc! {}).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_connection_reset_before_the_write_leaves_it_undone() {
        let script = Arc::new(Script::default());
        let (_simulator, client) = start(script.clone()).await;
        let things = client.database("d").collection::<Document>("things");
        script.set("insert", WireFault::Reset);
        assert!(things.insert_one(doc! { "_id": 1 }).await.is_err());
        assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_error_garbage_or_half_a_reply_fails_the_command_and_not_the_next() {
        let script = Arc::new(Script::default());
        let (_simulator, client) = start(script.clone()).await;
        let database = client.database("d");
        let error = WireFault::Error {
            code: 13,
            name: "Unauthorized".into(),
            message: "no".into(),
        };
        script.set("ping", error);
        let failed = database.run_command(doc! { "ping": 1 }).await.unwrap_err();
        assert_eq!(suite::code(&failed), Some(13));
        for fault in [WireFault::Garbage, WireFault::Truncate] {
            script.set("ping", fault.clone());
            assert!(
                database.run_command(doc! { "ping": 1 }).await.is_err(),
                "{fault:?}"
            );
            assert!(
                database.run_command(doc! { "ping": 1 }).await.is_ok(),
                "{fault:?}"
            );
        }
    }

    #[tokio::test]
    async fn slow_late_and_huge_replies_are_still_replies() {
        let script = Arc::new(Script::default());
        let (_simulator, client) = start(script.clone()).await;
        let database = client.database("d");
        let pause = Duration::from_millis(20);
        for fault in [
            WireFault::Latency(pause),
            WireFault::SlowBody(pause),
            WireFault::Huge,
        ] {
            script.set("ping", fault.clone());
            assert!(
                database.run_command(doc! { "ping": 1 }).await.is_ok(),
                "{fault:?}"
            );
        }
        script.set("ping", WireFault::Hang);
        let ping = database.run_command(doc! { "ping": 1 });
        assert!(
            tokio::time::timeout(Duration::from_millis(200), ping)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn the_demo_shop_can_be_seeded_again_and_again() {
        let (simulator, client) = start(Arc::new(NoFaults)).await;
        simulator.seed_shop();
        simulator.seed_shop();
        let orders = client.database("shop").collection::<Document>("orders");
        assert_eq!(
            orders
                .count_documents(doc! { "status": "paid" })
                .await
                .unwrap(),
            3
        );
        simulator.reset();
        assert_eq!(orders.count_documents(doc! {}).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_shutdown_ends_every_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shutdown = CancellationToken::new();
        let simulator = Simulator::start(listener, Arc::new(NoFaults), shutdown.clone())
            .await
            .unwrap();
        let client = Client::with_uri_str(simulator.uri()).await.unwrap();
        client
            .database("d")
            .run_command(doc! { "ping": 1 })
            .await
            .unwrap();
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), simulator.stopped())
            .await
            .unwrap();
    }

    async fn authenticated_users(
        simulator: &Simulator,
        credentials: &str,
    ) -> Result<usize, Option<i32>> {
        let uri = simulator
            .uri()
            .replace("mongodb://", &format!("mongodb://{credentials}@"));
        let client = Client::with_uri_str(uri).await.unwrap();
        let status = client
            .database("admin")
            .run_command(doc! { "connectionStatus": 1 })
            .await;
        let status = status.map_err(|error| match error.kind.as_ref() {
            ErrorKind::Authentication { .. } => Some(18),
            _ => suite::code(&error),
        })?;
        Ok(status
            .get_document("authInfo")
            .unwrap()
            .get_array("authenticatedUsers")
            .unwrap()
            .len())
    }

    #[tokio::test]
    async fn a_user_authenticates_with_its_own_name_or_the_sandboxs_as_password() {
        let (simulator, _) = start(Arc::new(NoFaults)).await;
        assert_eq!(authenticated_users(&simulator, "ada:ada").await, Ok(1));
        assert_eq!(authenticated_users(&simulator, "ada:sandbox").await, Ok(1));
    }

    #[tokio::test]
    async fn wrong_credentials_are_refused_as_the_server_refuses_them() {
        let (simulator, _) = start(Arc::new(NoFaults)).await;
        assert_eq!(
            authenticated_users(&simulator, "ada:wrong").await,
            Err(Some(18))
        );
        assert_eq!(
            authenticated_users(&simulator, "wrong:wrong").await,
            Err(Some(18))
        );
    }

    #[derive(Default)]
    struct Record(Mutex<String>);

    impl WireFaults for Record {
        fn next(&self, _: &str) -> Option<WireFault> {
            None
        }

        fn record(&self, _: &str, command: &Document) {
            self.0.lock().unwrap().push_str(&command.to_string());
        }
    }

    #[tokio::test]
    async fn a_password_is_not_written_down() {
        let record = Arc::new(Record::default());
        let (simulator, _) = start(record.clone()).await;
        let uri = simulator
            .uri()
            .replace("mongodb://", "mongodb://ada:s3cret@");
        let uri = format!("{uri}&authMechanism=PLAIN&authSource=$external");
        let client = Client::with_uri_str(uri).await.unwrap();
        client
            .database("d")
            .run_command(doc! { "ping": 1 })
            .await
            .unwrap();
        let seen = record.0.lock().unwrap();
        let sasl = r#""saslStart": 1, "mechanism": "PLAIN", "payload": "***""#;
        assert!(seen.contains(sasl), "{seen}");
        assert!(!seen.contains("s3cret"), "{seen}");
    }
}
