//! Faults of a configuration, all told at once.

use std::fmt;

/// One fault. It never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where: `providers.twilio.retry.max_attempts`, `BUSINESS_TOOLS_LISTEN`, `.env.local line 3`.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)?;
        if self.remedy.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", self.remedy)
    }
}

/// Every fault of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report(Vec<Fault>);

impl Report {
    /// Adds a fault.
    pub fn add(
        &mut self,
        path: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let fault = Fault {
            path: path.into(),
            what: what.into(),
            remedy: remedy.into(),
        };
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, in the order in which they were found.
    pub fn faults(&self) -> &[Fault] {
        &self.0
    }

    /// Whether something at `path` or below it is wrong already.
    pub(crate) fn touches(&self, path: &str) -> bool {
        self.0.iter().any(|fault| {
            fault
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "fault" } else { "faults" };
        write!(f, "the configuration has {} {plural}", self.0.len())?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
