//! The conformance suite of the storage ports ([`crate::CommitLog`], [`crate::ontology::OntologyStore`],
//! [`crate::kernel::ObjectStore`]): one function per sentence of behaviour, each on a store of its own.

pub mod aggregate;
pub mod as_of;
pub mod budget;
pub mod commit_log;
pub mod entry;
pub mod filter;
pub mod group;
pub mod history;
pub mod isolation;
pub mod link;
pub mod links;
pub mod object;
pub mod page;
pub mod precondition;
pub mod publication;
pub mod query;
pub mod reference;
pub mod schema;
pub mod tenancy;
pub mod traverse;
pub mod unique;
pub mod violation;

/// Makes a test of every function of the suite. The argument is an asynchronous function from an [`crate::Env`] to an empty store, an
/// `Arc<dyn Store>`, or to an `Option` of one: `None` where what the store needs is not there, which the function has said. The test package needs `tokio` with its features `macros` and `rt-multi-thread`.
///
/// ```ignore
/// mod my_store {
///     async fn open(env: arrakis_core::Env) -> std::sync::Arc<dyn arrakis_core::Store> { /* … */ }
///
///     arrakis_core::store_suite!(open);
/// }
/// ```
#[macro_export]
macro_rules! store_suite {
    ($open:path) => {
        $crate::store_suite! { @modules $open =>
            aggregate {
                counts
                integers_add_up_beyond_64_bits
                negative_integers_add_up_beyond_64_bits
                decimals_and_durations_add_up
                doubles_add_up_exactly
                smallest_and_largest
                different_values_are_counted
                an_empty_set_is_one_group
                only_the_set_is_measured
                an_interface_is_one_set
                links_are_measured
                foreign_keys_are_measured
                measured_values_keep_their_type
            }
            as_of {
                objects_as_of_a_commit
                queries_as_of_a_commit
                traversals_as_of_a_commit
                conditions_on_links_as_of_a_commit
                aggregates_as_of_a_commit
                gaps_in_a_life_are_gaps_as_of_then
            }
            budget {
                a_query_beyond_its_rows_is_refused
                rows_are_counted_before_paging
                rows_are_counted_across_types
                an_aggregate_beyond_its_rows_is_refused
                a_read_beyond_its_time_is_refused
            }
            commit_log {
                an_empty_store_has_no_commit
                seq_is_gap_free
                a_commit_twice_answers_the_first_receipt
                a_commit_twice_in_a_batch_is_one
                a_refused_commit_may_be_tried_again
                a_commit_id_of_another_tenant_is_refused
                a_failing_commit_leaves_its_neighbours
                a_commit_sees_those_before_it
                a_refused_commit_leaves_nothing
                all_of_a_batch_is_applied
                none_of_a_batch_is_applied
                an_empty_batch_has_no_results
                a_commit_without_changes_is_logged
                concurrent_writers_share_one_order
                a_dropped_batch_is_whole_or_nothing
                a_moved_schema_refuses_the_commit
                an_unstated_schema_refuses_the_commit
                the_log_never_goes_back_in_time
                the_commit_at_an_instant_is_the_newest_by_then
                a_receipt_is_found_by_its_tenant
                a_commit_is_of_one_request
                a_rehearsal_tells_what_a_commit_would_do
                a_rehearsal_refuses_what_a_commit_refuses
                the_cursor_key_stays
            }
            entry {
                an_entry_tells_who_when_and_why
                an_entry_lists_effects_in_order
                an_entry_lists_what_a_deletion_reaches
                an_entry_lists_spaces_tenants_and_versions
                entries_are_read_in_pages
            }
            filter {
                comparisons_of_every_base_type
                membership_of_every_base_type
                membership_of_many_values
                absence_of_every_base_type
                conditions_combine
                text_is_matched_byte_for_byte
                prefixes_at_the_end_of_the_order
                arrays_contain_whole_elements
                arrays_contain_numbers
                positions_lie_in_areas
                links_are_conditions
                foreign_keys_are_conditions
                conditions_on_links_nest
            }
            group {
                groups_of_equal_values
                groups_of_several_keys
                an_empty_set_has_no_groups
                groups_need_no_measures
                groups_of_ranges
                ranges_of_every_ordered_type
                groups_of_calendar_units
                groups_of_instants
                groups_over_links
                groups_are_of_the_set
            }
            history {
                versions_tell_what_happened
                links_have_versions
                what_never_existed_has_no_versions
                versions_are_read_in_pages
                what_a_deletion_reached_has_its_version
            }
            isolation {
                what_a_tenant_wrote_no_other_reads
                tenants_with_equal_keys_read_their_own
                writes_stay_in_their_tenant
                refusals_do_not_tell_of_other_tenants
                a_tenant_astray_reads_nothing
            }
            link {
                a_link_is_read_as_written
                a_link_has_a_direction
                a_link_is_created_once
                an_absent_link_is_not_deleted
                an_upsert_creates_or_replaces_a_link
                an_upsert_without_effect_writes_no_link
                both_ends_exist
                one_link_where_there_may_be_one
                unlink_deletes_the_links
                restrict_refuses_to_delete_what_is_linked
                two_changes_of_a_link_in_a_commit_leave_one_version
            }
            links {
                links_come_in_the_order_of_the_far_key
                links_in_a_foreign_key_are_read_alike
                links_are_read_in_pages
                links_to_given_keys
                links_that_satisfy_a_condition
                links_as_of_a_commit
            }
            object {
                every_base_type_is_read_as_written
                edges_of_types_are_read_as_written
                json_is_read_as_written
                the_longest_text_is_read_as_written
                texts_in_an_index_have_their_length
                keys_differ_by_every_byte
                objects_come_in_the_order_asked
                many_objects_are_read_at_once
                an_object_is_created_once
                an_absent_object_is_not_changed
                a_modification_changes_what_it_names
                an_upsert_creates_or_modifies
                a_modification_without_effect_writes_nothing
                two_changes_in_a_commit_leave_one_version
                created_and_deleted_in_a_commit_leaves_no_version
                deleted_and_created_in_a_commit_is_modified
                a_deleted_object_may_come_back
                derived_values_follow
                equal_keys_of_two_types_are_two_objects
            }
            page {
                a_walk_meets_every_object_once
                a_walk_crosses_types
                the_last_page_says_so
                a_position_need_not_be_taken
                a_walk_keeps_to_its_commit
                a_walk_of_the_present_goes_on
                positions_hold_every_ordered_type
            }
            precondition {
                an_object_is_absent
                an_object_is_at_its_revision
                a_value_is_free
                an_object_holds_its_value
                a_link_is_at_its_revision
                a_link_is_absent
                preconditions_come_before_changes
                preconditions_see_one_tenant
            }
            publication {
                a_new_property_is_absent_in_old_rows
                new_types_and_links_are_ready
                a_rewrite_fills_what_was_absent
                a_type_change_converts_the_values
                a_value_that_does_not_convert
                a_type_changed_there_and_back
                a_retired_property_stays_in_the_past
                a_retired_type_ends_its_rows
                a_rename_keeps_the_rows
                a_rewrite_brings_links_along
                a_rewrite_derives_anew
                a_moved_base_refuses_the_publication
                violated_rules_refuse_the_publication
                a_publication_shares_a_batch
                spaces_are_published_apart
                indexes_come_and_go
            }
            query {
                plain_sets
                a_set_of_many_keys
                text_keys_are_in_byte_order
                sets_combine
                outputs_are_selected
                objects_bear_their_revision
                order_has_absent_values_and_ties
                order_has_several_terms
                every_ordered_type_is_ordered
                an_interface_spans_its_types
                an_interface_is_ordered_across_types
            }
            reference {
                a_reference_to_nothing_is_refused
                a_reference_may_come_before_its_object
                a_reference_taken_back_is_not_judged
                a_reference_stays_in_its_tenant
                restrict_refuses_to_delete_what_is_named
                restrict_allows_to_replace_what_is_named
                unlink_clears_what_named_it
                cascade_deletes_what_named_it
                cascade_ends_on_circles
                what_a_cascade_deleted_is_gone
                a_cascade_has_a_limit
                an_unlink_has_a_limit
                one_holder_where_there_may_be_one
                an_unchanged_reference_is_left_alone
            }
            schema {
                the_current_schema_is_the_last_one_published
                a_schema_is_read_as_published
                versions_stay_readable
                a_commit_has_the_schema_in_force
                versions_are_listed_in_pages
            }
            tenancy {
                a_space_is_created_once
                a_tenant_is_created_once
                a_tenant_needs_its_space
                a_space_and_its_tenant_come_in_one_commit
                a_tenant_is_found_by_its_id
                a_write_needs_its_tenant_in_the_space
            }
            traverse {
                one_link_leads_to_its_far_end
                a_walk_is_as_long_as_asked
                a_walk_may_return
                a_walk_in_either_direction_turns
                every_link_satisfies_the_condition
                foreign_keys_are_walked
                links_between_types_are_walked
                walks_are_sets
                many_ways_lead_to_one_end
            }
            unique {
                a_held_value_is_refused
                absent_values_are_not_held
                held_values_differ_by_every_byte
                the_holder_keeps_its_value
                values_are_judged_in_order
                a_swap_goes_through_a_third_value
                a_deleted_object_holds_nothing
                tenants_hold_values_apart
            }
            violation {
                presence_is_counted
                values_that_do_not_fit_are_counted
                repeated_values_are_counted
                values_that_name_nothing_are_counted
                links_are_counted
                samples_are_the_first
                rules_are_counted_in_order
            }
        }
    };
    (@modules $open:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::store_suite! { @module $open, $module => $($function)* })*
    };
    (@module $open:path, $module:ident => $($function:ident)*) => {
        $($crate::store_suite! { @test $open, $module, $function })*
    };
    (@test $open:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let test = $crate::testing::TestEnv::default();
            let opened: Option<std::sync::Arc<dyn $crate::Store>> = $open(test.env()).await.into();
            let Some(store) = opened else { return };
            $crate::testing::store::$module::$function($crate::testing::Fixture::new(store, test).await).await;
        }
    };
}

#[cfg(test)]
mod tests {
    /// A function of the suite that no adapter runs would look as if every adapter passed it.
    #[test]
    fn every_function_of_the_suite_is_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/store");
        let listed = std::fs::read_to_string(format!("{folder}/mod.rs")).unwrap();
        let mut functions = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let module = path.file_stem().unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let list = listed.split(&format!("            {module} {{\n")).nth(1).unwrap_or_default();
            let list = list.split('}').next().unwrap_or_default();
            for line in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let function = line.split('(').next().unwrap();
                assert!(list.lines().any(|line| line.trim() == function), "{module}::{function} is not listed");
                functions += 1;
            }
        }
        assert!(functions > 200, "{functions}");
    }
}
