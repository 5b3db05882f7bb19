//! What the database promises, on both engines: each test runs as `sqlite::…` and as `postgres::…`.
//!
//! PostgreSQL is taken from the environment variable `PACKSHOT_TEST_POSTGRES`: the URL of a server where the role may
//! create databases. `scripts/test` starts one.

mod engine;
mod claims;
mod conversions;
mod leases;
mod races;
mod renders;
mod streams;
mod idempotency;
mod keys;
mod audit;
mod tenants;
mod tenant_configs;
mod changes;
mod reads;
mod catalog;
mod isolation;
mod model;
mod graphs;
mod files;
mod server;
mod roles;
mod row_security;
mod artifacts;
mod artifact_rules;
mod artifact_collection;
mod artifact_replay;
mod artifact_model;
mod order_work;
mod locks;
mod media_lists;
mod orders;
mod rounds;
mod told;
mod workflow_runs;
mod webhooks;

macro_rules! conformance {
    ($($module:ident: $($test:ident)+;)+) => {
        mod sqlite {$(
            mod $module {$(
                #[test]
                fn $test() {
                    crate::engine::on_sqlite(crate::$module::$test);
                }
            )+}
        )+}

        mod postgres {$(
            mod $module {$(
                #[test]
                fn $test() {
                    crate::engine::on_postgres(crate::$module::$test);
                }
            )+}
        )+}
    };
}

