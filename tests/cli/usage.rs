//! Wrong usage: exit code 2, and an error that names the option and what to do.

use crate::workplace::{TINY, Workplace};

#[test]
fn wrong_usage() {
    let workplace = Workplace::new();
    workplace.write("shot.json", b"{}");
    for (args, code, at) in [
        ("", "usage.missing", ""),
        ("rendr", "usage.unknown_command", "rendr"),
        ("render", "usage.missing", "<INPUT>"),
        ("render boxes.glb --widht 3", "usage.unknown_option", "--widht"),
        ("render boxes.glb --width 0", "usage.invalid_value", "--width"),
        ("render boxes.glb --width 16385", "usage.invalid_value", "--width"),
        ("render boxes.glb --width 16384 --height 16384", "usage.invalid_value", "--width"),
        ("render boxes.glb --samples 0", "usage.invalid_value", "--samples"),
        ("render boxes.glb --noise 2", "usage.invalid_value", "--noise"),
        ("render boxes.glb --noise nan", "usage.invalid_value", "--noise"),
        ("render boxes.glb --max-time 0", "usage.invalid_value", "--max-time"),
        ("render boxes.glb --seed -1", "usage.invalid_value", "--seed"),
        ("render boxes.glb --max-bounces 1025", "usage.invalid_value", "--max-bounces"),
        ("render boxes.glb --filter gauss", "usage.invalid_value", "--filter"),
        ("render boxes.glb --view sideways", "usage.invalid_value", "--view"),
        ("render boxes.glb --fill 1.5", "usage.invalid_value", "--fill"),
        ("render boxes.glb --fill 0", "usage.invalid_value", "--fill"),
        ("render boxes.glb --elevation-deg 91", "usage.invalid_value", "--elevation-deg"),
        ("render boxes.glb --lens-mm -5", "usage.invalid_value", "--lens-mm"),
        ("render boxes.glb --up-axis x", "usage.invalid_value", "--up-axis"),
        ("render boxes.glb --unit-scale 0", "usage.invalid_value", "--unit-scale"),
        ("render boxes.glb --unit-scale -1", "usage.invalid_value", "--unit-scale"),
        ("render boxes.glb --dof 0.01", "usage.invalid_value", "--dof"),
        ("render boxes.glb --light disco", "usage.invalid_value", "--light"),
        ("render boxes.glb --background red", "usage.invalid_value", "--background"),
        ("render boxes.glb --view-transform filmic", "usage.invalid_value", "--view-transform"),
        ("render boxes.glb --exposure-ev -1.5x", "usage.invalid_value", "--exposure-ev"),
        ("render boxes.glb --exposure-ev 33", "usage.invalid_value", "--exposure-ev"),
        ("render boxes.glb --bit-depth 12", "usage.invalid_value", "--bit-depth"),
        ("render boxes.glb --quality 0", "usage.invalid_value", "--quality"),
        ("render boxes.glb --dpi 65536", "usage.invalid_value", "--dpi"),
        ("render boxes.glb --lut a.cube --lut-input log2:1:0", "usage.invalid_value", "--lut-input"),
        ("render boxes.glb --on-unmapped guess", "usage.invalid_value", "--on-unmapped"),
        ("render boxes.glb --threads 0", "usage.invalid_value", "--threads"),
        ("render boxes.glb --repeat 0", "usage.invalid_value", "--repeat"),
        ("render boxes.glb --material Base", "usage.invalid_value", "--material"),
        ("render boxes.glb -o out.bmp", "usage.invalid_value", "-o"),
        ("render boxes.glb -o out", "usage.invalid_value", "-o"),
        ("render --sample gearbox", "usage.invalid_value", "--sample"),
        ("render boxes.glb -o out.webp --width 16384 --height 8", "encode.too_large", "-o"),
        ("render boxes.glb --lut-input linear", "usage.missing", "--lut"),
        ("render boxes.glb --hide *", "usage.nothing_left", "--hide"),
        // Contradictions.
        ("render boxes.glb --view front --azimuth-deg 3", "usage.conflict", "--view"),
        ("render boxes.glb --trim", "usage.missing", "--trim"),
        ("render boxes.glb --trim --fill 0.9", "usage.conflict", "--trim"),
        ("render boxes.glb --trim --camera Above", "usage.conflict", "--trim"),
        // What would be lost.
        ("render boxes.glb -o a.png --dump-shot boxes.glb", "usage.conflict", ""),
        ("render boxes.glb -o ./a.png --report a.png", "usage.conflict", ""),
        ("render boxes.glb -o out/ --report out/boxes.png", "usage.conflict", ""),
        ("render boxes.glb -o a.product.exr --dump-shot a.product.exr", "usage.conflict", ""),
        ("views boxes.glb -o out/ --view front --report out/front.png", "usage.conflict", ""),
        ("turntable boxes.glb -o out/ --frames 2 --report out/turntable.json", "usage.conflict", ""),
        ("turntable boxes.glb -o out/ --frames 2 --report out/frame_0000.png", "usage.conflict", ""),
        ("map init boxes.glb -o ./boxes.glb", "usage.conflict", ""),
        ("render - --material-map -", "usage.conflict", ""),
        ("render boxes.glb --view front --camera Above", "usage.conflict", "--view"),
        ("render boxes.glb --camera Above --fill 0.5", "usage.conflict", "--camera"),
        ("render boxes.glb --ortho --lens-mm 50", "usage.conflict", "--ortho"),
        ("render boxes.glb --shot shot.json", "usage.conflict", "--shot"),
        ("render --sample bearing --shot shot.json", "usage.conflict", "--shot"),
        ("render --shot shot.json --view front", "usage.conflict", "--shot"),
        ("render --shot shot.json --light white", "usage.conflict", "--shot"),
        ("render --shot shot.json --material A=Steel", "usage.conflict", "--shot"),
        ("render --shot shot.json --fill 0.5", "usage.conflict", "--shot"),
        ("render boxes.glb -o - --json", "usage.conflict", "-o"),
        ("render boxes.glb -o out.png --report out.png", "usage.conflict", "--report"),
        ("render boxes.glb --report - --json", "usage.conflict", "--report"),
        ("render boxes.glb -o out.png --exr half", "usage.conflict", "--exr"),
        ("render boxes.glb -o out.exr --bit-depth 8", "usage.conflict", "--bit-depth"),
        ("render boxes.glb -o out.png --bit-depth 32", "usage.conflict", "--bit-depth"),
        ("render boxes.glb -o out.tiff --bit-depth 10", "usage.conflict", "--bit-depth"),
        ("render boxes.glb -o out.jpg --bit-depth 8", "usage.conflict", "--bit-depth"),
        ("render boxes.glb -o out.png --quality 90", "usage.conflict", "--quality"),
        ("render boxes.glb --lut a.cube --lut-input linear --view-transform agx", "usage.conflict", "--view-transform"),
        ("render boxes.glb -o out.exr --format png", "usage.conflict", "--format"),
        ("render boxes.glb boxes.glb -o out.png", "usage.conflict", "-o"),
        ("render boxes.glb boxes.glb -o out/", "usage.conflict", "-o"),
        ("render boxes.glb --sample bearing --report r.json", "usage.conflict", "--report"),
        ("render - -", "usage.conflict", "-"),
        ("render boxes.glb --aov samples -o out.png", "usage.conflict", "--aov"),
        ("render boxes.glb --aov noise -o out.exr", "usage.invalid_value", "--aov"),
        ("preflight", "usage.missing", "INPUT"),
        ("map", "usage.missing", ""),
        ("sample bearing", "usage.missing", "--output"),
        ("sample gearbox -o gearbox.glb", "usage.invalid_value", "<NAME>"),
        ("template show tent", "usage.invalid_value", "<NAME|FILE>"),
        ("sample bearing -o bearing.txt", "usage.invalid_value", "-o"),
        ("materials show", "usage.missing", "ID"),
        ("completions tcl", "usage.invalid_value", "SHELL"),
    ] {
        let args: Vec<&str> = args.split_whitespace().collect();
        let outcome = workplace.run(&args);
        // The parser names either of two options that contradict each other.
        let at = if code == "usage.conflict" { "" } else { at };
        outcome.expect_error(2, code, at);
    }
    assert_eq!(workplace.files(), ["boxes.glb", "out", "shot.json"], "nothing is written");
}

