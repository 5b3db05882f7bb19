//! The guide for operators, run as it is written: every command line and every setting, with the output that it shows.
//!
//! What would change this machine is replaced: names by those of [`substitutions`], programs by those of
//! [`stand_ins`], systemd by [`Machine::systemctl`], which runs the command of the guide's unit.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use packshot_db::testing::TestDatabase;
use uuid::Uuid;

use crate::bucket::BucketServer;
use crate::markdown::{Block, blocks};
use crate::service::{SOON, Service, Workplace, outcome};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
/// Sections that need what not every machine has.
const OF_PROXY: &str = "A reverse proxy";
const OF_POSTGRES: &str = "PostgreSQL and several machines";
const OF_BUCKET: &str = "Files in a bucket";
/// The comment at blocks that only a machine with a GPU can run. What they ask for is looked up in the help.
const NEEDS_GPU: &str = "needs a GPU";
/// Files that the guide writes.
const SETTINGS: &str = "etc/packshot/packshot.toml";
const UNIT: &str = "etc/systemd/system/packshot.service";
/// Users that there are, a line each.
const USERS: &str = "users";
/// Variables of the shell, from one block to the next.
const VARIABLES: &str = "variables";
/// Folders of the machine, and the one that an operator works in.
const FOLDERS: [&str; 10] = [
    "usr/local/bin",
    "etc/systemd/system",
    "etc/nginx/conf.d",
    "var/lib",
    "var/cache",
    "var/backups",
    "srv",
    "nginx",
    "stand-ins",
    "home",
];

/// What the guide names, and what this test has in its place. Each is in the guide.
fn substitutions(
    root: &Path,
    [http, https]: [u16; 2],
    postgres: Option<&Postgres>,
    bucket: Option<&BucketServer>,
) -> Vec<(&'static str, String)> {
    let root = root.display();
    let bucket = bucket.map_or_else(|| "127.0.0.1:9000".to_owned(), |server| server.address.to_string());
    let server = postgres.map_or_else(|| "127.0.0.1".to_owned(), |server| format!("{}:{}", server.host, server.port));
    vec![
        ("127.0.0.1:8080", format!("127.0.0.1:{http}")),
        ("127.0.0.1:9000", bucket),
        ("listen 443 ssl", format!("listen 127.0.0.1:{https} ssl")),
        ("render.example:443:", format!("render.example:{https}:")),
        ("https://render.example/", format!("https://render.example:{https}/")),
        ("@127.0.0.1/", format!("@{server}/")),
        ("packshot_prod", format!("packshot_prod_{}", Uuid::now_v7().simple())),
        ("--owner packshot", "--owner \"$(id -u)\"".to_owned()),
        ("--group packshot", "--group \"$(id -g)\"".to_owned()),
        ("/usr/local/bin/", format!("{root}/usr/local/bin/")),
        ("/etc/", format!("{root}/etc/")),
        ("/var/lib/packshot", format!("{root}/var/lib/packshot")),
        ("/var/cache/packshot", format!("{root}/var/cache/packshot")),
        ("/var/backups/", format!("{root}/var/backups/")),
        ("/srv/packshot", format!("{root}/srv/packshot")),
    ]
}

