"""Prepares what `npm run bench -- chunker` compares on, in a folder outside the repository: 12 MB of documents and the other splitters.

    python3 bench/chunker/prepare.py FOLDER
    BENCH_CHUNKER=FOLDER npm run bench -- chunker

FOLDER/corpus: pages of Debian's documentation packages (apt-get download, nothing is installed) turned into Markdown by markdownify, as much
of each language as SIZES says. FOLDER/venv: the splitters for Python. FOLDER/node: those for JavaScript, and a tokenizer in it. Each step is
left out when it is done already; which packages the pages are from is in FOLDER/corpus/packages.list.
"""
import pathlib, re, shutil, subprocess, sys

PYTHON = ["chonkie==1.7.0", "semchunk==4.1.1", "semantic-text-splitter==0.33.1", "tokenizers==0.22.1", "brotli==1.1.0", "markdownify==1.2.3"]
NODE = ["@chonkiejs/core@0.0.11", "@huggingface/tokenizers@0.2.0", "@langchain/core@1.2.13", "@langchain/textsplitters@1.0.2"]
PACKAGES = ["debian-handbook", "debian-reference-en", "debian-reference-ja", "debian-reference-zh-cn", "debian-faq", "debian-faq-ja",
            "debian-faq-zh-cn", "libreoffice-help-en-us", "libreoffice-help-vi", "libreoffice-help-zh-cn", "libreoffice-help-ja"]
# Bytes of Markdown of each language.
SIZES = {"en": 4_100_000, "vi": 3_000_000, "zh": 3_000_000, "ja": 2_000_000}
# Where pages are, the longest documents first, and how a page's language is told: by its folder or its name.
HANDBOOK = {"en-US": "en", "vi-VN": "vi", "zh-CN": "zh", "ja-JP": "ja"}
HELP = {"en-US": "en", "vi": "vi", "zh-CN": "zh", "ja": "ja"}
LEAST_BYTES = 400


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    if not done(folder / "venv"):
        run(sys.executable, "-m", "venv", folder / "venv")
        run(python, "-m", "pip", "install", "--quiet", *PYTHON)
        mark(folder / "venv")
    if not done(folder / "node"):
        (folder / "node").mkdir(exist_ok=True)
        (folder / "node" / "package.json").write_text('{ "private": true }\n')
        run("npm", "install", "--silent", "--save-exact", *NODE, cwd=folder / "node")
        mark(folder / "node")
    if not done(folder / "packages"):
        shutil.rmtree(folder / "packages", ignore_errors=True)
        (folder / "packages").mkdir()
        run("apt-get", "download", "--quiet", *PACKAGES, cwd=folder / "packages")
        for package in sorted((folder / "packages").glob("*.deb")):
            run("dpkg-deb", "--extract", package, folder / "packages" / "files")
        mark(folder / "packages")
    if not done(folder / "corpus"):
        run(python, __file__, folder, "corpus")
        mark(folder / "corpus")


def done(step):
    return (step / ".done").exists()


def mark(step):
    (step / ".done").touch()


def pages(share):
    """(language, name, file), the same order on every machine."""
    for folder, language in HANDBOOK.items():
        for file in sorted((share / "doc/debian-handbook/html" / folder).glob("*.html")):
            yield language, f"handbook-{file.stem}", file
    for file in sorted([*share.glob("debian-reference/*.html"), *share.glob("doc/debian-reference*/**/*.html")]):
        found = re.fullmatch(r"(.*)\.(en|ja|zh-cn)\.html", file.name)
        if found:
            yield found[2][:2], f"reference-{found[1]}", file
    for file in sorted(share.glob("doc/debian-faq*/**/*.html")):
        found = re.fullmatch(r"(.*)\.(en|ja|zh-cn)\.html", file.name)
        if found:
            yield found[2][:2], f"faq-{found[1]}", file
    for folder, language in HELP.items():
        base = share / "libreoffice/help" / folder / "text"
        for file in sorted(base.glob("**/*.html")):
            yield language, "help-" + "-".join(file.relative_to(base).with_suffix("").parts), file


def corpus(folder):
    from markdownify import markdownify

    target = folder / "corpus"
    shutil.rmtree(target, ignore_errors=True)
    sizes = dict.fromkeys(SIZES, 0)
    count = 0
    for language, name, file in pages(folder / "packages/files/usr/share"):
        if sizes[language] >= SIZES[language]:
            continue
        html = file.read_text("utf-8", "replace")
        # The help's menus and scripts are not its text.
        content = re.search(r'(?s)<div id="DisplayArea".*?>(.*)', html)
        body = re.sub(r"(?is)<(script|style|head|nav|noscript)\b.*?</\1>", "", content[1] if content else html)
        text = re.sub(r"\n{3,}", "\n\n", markdownify(body, heading_style="ATX", strip=["img"])).strip() + "\n"
        size = len(text.encode())
        path = target / language / f"{name}.md"
        if size < LEAST_BYTES or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sizes[language] += size
        count += 1
    packages = sorted(package.name for package in (folder / "packages").glob("*.deb"))
    (target / "packages.list").write_text("".join(f"{package}\n" for package in packages))
    print(f"{count} pages:", ", ".join(f"{language} {size / 1e6:.1f} MB" for language, size in sizes.items()))


if __name__ == "__main__":
    where = pathlib.Path(sys.argv[1]).resolve()
    corpus(where) if sys.argv[2:] == ["corpus"] else main(where)
