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
    /// The file and the line, when they are known.
    pub place: Option<Place>,
}

/// A line of a file: `config.yaml line 7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file, self.line)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
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
            place: None,
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

    /// Adds the places of the faults that have none, and puts the faults in their order.
    pub(crate) fn locate(&mut self, place: impl Fn(&str) -> Option<Place>) {
        for fault in &mut self.0 {
            if fault.place.is_none() {
                fault.place = place(&fault.path);
            }
        }
        self.0.sort_by(|a, b| a.place.cmp(&b.place));
    }

    /// Whether something at exactly this path is wrong already.
    pub(crate) fn names(&self, path: &str) -> bool {
        self.0.iter().any(|fault| fault.path == path)
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
