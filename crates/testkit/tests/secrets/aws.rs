//! AWS Secrets Manager.

use business_tools_sandbox::{FaultKind, FaultRule};
use business_tools_testkit::secrets::SecretsManager;

use super::World;

const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

async fn world(session_token: Option<&str>) -> (SecretsManager, World) {
    let manager = SecretsManager::new(KEY_ID, KEY, session_token);
    manager
        .put(
            "prod/app",
            r#"{"password": "s3cr3t", "port": 5432, "more": {"a": 1}}"#,
        )
        .put("plain", "a whole text");
    let mut world = World::new(manager.simulator()).await;
    let url = world.url("secretsmanager");
    world.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", url);
    world.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    world.set("AWS_ACCESS_KEY_ID", KEY_ID);
    world.set("AWS_SECRET_ACCESS_KEY", KEY);
    world.set("AWS_REGION", SecretsManager::REGION);
    (manager, world)
}

#[tokio::test]
async fn a_member_or_the_whole_of_a_secret_is_found() {
    let (manager, world) = world(None).await;
    manager.put_binary("bytes", "YSB0ZXh0IG9mIGJ5dGVz");
    assert_eq!(world.find("aws-sm:prod/app#password").await, "s3cr3t");
    assert_eq!(world.find("aws-sm:prod/app#port").await, "5432");
    assert_eq!(world.find("aws-sm:plain").await, "a whole text");
    assert_eq!(world.find("aws-sm:bytes").await, "a text of bytes");
}

#[tokio::test]
async fn an_arn_brings_its_own_region() {
    let (_, mut world) = world(None).await;
    world.set("AWS_REGION", "us-east-1");
    world
        .refused("aws-sm:plain", "AWS refused the credentials", "the clock")
        .await;
    world.unset("AWS_REGION");
    world
        .refused("aws-sm:plain", "needs AWS_REGION", "by its ARN")
        .await;
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/app-AbCdEf";
    assert_eq!(
        world.find(&format!("aws-sm:{arn}#password")).await,
        "s3cr3t"
    );
    world.set("AWS_DEFAULT_REGION", SecretsManager::REGION);
    assert_eq!(world.find("aws-sm:plain").await, "a whole text");
}

#[tokio::test]
async fn temporary_credentials_come_with_their_token_and_end() {
    let (manager, mut world) = world(Some("a/session+token==")).await;
    world
        .refused(
            "aws-sm:plain",
            "AWS refused the credentials",
            "AWS_SESSION_TOKEN",
        )
        .await;
    world.set("AWS_SESSION_TOKEN", "a/session+token==");
    assert_eq!(world.find("aws-sm:plain").await, "a whole text");
    manager.expire();
    assert!(!world.secrets.refresh().await);
    assert!(!world.is_well());
    assert_eq!(world.find("aws-sm:plain").await, "a whole text");
    world
        .refused(
            "aws-sm:prod/app#password",
            "have expired",
            "AWS_SESSION_TOKEN",
        )
        .await;
}

#[tokio::test]
async fn what_cannot_be_had_is_told_with_what_would_be_right() {
    let (manager, mut world) = world(None).await;
    manager.put_binary("picture", "/9j/4AAQSkZJRg==");
    manager.put("denied", "x").deny("denied");
    for (reference, what, remedy) in [
        (
            "aws-sm:nothing",
            "no such secret in this region",
            "AWS_REGION",
        ),
        (
            "aws-sm:denied",
            "does not give the secret to these credentials",
            "secretsmanager:GetSecretValue",
        ),
        ("aws-sm:plain#x", "no object with keys", "leave out `#`"),
        ("aws-sm:prod/app#user", "no such key", "after `#`"),
        (
            "aws-sm:prod/app#more",
            "no text under this key",
            "as a text",
        ),
        ("aws-sm:picture", "is not a text", "as a text"),
    ] {
        world.refused(reference, what, remedy).await;
    }
    world.set("AWS_SECRET_ACCESS_KEY", "another");
    world
        .refused(
            "aws-sm:plain",
            "AWS refused the credentials",
            "AWS_SECRET_ACCESS_KEY",
        )
        .await;
    world.set("AWS_ACCESS_KEY_ID", "AKIAANOTHER");
    world
        .refused(
            "aws-sm:plain",
            "AWS refused the credentials",
            "AWS_ACCESS_KEY_ID",
        )
        .await;
    world.unset("AWS_ACCESS_KEY_ID");
    world
        .refused(
            "aws-sm:plain",
            "needs AWS_ACCESS_KEY_ID",
            "AWS_SESSION_TOKEN",
        )
        .await;
    world.set("AWS_ACCESS_KEY_ID", KEY_ID);
    world.set("AWS_REGION", "evil.example/#-");
    world
        .refused("aws-sm:plain", "not the name of a region", "eu-west-1")
        .await;
}

#[tokio::test]
async fn a_service_that_fails_is_tried_again_and_then_told() {
    let (_, world) = world(None).await;
    let fault = |kind| FaultRule::new("secretsmanager", kind);
    world.breaks(fault(FaultKind::Status).status(500).times(2));
    assert_eq!(world.find("aws-sm:plain").await, "a whole text");
    world.breaks(fault(FaultKind::Garbage));
    world
        .refused("aws-sm:prod/app#password", "cannot be read", "the address")
        .await;
    world.heal();
    world.breaks(fault(FaultKind::Reset));
    world
        .refused(
            "aws-sm:prod/app#password",
            "connection to AWS Secrets Manager broke",
            "again",
        )
        .await;
}
