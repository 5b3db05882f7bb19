//! What the document shows as an example of each parameter and body. A test sends every one of them to a service; ids,
//! revisions and content addresses are those of a service that has such things.

use serde_json::{Value, json};

/// A product that was stored before.
const ADDRESS: &str = "blake3:5ea3bf2d3ff0cbb7b2b8cc6e0d4e2a3c0f1d9a87b6c5d4e3f2a1b0c9d8e7f6a5";
const ID: &str = "0193b2a0-5c4e-7d31-9f0a-2b8c61d7e4f5";

/// The example of an operation's parameter.
pub(super) fn of_parameter(operation: &str, name: &str) -> Option<Value> {
    let example = match (operation, name) {
        ("get_material", "id") => json!("STD_010101_Steel-Bare"),
        (_, "id" | "workflow_run_id") => json!(ID),
        ("get_comparison_picture", "picture") => json!("flip"),
        ("get_file", "name") => json!("result.png"),
        ("change_design_preset" | "delete_design_preset", "name") => json!("Chest"),
        ("list_packages", "name") => json!("Lager 6204"),
        ("list_cad_files", "status") => json!("ready"),
        ("list_orders", "status") => json!("submitted"),
        ("list_activity", "event_type") => json!("order.*,render.failed"),
        ("stream_activity", "event_type") => json!("order.*,render.failed"),
        ("list_notifications", "event_type") => json!("order.rejected"),
        ("put_notification_config", "event_type") => json!("order.submitted"),
        ("list_alerts", "event_type") => json!("cad_file.stuck"),
        (_, "severity") => json!("warning"),
        (_, "unread") => json!(true),
        ("list_alerts", "state") => json!("resolved"),
        ("list_media_assets", "state") => json!("published,superseded"),
        ("get_media_facets", "state") => json!("published"),
        (_, "asset_type") => json!("still,turntable"),
        (_, "render_status") => json!("completed"),
        (_, "tenant_id" | "design_job_id" | "asset_id") => json!(ID),
        ("list_media_assets" | "get_media_facets", "q") => json!("81113 tv"),
        (_, "view_name") => json!("front_0deg"),
        (_, "media_type") => json!("image/png"),
        (_, "created_from") => json!("2026-11-01T00:00:00Z"),
        (_, "created_to") => json!("2026-12-01T00:00:00Z"),
        (_, "sort") => json!("name"),
        (_, "page") => json!(1),
        (_, "page_size") => json!(50),
        // The filters, when the last asset was saved, and its id.
        ("list_media_assets", "cursor") => {
            json!(
                "eyJnaXZlbiI6W10sImlkIjoiMDE5M2IyYTAtNWM0ZS03ZDMxLTlmMGEtMmI4YzYxZDdlNGY1IiwibXMiOjE3MzM4MzY3ODI2NzB9"
            )
        }
        (_, "fix_id" | "area_id") => json!(ID),
        ("list_design_jobs", "status") => json!("failed"),
        ("delete_design_job", "media") => json!("keep"),
        (_, "part_key") => json!("steel bar"),
        ("list_material_reviews", "status") => json!("open"),
        (_, "min_lines") => json!(2),
        (_, "resolved") => json!(false),
        // How many lines the last name has, what it is a name of, and its bytes.
        ("report_unmapped_names", "cursor") => json!("5.part.6665646572"),
        (_, "order_id" | "order_line_id" | "product_id" | "output_type_id") => json!(ID),
        (_, "context_id") => json!(ID),
        ("list_orders", "order_number") => json!("ORD-2026-001"),
        (_, "line_id") => json!(ID),
        ("list_products", "q") => json!("6204"),
        ("list_material_aliases", "scope") => json!("part"),
        ("list_material_aliases", "status") => json!("active"),
        ("list_material_aliases", "source") => json!("manual"),
        (_, "pim_id") => json!("6204-2RS"),
        (_, "category_key") => json!("deep-groove"),
        (_, "lagertyp") => json!("Rillenkugellager"),
        (_, "cad_file_id") => json!(ID),
        ("list_packages", "status") => json!("finalized"),
        (_, "producer") => json!("pim-export/2.1"),
        (_, "subject") => json!(format!("render:{ID}")),
        (_, "retention_class") => json!("render-output"),
        (_, "reason") => json!("the customer asked for it"),
        (_, "format") => json!("json"),
        (_, "file_id" | "package_id" | "job_id" | "delivery_id") => json!(ID),
        ("list_deliveries", "state") => json!("failed"),
        (_, "content_address" | "scene" | "library_digest") => json!(ADDRESS),
        (_, "queue_name") => json!("render"),
        (_, "result") => json!("result.png"),
        (_, "state") => json!("completed"),
        (_, "step") => json!("render_still"),
        (_, "level") => json!("info"),
        (_, "q") => json!("steel"),
        (_, "library") => json!("STD"),
        (_, "owner") => json!("me"),
        (_, "action") => json!("user.created"),
        (_, "actor_id" | "object_id") => json!(ID),
        (_, "object_type") => json!("user"),
        // When the last entry was written, its tenant and its number.
        ("list_audit_log", "cursor") => json!("00000193b2a05c4e0193b2a05c4e7d319f0a2b8c61d7e4f50000000000000078"),
        (_, "confirm") => json!("beta"),
        (_, "limit") => json!(20),
        // The bytes of the last id.
        ("list_materials", "cursor") => json!("5354445f3031303130315f537465656c2d42617265"),
        ("get_log", "cursor") => json!("0000000000000078"),
        // The last file.
        ("list_package_files", "cursor") => json!("0193b2a05c4e7d319f0a2b8c61d7e4f5"),
        // When the last item was made, in milliseconds, and its id.
        (_, "cursor") => json!("00000193b2a05c4e0193b2a05c4e7d319f0a2b8c61d7e4f5"),
        (_, "from") => json!("2026-11-01T00:00:00Z"),
        (_, "to") => json!("2026-12-01T00:00:00Z"),
        (_, "after" | "Last-Event-ID") => json!(0),
        (_, "wait") => json!(30),
        (_, "Prefer") => json!("wait=30"),
        (_, "Cache-Control") => json!("no-cache"),
        (_, "relative_path") => json!("pictures/front.png"),
        (_, "Content-Digest") => json!("sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:"),
        (_, "X-Content-Address") => json!("blake3:d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24"),
        (_, "Idempotency-Key") => json!(format!("{operation}-4711")),
        (_, "If-None-Match") => json!(format!("\"{ADDRESS}\"")),
        (_, "If-Match") => json!("\"3\""),
        (_, "Range") => json!("bytes=0-1023"),
        (_, "If-Range") => json!(format!("\"{ADDRESS}\"")),
        (_, "ticket") => json!("q3T5nWb8xYz0AcD2eFg4hJk6LmN7pQr9sTuVwXyZ1aB.zip"),
        (_, "download") => json!(1),
        (_, "size") => json!(128),
        ("preview_design", "Accept") => json!("image/png"),
        (_, "Accept") => json!("image/webp"),
        _ => return None,
    };
    Some(example)
}

