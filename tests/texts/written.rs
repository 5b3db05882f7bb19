//! The texts of codes that nothing here provokes.

use crate::Text;
use crate::sources::Source;

/// A text that is read from the sources, because nothing that a test may do to this machine provokes it: code, how the
/// command or the answer ends, message, way out. `{…}` is what the program fills in.
const WRITTEN: &[[&str; 4]] = &[
    // Packshot would have to fail at what it can do.
    [
        "bench.failed",
        "1",
        "Packshot has no figures for {shot}: {reason}",
        "render it with `packshot render`, which says more",
    ],
    // Answers: they need another role, time, load, a full disk or a damaged one.
    ["artifact_expired", "410", "the file is no longer stored", ""],
    ["asset_expired", "410", "the bytes of the asset are no longer stored", ""],
    ["asset_not_current", "422", "the media asset is not current: there is a newer version, or its bytes are gone", ""],
    ["delivery_in_progress", "409", "'{event}' is not possible for a delivery that is {from}", ""],
    ["delivery_unreadable", "failed", "{what}: {reason}", ""],
    ["render_job_not_found", "404", "there is no such design job", ""],
    ["render_job_not_failed", "409", "the design job is {0}: only one that failed or was cancelled is tried again", ""],
    ["render_job_not_terminal", "409", "the design job is {0}: cancel it first", ""],
    ["design_missing", "409", "the design was never stored: start a new job with it", ""],
    ["design_area_not_found", "404", "the product has no such area", ""],
    ["area_name_exists", "409", "another printable area of the product has this name", ""],
    ["preset_not_found", "404", "the tenant has no such preset", ""],
    ["preset_exists", "409", "another preset of the tenant has this name", ""],
    ["product_not_renderable", "409", "the product has no CAD file", ""],
    [
        "pictures_missing",
        "failed",
        "the rendered pictures are gone from the working folder: retry the job, which renders them again",
        "",
    ],
    ["step_timeout", "failed", "the step took longer than the {} s that it may", ""],
    ["webhook_limit", "409", "the tenant has {WEBHOOKS_MAX} webhooks, which is as many as it may have", ""],
    ["download_empty", "422", "none of these assets can be fetched", ""],
    ["download_not_found", "404", "there is no such download, or its time is over", ""],
    ["download_too_large", "422", "{n_files} files or more: at most {FILES_MAX} are sent as one ZIP", ""],
    ["thumbnail_not_available", "404", "there is no thumbnail: {why}", ""],
    ["unsupported_media_format", "422", "the file is no PNG, JPEG, WebP or MP4", ""],
    ["asset_on_hold", "409", "the asset is held", ""],
    ["asset_superseded", "409", "there is a newer version of the asset", ""],
    ["media_already_associated", "409", "the asset is in the gallery of the product already", ""],
    ["media_set_differs", "422", "these are not the assets of the gallery, each once", ""],
    ["thumbnail_not_an_image", "422", "the media asset is no picture", ""],
    ["content_corrupt", "500", "the stored file is damaged", ""],
    ["cad_file_processing", "409", "the CAD file is being converted or read, or gets its picture", ""],
    ["line_processing", "409", "'{event}' is not possible for a line that is {from}", ""],
    ["order_rejected", "409", "'{change}' is not possible for an order that is {from}", ""],
    ["feature_disabled", "403", "`{feature}` is switched off for this tenant", ""],
    ["forbidden", "403", "the role '{role}' may not do this: this needs the role {}", ""],
    ["idempotency_in_flight", "409", "a request with this key is still in progress", ""],
    ["internal_error", "500", "internal error; the service's log has the details", ""],
    ["lease_lost", "409", "the lease of task {0} is lost", ""],
    ["library_in_use", "409", "this library is in use: it is the tenant's `material_library`", ""],
    ["library_version_exists", "409", "this {0} exists already", ""],
    ["queue_full", "429", "as many jobs are waiting already as this tenant's `max_queued_jobs` allows: {max}", ""],
    ["rate_limited", "429", "more than {per_s} requests per second with this key", ""],
    ["state_conflict", "409", "'{event}' is not possible for a task that is {from}", ""],
    [
        "storage_quota_exceeded",
        "409",
        "this would make {needed} bytes of stored files, and this tenant's `max_storage_bytes` allows {max}",
        "",
    ],
    [
        "event_corrupt",
        "failed",
        "the event {sequence} of the log of artifacts is damaged: {reason}; restore the log from a backup",
        "",
    ],
    [
        "event_gap",
        "failed",
        "the event {sequence} of the log of artifacts is missing: restore the log from a backup",
        "",
    ],
    ["package_in_use", "409", "the package is in use: {}", ""],
    [
        "too_many_files",
        "422",
        "the package has {FILES_MAX} files, which is as many as it may have: put the others into another package",
        "",
    ],
    ["storage_full", "507", "there is no space left for the file", ""],
    [
        "too_many_streams",
        "429",
        "this user has {0} event streams open, as many as `max_event_streams_per_user` allows: close one",
        "",
    ],
    ["material_unavailable", "409", "no library in force has the material {}, or it is deprecated", ""],
    ["too_many_aliases", "409", "a tenant has at most {ACTIVE_MAX} aliases at once", ""],
    ["token_expired", "401", "the access token has expired", ""],
    ["database_roles_required", "409", "the database is used as one role, which serves one tenant", ""],
    ["unavailable", "503", "the database cannot be reached; try again later", ""],
    // Jobs, by what happened to their worker or their files.
    ["asset_missing", "failed", "the stored file {0} is missing or damaged: upload it again, or restore the store", ""],
    ["output_too_large", "failed", "{what}: ask for fewer pictures, pixels or formats", ""],
    ["stalled", "failed", "no picture was finished in {minutes} minutes, so the render was stopped", ""],
    ["worker_disk", "failed", "a temporary file cannot be written: {reason}", ""],
    ["worker_hung", "failed", "the worker process did not respond for {} s", ""],
    ["worker_lost", "failed", "the worker ended without a result", ""],
    ["worker_panicked", "failed", "the renderer crashed; the service's log has the reason", ""],
    [
        "cad_conversion_unavailable",
        "422",
        "{name} is a STEP file, and this service has no converter: upload the product as GLB",
        "",
    ],
    ["conversion_failed", "failed", "{name} ended with exit code {code}", ""],
    ["conversion_timeout", "failed", "{name} timed out: it did not end within {seconds:.0} s, and was stopped", ""],
    ["executor_failed", "failed", "the executor did not render: {reason}", ""],
    ["executor_timeout", "failed", "the executor timed out: it did not end within {seconds:.0} s, and was stopped", ""],
    ["executor_unavailable", "failed", "the executor answered {what} with {status}", ""],
    ["export_left_out", "warning", "`{parameter}` is left out: {why}", ""],
    ["export_approximated", "info", "`{parameter}` is approximated: {why}", ""],
    ["device_lost", "failed", "the device failed: {0}", ""],
    ["device_unavailable", "failed", "{name} cannot be used: {why}", ""],
    // The command and the service, by what only other machines and other versions have.
    [
        "admin.data_exposed",
        "6",
        "other users of this machine can access {}: {why}",
        "choose a folder of its own with --data (one that does not exist is created), or remove the permissions: chmod -R go= FOLDER",
    ],
    [
        "admin.database",
        "6",
        "the database cannot be used",
        "check that the database can be reached and that its disk has space",
    ],
    [
        "admin.data_unusable",
        "6",
        "the data folder cannot be used",
        "use --data with a folder that this user can write to",
    ],
    ["admin.not_empty", "6", "there is already an installation in {}", "use --data with a new folder"],
    [
        "admin.elsewhere",
        "6",
        "the files are in a bucket, which this command does not reach",
        "use the backup tools of the database and the bucket",
    ],
    [
        "admin.files_damaged",
        "9",
        "{n_files} stored files are missing or damaged: of {missing} objects the bytes are not there, of {corrupt} they are others",
        "bring the objects back from a backup, or upload or render the same files again, then run this again",
    ],
    ["admin.hash", "6", "the password cannot be hashed: {0}", "try again; if it fails again, please report it"],
    [
        "admin.no_name",
        "3",
        "the e-mail address is too long for a name",
        "use --name with a name of 1 to 200 characters",
    ],
    [
        "admin.several_users",
        "3",
        "users of several tenants have the e-mail address {0}",
        "use --tenant with the slug of the user's tenant",
    ],
    ["admin.signing_keys", "6", "the signing keys cannot be used", "check that this user can read and write the file"],
    [
        "admin.several_keys",
        "3",
        "several keys begin with {0}",
        "give the key's id, as `packshot admin list-keys --json` shows it",
    ],
    [
        "admin.store",
        "6",
        "the store cannot be used",
        "check that the folder or the bucket exists and can be written to",
    ],
    [
        "admin.store_mismatch",
        "6",
        "the files of this database are in another store",
        "point --data, store.path or store.bucket at the files of this database; where they were moved or restored to this \
         place, run `packshot admin adopt-store` with the same settings",
    ],
    ["client.damaged", "7", "the file arrived damaged", "continue with `{}`"],
    [
        "client.not_understood",
        "7",
        "the answer could not be understood: {0}",
        "check --url, and use the version of Packshot that the service has (see `packshot --version`)",
    ],
    [
        "device.self_test_failed",
        "5",
        "{adapter} failed {} of {} trials: {}",
        "render on another device, for example `--device cpu`, until its driver is fixed",
    ],
    [
        "internal",
        "1",
        "the product was prepared with another floor than the shot's",
        "this is a bug in packshot: please report it with the command, the version (`packshot --version`) and, if you may share \
         it, the file",
    ],
    [
        "serve.data_exposed",
        "6",
        "other users of this machine can access {}: {why}",
        "choose a folder of its own with --data (one that does not exist is created), or remove the permissions: chmod -R go= FOLDER",
    ],
    [
        "serve.database_version",
        "6",
        "the database was made by another version of Packshot: it has the migration {0}, which this one does not know",
        "run the version that created it, or use an empty database; jobs cannot be carried over",
    ],
    [
        "serve.first_admin",
        "6",
        "the password of `admin_email` cannot be used: {0}",
        "give the path of a readable file whose first line has 12 to 128 characters that are hard to guess",
    ],
    [
        "serve.signing_keys",
        "6",
        "expected one key that signs, and at most one with `verifies_until`",
        "make the file readable for the account that runs the service; if it is damaged, restore it, or remove it: then everyone has to sign in again",
    ],
    [
        "serve.store",
        "6",
        "the store cannot be opened: {}",
        "check that the folder or the bucket exists and can be written to",
    ],
    [
        "serve.store_mismatch",
        "6",
        "the files of this database are in another store",
        "point --data, store.path or store.bucket at the files of this database; where they were moved or restored to this \
         place, run `packshot admin adopt-store` with the same settings",
    ],
    [
        "config.missing",
        "2",
        "`{key}` has no default, because there is no home folder (HOME is not set)",
        "set it, as in `{variable}`, or with --{key}",
    ],
    [
        "denoise.oidn_version",
        "5",
        "this is Open Image Denoise {version}, and version 2 is needed",
        "install Open Image Denoise 2, name its library's file in PACKSHOT_OIDN, or use Packshot's own denoiser \
         (--denoise-with packshot)",
    ],
    [
        "library.archive",
        "422",
        "the zip has no .toml file",
        "send the library as one TOML file, or as a zip of its TOML files",
    ],
    [
        "output.not_read",
        "6",
        "the file that is there cannot be read: {reason}",
        "choose another name, or give --overwrite to replace it",
    ],
    ["service.line_not_completed", "7", "the line is {status}", "wait for it: `{}`"],
    [
        "service.rollout_not_ready",
        "7",
        "the pictures differ too much, or one is missing",
        "look at both pictures on the page of the service, or change the gate of the output type",
    ],
    ["service.failed", "7", "the render failed", "its log on the service's page says why"],
    ["spec.invalid", "failed", "this version of Packshot cannot read the stored job; submit the render again", ""],
    // Files and pictures that only programs make which embed Packshot, or that take other programs to make.
    [
        "denoise.guides",
        "1",
        "the network takes {wanted} as guides",
        "render the guides that the weights were trained with, or choose other weights",
    ],
    [
        "denoise.memory",
        "1",
        "the smallest tile needs {needed_bytes} bytes, and {offered_bytes} are allowed",
        "allow more memory, or choose the smaller network",
    ],
    [
        "denoise.size",
        "1",
        "{what} has {found} pixels, but {width_px}×{height_px} were announced",
        "give every picture width times height pixels, at least one",
    ],
    [
        "denoise.weights_invalid",
        "1",
        "the table of tensors is not valid: {what}",
        "use an unchanged rt_hdr*.tza of Open Image Denoise 2",
    ],
    [
        "denoise.weights_misfit",
        "1",
        "the tensor does not fit the network: {what}",
        "use an unchanged rt_hdr*.tza of Open Image Denoise 2",
    ],
    [
        "denoise.weights_truncated",
        "1",
        "the file of weights ends too early",
        "use an unchanged rt_hdr*.tza of Open Image Denoise 2",
    ],
    [
        "denoise.weights_unknown",
        "1",
        "this is not a tensor file of version 2",
        "use an unchanged rt_hdr*.tza of Open Image Denoise 2",
    ],
    ["encode.exr", "1", "the OpenEXR file could not be encoded", "choose a smaller picture or another format"],
    ["encode.png", "1", "the PNG could not be encoded", "choose a smaller picture or another format"],
    [
        "env.not_finite",
        "3",
        "the pixel in column {x}, row {y} is infinite or not a number",
        "save the map again with finite pixels",
    ],
    ["env.limit", "3", "the file has more than {max_mib} MiB", "give a smaller file"],
    [
        "shot.nothing_to_frame",
        "3",
        "the shot hides every part of its product",
        "remove `hidden` from at least one of the parts",
    ],
    // Findings about files that take other programs to make, or a product of some size.
    ["accessor_misaligned", "info", "the elements are not aligned to their components; they are read bytewise", ""],
    [
        "animation_channel_twice",
        "warning",
        "another channel of the animation moves the same property of the node; the last one counts",
        "",
    ],
    [
        "alias_shadowed",
        "warning",
        "the alias that it was found by is that of {} and of {}: the later library's counts",
        "write the material's id, or take the alias out of one of the libraries",
    ],
    ["animation_ignored", "warning", "an animation cannot move a node with a matrix; it stays where it is", ""],
    ["bounds_wrong", "warning", "the stored bound is {stored:?}, the positions give {computed}", ""],
    ["chunk_unaligned", "info", "a chunk of {chunk_length} bytes; lengths must be divisible by 4", ""],
    ["deprecated_material", "warning", "{} is deprecated; use {replacement}", ""],
    ["env.negative", "warning", "{n_negative} pixels of the environment map are negative and count as 0", ""],
    [
        "env.primaries",
        "warning",
        "the EXR names other primaries than Rec.709; its pixels are read as Rec.709 anyway",
        "",
    ],
    [
        "coarse_coordinates",
        "warning",
        "the mesh is {} away from the origin of its own coordinates: there they are rounded to {:.2} % of its size, and round surfaces get steps. Move it to the origin before exporting it",
        "",
    ],
    [
        "extension_not_declared",
        "info",
        "integer positions or directions need {NAME}, which the file does not list; it is applied",
        "",
    ],
    [
        "flipped_shell",
        "warning",
        "a closed shell has all its faces turned inwards; where light enters it, they are taken as turned outwards",
        "",
    ],
    ["json_bom", "info", "a byte order mark before the JSON is skipped", ""],
    ["json_duplicate_key", "warning", "the member is there more than once; the last value counts", ""],
    [
        "library.texture_missing",
        "warning",
        "there is no file `{path}`; parts of this material will have the fallback material",
        "",
    ],
    ["library.albedo", "warning", "the diffuse albedo is {luminance:.3}; real dielectrics have {low} to {high}", ""],
    ["library.override", "warning", "`{}` has `override = true`, but no library before it has its code", ""],
    ["library.priority", "warning", "`priority` does nothing for a material that light does not enter", ""],
    ["light_too_weak", "info", "the light brings {share:.1e} of the light at the product: it will not be seen", ""],
    ["material_simplified", "info", "the material is rendered without {}", ""],
    [
        "normals_astray",
        "info",
        "{astray_count} of {triangle_count} triangles have normals both in front and behind, and are shaded flat",
        "",
    ],
    [
        "needle_triangles",
        "info",
        "{count} triangles are needles: their height is below {NEEDLE_SHARE:e} of their length",
        "",
    ],
    ["non_finite_values", "warning", "normals that are not finite are recomputed", ""],
    [
        "non_manifold_body",
        "warning",
        "light enters this part, but at {n_unclear} edges {what}: what is inside it is not defined",
        "",
    ],
    [
        "restart_index",
        "warning",
        "index {} would restart the primitive in graphics interfaces; it is taken as a vertex",
        "",
    ],
    ["shot.camera_inside", "warning", "the camera is inside {}{when} and sees it from within", ""],
    [
        "shot.part_hidden",
        "warning",
        "{what} hidden behind {:?}, and not seen unless that is transparent: hide that, or choose another view",
        "",
    ],
    ["shot.pattern_unmatched", "warning", "the pattern {} matches no part", ""],
    [
        "shot.sweep_ends",
        "warning",
        "the picture shows more than a sweep can fill: beside it the background is seen",
        "",
    ],
    ["truncated_name", "info", "the name is cut off at 63 bytes, as Blender does; it was matched by its beginning", ""],
    ["skin_ignored", "warning", "the node has a skin, but its mesh names no joints; it is placed like any other", ""],
    ["skin_set_incomplete", "warning", "there is no {other}{} to go with it; it is ignored", ""],
    ["skin_weights", "warning", "{loose} vertices have no weight on any joint; they follow the first one", ""],
    [
        "suggestions_limited",
        "info",
        "there are too many unknown part names to look for suggestions for all of them",
        "",
    ],
    [
        "textures_over_budget",
        "warning",
        "the product's {} images take {} MiB, above {} MiB; the largest one is {} × {} pixels",
        "",
    ],
    [
        "touching_bodies",
        "warning",
        "{n_faces} faces coincide exactly with faces of {:?}, and light enters both parts: it cannot pass from one into the \
         other. Let one reach into the other, and give their materials priorities",
        "",
    ],
    ["trailing_data", "warning", "{} bytes after the declared end are ignored", ""],
    ["unsupported_feature", "warning", "animating {} is not supported; this channel is ignored", ""],
];

/// The texts that nothing provokes, each of which some source has, letter by letter.
pub(crate) fn all(sources: &[Source]) -> Vec<Text> {
    // Literals that go on in the next line.
    let joined: Vec<String> = sources.iter().map(|source| unbroken(&source.text)).collect();
    let is_there = |text: &str| joined.iter().any(|source| source.contains(text));
    let text = |&[code, ends_with, message, help]: &[&str; 4]| {
        for text in [message, help] {
            assert!(is_there(text), "{code}: no source has {text:?}");
        }
        // The service's own codes have their way out in one place.
        let own = packshot_service::app::Code::from_name(code).map(packshot_service::app::Code::help);
        let help = own.filter(|_| help.is_empty()).unwrap_or(help);
        let [code, ends_with, message, help] = [code, ends_with, message, help].map(str::to_owned);
        Text { code, ends_with, message, at: String::new(), help }
    };
    WRITTEN.iter().map(text).collect()
}

/// Source text without the line breaks that `\` hides in literals.
fn unbroken(text: &str) -> String {
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start())
}
