//! What every provider owes its users, checked for every tool of it.
//!
//! `tests/conformance.rs` of a provider is one line:
//!
//! ```ignore
//! business_tools_testkit::conformance!(business_tools_shop::Shop);
//! ```
//!
//! It makes one test of each check. The crate exports, beside the provider, `simulator()`, `sandbox_config()` and
//! [`examples()`](business_tools_sandbox::examples). Where a check cannot hold for a provider, the same line says so, and why:
//!
//! ```ignore
//! business_tools_testkit::conformance!(business_tools_shop::Shop, |suite| suite
//!     .leave_out("html", "its protocol has no pages")
//!     .leave_out_for("shop_list_taxes", "pages", "no account has more than one"));
//! ```

pub mod circumstances;
pub mod faults;
pub mod hostile;
pub mod pages;
pub mod people;
pub mod repeats;
pub mod report;
pub mod results;
pub mod secrets;
pub mod settings;
pub mod shape;
pub mod stage;
pub mod suite;
pub mod told;

pub use suite::{Parts, Suite};

/// Runs a check to its end, on a thread of its own.
pub fn run(check: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime starts").block_on(check);
}

/// Makes the conformance tests of a provider: see [`conformance`](mod@crate::conformance).
#[macro_export]
macro_rules! conformance {
    ($home:ident :: $provider:ident) => {
        $crate::conformance!($home::$provider, |suite| suite);
    };
    ($home:ident :: $provider:ident, |$suite:ident| $deviations:expr) => {
        fn suite() -> $crate::conformance::Suite {
            let $suite = $crate::conformance::Suite::of::<$home::$provider>(
                $home::simulator,
                $home::sandbox_config,
                $home::examples,
            );
            $deviations
        }

        $crate::conformance!(@plain
            shape: names_begin_with_the_provider_and_a_known_verb,
            shape: descriptions_are_there_and_short,
            shape: every_argument_is_described,
            shape: schemas_are_flat_and_closed,
            shape: every_text_list_and_number_has_a_bound,
            shape: no_tool_takes_more_than_450_tokens,
            shape: the_verb_the_effect_and_the_common_arguments_agree,
            shape: scopes_follow_from_the_effect,
            shape: what_a_write_forgets_is_a_cached_read,
            shape: a_write_that_cannot_be_repeated_says_how_to_find_out,
            shape: every_tool_has_one_example,
            settings: the_settings_are_described_and_hold_what_the_environment_fills,
            settings: without_credentials_the_error_names_the_settings,
            settings: no_error_of_the_settings_quotes_a_value,
            suite: what_is_left_out_has_a_reason,
        );
        $crate::conformance!(@async
            results: every_example_is_answered,
            results: what_the_provider_describes_is_what_goes_over_the_wire,
            pages: every_list_is_visited_page_by_page_to_its_end,
            faults: a_refusal_is_told_as_what_it_is_and_not_repeated,
            faults: what_passes_is_tried_again_and_no_write_goes_out_twice,
            faults: a_lost_answer_to_a_write_is_an_unknown_outcome,
            faults: one_fault_is_got_over_where_that_is_safe,
            faults: retry_after_is_waited_for_and_a_long_one_is_told,
            repeats: reads_are_cached_where_declared_and_only_there,
            repeats: writes_are_never_answered_from_the_cache,
            repeats: an_idempotency_key_does_it_once,
            people: a_dry_run_shows_the_request_and_sends_nothing,
            people: what_destroys_asks_a_person_first,
            settings: health_tells_good_credentials_from_wrong_ones,
            settings: wrong_credentials_fail_every_tool_with_the_hint,
            secrets: a_secret_is_in_nothing_that_leaves,
            hostile: strange_arguments_are_refused_with_their_place_or_harmless,
        );
    };
    (@plain $($area:ident: $check:ident,)+) => {
        $(#[test]
        fn $check() {
            $crate::conformance::$area::$check(&suite());
        })+
    };
    (@async $($area:ident: $check:ident,)+) => {
        $(#[test]
        fn $check() {
            $crate::conformance::run($crate::conformance::$area::$check(&suite()));
        })+
    };
}
