//! The conformance suites of the services: one function per sentence of behaviour, each on a deployment of its own, asked in JSON.

pub mod access;
pub mod action;
mod deployment;
pub mod feed;
pub mod kernel;
#[cfg(feature = "users")]
pub mod user;

pub use self::deployment::{Deployment, Method};

/// Makes a test of every function of the suite of [`crate::kernel::KernelService`]. The argument is an asynchronous function from a
/// [`crate::testing::TestEnv`] to a [`Deployment`]; the test package needs `tokio` with its features `macros` and `rt-multi-thread`.
///
/// ```ignore
/// mod my_service {
///     async fn open(test: arrakis_core::testing::TestEnv) -> arrakis_core::testing::service::Deployment { /* … */ }
///
///     arrakis_core::kernel_suite!(open);
/// }
/// ```
#[macro_export]
macro_rules! kernel_suite {
    ($open:path) => {
        $crate::service_suite! { @modules kernel, $open =>
            aggregate {
                values_are_measured
                nothing_measures_nothing
                sums_are_exact_or_refused
                links_are_measured
                an_aggregate_has_its_rules
            }
            as_of {
                a_past_state_is_read_as_it_was
                a_past_state_is_queried_by_its_own_values
                before_the_first_there_is_nothing
                the_future_is_not_read
                a_read_has_seen_what_it_states
            }
            bad_input {
                names_are_known_and_stated_once
                links_keep_their_cardinality_and_ends
                an_ontology_at_fault_is_not_published
            }
            budget {
                a_set_within_its_rows_is_read
                pairs_of_object_and_link_are_rows
                a_read_within_its_time_is_read
            }
            extreme {
                numbers_have_their_edges
                texts_have_their_lengths
                nesting_has_its_depth
                lists_have_their_lengths
                a_number_that_is_none_is_no_value
            }
            filter {
                comparisons_hold_on_every_type
                unsuitable_comparisons_are_refused
                texts_match_byte_for_byte
                lists_contain_their_elements
                positions_lie_in_areas
                conditions_are_joined
                links_are_conditions
                text_is_read_as_people_write_it
                filters_have_their_limits
            }
            get {
                objects_come_in_the_order_asked
                selected_properties_come_in_the_order_asked
                a_selection_names_each_property_once
                structs_name_their_fields
                keys_asked_for_have_their_limits
            }
            group {
                equal_values_are_one_group
                several_keys_make_combinations
                ranges_hold_their_start_and_not_their_end
                calendar_units_are_groups
                groups_are_chosen_and_ordered
                groups_have_their_rules
            }
            history {
                versions_tell_what_happened
                links_have_their_versions
                what_a_deletion_reaches_has_its_version
                what_never_existed_has_no_versions
                versions_come_in_pages
                a_history_has_its_rules
            }
            interface {
                objects_of_every_implementer_come_together
                an_interface_has_its_own_names
                pages_run_through_the_types
                interface_sets_are_combined
                links_of_an_interface_are_each_types_own
                an_interface_is_aggregated_over_its_types
            }
            link {
                a_link_is_read_as_written
                linking_again_replaces_the_properties
                properties_of_links_obey_their_rules
                both_ends_of_a_link_exist
                cardinality_holds
                an_absent_link_is_not_deleted
                a_link_in_a_property_sets_it
                a_link_in_a_property_replaces_the_one_before
                unlinking_empties_the_property
                a_link_in_a_property_obeys_the_property
                ends_of_links_are_named_by_keys_of_their_type
            }
            load {
                rows_become_objects
                text_is_read_by_the_type_of_its_column
                rows_become_links
                rows_at_fault_are_told_and_nothing_is_loaded
                a_row_that_repeats_another_is_rejected
                what_stored_data_refuses_is_told_row_by_row
                rows_refer_to_each_other
                a_load_creates_or_upserts
                a_load_sent_again_has_one_effect
                a_long_load_is_whole_or_not_at_all
                rejections_are_counted_beyond_those_listed
                a_load_at_fault_as_a_whole_is_refused
                a_load_says_who_and_why
            }
            neighbours {
                neighbours_are_links_and_objects
                neighbours_by_a_property_are_alike
                neighbours_come_in_pages
                neighbours_have_their_rules
                links_come_in_the_order_asked
                links_asked_for_have_their_limits
            }
            object {
                every_base_type_is_read_as_written
                other_forms_of_a_value_are_read_as_the_one
                a_value_of_another_type_is_refused
                defaults_are_taken_unless_null_is_given
                a_required_property_is_there
                values_obey_their_constraints
                an_object_is_created_once
                keys_have_their_edges
                a_key_is_found_by_its_digits
                a_modification_replaces_what_it_names
                a_modification_without_effect_writes_no_version
                what_is_absent_is_not_changed
                a_key_does_not_change
                an_upsert_creates_or_replaces
                a_derived_property_follows
                a_deleted_object_is_absent_and_may_return
                a_deletion_follows_the_rules_of_links
                unique_values_are_held_once
                properties_come_in_the_order_of_the_schema
            }
            order {
                objects_come_by_key
                every_ordered_type_has_its_order
                later_terms_break_ties
                an_order_has_its_rules
            }
            page {
                pages_of_any_size_make_the_whole
                a_walk_is_of_one_state
                a_walk_shows_objects_as_they_were
                the_last_page_has_no_cursor
                a_page_has_its_size
                a_changed_cursor_opens_nothing
                a_cursor_of_another_tenant_opens_nothing
                a_cursor_of_another_request_is_refused
            }
            permission {
                every_method_needs_its_permission
                a_refusal_tells_nothing_of_the_data
                nothing_is_done_past_the_deadline
            }
            set {
                keys_make_a_set_of_what_exists
                operations_are_those_of_sets
                a_set_with_itself_and_with_nothing
                the_laws_of_de_morgan_hold
                filters_distribute_over_operations
                an_object_is_in_a_set_once
                sets_of_different_types_are_not_combined
                sets_have_their_limits
            }
            tenancy {
                what_is_anothers_is_absent
                reads_see_one_tenant
                tenants_write_apart
                links_stay_in_their_tenant
                an_idempotency_key_belongs_to_one_tenant
            }
            traverse {
                a_walk_has_a_fewest_and_a_most
                a_walk_has_a_direction
                a_walk_goes_along_links_that_fit
                links_in_a_property_are_walked_alike
                a_walk_leads_to_another_type
                a_walk_has_its_rules
            }
            write {
                a_refused_write_leaves_nothing
                edits_happen_in_order
                a_write_sent_again_has_one_effect
                a_refused_write_may_be_sent_again
                copies_sent_at_once_have_one_effect
                what_is_expected_absent_must_not_exist
                what_is_expected_at_a_revision_must_be_at_it
                links_are_expected_as_objects_are
                expectations_come_before_edits
                one_of_several_expecting_writers_succeeds
                a_write_has_its_limits
            }
        }
    };
}