#[test]
fn what_the_parser_finds_is_told_as_all_else_is() {
    let workplace = Workplace::new();
    for (args, told) in [
        (
            "render boxes.glb --heigth 3",
            "this command has no option `--heigth`\n  at: --heigth\n  help: did you mean `--height`?",
        ),
        (
            "render boxes.glb --colour red",
            "this command has no option `--colour`\n  at: --colour\n  help: did you mean `--background`, `--ground-color` or `--line-color`?",
        ),
        (
            "render boxes.glb --view front,top",
            "invalid value `front,top` for `--view`: expected one of front, right, back, left, top, bottom, \
             three_quarter; did you mean `front`?\n  at: --view\n  help: one picture for each of several views is made \
             by `packshot views` with `--set front,top`",
        ),
        (
            "render --sample bearing --preset amazon",
            "invalid value `amazon` for `--preset`\n  at: --preset\n  help: did you mean `amazon_main` or `amazon_360`?",
        ),
        ("rendr", "there is no command `rendr`\n  at: rendr\n  help: did you mean `render`?"),
        (
            "views boxes.glb lids.glb",
            "unexpected argument `lids.glb`\n  at: lids.glb\n  help: this command takes one product; `packshot render` takes \
             several",
        ),
        ("devices boxes.glb", "unexpected argument `boxes.glb`\n  at: boxes.glb\n  help: `packshot devices --help`"),
        (
            "map init",
            "`<INPUT>` is missing\n  at: <INPUT>\n  help: give a .glb file, such as the one that `packshot sample bearing -o \
             bearing.glb` writes\n",
        ),
        ("sample", "`--output` and `<NAME>` are missing\n  at: --output\n"),
        (
            "render --shot shot.json boxes.glb --sample bearing",
            "`--shot` cannot be combined with `<INPUT>` and `--sample`\n  at: --shot\n  help: leave out one of them\n",
        ),
        (
            "render boxes.glb --repeat 0",
            "invalid value `0` for `--repeat`: expected a whole number from 1 to 10000\n  at: --repeat\n",
        ),
        (
            "render boxes.glb --max-memory-bytes 0",
            "invalid value `0` for `--max-memory-bytes`: expected a number of bytes, at least 1, such as 536870912 or \
             \"512 MiB\"\n",
        ),
        ("render boxes.glb --threads few", "invalid value `few` for `--threads`: expected a whole number\n"),
        (
            "map boxes.glb",
            "there is no command `boxes.glb`\n  at: boxes.glb\n  help: `packshot map init` makes a map for a file: \
             `packshot map init boxes.glb -o map.json`\n",
        ),
        (
            "map map.json",
            "there is no command `map.json`\n  at: map.json\n  help: `packshot map --help` lists its commands\n",
        ),
        (
            "render boxes.glb --max-time 10s",
            "invalid value `10s` for `--max-time`: expected a number above 0 up to 1000000000; did you mean `10`?\n",
        ),
        (
            "render boxes.glb --noise 5%",
            "invalid value `5%` for `--noise`: expected a number from 0 to 1; did you mean `0.05`?\n",
        ),
        (
            "render boxes.glb --quality 85%",
            "invalid value `85%` for `--quality`: expected a whole number from 1 to 100; did you mean `85`?\n",
        ),
        (
            "render boxes.glb --width 512px",
            "invalid value `512px` for `--width`: expected a whole number from 1 to 16384; did you mean `512`?\n",
        ),
        (
            "render boxes.glb --width 200%",
            "invalid value `200%` for `--width`: expected a whole number from 1 to 16384; did you mean `200`?\n",
        ),
        (
            "render boxes.glb --width 50mm",
            "invalid value `50mm` for `--width`: expected a whole number from 1 to 16384\n",
        ),
        (
            "render boxes.glb --denoise-with optix",
            "invalid value `optix` for `--denoise-with`\n  at: --denoise-with\n  help: one of packshot, oidn\n",
        ),
        ("render boxes.glb --lut", "`--lut` needs a value\n  at: --lut\n"),
        (
            "render boxes.glb --exposure-ev -1.5 --azimuth-deg -12x",
            "invalid value `-12x` for `--azimuth-deg`: expected a number\n  at: --azimuth-deg\n",
        ),
        (
            "render boxes.glb --clay false",
            "`false` stands alone after `--clay`, and would be read as a file\n  at: --clay\n",
        ),
        (
            "render boxes.glb -o - --format png,jpg",
            "standard output takes one file, so it cannot have several formats\n  at: --format\n",
        ),
        (
            "render boxes.glb -o out --format png,jpg",
            "one file cannot have several formats\n  at: --format\n  help: write to a folder (`-o out/`)\n",
        ),
        (
            "render boxes.glb --xyzzy",
            "this command has no option `--xyzzy`\n  at: --xyzzy\n  help: `packshot render --help` lists its options\n",
        ),
        (
            "template xyzzy",
            "there is no command `xyzzy`\n  at: xyzzy\n  help: `packshot template --help` lists its commands\n",
        ),
        #[cfg(feature = "service")]
        (
            "admin create-key --xyzzy",
            "this command has no option `--xyzzy`\n  at: --xyzzy\n  help: `packshot admin create-key --help` lists its \
             options\n",
        ),
    ] {
        let outcome = workplace.run(&args.split_whitespace().collect::<Vec<_>>());
        assert_eq!(outcome.code, 2, "{args}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(&format!("]: {told}")), "{args}: {}", outcome.stderr);
    }
}

