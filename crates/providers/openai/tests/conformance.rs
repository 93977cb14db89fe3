//! What every provider owes its users, checked for every tool.

business_tools_testkit::conformance!(business_tools_openai::OpenAi, |suite| suite
    .leave_out_for("openai_generate_text", "verb", "OpenAI's own word")
    .leave_out_for("openai_generate_image", "verb", "OpenAI's own word")
    .leave_out_for("openai_generate_speech", "verb", "OpenAI's own word")
    .leave_out_for("openai_analyze_image", "verb", "what OpenAI calls it")
    .leave_out_for("openai_edit_image", "verb", "OpenAI's own word")
    .leave_out_for("openai_transcribe_audio", "verb", "OpenAI's own word")
    .leave_out_for("openai_translate_audio", "verb", "OpenAI's own word")
    .leave_out_for("openai_moderate_content", "verb", "OpenAI's own word")
    .leave_out_for(
        "openai_create_embedding",
        "verb",
        "OpenAI's own word; it keeps nothing, so it is a read"
    ));
