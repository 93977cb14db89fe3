//! The simulator as a client of another make sees it. Every exchange is held against OpenAI's own description, where
//! that is at hand.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do"
)]

mod audio;
mod chat;
mod embeddings;
mod files;
mod images;
mod lab;
mod models;
mod moderations;
mod refusals;
mod responses;
mod streams;