#[test]
fn an_option_of_another_command_is_told_with_the_commands_that_have_it() {
    let workplace = Workplace::new();
    let outcome = workplace.run(&["render", "boxes.glb", "--frames", "4"]);
    outcome.expect_error(2, "usage.conflict", "--frames");
    let message = "`--frames` is only for `packshot turntable`, not for `packshot render`";
    assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    let outcome = workplace.run(&["render", "boxes.glb", "-o", "out/", "--format", "mp4"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    let message = "`mp4` is only for `packshot turntable`, not for `packshot render`";
    assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    for command in ["render", "views", "turntable"] {
        let outcome = workplace.run(&[command, "boxes.glb", "-o", "out/", "--format", "zip"]);
        outcome.expect_error(2, "usage.invalid_value", "--format");
        assert!(outcome.stderr.contains("a zip of pictures is made by the service alone"), "{}", outcome.stderr);
    }
}

#[test]
fn names_of_requests_are_understood_as_hints() {
    let workplace = Workplace::new();
    for (args, meant) in [
        ("turntable boxes.glb --frame-count 24", "--frames"),
        ("render boxes.glb --noise-threshold 0.1", "--noise"),
        ("render boxes.glb --max-time-s 3", "--max-time"),
        ("render boxes.glb --aovs uv", "--aov"),
    ] {
        let outcome = workplace.run(&args.split_whitespace().collect::<Vec<_>>());
        outcome.expect_error(2, "usage.unknown_option", "");
        assert!(outcome.stderr.contains(&format!("did you mean `{meant}`?")), "{args}: {}", outcome.stderr);
    }
    // The name of a file may begin as an option does.
    let outcome = workplace.run(&["render", "-boxes.glb", "-q"]);
    outcome.expect_error(2, "usage.unknown_option", "-b");
    assert!(outcome.stderr.contains("is given as `./-boxes.glb`"), "{}", outcome.stderr);
    // An option of another kind of pictures says so.
    let outcome = workplace.run(&["render", "boxes.glb", "--frames", "24"]);
    outcome.expect_error(2, "usage.conflict", "--frames");
}

#[test]
fn more_threads_than_processors_can_use_are_warned_of() {
    let workplace = Workplace::new();
    let warned = |threads| {
        let outcome = workplace.run(&[&["render", "boxes.glb", "--threads", threads], &TINY[..]].concat()).done();
        outcome.stderr.contains(&format!("warning: {threads} threads share "))
    };
    let n_processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(!warned("2"));
    assert!(warned("1024") || n_processors >= 256);
}

#[test]
fn what_comes_later_says_so() {
    let workplace = Workplace::new();
    let outcome = workplace.run(&["worker"]);
    outcome.expect_error(2, "usage.not_available", "");
    assert!(outcome.stderr.contains("\"scale-out\""), "{}", outcome.stderr);
    assert_eq!(workplace.files(), ["boxes.glb"], "nothing is written");
}

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next()).collect()
}