/// Programs that would change the machine, or read its settings, each with the script in its place.
fn stand_ins(root: &Path, nginx: Option<&Path>) -> [(&'static str, String); 4] {
    let nginx = nginx.unwrap_or(Path::new("nginx")).display();
    let root = root.display();
    [
        ("useradd", format!("for name; do :; done\necho \"$name\" >>'{root}/{USERS}'")),
        // Users that nobody made are refused.
        (
            "sudo",
            format!("if [ \"$1\" = -u ]; then grep -qx -- \"$2\" '{root}/{USERS}' || exit 1; shift 2; fi\nexec \"$@\""),
        ),
        // Packages are those that are installed for the tests.
        (
            "apt-get",
            format!(
                "[ \"$1 $2\" = 'install -y' ] && shift 2\n\
                 for name; do grep -qw -- \"$name\" '{REPOSITORY}/scripts/test' '{REPOSITORY}/scripts/with-postgres' || exit 1; done"
            ),
        ),
        ("nginx", format!("exec '{nginx}' -e stderr -p '{root}/nginx/' -c '{root}/nginx.conf' \"$@\"")),
    ]
}

/// The nginx.conf that the guide's site is included in.
fn nginx_conf(root: &Path) -> String {
    let root = root.display();
    let folder = |name: &str| format!("    {name}_temp_path {root}/nginx/{name};\n");
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(folder).concat();
    format!(
        "daemon off;\nmaster_process off;\npid {root}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\n    access_log off;\n{folders}    include {root}/etc/nginx/conf.d/*.conf;\n}}\n"
    )
}

/// The server of PACKSHOT_TEST_POSTGRES.
struct Postgres {
    user: String,
    password: String,
    host: String,
    port: String,
    database: String,
}

impl Postgres {
    fn of(url: &str) -> Self {
        let (_, rest) = url.split_once("://").expect("a URL");
        let (login, rest) = rest.rsplit_once('@').expect("a URL with a user");
        let (address, database) = rest.split_once('/').expect("a URL with a database");
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = address.split_once(':').unwrap_or((address, "5432"));
        let [user, password, host, port, database] = [user, password, host, port, database].map(str::to_owned);
        Self { user, password, host, port, database }
    }

    /// The variables with which PostgreSQL's programs find it.
    fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("PGUSER", self.user.as_str()),
            ("PGPASSWORD", self.password.as_str()),
            ("PGHOST", self.host.as_str()),
            ("PGPORT", self.port.as_str()),
            ("PGDATABASE", self.database.as_str()),
        ]
    }
}

/// A running nginx; killed when this is dropped.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the guide sets up.
struct Machine {
    service: Option<Service>,
    proxy: Option<Proxy>,
    /// The unit, as systemd read it last.
    unit: Option<String>,
    postgres: Option<Postgres>,
    bucket: Option<BucketServer>,
    /// Of the service and of the proxy.
    ports: [u16; 2],
    substitutions: Vec<(&'static str, String)>,
    place: Workplace,
}

impl Machine {
    fn new() -> Self {
        let place = Workplace::new();
        for folder in FOLDERS {
            fs::create_dir_all(place.path(folder)).expect("made");
        }
        let home = place.path("home");
        let root = home.parent().expect("the folder of all");
        let script = |path: PathBuf, body: &str| {
            fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a file of ours");
        };
        for (name, body) in stand_ins(root, found("nginx").as_deref()) {
            script(place.path("stand-ins").join(name), &body);
        }
        // What is installed from here is this script: copies of the program would be large.
        script(home.join("packshot"), &format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_packshot")));
        let nginx_conf = nginx_conf(root);
        // Debian's package of PostgreSQL brings its user.
        for (name, text) in [(USERS, "postgres\n"), (VARIABLES, ""), ("nginx.conf", nginx_conf.as_str())] {
            fs::write(place.path(name), text).expect("written");
        }
        let postgres = match TestDatabase::postgres() {
            Some(TestDatabase::Postgres(url)) => Some(Postgres::of(&url)),
            _ => None,
        };
        let ports = free_ports();
        let bucket = BucketServer::start();
        let substitutions = substitutions(root, ports, postgres.as_ref(), bucket.as_ref());
        Self { service: None, proxy: None, unit: None, postgres, bucket, ports, substitutions, place }
    }

    /// Sections for which something is missing here. It says so.
    fn skipped_sections(&self) -> Vec<&'static str> {
        let mut skipped = Vec::new();
        // Older ones cannot log to a stream of their own.
        let logs_to_stderr = Command::new("nginx").args(["-e", "stderr", "-v"]).output();
        if found("openssl").is_none() || !logs_to_stderr.is_ok_and(|output| output.status.success()) {
            println!("skipped: openssl or nginx of 1.19.5 or later is not installed");
            skipped.push(OF_PROXY);
        }
        let has_programs = ["psql", "pg_dump", "pg_restore"].into_iter().all(|program| found(program).is_some());
        if !has_programs {
            println!("skipped: the programs of postgresql-client are not installed");
        }
        if !has_programs || self.postgres.is_none() {
            skipped.push(OF_POSTGRES);
        }
        if self.bucket.is_none() {
            skipped.push(OF_BUCKET);
        }
        skipped
    }

    /// The text with this test's names.
    fn substituted(&self, text: &str) -> String {
        self.substitutions.iter().fold(text.to_owned(), |text, (name, own)| text.replace(name, own))
    }

