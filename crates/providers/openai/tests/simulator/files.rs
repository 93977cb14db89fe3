//! `/files`.

use business_tools_openai::sandbox_config;
use business_tools_sandbox::Seed;
use reqwest::Method;

use crate::lab::{Lab, Part};

const NOTE: Part<'_> = ("file", Some("note.txt"), b"Buy milk.");

async fn upload(lab: &Lab, name: &str, purpose: &str, text: &str) -> String {
    let parts: [Part<'_>; 2] = [
        ("purpose", None, purpose.as_bytes()),
        ("file", Some(name), text.as_bytes()),
    ];
    let made = lab.form("/files", &parts).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_upload_is_kept_told_and_deleted() {
    let lab = Lab::new().await;
    let expiry: [Part<'_>; 4] = [
        ("purpose", None, b"vision"),
        NOTE,
        ("expires_after[anchor]", None, b"created_at"),
        ("expires_after[seconds]", None, b"3600"),
    ];
    let made = lab.form("/files", &expiry).await.ok();
    assert_eq!(
        (&made["bytes"], &made["filename"]),
        (&9.into(), &"note.txt".into())
    );
    let seconds = made["expires_at"].as_i64().unwrap() - made["created_at"].as_i64().unwrap();
    assert_eq!(seconds, 3600);

    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("file-"));
    assert_eq!(lab.get(&format!("/files/{id}")).await.ok(), made);
    let content = lab.get(&format!("/files/{id}/content")).await;
    assert_eq!(content.bytes, b"Buy milk.");
    assert_eq!(
        content.header("content-disposition"),
        "attachment; filename=\"note.txt\""
    );

    let gone = lab.delete(&format!("/files/{id}")).await.ok();
    assert_eq!((&gone["deleted"], &gone["id"]), (&true.into(), &id.into()));
    for method in [Method::GET, Method::DELETE] {
        let path = format!("/files/{id}");
        let answer = lab.send(method, &path, Some(crate::lab::KEY), None).await;
        let message = answer.refused(404, "id", "");
        assert_eq!(message, format!("No such File object: {id}"));
    }
}

#[tokio::test]
async fn lists_are_paged_both_ways_and_filtered() {
    let lab = Lab::new().await;
    let mut ids = Vec::new();
    for (name, purpose) in [
        ("a.txt", "vision"),
        ("b.txt", "user_data"),
        ("c.txt", "vision"),
    ] {
        ids.push(upload(&lab, name, purpose, name).await);
    }
    let names = async |query: &str| {
        let list = lab.get(&format!("/files?{query}")).await.ok();
        let data = list["data"].as_array().unwrap();
        assert_eq!(list["first_id"], data[0]["id"]);
        assert_eq!(list["last_id"], data[data.len() - 1]["id"]);
        let names: Vec<_> = data
            .iter()
            .map(|file| file["filename"].as_str().unwrap())
            .collect();
        (names.join(" "), list["has_more"].as_bool().unwrap())
    };
    assert_eq!(names("").await, ("c.txt b.txt a.txt".into(), false));
    assert_eq!(
        names("order=asc&limit=2").await,
        ("a.txt b.txt".into(), true)
    );
    let after = format!("order=asc&limit=2&after={}", ids[1]);
    assert_eq!(names(&after).await, ("c.txt".into(), false));
    assert_eq!(names("purpose=vision").await, ("c.txt a.txt".into(), false));
    let empty = lab.get("/files?purpose=batch").await.ok();
    assert_eq!(empty["has_more"], false);

    lab.get("/files?limit=0")
        .await
        .refused(400, "limit", "invalid_value");
    lab.get("/files?order=up")
        .await
        .refused(400, "order", "invalid_value");
    lab.get("/files?after=file-0")
        .await
        .refused(404, "after", "");
}

#[tokio::test]
async fn uploads_that_cannot_be_are_refused() {
    let lab = Lab::new().await;
    let purpose =
        |purpose: &'static str| -> Part<'static> { ("purpose", None, purpose.as_bytes()) };
    for (parts, param, code) in [
        (
            vec![purpose("vision")],
            "file",
            "missing_required_parameter",
        ),
        (vec![NOTE], "purpose", "missing_required_parameter"),
        (vec![NOTE, purpose("fun")], "purpose", "invalid_value"),
        (
            vec![NOTE, purpose("vision"), ("colour", None, b"red")],
            "colour",
            "unknown_parameter",
        ),
        (vec![NOTE, purpose("batch")], "file", ""),
        (
            vec![purpose("vision"), ("file", Some("empty.txt"), b"")],
            "file",
            "",
        ),
        (
            vec![purpose("batch"), ("file", Some("x.jsonl"), b"{}\nno")],
            "file",
            "",
        ),
        (
            vec![
                NOTE,
                purpose("vision"),
                ("expires_after[anchor]", None, b"created_at"),
                ("expires_after[seconds]", None, b"60"),
            ],
            "expires_after.seconds",
            "invalid_value",
        ),
    ] {
        lab.form("/files", &parts).await.refused(400, param, code);
    }
    let answer = lab.post("/files", serde_json::json!({})).await;
    answer.refused(400, "", "");
}

#[tokio::test]
async fn keys_do_not_see_each_others_files() {
    let lab = Lab::new().await;
    let id = upload(&lab, "a.txt", "vision", "x").await;
    let other = Some("sk-another-0123456789abcdef");
    let answer = lab
        .send(Method::GET, &format!("/files/{id}"), other, None)
        .await;
    answer.refused(404, "id", "");
    let answer = lab.send(Method::GET, "/files", other, None).await;
    assert_eq!(answer.ok()["data"], serde_json::json!([]));
}

#[tokio::test]
async fn files_for_the_models_alone_are_not_given_back() {
    let lab = Lab::new().await;
    let id = upload(&lab, "a.txt", "user_data", "x").await;
    lab.get(&format!("/files/{id}/content"))
        .await
        .refused(400, "", "");
    let lines = upload(&lab, "lines.jsonl", "batch", "{\"a\":1}\n{\"a\":2}\n").await;
    let content = lab.get(&format!("/files/{lines}/content")).await;
    assert_eq!(content.text().lines().count(), 2);
}

#[tokio::test]
async fn the_demo_company_has_files() {
    let lab = Lab::seeded(Seed::Demo).await;
    let config = sandbox_config("");
    let key = config["api_key"].as_str();
    let list = lab.send(Method::GET, "/files", key, None).await.ok();
    let names = list["data"].as_array().unwrap().iter();
    let names: Vec<_> = names
        .map(|file| file["filename"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "note-harbor-pine.txt",
            "price-list.jsonl",
            "returns-policy.txt"
        ]
    );
    let prices = format!("/files/{}/content", list["data"][1]["id"].as_str().unwrap());
    let prices = lab.send(Method::GET, &prices, key, None).await.text();
    for line in prices.lines() {
        let item: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(item["price"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(lab.get("/files").await.ok()["data"], serde_json::json!([]));
}