/// Makes a test of every function of the suite of [`crate::kernel::ActionService`], as [`kernel_suite!`](crate::kernel_suite) does.
#[macro_export]
macro_rules! action_suite {
    ($open:path) => {
        $crate::service_suite! { @modules action, $open =>
            batch {
                all_calls_are_executed
                a_refused_call_leaves_nothing_of_all
                a_call_that_overlaps_is_refused
                each_is_executed_or_refused
                a_batch_sent_again_has_one_effect
                a_batch_has_its_limit
            }
            execute {
                a_rule_creates_an_object
                parameters_are_of_every_base_type
                a_rule_modifies_by_what_the_object_holds
                lists_and_sets_are_modified_each
                an_object_of_an_interface_is_modified
                rules_link_and_unlink
                a_rule_deletes
                a_criterion_refuses
                what_cannot_be_computed_refuses
                faults_of_parameters_name_them
                an_object_is_expected_at_a_revision
                a_call_sent_again_has_one_effect
                calls_at_once_all_count
                the_history_tells_action_and_diff
                an_action_has_one_instant
                what_is_anothers_is_absent_to_an_action
                actions_need_their_permission
            }
            law {
                an_undo_is_the_inverse_of_anything
                the_past_is_what_it_was
            }
            undo {
                an_action_is_undone
                a_dry_run_undoes_nothing
                what_was_changed_since_refuses_the_undo
                what_was_changed_since_is_skipped_or_overridden
                what_hangs_on_a_created_object_keeps_it
                an_undo_is_undone
                a_load_is_undone
                an_undo_sent_again_has_one_effect
                an_undo_crosses_a_publication
                a_publication_is_not_undone
                a_refused_undo_names_the_edit
            }
            validate {
                a_valid_call_tells_what_would_happen
                every_fault_of_a_parameter_is_told
                every_criterion_has_its_verdict
                the_refusal_of_the_store_is_foreseen
                what_is_valid_is_executed
            }
        }
    };
}

