//! How much memory a program may take: the machine's memory, the limit of its container, or the remainder of its
//! address space, whichever is least.
//!
//! A container's limits are in its control group and each group above it, as `memory.max` (version 2) or
//! `memory.limit_in_bytes` (version 1); the kernel enforces all of them. `/proc/self/cgroup` lists the groups, and
//! `/proc/self/mountinfo` says where they are mounted. On a system without these files there is no limit.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Bytes that this process may use; `None` if the system does not report it.
pub fn available_bytes() -> Option<u64> {
    available_below(Path::new("/"))
}

/// The same for a system whose files are below `root`.
fn available_below(root: &Path) -> Option<u64> {
    let limits = [machine_bytes(root), container_bytes(root), address_space_bytes(root)];
    limits.into_iter().flatten().min()
}

/// All memory of the machine.
fn machine_bytes(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The remainder of the process's address space (`ulimit -v`), which batch systems use for limits. Mapped programs and
/// libraries count too.
fn address_space_bytes(root: &Path) -> Option<u64> {
    let limits = fs::read_to_string(root.join("proc/self/limits")).ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    let status = fs::read_to_string(root.join("proc/self/status")).ok()?;
    let mapped = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let mapped = mapped.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    Some(limit.saturating_sub(mapped))
}

/// The lowest limit of the control groups of this process.
fn container_bytes(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let limits = mounts.lines().filter_map(Mount::read).filter_map(|mount| {
        let group = groups.lines().find_map(|line| mount.kind.group(line))?;
        mount.limit(root, group)
    });
    limits.min()
}

/// A version of control groups with memory limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Version 1: one tree per resource, this one for memory.
    One,
    /// Version 2: one tree for all resources.
    Two,
}

impl Kind {
    /// The file with the limit of a group.
    const fn file(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }

    /// The group in a line of `/proc/self/cgroup`, if it is of this version: `4:memory:/a/b`, `0::/a/b`.
    fn group(self, line: &str) -> Option<&str> {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        let is_of_kind = match self {
            Self::One => controllers.split(',').any(|controller| controller == "memory"),
            Self::Two => controllers.is_empty(),
        };
        is_of_kind.then_some(group)
    }
}

/// Where a tree of control groups is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mount<'a> {
    kind: Kind,
    /// The group at the root of the mount; a container may see only part of the tree.
    top: &'a str,
    /// The folder of that group.
    folder: &'a str,
}

impl<'a> Mount<'a> {
    /// Parses a line of `/proc/self/mountinfo`, if it mounts control groups for memory: fields, ` - `, type, source,
    /// options of the tree.
    fn read(line: &'a str) -> Option<Self> {
        let (mount, tree) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (top, folder) = (fields.next()?, fields.next()?);
        let mut tree = tree.split(' ');
        let kind = match (tree.next()?, tree.nth(1)?) {
            ("cgroup", options) if options.split(',').any(|option| option == "memory") => Kind::One,
            ("cgroup2", _) => Kind::Two,
            _ => return None,
        };
        Some(Self { kind, top, folder })
    }

    /// The lowest limit of `group` and the groups above it, as far as they are visible.
    fn limit(&self, root: &Path, group: &str) -> Option<u64> {
        let top = folder(root, self.folder);
        let inner = match self.top {
            "/" => group,
            // A group that is not below the mounted one belongs to someone outside; the mounted one limits this process
            // too.
            above => group.strip_prefix(above).filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or("/"),
        };
        let innermost = folder(&top, inner);
        let groups = innermost.ancestors().take_while(|group| group.starts_with(&top));
        groups.filter_map(|group| fs::read_to_string(group.join(self.kind.file())).ok()?.trim().parse().ok()).min()
    }
}

