//! One thing that was looked at, and how a terminal and a machine are told of it.

use std::time::Duration;

use serde_json::{Value, json};

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Odd, and not in the way.
    Odd,
    /// In the way.
    Failed,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Odd => "odd",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// `configuration`, `state`, or a provider.
    pub(super) subject: String,
    /// The account, of those that have one.
    pub(super) account: Option<String>,
    /// `dns`, `connection`, `credentials`, …
    pub(super) step: &'static str,
    pub(super) verdict: Verdict,
    /// What was tried.
    pub(super) tried: String,
    /// What answered.
    pub(super) answer: String,
    /// What to do about it.
    pub(super) remedy: Option<String>,
    pub(super) took: Option<Duration>,
}

impl Finding {
    pub(super) fn new(
        subject: &str,
        step: &'static str,
        verdict: Verdict,
        tried: impl Into<String>,
        answer: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.to_owned(),
            account: None,
            step,
            verdict,
            tried: tried.into(),
            answer: answer.into(),
            remedy: None,
            took: None,
        }
    }

    pub(super) fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    pub(super) fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        self
    }

    pub(super) fn json(&self) -> Value {
        let took = self
            .took
            .map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        json!({
            "subject": self.subject, "account": self.account, "step": self.step,
            "verdict": self.verdict.word(), "tried": self.tried, "answer": self.answer,
            "remedy": self.remedy, "took_ms": took,
        })
    }

    fn line(&self) -> String {
        let mark = match self.verdict {
            Verdict::Ok => "ok    ",
            Verdict::Odd => "odd   ",
            Verdict::Failed => "FAILED",
        };
        let took = self
            .took
            .map_or_else(String::new, |took| format!(" ({} ms)", took.as_millis()));
        let tried = match self.tried.as_str() {
            "" => String::new(),
            tried => format!("{tried}: "),
        };
        let mut line = format!("  {mark} {:<12} {tried}{}{took}", self.step, self.answer);
        if let Some(remedy) = &self.remedy {
            line.push_str("\n                      -> ");
            line.push_str(remedy);
        }
        line
    }
}

/// The findings as people read them: one block a subject.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    let mut last = None;
    for finding in findings {
        let heading = (&finding.subject, &finding.account);
        if last != Some(heading) {
            lines.push(match &finding.account {
                Some(account) => format!("{} ({account})", finding.subject),
                None => finding.subject.clone(),
            });
            last = Some(heading);
        }
        lines.push(finding.line());
    }
    lines.join("\n")
}
