"""Builds the package with the measuring code of the hub inside, so that its users can make any number again.

The code's one place is the hub's own tree, beside this folder; the build copies it to `smallhub/_measuring_code`, where
it is a program of its own and no importable package. An editable install finds it where it is.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
# Pure parts, which know no server. A test of the hub compares this list with what `evaluation.rerun` imports.
SHIPPED = (
    "evaluation/__init__.py",
    "evaluation/benchmarks",
    "evaluation/engine.py",
    "evaluation/machine.py",
    "evaluation/metrics",
    "evaluation/noise.py",
    "evaluation/receipts.py",
    "evaluation/rerun.py",
    "evaluation/sandbox",
    "evaluation/scorers",
    "evaluation/statistics",
    "models_registry/__init__.py",
    "models_registry/formats",
)
SOURCES = (HERE / "measuring_code", HERE.parent)


def copy_measuring_code(target: Path) -> None:
    """Copy what measures, from the hub's tree or from an unpacked source package."""
    source = next(folder for folder in SOURCES if (folder / "evaluation" / "rerun.py").is_file())
    ignored = shutil.ignore_patterns("__pycache__", "external")
    for name in SHIPPED:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, place, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / name, place)


class Build(build_py):
    """The usual build, and the measuring code beside it."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            copy_measuring_code(Path(self.build_lib) / "smallhub" / "_measuring_code")


class SourceDistribution(sdist):
    """A source package that can be built where the hub's tree is not."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        copy_measuring_code(Path(base_dir) / "measuring_code")


setup(cmdclass={"build_py": Build, "sdist": SourceDistribution})
