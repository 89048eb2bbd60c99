"""Names of files: those that some system reads as something else, and odd ones that are nobody's trouble."""

# Each must be refused at every door, and leave nothing behind.
REFUSED: tuple[str, ...] = (
    # Nothing, or not relative.
    "", "/", "//", "/etc/passwd", "//host/share/x", "/a", "a//b", "a/", "a/b//",
    # Climbing, in whatever part, also by letters that fold to dots.
    ".", "..", "./a", "../x", "../../etc/passwd", "a/..", "a/../b", "a/./b", "a/../../b", "..../x/..",
    "\uff0e\uff0e/x", "a/\u2025/b", "\uff0e/x", "\u2024\u2024/x",
    # Windows: separators, drives, shares, devices, streams, wildcards, ends that it drops.
    "a\\b", "..\\x", "\\x", "\\\\host\\share\\x", "\\\\?\\C:\\x", "C:", "C:/x", "c:x", "C:\\x", "z:/../x",
    "con", "CON", "nul.txt", "a/aux.json", "prn/x", "COM1", "com9.tar.gz", "lpt1", "LPT\u00b2", "conin$",
    "CONOUT$.txt", "clock$",
    "con .txt", "\uff23\uff2f\uff2e",
    "a.txt::$DATA", "a:b", "a::$INDEX_ALLOCATION/x", "a.txt:Zone.Identifier",
    "a<b", "a>b", 'a"b', "a|b", "a?b", "a*b", "a.", "a. ", "a ", " a", "a /b", "a./b", "a/ b", "...", ". .",
    # Git's own, by all names under which file systems find it.
    ".git", ".git/config", ".git/hooks/post-checkout", "a/.git/x", ".GIT/x", ".Git", "git~1", "GIT~1/x", "git~2",
    ".git./x", ".git /x", ".git. . /x", ".git::$INDEX_ALLOCATION/x", ".git:x", ".g\u200cit/x", ".gi\u200dt/x",
    ".git\ufeff/x", ".gi\u202et/x", "\uff0egit/x", ".\uff47\uff49\uff54/config", ".\u206agit/x",
    ".gitmodules", "a/.gitmodules", ".GitModules", "gitmod~1", ".gitmodules ", ".gitmodules::$DATA", "GI7EBA~1",
    # The client's notes.
    ".smallhub", ".smallhub/manifest.json", ".SmallHub/x",
    # What nobody sees, or what moves the cursor or turns the direction.
    "a\x00b", "\x00", "a\nb", "a\rb", "a\tb", "a\x1b[2Jb", "a\x7fb", "a\x85b", "a\u200bb", "a\u202egnp.exe",
    "a\u2066b", "a\u2028b", "\ufeffa", "a\u00adb", "a\u061cb", "a\u180eb", "a\u3164b", "a\U000e0041b", "a\ufffab",
    # Too long or too deep.
    "x" * 256, "é" * 128, "a/" * 32 + "b", "é/" * 400 + "x", ("x" * 200 + "/") * 6 + "x",
    # Not Unicode. As bytes it is what an invalid UTF-8 name decodes to.
    "\ud800", "a\udcffb", "a/\udc80/b", "a\ufffdb",
)  # fmt: skip

# Each must come back byte for byte.
ALLOWED: tuple[str, ...] = (
    "README.md", "a b.txt", "a  b", "-rf", "--upload-pack=x", "~", "~root/x", "$HOME", "`id`", "$(id)", "a;b", "a&b",
    "a'b", "#x", "a#b?".rstrip("?"), "a=b", "a+b", "a,b", "@", "a@b", "!x", "[x]", "{x}", "a^b", "%", "%2e%2e",
    "%2e%2e%2fx", "a%2Fb", "a%00b", "a%5Cb", "..a", "a..b", "...a", ".a", ".gitignore", "sub/.gitattributes",
    ".github/x", "gitdir/x", "git", ".gitx", "a.git/x", "gitmodules", "con1.txt", "console.log", "com/x", "auxiliary",
    "nullable", "COM10", "lpt", "\u00fcmlaut/stra\u00dfe", "e\u0301", "\u6a21\u578b/\u8bf4\u660e.md",
    "\u0645\u0644\u0641.txt",
    "\U0001f917/model", "\u2764\ufe0f", "\u041a\u043e\u0434", "x" * 255, "a/" * 31 + "b", "0", "null", "resolve/main/x",
    "refs/heads/main", "tree", "HEAD", "index.html", "a.smallhub", "b/.smallhub/x", "\uff1a\uff1f", "1.5\u2044x",
)  # fmt: skip

# Pairs that cannot stand beside each other, the first one there already.
COLLISIONS: tuple[tuple[str, str], ...] = (
    ("Weights.bin", "weights.bin"), ("config.json", "CONFIG.JSON"), ("caf\u00e9", "cafe\u0301"),
    ("stra\u00dfe", "STRASSE"), ("\ufb01le", "file"), ("\u212b", "\u00e5"), ("\u2160", "i"), ("\uff21", "a"),
    ("a", "a/b"), ("d/e", "d"), ("Folder/x", "folder/y"), ("x\uff0fy", "x/y"), ("\u01c6", "\u01c4"),
)  # fmt: skip

# Names of branches and tags.
BAD_REFS: tuple[str, ...] = (
    "a..b", "..", "../x", "-x", "--upload-pack=touch", "--output=x", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b",
    "a\\b", "a.lock", "a.lock/b", ".a", "a/.b", "a/", "/a", "a//b", "@", "a@{1}", "HEAD", "refs/heads/x", "a" * 40,
    "0" * 40, "a.", "a\x07", "a\x7f", "x" * 201, "\u00e9" * 101,
)  # fmt: skip

# Ways to write `../` in an address; `{}` is what is climbed to.
CLIMBS: tuple[str, ...] = (
    "../{}", "..%2f{}", "..%2F{}", "%2e%2e/{}", "%2e%2e%2f{}", "%252e%252e%252f{}", "..%5c{}", "%2e%2e%5c{}", "..;/{}",
    "..%00/{}", "..%c0%af{}", "%c0%ae%c0%ae/{}", "%uff0e%uff0e/{}", "....//{}", "%EF%BC%8E%EF%BC%8E/{}",
    "..%ef%bc%8f{}",
)  # fmt: skip
