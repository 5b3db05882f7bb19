use super::*;

fn sources(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)]) -> Sources {
    Sources {
        flags: flags.iter().map(|(key, flag, value)| (*key, *flag, (*value).to_owned())).collect(),
        variables: [("HOME", "/home/u")].iter().chain(variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        file: Some((PathBuf::from("p.toml"), file.to_owned())),
    }
}

fn load(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)]) -> Settings {
    Settings::from_sources(&sources(file, variables, flags)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_command_line_goes_before_the_environment_before_the_file_before_the_default() {
    let file = "listen = \"127.0.0.1:1\"\nthreads = 3\nmax_pixels = 5\n";
    let variables = [("PACKSHOT_LISTEN", "127.0.0.1:2"), ("PACKSHOT_THREADS", "4")];
    let settings = load(file, &variables, &[("listen", "--listen", "localhost:3")]);
    assert_eq!(settings.listen, "127.0.0.1:3".parse().expect("an address"));
    assert_eq!((settings.threads, settings.max_pixels), (4, 5));
    assert_eq!(settings.max_upload_bytes, 512 << 20);
    let text = settings.in_effect.to_string();
    for line in
        ["# --listen", "# PACKSHOT_THREADS", "# p.toml:3 (max_pixels)", "# default", "# database_url is not set"]
    {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn what_is_in_effect_is_a_settings_file_again_and_holds_no_secret() {
    let variables = [
        ("PACKSHOT_METRICS_TOKEN", "geheim"),
        ("DATABASE_URL", "postgres://u:geheim@h/d"),
        ("PACKSHOT_CORS_ORIGINS", "https://a.example, https://b.example"),
        ("PACKSHOT_RESIDENT_BYTES", "3 GiB"),
    ];
    let settings = load("", &variables, &[]);
    assert_eq!(settings.resident_bytes, 3 << 30);
    assert_eq!(settings.metrics_token.as_ref().map(Secret::reveal), Some("geheim"));
    let text = settings.in_effect.to_string();
    assert!(!text.contains("geheim") && !format!("{settings:?}").contains("geheim"), "{text}");
    let again = text.replace("\"***\"", "\"postgres://u@h/d\"");
    let again = load(&again, &[], &[]);
    assert_eq!(again.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!((again.resident_bytes, again.data), (settings.resident_bytes, settings.data));
}

#[test]
fn every_fault_has_code_place_and_is_listed() {
    let table = [
        ("listen = \"here\"", "config.invalid_value", "p.toml:1 (listen)"),
        ("\n\nthreads = \"4\"", "config.invalid_value", "p.toml:3 (threads)"),
        ("threads = 4.5", "config.invalid_value", "p.toml:1 (threads)"),
        ("max_pixels = 99999999999999999999", "config.invalid_value", "p.toml:1 (max_pixels)"),
        ("max_upload_bytes = \"3 MB\"", "config.invalid_value", "p.toml:1 (max_upload_bytes)"),
        ("max_upload_bytes = \"99999999999999 GiB\"", "config.invalid_value", "p.toml:1 (max_upload_bytes)"),
        ("workers = \"remote\"", "config.invalid_value", "p.toml:1 (workers)"),
        ("cors_origins = [\"https://a.example/path\"]", "config.invalid_value", "p.toml:1 (cors_origins)"),
        ("allowed_hosts = [1]", "config.invalid_value", "p.toml:1 (allowed_hosts)"),
        ("database_url = \"mysql://h\"", "config.invalid_value", "p.toml:1 (database_url)"),
        ("max_uploads_bytes = 3", "config.unknown_setting", "p.toml:1 (max_uploads_bytes)"),
        ("[store]\nbucket.name = \"x\"", "config.invalid_value", "p.toml:2 (store.bucket)"),
        ("[store]\nregion = \"x\"", "config.missing", "p.toml:2 (store.region)"),
        ("[store]\nbucket = \"b\"\npath = \"/p\"", "config.conflict", "p.toml:3 (store.path)"),
        ("[store]\nbucket = \"b\"\naccess_key_id = \"k\"", "config.missing", "p.toml:3 (store.access_key_id)"),
        ("device = \"cpu\"\ncycles_device = \"gpu\"", "config.conflict", "p.toml:"),
        ("listen = ", "config.syntax", "p.toml:1"),
    ];
    for (file, code, at) in table {
        let error = Settings::from_sources(&sources(file, &[], &[])).expect_err(file);
        let fault = error.faults.first().expect("a fault");
        assert_eq!((fault.code.as_str(), error.faults.len()), (code, 1), "{file}: {error}");
        assert!(fault.at.starts_with(at), "{file}: {}", fault.at);
        assert!(!fault.help.is_empty(), "{file}: {error}");
    }
    let all = Settings::from_sources(&sources("threads = -1\nworkers = 1\nlog_formt = \"json\"", &[], &[]));
    let all = all.expect_err("three faults");
    assert_eq!(all.faults.len(), 3, "{all}");
    assert!(all.to_string().contains("did you mean `log_format`?"), "{all}");
}

#[test]
fn help_has_an_example_in_the_form_of_the_source() {
    let help = |file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)]| {
        let error = Settings::from_sources(&sources(file, variables, flags)).expect_err("a fault");
        error.faults[0].help.clone()
    };
    assert_eq!(help("threads = \"many\"", &[], &[]), "set it as in `threads = 4`");
    assert_eq!(
        help("", &[("PACKSHOT_MAX_UPLOAD_BYTES", "3 MB")], &[]),
        "set it as in `PACKSHOT_MAX_UPLOAD_BYTES=512MiB`"
    );
    assert_eq!(help("", &[], &[("listen", "--listen", "here")]), "set it as in `--listen 127.0.0.1:8080`");
    assert_eq!(help("[store]\nregion = \"x\"", &[], &[]), "set `store.bucket = \"pictures\"`, or remove this setting");
    let half = sources("[store]\nbucket = \"b\"\nsecret_access_key = \"k\"", &[], &[]);
    let half = Settings::from_sources(&half).expect_err("half a key");
    assert_eq!(half.faults[0].message, "`store.secret_access_key` is set without `store.access_key_id`");
}

#[test]
fn every_setting_has_an_example_that_is_valid() {
    let in_effect = load("", &[], &[]).in_effect.to_string();
    let names = in_effect.lines().map(|line| line.trim_start_matches("# ").split(' ').next().expect("a name"));
    for key in names {
        let (_, value) = example::EXAMPLES.iter().find(|(known, _)| *known == key).unwrap_or_else(|| panic!("{key}"));
        let Err(error) = Settings::from_sources(&sources(&format!("{key} = {value}"), &[], &[])) else { continue };
        // A setting of S3 alone lacks the others.
        assert!(error.faults.iter().all(|fault| fault.code == "config.missing"), "{error}");
    }
}

#[test]
fn variables() {
    let of_kubernetes = [("PACKSHOT_PORT", "tcp://10.0.0.1:80"), ("PACKSHOT_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(load("", &of_kubernetes, &[]).warnings, Vec::<String>::new());
    assert_eq!(load("", &[("PACKSHOT_LISTN", "x")], &[]).warnings.len(), 1);
    assert_eq!(load("", &[("PACKSHOT_DEVICE", "cpu")], &[]).render_device, "cpu");
    assert_eq!(load("", &[("PACKSHOT_THREADS", "")], &[]).threads, 0, "an empty variable is none");
    let error = Settings::from_sources(&sources("", &[("PACKSHOT_ADMIN_EMAIL", "a@b.example")], &[]));
    assert_eq!(error.expect_err("no users yet").faults[0].code, "config.not_available");
    let homeless = Sources::default();
    assert_eq!(Settings::from_sources(&homeless).expect_err("no home").faults[0].code, "config.missing");
}

#[test]
fn stores() {
    let local = load("data = \"/d\"", &[], &[]);
    assert_eq!(local.store, StoreSettings::Local { path: "/d".into() });
    let s3 = load("[store]\nbucket = \"b\"\nendpoint = \"http://minio:9000/\"\nprefix = \"/packshot\"", &[], &[]);
    let StoreSettings::S3 { bucket, endpoint, region, prefix, .. } = s3.store else { panic!("{:?}", s3.store) };
    assert_eq!((bucket.as_str(), endpoint.as_deref()), ("b", Some("http://minio:9000")));
    assert_eq!((region.as_str(), prefix.as_str()), ("us-east-1", "packshot/"));
}
