//! The tools, in listing order.

pub mod calls;
pub mod messages;
pub mod numbers;
pub mod recordings;
pub mod usage;
pub mod verify;

use business_tools_core::{ToolDef, tool};

use crate::Twilio;
use crate::client::Pairs;

pub(crate) const TOOLS: &[ToolDef<Twilio>] = &[
    tool::<messages::SendMessage>(),
    tool::<messages::SendWhatsapp>(),
    tool::<messages::ListMessages>(),
    tool::<messages::GetMessage>(),
    tool::<messages::CancelMessage>(),
    tool::<messages::RedactMessage>(),
    tool::<messages::DeleteMessage>(),
    tool::<calls::MakeCall>(),
    tool::<calls::ListCalls>(),
    tool::<calls::GetCall>(),
    tool::<calls::EndCall>(),
    tool::<calls::RedirectCall>(),
    tool::<recordings::ListRecordings>(),
    tool::<numbers::ListPhoneNumbers>(),
    tool::<numbers::LookupPhoneNumber>(),
    tool::<verify::StartVerification>(),
    tool::<verify::CheckVerification>(),
    tool::<usage::GetUsage>(),
];

const READ: &[&str] = &["twilio:read"];
const WRITE: &[&str] = &["twilio:write"];

/// E.164.
const NUMBER: &str = r"^\+[1-9]\d{1,14}$";
/// A day, `2026-01-31`, or an instant.
const DATE: &str = r"^\d{4}-\d\d-\d\d(T[0-9:.]+Z)?$";

/// Adds a parameter if it was given.
fn put(pairs: &mut Pairs, name: &'static str, value: Option<impl ToString>) {
    if let Some(value) = value {
        pairs.push((name, value.to_string()));
    }
}

/// How many of some alternatives were given.
fn given(alternatives: &[bool]) -> usize {
    alternatives.iter().filter(|given| **given).count()
}
