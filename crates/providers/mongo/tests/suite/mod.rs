//! What a MongoDB server does, as far as this crate relies on it.
//!
//! The same behaviours run against the simulator, against a real engine behind the tests' front,
//! and against a server of your own. A failure of one flavour alone is a difference worth knowing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a behaviour fails by panicking, as any test does"
)]

mod aggregation;
mod catalog;
mod indexes;
mod reading;
mod refusals;
mod writing;

pub(crate) use self::{
    aggregation::*, catalog::*, indexes::*, reading::*, refusals::*, writing::*,
};

use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
    error::{Error, ErrorKind, WriteFailure},
};

/// Which server is under test; behaviours ask where the servers are known to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test binary knows one or two of them")]
pub(crate) enum Flavor {
    Simulator,
    DocumentDb,
    Real,
}

/// Hands the name of every behaviour to a macro, which makes a test of each.
macro_rules! for_each_behaviour {
    ($make:ident) => {
        $make! {
            inserted_documents_come_back_as_they_went_in
            an_id_is_made_where_none_is_given
            a_second_document_with_the_same_id_is_refused
            unordered_inserts_go_on_after_a_duplicate
            updates_report_what_they_matched_and_what_they_changed
            an_upsert_takes_its_fields_from_filter_and_update
            a_replacement_keeps_the_id_and_nothing_else
            array_elements_are_updated_by_position_and_by_filter
            a_pipeline_updates_from_the_document_itself
            deleting_takes_one_or_all
            find_one_and_update_answers_the_document_before_or_after
            numbers_grow_without_losing_their_type
            filters_compare_reach_into_arrays_and_negate
            patterns_match_with_their_options
            sort_skip_and_limit_page_through_the_matches
            projections_keep_or_drop_fields
            a_cursor_is_read_batch_by_batch
            counting_and_distinct_values
            decimals_and_large_integers_stay_exact
            pipelines_group_sort_and_count
            pipelines_unwind_and_join
            pipelines_reshape_documents
            facets_answer_several_questions_at_once
            samples_are_of_the_size_asked_for
            a_unique_index_refuses_duplicates
            indexes_are_listed_and_dropped
            an_index_made_twice_is_one_and_a_conflicting_one_is_refused
            explain_tells_an_index_from_a_scan
            databases_and_collections_are_listed
            dropping_a_collection_forgets_its_documents
            collection_statistics_count_the_documents
            the_handshake_and_the_build_are_described
            an_unknown_command_is_refused_by_name
            an_unknown_query_operator_is_refused
            an_unknown_update_operator_is_refused
            an_unknown_stage_is_refused
            an_unknown_expression_is_refused
            an_id_cannot_be_changed
            a_document_nested_too_deep_is_not_stored
        }
    };
}
pub(crate) use for_each_behaviour;

/// The server's number for an error, wherever the driver put it.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => error.write_errors.as_ref()?.first().map(|e| e.code),
        _ => None,
    }
}

async fn filled(database: &Database, documents: Vec<Document>) -> Collection<Document> {
    let collection = database.collection("things");
    collection.insert_many(documents).await.unwrap();
    collection
}

async fn ids(collection: &Collection<Document>, filter: Document) -> Vec<i32> {
    let found = collection
        .find(filter)
        .sort(doc! { "_id": 1 })
        .await
        .unwrap();
    let found: Vec<Document> = found.try_collect().await.unwrap();
    found
        .iter()
        .map(|document| document.get_i32("_id").unwrap())
        .collect()
}

async fn one(collection: &Collection<Document>, id: i32) -> Document {
    collection
        .find_one(doc! { "_id": id })
        .await
        .unwrap()
        .unwrap()
}

async fn aggregate(collection: &Collection<Document>, stages: Vec<Document>) -> Vec<Document> {
    collection
        .aggregate(stages)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap()
}

fn database(client: &Client, name: &str) -> Database {
    client.database(name)
}