/// Fails unless the help of a command, and of each below it, ends with an example; gives the number of helps.
fn expect_examples(workplace: &Workplace, command: &[&str]) -> usize {
    let outcome = workplace.run(&[command, &["--help"]].concat()).done();
    assert_eq!(outcome.stderr, "", "{command:?}");
    let help = outcome.text().trim_end();
    let last = help.lines().last().unwrap_or_default();
    assert!(last.starts_with("Example: packshot "), "{command:?}: {help}");
    // The help of `help` is that of the group.
    if command.last() == Some(&"help") {
        return 1;
    }
    1 + listed(help).into_iter().map(|name| expect_examples(workplace, &[command, &[name]].concat())).sum::<usize>()
}

#[test]
fn every_help_ends_with_an_example() {
    // The definitions of all commands have a test that each example is a valid command.
    let n_helps = expect_examples(&Workplace::new(), &[]);
    assert!(n_helps > 20, "{n_helps}");
}

#[test]
fn what_was_meant_by_a_mistyped_word_is_said() {
    let workplace = Workplace::new();
    for (args, near) in [
        ("--light three_pont", "three_point"),
        ("--view frnt", "front"),
        ("--preset amazn_main", "amazon_main"),
        ("--template hero_drak", "hero_dark"),
        ("--format webpp", "webp"),
    ] {
        let args: Vec<&str> = ["render", "boxes.glb"].into_iter().chain(args.split_whitespace()).collect();
        let outcome = workplace.run(&args);
        outcome.expect_error(2, "usage.invalid_value", "");
        assert!(outcome.stderr.contains(&format!("did you mean `{near}`?")), "{args:?}: {}", outcome.stderr);
    }
    for (args, near) in [
        (&["views", "boxes.glb", "--set", "six_veiw"][..], "six_view"),
        (&["render", "--sample", "bearng"], "bearing"),
        (&["preflight", "--sample", "baering"], "bearing"),
        (&["sample", "Bearings", "-o", "a.glb"], "bearing"),
        (&["template", "show", "hero-dark"], "hero_dark"),
    ] {
        let outcome = workplace.run(args);
        outcome.expect_error(2, "usage.invalid_value", "");
        assert!(outcome.stderr.contains(&format!("did you mean `{near}`?")), "{args:?}: {}", outcome.stderr);
    }
}

