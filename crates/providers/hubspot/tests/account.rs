//! The account, against the simulator.

#[cfg(test)]
mod tests {
    use business_tools_core::{Cx, Env, Kind, Provider, Tool, Upstream};
    use business_tools_hubspot::tools::account::GetAccount;
    use business_tools_hubspot::{HubSpot, sandbox_config, simulator};
    use business_tools_sandbox::{Running, Sandbox};

    async fn sandbox() -> Running {
        let any_port = ([127, 0, 0, 1], 0).into();
        Sandbox::new(vec![simulator()])
            .start(any_port)
            .await
            .unwrap()
    }

    fn connected(sandbox: &Running, api_key: &str) -> HubSpot {
        let mut config = sandbox_config(&sandbox.base_url("hubspot"));
        config.insert("api_key".to_owned(), api_key.into());
        let config = serde_json::from_value(config.into()).unwrap();
        let upstream = Upstream::new(&HubSpot::INFO, HubSpot::INFO.policy.clone(), Env::alone());
        HubSpot::connect(config, upstream).unwrap()
    }

    #[tokio::test]
    async fn the_account_of_the_credentials_is_told() {
        let sandbox = sandbox().await;
        let provider = connected(&sandbox, "good");
        let account = GetAccount {}.run(&provider, &Cx::local()).await.unwrap();
        assert_eq!(account.name, "Sandbox");
        sandbox.shutdown().await;
    }

    #[tokio::test]
    async fn a_wrong_key_is_an_authentication_failure() {
        let sandbox = sandbox().await;
        let provider = connected(&sandbox, "wrong");
        let error = GetAccount {}
            .run(&provider, &Cx::local())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::AuthFailed);
        sandbox.shutdown().await;
    }
}