conformance! {
    orders:
        o30_orders_do_what_their_table_says
        o18_o35_limits_and_empty_orders_are_refused;
    rounds:
        n02_n03_n04_n06_n08_an_order_is_told_once
        n05_n69_many_lines_are_one_notification
        n07_what_was_missed_is_told_within_a_minute
        n33_n34_a_later_round_is_of_its_own_lines
        n31_n32_n80_what_has_no_result_is_not_told
        n48_nobody_is_notified_where_that_is_switched_off
        n35_without_managers_others_are_told_of_orders
        n36_a_summary_comes_with_the_end_of_the_last_line
        n37_two_that_end_together_are_told_once;
    told:
        n24_n25_n44_n45_what_is_chosen_is_told_when_it_is_chosen
        n14_n15_a_recovery_is_told_once
        n19_n20_n49_n50_one_alert_for_each_condition
        n49_task_dead_is_over_when_the_task_is_tried_again_or_gone
        n76_an_announcement_is_told_once
        n77_what_is_old_is_removed
        n81_each_stream_has_its_own_numbers;
    webhooks:
        n74_no_event_leaves_its_tenant
        n70_n78_deliveries_follow_their_tasks
        n75_a_webhook_has_eight_places
        n77_what_is_old_and_has_ended_goes;
    locks:
        r89_nothing_waits_for_each_other;
    media_lists:
        m11_lists_read_their_indexes
        m40_assets_follow_their_table;
    workflow_runs:
        w66_a_retry_keeps_the_node_queued
        w85_a_late_report_changes_nothing;
    order_work:
        o38_o39_o40_o64_lines_and_orders_follow_their_work;
    conversions:
        o66_a_line_that_waits_is_let_go_by_the_end_of_the_conversion
        o66_a_conversion_that_ends_just_before_the_other_line_waits_is_not_done_again;
    claims:
        r18_priority_goes_first_then_age
        tenants_with_the_fewest_running_go_first
        r65_a_tenant_has_its_limit
        r62_a_queue_has_its_limit
        t82_a_slot_goes_round
        eight_claimers_never_share_a_task;
    leases:
        r70_a_stale_lease_changes_nothing
        leases_are_never_given_again
        r72_input_faults_are_not_retried
        infrastructure_faults_wait_by_the_database_clock
        a_renewed_lease_is_not_reaped
        what_a_dead_worker_held_comes_back_at_once
        r71_a_job_that_kills_its_worker_each_time_fails_after_three
        r71_deaths_of_the_service_count_apart
        c34_a_task_given_back_keeps_its_attempt
        a_mark_to_cancel_wins
        r59_r61_stalled_tasks_are_found
        r73_only_failed_tasks_are_requeued
        r37_each_reason_is_told_until_an_attempt_goes_well;
    races:
        r16_cancel_races_completion
        r16_cancel_races_claim;
    renders:
        a_new_render_is_queued_with_its_task_and_event
        c15_pages_stay_right_while_rows_come
        r39_renders_are_listed_by_state
        r13_r15_waiting_renders_are_cancelled_at_once
        r17_only_ended_renders_are_deleted
        r19_cached_results_are_taken_over
        rejected_renders_keep_their_files_and_are_never_cached
        r86_a_record_holds_nothing_after_its_end
        r17_packages_go_with_their_render_where_their_class_allows
        places_in_the_queue
        statistics_count_what_was_rendered
        text_with_every_character_survives;
    streams:
        streams_are_gapless_under_concurrent_writers
        eight_writers_are_never_busy
        a_failure_spoils_nothing_of_its_neighbours
        notices_follow_commits
        r40_logs_are_rows
        logs_are_read_in_pages;
    idempotency:
        c10_an_answer_is_replayed
        c11_a_key_belongs_to_its_body
        c12_one_of_two_makes_the_render
        c13_keys_belong_to_tenants
        c14_keys_expire
        a_request_that_was_interrupted_leads_to_its_render
        an_abandoned_request_is_new
        an_abandoned_request_that_made_a_render_leads_to_it;
    keys:
        the_first_key_configures_the_installation
        keys_are_found_by_prefix_and_revoked
        keys_of_all_tenants_are_listed
        t32_use_is_noted_to_the_minute;
    audit:
        t85_entries_are_neither_changed_nor_deleted
        t84_a_change_that_fails_leaves_no_entry
        t84_writers_number_their_entries_without_gaps;
    tenant_configs:
        t65_t69_configurations_have_defaults_and_revisions
        t84_a_change_of_a_configuration_is_audited_once
        a_configuration_is_its_tenants
        t80_a_queue_is_never_fuller_than_its_limit
        t81_stored_bytes_have_a_limit;

    tenants:
        t59_t61_only_tasks_of_active_tenants_start
        t58_a_tenant_that_cannot_be_made_leaves_nothing
        t84_one_of_many_deactivations_is_a_change
        t63_a_purge_goes_on_after_each_step
        t63_t85_no_living_tenant_loses_its_log;
    changes:
        t84_each_change_of_a_library_has_one_entry
        t84_each_change_of_a_queue_has_one_entry
        t84_each_change_of_a_key_has_one_entry
        t84_each_change_of_a_user_has_one_entry
        t84_each_change_of_a_session_has_one_entry
        t84_each_change_of_work_has_one_entry
        t25_nothing_begins_with_a_password_that_was_replaced
        t84_a_change_that_cannot_be_noted_does_not_happen
        t46_t57_an_entry_names_its_own_tenant_alone;
    reads:
        t44_lists_show_one_tenant_or_all
        t87_the_logs_of_all_tenants_are_one_list;
    catalog:
        every_installation_has_a_tenant_and_a_user
        worker_configs_have_defaults_and_revisions
        settings_are_patched
        t84_t86_a_change_of_settings_is_in_the_log_of_the_tenant_that_it_is_of
        a_library_version_has_one_content
        r83_f57_a_public_library_stays_its_tenants
        objects_are_swept_when_nothing_refers_to_them
        files_of_a_deleted_render_are_swept
        what_is_known_of_an_object_is_kept_until_it_is_known_better
        a_render_of_a_file_that_was_swept_is_refused;
    isolation:
        another_tenant_sees_nothing
        another_tenant_changes_nothing;
    model:
        states_follow_the_model;
    artifacts:
        a02_a14_create_writes_view_and_event
        a31_pages_of_large_events_are_short_and_miss_nothing
        a03_a15_a17_ingest_writes_file_location_and_event
        a04_a05_a06_a16_a19_errors_leave_nothing
        a07_a08_a09_a11_a13_a_package_from_end_to_end
        a22_files_are_in_the_order_of_their_bytes
        a44_a_time_is_fixed_when_the_package_is_created
        a54_another_tenant_sees_nothing
        a63_packages_are_found_by_what_they_name
        the_classes_are_those_of_the_contract;
    artifact_rules:
        a26_equal_paths_are_duplicates
        a27_a_repeated_file_is_the_same
        a29_many_write_at_once
        a30_a_file_is_in_the_manifest_or_refused
        a31_a_reader_misses_nothing
        a41_held_packages_stay
        a42_who_may_delete_what
        a42_what_a_running_job_needs_stays
        a43_classes_change
        a56_packages_have_limits
        a58_packages_are_made_with_the_end_of_a_task;
    artifact_collection:
        a37_equal_bytes_are_stored_once
        a38_bytes_that_are_wanted_again_stay
        a39_packages_expire_when_they_are_due
        a40_what_a_job_needs_does_not_expire
        a41_held_packages_do_not_expire
        a45_idle_packages_are_abandoned
        a46_a_survey_says_what_goes_and_changes_nothing
        unfinished_packages_free_their_objects_at_once
        a47_a49_damage_is_recorded_and_healed;
    artifact_replay:
        a12_a17_a_replay_gives_the_same
        a33_changed_cells_are_found_and_repaired
        a33_a_damaged_log_stops_a_replay
        events_are_neither_changed_nor_deleted
        a34_writers_hardly_wait_for_a_rebuild;
    artifact_model:
        a32_the_log_makes_the_same_views_again;
    graphs:
        r94_jobs_follow_their_tasks
        a_failed_task_of_a_cancelled_job_stays
        r87_two_tasks_write_one_document
        c39_streams_of_every_kind;
}
