"""Generate ``chronicle/contracts`` from ``protos/``: ``make protos``, and ``make protos-check`` in CI.

Generated code demands at least the runtime it was generated with: code from grpcio-tools 1.85 refuses to
load on protobuf 6, and its stubs demand ``grpcio>=1.85``. So the *oldest* tools that serve the Pythons we
support do the work (grpcio-tools 1.76.0, which writes protobuf 6.31.1 code), and everything newer, up to
protobuf 7, loads the result. They live in an environment of their own, ``.venv-protos``, because the
project's environment uses newer ones.

With ``--check`` nothing is written: the files are generated to one side and compared with the repository's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
PACKAGE = Path("chronicle", "contracts")
ENVIRONMENT = ROOT / ".venv-protos"

# protobuf here only runs the tools (mypy-protobuf 5.1.0 needs 6.32 or later); what they write does not
# depend on it.
TOOLS = ("grpcio-tools==1.76.0", "grpcio==1.76.0", "protobuf==6.33.6", "mypy-protobuf==5.1.0")

# only_async: the project uses grpc.aio alone, and stubs for both worlds are hard to type strictly.
# generate_concrete_servicer_stubs: a servicer need not override every method; the rest answer UNIMPLEMENTED.
GRPC_STUB_OPTIONS = "quiet,only_async,generate_concrete_servicer_stubs"


def tool_environment() -> Path:
    """Make the tools' environment unless it is there with these versions; return its scripts folder."""
    scripts = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
    stamp = ENVIRONMENT / "tools.txt"
    wanted = "\n".join(TOOLS) + "\n"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Installing the contract tools into {ENVIRONMENT.name} ...")
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        install = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *TOOLS], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return scripts


def generate(target: Path) -> dict[str, bytes]:
    """Generate all modules into the folder `target`, and return them by file name."""
    scripts = tool_environment()
    sources = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    command = [
        str(scripts / "python"),
        "-m",
        "grpc_tools.protoc",
        "-I.",
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out=quiet:{target}",
        f"--mypy_grpc_out={GRPC_STUB_OPTIONS}:{target}",
        *sources,
    ]
    # protoc finds the mypy-protobuf plugins on PATH.
    environment = os.environ | {"PATH": os.pathsep.join([str(scripts), os.environ.get("PATH", "")])}
    subprocess.run(command, cwd=PROTOS, env=environment, check=True)
    return read_modules(target / PACKAGE)


def read_modules(folder: Path) -> dict[str, bytes]:
    """The generated modules and stubs in a folder, by file name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*_pb2*.py*"))}


def differing(generated: dict[str, bytes], present: dict[str, bytes]) -> list[str]:
    """Names of the files that are missing, left over or different."""
    names = generated.keys() | present.keys()
    return sorted(name for name in names if generated.get(name) != present.get(name))


def main() -> int:
    """Generate or check; return the exit status: 0 fresh, 1 stale (with ``--check`` only)."""
    parser = argparse.ArgumentParser(description="Generate chronicle/contracts from protos/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if any file is stale")
    arguments = parser.parse_args()

    target = ROOT / PACKAGE
    with tempfile.TemporaryDirectory() as scratch:
        generated = generate(Path(scratch))
    names = differing(generated, read_modules(target))

    if arguments.check:
        for name in names:
            print(f"stale: {PACKAGE / name}")
        print("Run 'make protos'." if names else f"{len(generated)} generated files are fresh.")
        return 1 if names else 0

    for name in names:
        if name in generated:
            (target / name).write_bytes(generated[name])
        else:
            (target / name).unlink()
    print(f"{len(generated)} generated files, {len(names)} changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
