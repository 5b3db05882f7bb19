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
        ("trusted_proxies = [\"10.0.0.1/8\"]", "config.invalid_value", "p.toml:1 (trusted_proxies)"),
        ("rate_limit_burst = 0", "config.invalid_value", "p.toml:1 (rate_limit_burst)"),
        ("database_url = \"mysql://h\"", "config.invalid_value", "p.toml:1 (database_url)"),
        ("database_owner_url = \"postgres://h\"", "config.database_roles", "p.toml:1 (database_owner_url)"),
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
        // A setting of S3 alone lacks the others, as the URL of one database role does.
        let lacks_others = ["config.missing", "config.database_roles"];
        assert!(error.faults.iter().all(|fault| lacks_others.contains(&&*fault.code)), "{error}");
    }
}

#[test]
fn variables() {
    let of_kubernetes = [("PACKSHOT_PORT", "tcp://10.0.0.1:80"), ("PACKSHOT_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(load("", &of_kubernetes, &[]).warnings, Vec::<String>::new());
    assert_eq!(load("", &[("PACKSHOT_LISTN", "x")], &[]).warnings.len(), 1);
    assert_eq!(load("", &[("PACKSHOT_DEVICE", "cpu")], &[]).render_device, "cpu");
    assert_eq!(load("", &[("PACKSHOT_THREADS", "")], &[]).threads, 0, "an empty variable is none");
    let first = [("PACKSHOT_ADMIN_EMAIL", "a@b.example"), ("PACKSHOT_ADMIN_PASSWORD_FILE", "/run/password")];
    let first = load("", &first, &[]).first_admin.expect("both are given");
    assert_eq!((first.email.as_str(), first.password_file), ("a@b.example", PathBuf::from("/run/password")));
    let error = Settings::from_sources(&sources("", &[("PACKSHOT_ADMIN_EMAIL", "a@b.example")], &[]));
    assert_eq!(error.expect_err("half of two").faults[0].code, "config.missing");
    let homeless = Sources::default();
    assert_eq!(Settings::from_sources(&homeless).expect_err("no home").faults[0].code, "config.missing");
}

#[test]
fn t88_a_database_is_used_as_one_role_or_as_three() {
    let url = |role: &str| format!("postgres://{role}:geheim@h/d");
    let [app, bypass, owner] = ["app", "bypass", "owner"].map(url);
    assert_eq!(load("", &[], &[]).database, DatabaseSettings::Sqlite);
    let one = load("", &[("DATABASE_URL", &*app)], &[]);
    assert_eq!(one.database, DatabaseSettings::OneRole { url: Secret::new(&*app) });
    let variables =
        [("DATABASE_URL", &*app), ("DATABASE_BYPASS_URL", &*bypass), ("PACKSHOT_DATABASE_OWNER_URL", &*owner)];
    let three = load("", &variables, &[]);
    let [of_app, of_bypass, of_owner] = [&app, &bypass, &owner].map(|url| Secret::new(&**url));
    let expected = DatabaseSettings::ThreeRoles { app: of_app, bypass: of_bypass, owner: of_owner };
    assert_eq!(three.database, expected);
    assert!(!format!("{three:?}{}", three.in_effect).contains("geheim"));
    for left_out in 0..3 {
        let two: Vec<_> = variables.into_iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, v)| v).collect();
        let error = Settings::from_sources(&sources("", &two, &[])).expect_err("two of three");
        let fault = &error.faults[0];
        assert_eq!((fault.code.as_str(), error.faults.len()), ("config.database_roles", 1), "{error}");
        let missing = ["`database_url`", "`database_bypass_url`", "`database_owner_url`"][left_out];
        assert!(fault.message.contains(missing) && !error.to_string().contains("geheim"), "{error}");
    }
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

#[test]
fn t76_programs_are_named_in_the_file_alone() {
    let file = "cad_converter = [\"/usr/bin/convert\", \"--fine\"]\nlegacy_executor = \"blender\"\n\
                [legacy_executors.blender]\nkind = \"http\"\nurl = \"http://127.0.0.1:9000\"\n\
                [legacy_executors.script]\nkind = \"command\"\ncommand = [\"/usr/bin/still\"]\ntimeout_s = 60\n";
    let settings = load(file, &[], &[]);
    assert_eq!(settings.cad_converter.as_deref(), Some(&["/usr/bin/convert".to_owned(), "--fine".to_owned()][..]));
    let kinds: Vec<(&str, &str)> =
        settings.legacy_executors.iter().map(|(name, of)| (name.as_str(), of.kind())).collect();
    assert_eq!(kinds, [("blender", "http"), ("script", "command")]);
    let again = load(&settings.in_effect.to_string(), &[], &[]);
    assert_eq!((again.legacy_executors, again.legacy_executor), (settings.legacy_executors, "blender".to_owned()));
    for variable in ["PACKSHOT_CAD_CONVERTER", "PACKSHOT_LEGACY_EXECUTORS"] {
        let error = Settings::from_sources(&sources("", &[(variable, "/usr/bin/x")], &[])).expect_err(variable);
        assert_eq!((error.faults[0].code.as_str(), error.faults[0].at.as_str()), ("config.invalid_value", variable));
    }
    for (file, code) in [
        ("cad_converter = \"convert\"", "config.invalid_value"),
        ("legacy_executors = 3", "config.invalid_value"),
        ("[legacy_executors.builtin]\nkind = \"command\"\ncommand = [\"x\"]", "config.invalid_value"),
        ("[legacy_executors.Bad]\nkind = \"command\"\ncommand = [\"x\"]", "config.invalid_value"),
        ("[legacy_executors.a]\nkind = \"command\"\ncommand = []", "config.invalid_value"),
        ("[legacy_executors.a]\nkind = \"shell\"", "config.invalid_value"),
        ("[legacy_executors.a]\nkind = \"http\"\nurl = \"ftp://a\"", "config.invalid_value"),
        ("[legacy_executors.a]\nkind = \"http\"\nurl = \"http://a\"\npoll_s = 0", "config.invalid_value"),
        ("[legacy_executors.a]\nkind = \"http\"\nurl = \"http://u:secret@a/\"", "config.invalid_value"),
        ("legacy_executor = \"maya\"", "config.conflict"),
        // Where executors cannot be read, nothing is said of the one that was chosen.
        ("legacy_executor = \"a\"\n[legacy_executors.a]\nkind = \"shell\"", "config.invalid_value"),
    ] {
        let error = Settings::from_sources(&sources(file, &[], &[])).expect_err(file);
        assert_eq!((error.faults[0].code.as_str(), error.faults.len()), (code, 1), "{file}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn proxies_are_addresses_and_networks() {
    let variables = [("PACKSHOT_TRUSTED_PROXIES", "127.0.0.1, fd00::/8")];
    let settings = load("", &variables, &[]);
    let is_trusted = |text: &str| settings.trusted_proxies.contain(text.parse().expect("an address"));
    assert!(is_trusted("127.0.0.1") && is_trusted("fd12::1") && !is_trusted("127.0.0.2"));
    assert!(settings.in_effect.to_string().contains("trusted_proxies = [\"127.0.0.1\", \"fd00::/8\"]"));
    assert!(
        !load("", &[], &[]).trusted_proxies.contain("127.0.0.1".parse().expect("an address")),
        "nobody, unless named"
    );
    let error =
        Settings::from_sources(&sources("trusted_proxies = [\"10.0.0.1/8\"]", &[], &[])).expect_err("a typing error");
    assert_eq!(
        error.faults[0].message,
        "`trusted_proxies`: `10.0.0.1/8`: it has bits after its prefix: for the whole network write 10.0.0.0/8"
    );
}