#[test]
fn the_command_or_option_that_was_meant_is_one_that_can_be_used() {
    let workplace = Workplace::new();
    for (args, meant) in [
        ("device", "`devices`"),
        ("templates", "`template`"),
        ("version", "`--version`"),
        ("help rendr", "`render`"),
        ("template lst", "`list`"),
        ("render boxes.glb --resolution 320", "`--width` and `--height`"),
        ("render boxes.glb --map map.json", "`--material-map`"),
        ("render boxes.glb --materialmap map.json", "`--material-map`"),
        #[cfg(feature = "service")]
        ("admin createkey", "`create-key`"),
        #[cfg(feature = "service")]
        ("admin create_key", "`create-key`"),
        #[cfg(feature = "service")]
        ("admin revoke", "`revoke-key`"),
        #[cfg(feature = "service")]
        ("serve --port 8080", "`--listen`"),
        #[cfg(feature = "service")]
        ("serve --prot 8080", "`--listen`"),
    ] {
        let outcome = workplace.run(&args.split_whitespace().collect::<Vec<_>>());
        assert_eq!(outcome.code, 2, "{args}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(&format!("help: did you mean {meant}?")), "{args}: {}", outcome.stderr);
    }
    for args in ["list", "completions csh", "render boxes.glb --xyzzy"] {
        let outcome = workplace.run(&args.split_whitespace().collect::<Vec<_>>());
        assert_eq!(outcome.code, 2, "{args}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("did you mean"), "{args}: {}", outcome.stderr);
    }
}

#[test]
fn a_format_may_be_written_as_an_extension() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "out/", "--format", ".png,.jpg"]);
    assert!(workplace.path("out/boxes.png").exists() && workplace.path("out/boxes.jpg").exists());
}

