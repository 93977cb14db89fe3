//! The faults that a check found, told all at once.

use std::cell::RefCell;
use std::fmt::Display;

use futures_util::StreamExt;
use futures_util::stream;

use super::Suite;
use super::stage::Stage;
use crate::Exchange;

/// How many tools are tried at the same time.
const AT_ONCE: usize = 16;

/// The faults of one check, and the exchanges that it made.
pub(crate) struct Report<'a> {
    pub(crate) suite: &'a Suite,
    faults: RefCell<Vec<String>>,
    exchanges: RefCell<Vec<Exchange>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(suite: &'a Suite) -> Self {
        Self {
            suite,
            faults: RefCell::default(),
            exchanges: RefCell::default(),
        }
    }

    /// A fault of a tool: what was expected and what was met.
    pub(crate) fn fault(&self, subject: impl Display, expected: impl Display, got: impl Display) {
        let mut got = got.to_string();
        if got.len() > 1_500 {
            got.truncate(got.floor_char_boundary(1_500));
            got.push_str(" …");
        }
        self.faults.borrow_mut().push(format!(
            "{subject}\n    expected: {expected}\n    got: {got}"
        ));
    }

    /// Notes a fault unless it is so.
    pub(crate) fn need(
        &self,
        so: bool,
        subject: impl Display,
        expected: impl Display,
        got: impl Display,
    ) {
        if !so {
            self.fault(subject, expected, got);
        }
    }

    /// Takes what went over the wire of a stage that is over.
    pub(crate) fn keep(&self, stage: &Stage) {
        self.exchanges.borrow_mut().extend(stage.world.exchanges());
    }

    /// Does something for each of several subjects, several at a time.
    pub(crate) async fn each<T, F: Future<Output = ()>>(
        &self,
        subjects: impl IntoIterator<Item = T>,
        work: impl Fn(T) -> F,
    ) {
        stream::iter(subjects)
            .map(work)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// The end: compares the exchanges with the provider's description, and panics if there was any fault.
    pub(crate) fn finish(self, check: &str) {
        let mut faults = self.faults.into_inner();
        let exchanges = self.exchanges.into_inner();
        let id = self.suite.info.id;
        if !exchanges.is_empty()
            && let Some(contract) = self.suite.contract()
        {
            let broken = contract.faults(&exchanges);
            faults.extend(broken.into_iter().map(|fault| format!("contract: {fault}")));
            println!("contract of {id}: {} exchanges checked", exchanges.len());
        }
        faults.sort();
        faults.dedup();
        assert!(
            faults.is_empty(),
            "{id} does not conform: {check}: {} fault(s)\n\n{}\n",
            faults.len(),
            faults.join("\n")
        );
    }
}
