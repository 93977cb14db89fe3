//! What every provider owes its users, checked for every tool.

business_tools_testkit::conformance!(business_tools_hubspot::HubSpot, |suite| suite
    .leave_out_for(
        "hubspot_upsert_records",
        "verb",
        "HubSpot's own word for create or update"
    )
    .answers_also("/status", "every refusal has it, and examples show it")
    .answers_also("/errorType", "of a refusal for too many requests")
    .answers_also("/policyName", "of a refusal for too many requests")
    .answers_also("/requestId", "of a refusal for too many requests"));
