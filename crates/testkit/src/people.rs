//! Whoever is behind the client: answers questions, and hears how far the work has come.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use business_tools_core::{Answer, Asker, ProgressSink};

/// A person who gives one answer to every question, and remembers what was asked.
#[derive(Debug, Clone)]
pub struct Person {
    answer: Answer,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Person {
    /// One who agrees.
    pub fn who_says_yes() -> Self {
        Self::who_answers(Answer::Yes)
    }

    /// One who refuses.
    pub fn who_says_no() -> Self {
        Self::who_answers(Answer::No)
    }

    /// Nobody: the client cannot ask.
    pub fn nobody() -> Self {
        Self::who_answers(Answer::CannotAsk)
    }

    /// One with this answer.
    pub fn who_answers(answer: Answer) -> Self {
        Self {
            answer,
            asked: Arc::default(),
        }
    }

    /// The questions so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Asker for Person {
    async fn ask(&self, question: &str, _bound: &str) -> Answer {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(question.to_owned());
        self.answer.clone()
    }
}

/// One report: done, total, message.
pub type Report = (u64, Option<u64>, String);

/// Progress as it was told.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<Report>>>);

impl Heard {
    /// Everything so far.
    pub fn all(&self) -> Vec<Report> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ProgressSink for Heard {
    fn report(&self, done: u64, total: Option<u64>, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((
            done,
            total,
            message.to_owned(),
        ));
    }
}
