//! Twilio: messages, calls, lookup, verification and usage.