    /// Runs the lines of a block, and gives what an operator sees.
    fn run(&mut self, block: &Block) -> String {
        let (mut seen, mut lines) = (String::new(), String::new());
        for line in self.substituted(&block.text).lines() {
            if let Some(words) = line.strip_prefix("sudo systemctl ") {
                seen += &self.shell(&std::mem::take(&mut lines));
                self.systemctl(words);
            } else {
                lines += line;
                lines.push('\n');
            }
        }
        seen + &self.shell(&lines)
    }

    /// Runs lines in the shell, with the variables of the lines before.
    fn shell(&self, lines: &str) -> String {
        let variables = self.place.path(VARIABLES);
        let variables = variables.display();
        let script = format!("set -eua\nexec 2>&1\n. '{variables}'\n{lines}export -p >'{variables}'\n");
        let [stand_ins, installed, home] = ["stand-ins", "usr/local/bin", "home"].map(|name| self.place.path(name));
        let path = std::env::var("PATH").expect("there");
        let path = format!("{}:{}:{path}:/usr/sbin:/sbin", stand_ins.display(), installed.display());
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(&home).env_clear();
        command.env("PATH", path).env("HOME", &home).env("PACKSHOT_URL", self.url());
        command.envs(self.postgres.iter().flat_map(Postgres::variables));
        let (code, seen, _) = outcome(&mut command);
        assert_eq!(code, 0, "{lines}\n{seen}");
        seen
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// What systemd would do.
    fn systemctl(&mut self, words: &str) {
        match words {
            "daemon-reload" => self.unit = Some(fs::read_to_string(self.place.path(UNIT)).expect("the unit")),
            "enable --now packshot" | "start packshot" => self.start(),
            "stop packshot" => self.stop(),
            "restart packshot" => {
                self.stop();
                self.start();
            }
            "reload nginx" => self.start_proxy(),
            other => panic!("this test knows no `systemctl {other}`"),
        }
    }

    /// Runs the command of the unit, with its variables and on the processor.
    fn start(&mut self) {
        assert!(self.service.is_none(), "it runs already");
        let unit = self.unit.as_deref().expect("`systemctl daemon-reload` comes first");
        let mut words = values(unit, "ExecStart").next().expect("a command").split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).current_dir("/").stdin(Stdio::null());
        command.env_clear().env("HOME", self.place.path("var/lib/packshot")).env("PACKSHOT_DEVICE", "cpu");
        command.envs(values(unit, "Environment").map(|variable| variable.split_once('=').expect("a variable")));
        let service = Service::spawn(&mut command);
        assert_eq!(service.url, self.url());
        self.service = Some(service);
    }

    fn stop(&mut self) {
        let mut service = self.service.take().expect("it runs");
        service.signal("TERM");
        assert!(service.wait(SOON).success(), "{}", service.log());
    }

