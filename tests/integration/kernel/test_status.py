"""`docs/status.md` tells the truth about what is not built."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import grpc

import chronicle.contracts
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.registration import register_services

STATUS = Path(__file__).parents[3] / "docs" / "status.md"


class AnyServer:
    """Takes registrations and does nothing with them."""

    def add_generic_rpc_handlers(self, generic_rpc_handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        pass


def methods_of_the_contract() -> set[str]:
    methods: set[str] = set()
    for module in iter_modules(chronicle.contracts.__path__, "chronicle.contracts."):
        if module.name.endswith("_pb2"):
            descriptor: Any = import_module(module.name).DESCRIPTOR
            for service in descriptor.services_by_name.values():
                methods |= {f"{service.name}/{method.name}" for method in service.methods}
    return methods


async def test_the_list_of_what_is_not_built_is_true() -> None:
    async with await Kernel.open() as kernel:
        built = {path.rpartition(".")[2] for path in register_services(kernel, AnyServer())}
    listed = re.findall(r"^- `(\w+/\w+)`", STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(methods_of_the_contract() - built)


def test_the_whole_contract_is_there() -> None:
    assert len(methods_of_the_contract()) == 125