/// The example of an operation's body. A file in a form is described in words.
pub(super) fn of_body(operation: &str, media_type: &str) -> Option<Value> {
    let picture = json!({"width": 320, "height": 240, "samples": 32, "view": "front", "light": "studio_soft", "background": "white"});
    let example = match (operation, media_type) {
        ("create_render" | "preflight", "multipart/form-data") => {
            json!({"glb": "(the bytes of bearing.glb)", "request": picture})
        }
        ("create_render" | "preflight", _) => {
            let mut stored = picture;
            stored["asset"] = json!({"content_address": ADDRESS});
            stored
        }
        ("mark_notifications_read", _) => json!({"ids": [ID]}),
        ("put_notification_config", _) => json!({"frequency": "daily"}),
        ("create_announcement", _) => {
            json!({"title": "Maintenance", "body": "No renders on Saturday from 8 to 10", "roles": ["project_manager", "client"]})
        }
        ("create_cad_file", _) => json!({"file": "(the bytes of bearing.glb)"}),
        ("create_design_job" | "preview_design", "multipart/form-data") => {
            let request = json!({
                "product_id": ID, "area": {"part": "Of_lines"}, "preset": "centered", "placement": {"rotation_deg": 10},
            });
            json!({"design": "(the bytes of logo.png)", "request": request})
        }
        ("create_design_job" | "preview_design", _) => {
            json!({"product_id": ID, "design_asset_id": ID, "area": {"part": "Of_lines"}, "views": ["front_0deg"]})
        }
        ("create_design_preset", _) => json!({"name": "Chest", "placement": {"width": 60, "y": 10}}),
        ("change_design_preset", _) => json!({"placement": {"width": 50}}),
        ("create_design_area", _) => json!({"name": "Front", "selector": {"part": "Of_lines"}, "safe_mm": 2}),
        ("change_design_area", _) => json!({"is_default": true}),
        ("create_media_asset", _) => {
            json!({"file": "(the bytes of front.png)", "request": {"view_name": "front_0deg", "publish": false}})
        }
        ("create_media_download", _) => json!({"asset_ids": [ID]}),
        ("create_import", _) => json!({"file": "(the bytes of products.xlsx)"}),
        ("create_product", _) => {
            let materials = json!([{"part_name": "Cage", "material": "STD_020101_Brass"}]);
            json!({"pim_id": "6204-2RS", "name": "Lager 6204", "cad_part_materials": materials})
        }
        ("change_product", _) => json!({"lagertyp": "Rillenkugellager", "category_key": null}),
        ("change_media_asset", _) => json!({"file_name": "81113-TV front.png", "metadata": {"campaign": "spring"}}),
        ("publish_media_assets" | "unpublish_media_assets" | "delete_media_assets" | "reorder_product_media", _) => {
            json!({"asset_ids": [ID]})
        }
        ("add_product_media", _) => json!({"asset_id": ID, "position": 0}),
        ("create_output_type", _) => {
            let settings = json!({"width": 2048, "height": 2048, "background": "white"});
            json!({"name": "Front, white", "kind": "still", "render_settings": settings, "max_unmapped": 0})
        }
        ("change_output_type", _) => json!({"max_unmapped": null, "rollout_gate": {"metric": "flip"}}),
        ("create_render_template", _) => {
            json!({"name": "Deep groove", "category_key": "deep-groove", "settings": {"fill": 0.8}})
        }
        ("change_render_template", _) => json!({"is_active": false}),
        ("create_order", _) => {
            json!({"notes": "for the spring catalogue", "lines": [{"product_id": ID, "output_type_id": ID}]})
        }
        ("edit_order", _) => json!({"notes": null}),
        ("add_order_line", _) => json!({"product_id": ID, "output_type_id": ID}),
        ("reject_order", _) => json!({"reason": "Wrong housing", "notify_client": false}),
        ("create_workflow" | "replace_workflow", _) => {
            json!({"name": "Front, with model", "config": {"type": "still_with_exports", "params": {"width": 2048}}})
        }
        ("dispatch_graph" | "preflight_graph", _) => {
            json!({"context_id": ID, "config": {"type": "thumbnail", "params": {"width": 256, "height": 256}}})
        }
        ("create_material_alias", _) => {
            json!({"alias": "Outer_Ring", "scope": "part", "material_id": "STD_010101_Steel-Bare"})
        }
        ("create_material_review", _) => json!({"order_line_id": ID}),
        ("apply_suggested_fix", _) => json!({"rerender": "affected"}),
        ("say_fix_outcome", _) => json!({"outcome": "applied_pending", "notes": "waiting for the colour sample"}),
        ("apply_top_fixes", _) => json!({"min_confidence_pct": 90}),
        ("preview_review_note", _) => json!({"kind": "escalation"}),
        ("apply_unmapped_names", _) => {
            let item = json!({"part_key": "steel bar", "scope": "part", "material_id": "STD_010101_Steel-Bare"});
            json!({"items": [item]})
        }
        ("create_webhook", _) => {
            json!({"url": "https://shop.example.com/hooks/packshot", "event_types": ["order.*", "asset.delivered"]})
        }
        ("change_webhook", _) => json!({"event_types": ["order.rendering_complete"], "description": "web shop"}),
        ("rotate_webhook_secret", _) => json!({"overlap_s": 3600}),
        ("create_library", _) => json!({"library": "(the bytes of studio.toml)"}),
        ("change_library", _) => json!({"public": true}),
        ("change_settings", _) => json!({"render_samples": 512, "max_pixels": null}),
        ("sign_in", "application/x-www-form-urlencoded") => {
            json!({"username": "anna@example.com", "password": "several words together"})
        }
        ("sign_in", _) => json!({"email": "anna@example.com", "password": "several words together"}),
        ("refresh", _) => json!({"refresh_token": "rt_4f6Zq0bYx2LmN8sVtWc1RkDjHgPaEuIoTyQwSxZvBnM"}),
        ("sign_out", _) => json!({"all": false}),
        ("complete_setup", _) => {
            json!({"email": "anna@example.com", "password": "several words together", "display_name": "Anna"})
        }
        ("change_account", _) => json!({"display_name": "Anna Long"}),
        ("change_password", _) => {
            json!({"current_password": "several words together", "new_password": "other words together"})
        }
        ("create_user", _) => json!({"email": "ben@example.com", "display_name": "Ben", "role": "project_manager"}),
        ("change_user", _) => json!({"role": "tenant_admin"}),
        ("create_api_key", _) => json!({"name": "web shop", "scopes": ["renders:write"]}),
        ("change_api_key", _) => json!({"name": "web shop, 2027"}),
        ("change_own_tenant_config" | "change_tenant_config", _) => {
            json!({"max_order_size": 250, "retention_days": {"preview": 90}, "features": {"turntables": null}})
        }
        ("create_tenant", _) => {
            json!({"name": "Beta GmbH", "slug": "beta", "admin": {"email": "eva@example.com", "display_name": "Eva"}})
        }
        ("change_tenant", _) => json!({"name": "Beta AG"}),
        ("deactivate_tenant", _) => json!({"cancel_running": true}),
        ("create_package", _) => {
            json!({
                "name": "Lager 6204", "producer": "pim-export/2.1", "subject": "article:6204",
                "retention_class": "render-output", "metadata": {"run_id": "r-1"},
            })
        }
        ("put_package_file", _) => json!("hello world"),
        ("add_package_file", _) => {
            json!({"file": "(the bytes of front.png)", "relative_path": "pictures/front.png", "media_type": "image/png"})
        }
        ("change_package", _) => json!({"retention_class": "render-output"}),
        ("hold_package", _) => json!({"reason": "evidence for a claim"}),
        ("release_package", _) => json!({"reason": "the claim is settled"}),
        ("collect_artifacts", _) => json!({"dry_run": true}),
        ("replay_artifacts", _) => json!({"mode": "verify"}),
        ("scrub_artifacts", _) => json!({}),
        ("put_worker_config", _) => json!({"max_concurrency": 2, "min_concurrency": 1}),
        _ => return None,
    };
    Some(example)
}
