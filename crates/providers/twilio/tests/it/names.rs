//! The tools that there are.

use crate::support::world;

const NAMES: &[&str] = &[
    "twilio_cancel_message",
    "twilio_check_verification",
    "twilio_delete_message",
    "twilio_end_call",
    "twilio_get_call",
    "twilio_get_message",
    "twilio_get_usage",
    "twilio_list_calls",
    "twilio_list_messages",
    "twilio_list_phone_numbers",
    "twilio_list_recordings",
    "twilio_lookup_phone_number",
    "twilio_make_call",
    "twilio_redact_message",
    "twilio_redirect_call",
    "twilio_send_message",
    "twilio_send_whatsapp",
    "twilio_start_verification",
];

#[tokio::test]
async fn eighteen_tools_are_there_under_their_names() {
    let tools = world().await.registry.tools(None);
    let names: Vec<_> = tools.iter().map(|entry| entry.tool.spec.name).collect();
    assert_eq!(names, NAMES);
}
