//! Properties of notes, tasks, calls, emails and meetings.

use super::fields::Shape::{Html, Line, Moment, Number, Paragraph};
use super::fields::{Field, choice, field};

pub(super) static NOTE: &[Field] = &[
    field("hs_note_body", "Note body", Html),
    field("hs_timestamp", "Activity date", Moment),
    field("hs_attachment_ids", "Attached file IDs", Line),
    field("hs_body_preview", "Body preview", Line).read_only(),
];

pub(super) static TASK: &[Field] = &[
    field("hs_task_subject", "Task Title", Line),
    field("hs_task_body", "Task Notes", Html),
    field("hs_timestamp", "Due date", Moment),
    choice(
        "hs_task_status",
        "Task Status",
        &[
            ("NOT_STARTED", "Not started"),
            ("IN_PROGRESS", "In progress"),
            ("WAITING", "Waiting"),
            ("DEFERRED", "Deferred"),
            ("COMPLETED", "Completed"),
        ],
    ),
    choice(
        "hs_task_priority",
        "Priority",
        &[
            ("NONE", "None"),
            ("LOW", "Low"),
            ("MEDIUM", "Medium"),
            ("HIGH", "High"),
        ],
    ),
    choice(
        "hs_task_type",
        "Task Type",
        &[("TODO", "To-do"), ("CALL", "Call"), ("EMAIL", "Email")],
    ),
];

pub(super) static CALL: &[Field] = &[
    field("hs_call_title", "Call Title", Line),
    field("hs_call_body", "Call notes", Html),
    field("hs_timestamp", "Activity date", Moment),
    field("hs_call_duration", "Call duration", Number),
    field("hs_call_from_number", "From Number", Line),
    field("hs_call_to_number", "To Number", Line),
    field("hs_call_recording_url", "Recording URL", Line),
    field("hs_call_disposition", "Call outcome", Line),
    choice(
        "hs_call_direction",
        "Call direction",
        &[("INBOUND", "Inbound"), ("OUTBOUND", "Outbound")],
    ),
    choice(
        "hs_call_status",
        "Call Status",
        &[
            ("BUSY", "Busy"),
            ("CALLING_CRM_USER", "Calling CRM User"),
            ("CANCELED", "Canceled"),
            ("COMPLETED", "Completed"),
            ("CONNECTING", "Connecting"),
            ("FAILED", "Failed"),
            ("IN_PROGRESS", "In Progress"),
            ("MISSED", "Missed"),
            ("NO_ANSWER", "No Answer"),
            ("QUEUED", "Queued"),
            ("RINGING", "Ringing"),
        ],
    ),
];

pub(super) static EMAIL: &[Field] = &[
    field("hs_email_subject", "Email subject", Line),
    field("hs_email_text", "Email body, plain text", Paragraph),
    field("hs_email_html", "Email body, HTML", Html),
    field("hs_email_headers", "Email Headers", Paragraph),
    field("hs_timestamp", "Activity date", Moment),
    choice(
        "hs_email_direction",
        "Email direction",
        &[
            ("EMAIL", "Email"),
            ("INCOMING_EMAIL", "Incoming Email"),
            ("FORWARDED_EMAIL", "Forwarded Email"),
        ],
    ),
    choice(
        "hs_email_status",
        "Email send status",
        &[
            ("BOUNCED", "Bounced"),
            ("FAILED", "Failed"),
            ("SCHEDULED", "Scheduled"),
            ("SENDING", "Sending"),
            ("SENT", "Sent"),
        ],
    ),
];

pub(super) static MEETING: &[Field] = &[
    field("hs_meeting_title", "Meeting title", Line),
    field("hs_meeting_body", "Meeting description", Html),
    field("hs_internal_meeting_notes", "Internal notes", Html),
    field("hs_meeting_location", "Meeting location", Line),
    field("hs_meeting_external_url", "External URL", Line),
    field("hs_timestamp", "Activity date", Moment),
    field("hs_meeting_start_time", "Meeting start time", Moment),
    field("hs_meeting_end_time", "Meeting end time", Moment),
    choice(
        "hs_meeting_outcome",
        "Meeting outcome",
        &[
            ("SCHEDULED", "Scheduled"),
            ("COMPLETED", "Completed"),
            ("RESCHEDULED", "Rescheduled"),
            ("NO_SHOW", "No show"),
            ("CANCELED", "Canceled"),
        ],
    ),
];