#[test]
fn who_keeps_nothing_is_told_before_it_is_rendered() {
    let workplace = Workplace::new();
    let told = |more: &[&str]| {
        let outcome = workplace.run(&[&["render", "boxes.glb"], &TINY[..], more].concat()).done();
        outcome.stderr.contains("there is no -o")
    };
    assert!(told(&[]));
    assert!(!told(&["-o", "a.png"]) && !told(&["--json"]) && !told(&["--report", "a.json"]));
    assert!(told(&["-q"]), "it is a warning");
}

#[test]
fn man_pages() {
    let workplace = Workplace::new();
    let page = workplace.run(&["man"]).done();
    assert!(page.text().contains(".TH packshot 1") && page.text().contains("turntable"), "{}", page.text());
    workplace.run(&["man", "-o", "man1"]).done();
    let render = String::from_utf8(workplace.read("man1/packshot-render.1")).expect("text");
    assert!(render.contains("material\\-map") && !render.contains("worker-child"), "{render}");
    assert!(workplace.path("man1/packshot-map-init.1").exists());
}

#[test]
fn version_and_completions() {
    let workplace = Workplace::new();
    let version = workplace.run(&["--version"]).done();
    assert!(
        version.text().starts_with(concat!("packshot ", env!("CARGO_PKG_VERSION"), " (commit ")),
        "{}",
        version.text()
    );
    assert!(version.text().contains("backends: cpu"), "{}", version.text());
    for shell in ["bash", "zsh", "fish"] {
        let script = workplace.run(&["completions", shell]).done();
        assert!(script.text().contains("packshot") && script.text().contains("preflight"), "{shell}");
    }
}

#[test]
fn views_say_at_first_that_they_need_a_folder() {
    let workplace = Workplace::new();
    for output in ["v", "v.png"] {
        let outcome = workplace.run(&["views", "boxes.glb", "-o", output]);
        outcome.expect_error(2, "usage.invalid_value", "-o");
        assert!(outcome.stderr.contains("views are written into a folder"), "{output}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("help: give a folder: -o v/\n"), "{output}: {}", outcome.stderr);
    }
}

#[test]
fn a_wrong_command_line_leaves_no_empty_folder() {
    let workplace = Workplace::new();
    workplace.run(&["render", "boxes.glb", "boxes.glb", "-o", "two/"]).expect_error(2, "usage.conflict", "-o");
    assert_eq!(workplace.files(), ["boxes.glb"], "nothing is written");
}
