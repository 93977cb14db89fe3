//! What every provider owes its users, checked for every tool.

business_tools_testkit::conformance!(business_tools_mongo::Mongo, |suite| suite
    .leave_out(
        "html",
        "a gateway's page is garbage to the wire protocol, which is tried"
    )
    .leave_out("html in place of an answer", "as above")
    .leave_out(
        "retry_after",
        "the protocol has no header; a busy server's own wait is tested with a scripted one"
    )
    .gives_up(
        "408",
        "the server's time for the command is over: it would be over again"
    )
    .gives_up("504", "as above")
    .gives_up(
        "500",
        "an error of the server's own says nothing about a second try"
    )
    .leave_out_for("mongo_aggregate", "verb", "MongoDB's own word")
    .leave_out_for("mongo_distinct", "verb", "MongoDB's own word")
    .leave_out_for(
        "mongo_drop_collection",
        "404",
        "what should be gone is gone"
    )
    .leave_out_for(
        "mongo_replace_document",
        "confirmation",
        "it names one document and is seldom more than an edit"
    ));
