//! What every provider owes its users, checked for every tool.

business_tools_testkit::conformance!(business_tools_twilio::Twilio, |suite| suite
    .leave_out_for(
        "twilio_make_call",
        "verb",
        "a call is made, in every language of business"
    )
    .leave_out_for(
        "twilio_redirect_call",
        "verb",
        "Twilio's own word for another TwiML"
    ));