    /// Debian's package has started it by then.
    fn start_proxy(&mut self) {
        let mut child = Command::new(self.place.path("stand-ins/nginx")).stdin(Stdio::null()).spawn().expect("starts");
        let until = Instant::now() + SOON;
        while TcpStream::connect(("127.0.0.1", self.ports[1])).is_err() {
            assert!(child.try_wait().expect("a child of ours").is_none(), "nginx ended");
            assert!(Instant::now() < until, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.proxy = Some(Proxy(child));
    }

    /// Adds lines to the settings file.
    fn add_settings(&self, lines: &str) {
        let mut file = OpenOptions::new().append(true).open(self.place.path(SETTINGS)).expect("there");
        file.write_all(self.substituted(lines).as_bytes()).expect("written");
    }

    /// Commands of the program that cannot be run here have options that there are.
    fn look_up(&self, lines: &str) {
        for line in lines.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let program = words.iter().rposition(|word| *word == "packshot").expect("a command of the program");
            let (command, options) = words[program + 1..].split_first().expect("a command");
            let (code, help, stderr) = self.place.run(&[*command, "--help"]);
            assert_eq!(code, 0, "{line}: {stderr}");
            for option in options.iter().filter(|word| word.starts_with('-')) {
                assert!(help.split_whitespace().any(|word| word == *option), "{option} in\n{help}");
            }
        }
    }

    /// The unit is for a user that was made, and systemd has nothing to say against it.
    fn check_unit(&self) {
        let unit = self.unit.as_deref().expect("it was read");
        let users = fs::read_to_string(self.place.path(USERS)).expect("there");
        assert!(values(unit, "User").eq(["packshot"]) && users.lines().any(|user| user == "packshot"), "{users}");
        let mut command = Command::new("systemd-analyze");
        let Ok(output) = command.args(["verify", "--man=no", "--generators=no"]).arg(self.place.path(UNIT)).output()
        else {
            println!("skipped: systemd-analyze is not installed");
            return;
        };
        // It says other things about the machine that it runs on, and ends well whatever it finds.
        let said = String::from_utf8_lossy(&output.stderr);
        let faults: Vec<&str> = said.lines().filter(|line| line.contains("packshot.service")).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

/// Where a program is.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/sbin"]);
    folders.map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// Two ports that nobody listens on now.
fn free_ports() -> [u16; 2] {
    // Below the range from which the system draws for others.
    let first = 10_000 + u16::try_from(std::process::id() % 10_000).expect("small");
    let mut free = (first..32_000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    [(); 2].map(|()| free.next().expect("a port"))
}

/// The values of a unit's setting.
fn values<'a>(unit: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    unit.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('='))
}

/// Whether an output is the one that the guide shows, where `…` is for anything. Spaces only divide words.
fn is_as_shown(seen: &str, shown: &str) -> bool {
    let plain = |text: &str| {
        let lines = text.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let (seen, shown) = (plain(seen), plain(shown));
    let Some((start, after)) = shown.split_once('…') else { return seen == shown };
    let (between, end) = after.rsplit_once('…').unwrap_or(("", after));
    let within = seen.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    let mut pieces = between.split('…');
    within.is_some_and(|within| pieces.try_fold(within, |rest, piece| Some(rest.split_once(piece)?.1)).is_some())
}

#[test]
fn outputs_are_compared() {
    for (seen, shown) in [
        ("a b\n", "a  b"),
        ("a 17 b", "a … b"),
        ("a\nb\nc", "a\n…"),
        ("pk_1 active 2026 never x", "pk_… active … never x"),
    ] {
        assert!(is_as_shown(seen, shown), "{seen}: {shown}");
    }
    for (seen, shown) in [("a b", "a c"), ("a b c", "a b"), ("a 17 c", "a … b"), ("ac", "a…b…c"), ("a", "a…a")]
    {
        assert!(!is_as_shown(seen, shown), "{seen}: {shown}");
    }
}

#[test]
fn the_guide_for_operators_works_as_it_is_written() {
    if found("curl").is_none() {
        println!("skipped: curl is not installed");
        return;
    }
    let guide = fs::read_to_string(Path::new(REPOSITORY).join("docs/operating.md")).expect("there");
    let blocks = blocks(&guide);
    let mut machine = Machine::new();
    for (name, _) in &machine.substitutions {
        assert!(blocks.iter().any(|block| block.text.contains(name)), "no block has {name}");
    }
    let marks: Vec<&str> = blocks.iter().filter_map(|block| block.mark.as_deref()).collect();
    assert_eq!(marks, [NEEDS_GPU], "what cannot be run here is marked");
    let skipped = machine.skipped_sections();
    for section in [OF_PROXY, OF_POSTGRES, OF_BUCKET] {
        assert!(blocks.iter().any(|block| block.heading == section), "the guide has no commands below {section}");
    }

    let mut seen = String::new();
    for block in blocks.iter().filter(|block| !skipped.contains(&block.heading.as_str())) {
        match block.language.as_str() {
            "sh" if block.mark.is_some() => machine.look_up(&block.text),
            "sh" => seen = machine.run(block),
            "toml" => machine.add_settings(&block.text),
            "text" => {
                let shown = machine.substituted(&block.text);
                assert!(is_as_shown(&seen, &shown), "{}: the guide shows\n{shown}\nand this is\n{seen}", block.heading);
            }
            other => panic!("{}: this test knows no blocks of `{other}`", block.heading),
        }
    }
    machine.check_unit();
    let pictures = [
        ("bearing.png", ""),
        ("beta.png", ""),
        ("proxied.png", OF_PROXY),
        ("shared.png", OF_POSTGRES),
        ("bucket.png", OF_BUCKET),
    ];
    for (name, section) in pictures {
        if !skipped.contains(&section) {
            let bytes = fs::read(machine.place.path("home").join(name)).expect("a picture");
            assert!(bytes.starts_with(b"\x89PNG"), "{name}");
        }
    }
}
