"""Build the sdist and the wheel of the last commit into dist/: the same bytes each time, by the same setuptools.

Only what is committed goes in. All times are that of the commit. setuptools writes the same wheel each time when
SOURCE_DATE_EPOCH is set, but not the same sdist, so the archive of the sdist is written again here.

    python .ci/dist.py [FOLDER]
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist", help="Folder of the files.")
    target = parser.parse_args().folder
    if git("status", "--porcelain"):
        print("dist: some changes are not committed; they are left out", file=sys.stderr)
    time = int(git("log", "-1", "--format=%ct"))
    os.environ["SOURCE_DATE_EPOCH"] = str(time)
    os.umask(0o022)  # the wheel keeps the modes of its files
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source, made, unpacked = (Path(folder, name) for name in ("source", "made", "unpacked"))
        archive = Path(folder, "source.tar")
        git("archive", "--output", str(archive), "HEAD")
        extract(archive, source)
        build("--sdist", source, made)
        [sdist] = made.glob("*.tar.gz")
        kept = target / sdist.name
        write_again(sdist, kept, time)
        extract(kept, unpacked)
        [top] = unpacked.iterdir()  # from the sdist, so that it is known to be complete
        build("--wheel", top, target)
    print(*sorted(file.name for file in target.glob(f"{top.name}*")), sep="\n")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def build(what: str, source: Path, out: Path) -> None:
    command = [sys.executable, "-m", "build", what, "--outdir", str(out), str(source)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def extract(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")


def write_again(archive: Path, target: Path, time: int) -> None:
    """Write an archive with its files in order, of one time and of nobody."""
    with (
        tarfile.open(archive) as packed,
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=time) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as out,
    ):
        for member in sorted(packed.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            out.addfile(member, packed.extractfile(member) if member.isfile() else None)


if __name__ == "__main__":
    main()