/// Makes a test of every function of the suite of what a context with an [`crate::access::Access`] sees and may do, as
/// [`kernel_suite!`](crate::kernel_suite) does of the kernel's.
#[macro_export]
macro_rules! access_suite {
    ($open:path) => {
        $crate::service_suite! { @modules access, $open =>
            act {
                an_action_takes_its_right_and_its_objects
                an_action_works_on_what_is_stored
                a_validation_tells_its_verdicts_alone
            }
            law {
                what_is_checked_is_what_is_listed
            }
            mask {
                masked_properties_are_absent
                masked_properties_are_of_no_use
                properties_are_those_of_every_way
                masked_properties_are_not_written
            }
            read {
                a_role_gives_verbs_over_types
                what_may_not_be_read_is_not_there
                links_lead_to_what_may_be_read
                denials_win
                a_check_is_explained
                versions_are_told_to_whom_they_could_be_read_by
                changes_are_told_of_what_may_be_read
                rights_taken_back_are_gone_at_once
            }
            write {
                edits_are_judged_before_and_after
                what_may_not_be_read_is_written_like_what_is_not_there
                links_take_the_right_to_their_ends
                conditions_on_links_are_judged
                a_load_takes_the_whole_type
                an_undo_is_judged_like_a_write
            }
        }
    };
}

/// Makes a test of every function of the suite of [`crate::kernel::FeedService`], as [`kernel_suite!`](crate::kernel_suite) does of the
/// kernel's.
#[macro_export]
macro_rules! feed_suite {
    ($open:path) => {
        $crate::service_suite! { @modules feed, $open =>
            changes {
                a_commit_is_told_with_what_it_changed
                changes_of_one_row_come_to_one
                an_object_changed_often_is_told_each_time
                links_of_both_backings_are_told
                a_page_has_whole_commits
                changes_are_told_of_some_types
                a_request_has_its_limits
                changes_need_their_permission
            }
            publication {
                a_publication_tells_what_to_read_again
                a_publication_of_a_neighbour_is_told
                values_are_those_of_the_version_in_force
            }
            replay {
                replayed_changes_are_the_state
            }
            isolation {
                tenants_see_their_own_commits
                tenants_are_told_of_their_own_objects
            }
            live {
                a_set_is_told_whole_and_then_as_it_changes
                the_whole_comes_in_parts_of_one_state
                an_interface_set_is_told_by_its_own_names
                sets_are_told_apart
                sets_of_every_operation_are_told
                a_subscription_goes_on_from_a_commit
                a_subscriber_that_lags_is_told_where_to_go_on
                a_subscription_has_its_limits
                subscribing_needs_its_permission
            }
            linked {
                links_change_a_set
                a_set_of_links_goes_on_from_a_commit
            }
            renewal {
                a_publication_elsewhere_goes_unnoticed
                a_publication_of_the_type_tells_the_set_anew
                a_set_that_no_longer_resolves_ends
            }
            fold {
                what_is_told_makes_the_set_after_every_commit
            }
            wait {
                a_wait_ends_with_a_commit
                a_wait_ends_in_time
                a_stream_goes_on
            }
        }
    };
}

/// What the suites expand with.
#[doc(hidden)]
#[macro_export]
macro_rules! service_suite {
    (@modules $service:ident, $open:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::service_suite! { @module $service, $open, $module => $($function)* })*
    };
    (@module $service:ident, $open:path, $module:ident => $($function:ident)*) => {
        $($crate::service_suite! { @test $service, $open, $module, $function })*
    };
    (@test $service:ident, $open:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let opened: Option<$crate::testing::service::Deployment> =
                $open($crate::testing::TestEnv::default()).await.into();
            let Some(deployment) = opened else { return };
            $crate::testing::service::$service::prepare(&deployment).await;
            $crate::testing::service::$service::$module::$function(deployment).await;
        }
    };
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// A function of a suite that nothing runs would look as if everything passed it.
    #[test]
    fn every_function_of_the_suites_is_run() {
        let text = concat!(include_str!("mod.rs"), include_str!("user/mod.rs"));
        for (service, modules) in [("access", 5), ("kernel", 21), ("action", 5), ("feed", 9), ("user", 8)] {
            let listed = text.split(&format!("macro_rules! {service}_suite")).nth(1).unwrap();
            let listed = listed.split("macro_rules!").next().unwrap();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/service").join(service);
            let mut files = 0;
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
                if module == "mod" {
                    continue;
                }
                files += 1;
                let list =
                    listed.split(&format!("            {module} {{\n")).nth(1).unwrap_or_else(|| panic!("no {module}"));
                let names: Vec<_> =
                    list.split('}').next().unwrap().lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                let text = std::fs::read_to_string(&path).unwrap();
                let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
                let functions: Vec<_> = functions.map(|line| line.split('(').next().unwrap()).collect();
                assert_eq!(functions, names, "{service}: {module}");
            }
            assert!(files >= modules, "{service}: {files} modules");
        }
    }
}