/// A path of the system below a folder. Components that lead out of it are dropped: groups of other namespaces are
/// written with `..`.
fn folder(below: &Path, path: &str) -> PathBuf {
    let inner = Path::new(path).components().filter(|part| matches!(part, Component::Normal(_)));
    inner.fold(below.to_owned(), |path, part| path.join(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
    const MACHINE: Option<u64> = Some(16_384_000 * 1024);
    const ONE: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory\n";
    const TWO: &str = "30 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    /// The result for a system with these files.
    fn says(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        available_below(root.path())
    }

    #[test]
    fn without_control_groups_the_machine_limits() {
        assert_eq!(says(&[MEMINFO]), MACHINE);
        assert_eq!(says(&[]), None, "nothing is said");
        assert_eq!(says(&[("proc/meminfo", "MemTotal: much\n")]), None);
        let no_file = [MEMINFO, ("proc/self/cgroup", "0::/\n"), ("proc/self/mountinfo", TWO)];
        assert_eq!(says(&no_file), MACHINE, "the group on top of all has no limit, and no file");
    }

    #[test]
    fn a_container_of_version_2_limits() {
        let in_container = |limit| {
            let group = ("proc/self/cgroup", "0::/\n");
            says(&[MEMINFO, group, ("proc/self/mountinfo", TWO), ("sys/fs/cgroup/memory.max", limit)])
        };
        assert_eq!(in_container("1572864000\n"), Some(1_572_864_000));
        assert_eq!(in_container("max\n"), MACHINE, "no limit");
        assert_eq!(in_container("99999999999999\n"), MACHINE, "more than there is");
        assert_eq!(in_container("what?\n"), MACHINE);
    }

    #[test]
    fn the_least_limit_on_the_way_up_counts() {
        let nested = |of_top: &str, of_slice: &str, of_service: &str| {
            says(&[
                MEMINFO,
                ("proc/self/cgroup", "0::/shop.slice/packshot.service\n"),
                ("proc/self/mountinfo", TWO),
                ("sys/fs/cgroup/memory.max", of_top),
                ("sys/fs/cgroup/shop.slice/memory.max", of_slice),
                ("sys/fs/cgroup/shop.slice/packshot.service/memory.max", of_service),
                ("sys/fs/cgroup/other.slice/memory.max", "1\n"),
            ])
        };
        assert_eq!(nested("max\n", "max\n", "3000\n"), Some(3000));
        assert_eq!(nested("max\n", "2000\n", "max\n"), Some(2000), "a limit on the parent alone");
        assert_eq!(nested("1000\n", "2000\n", "3000\n"), Some(1000));
        assert_eq!(nested("max\n", "max\n", "max\n"), MACHINE);
    }

    #[test]
    fn a_container_of_version_1_limits() {
        let unlimited = "9223372036854771712\n";
        let files = |limit, of_parent| {
            [
                MEMINFO,
                ("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/jobs/packshot\n0::/\n"),
                ("proc/self/mountinfo", ONE),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", unlimited),
                ("sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", of_parent),
                ("sys/fs/cgroup/memory/jobs/packshot/memory.limit_in_bytes", limit),
            ]
        };
        assert_eq!(says(&files("5000\n", unlimited)), Some(5000));
        assert_eq!(says(&files(unlimited, "4000\n")), Some(4000), "a limit on the parent alone");
        assert_eq!(says(&files(unlimited, unlimited)), MACHINE);
    }

    #[test]
    fn a_container_sees_its_own_part_of_the_tree() {
        let bound = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let files = |group| {
            let limit = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "7000\n");
            [MEMINFO, ("proc/self/cgroup", group), ("proc/self/mountinfo", bound), limit]
        };
        for group in ["4:memory:/docker/abc\n", "4:memory:/\n", "4:memory:/docker/abcdef\n", "4:memory:/../..\n"] {
            assert_eq!(says(&files(group)), Some(7000), "{group}");
        }
        let outside = [MEMINFO, ("proc/self/cgroup", "0::/../other\n"), ("proc/self/mountinfo", TWO)];
        assert_eq!(says(&[&outside[..], &[("sys/fs/cgroup/memory.max", "8000\n")]].concat()), Some(8000));
    }

    #[test]
    fn both_versions_beside_each_other_limit() {
        let two = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let mounts = format!("{ONE}{two}");
        let of = |one, two| {
            says(&[
                MEMINFO,
                ("proc/self/cgroup", "4:memory:/\n0::/\n"),
                ("proc/self/mountinfo", &mounts),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", one),
                ("sys/fs/cgroup/unified/memory.max", two),
            ])
        };
        assert_eq!((of("600\n", "max\n"), of("9223372036854771712\n", "500\n")), (Some(600), Some(500)));
    }

    #[test]
    fn what_is_left_of_the_address_space_limits() {
        let of = |limit: &str| {
            let limits = format!(
                "Limit                     Soft Limit           Hard Limit           Units\nMax address space         {limit}           unlimited            bytes\n"
            );
            says(&[
                MEMINFO,
                ("proc/self/limits", &limits),
                ("proc/self/status", "Name:\tpackshot\nVmSize:\t  1000 kB\n"),
            ])
        };
        assert_eq!(of("2024000"), Some(1_000_000));
        assert_eq!(of("5"), Some(0), "more is mapped already");
        assert_eq!(of("unlimited"), MACHINE);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_says_something() {
        assert!(available_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
