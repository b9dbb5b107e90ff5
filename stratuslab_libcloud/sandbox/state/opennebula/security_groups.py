"""Security groups: what may come in and go out."""

from __future__ import annotations

from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.opennebula.objects import PoolObject
from stratuslab_libcloud.sandbox.state.template import Template


@dataclass(eq=False, kw_only=True)
class SecurityGroup(PoolObject):
    """A security group.

    :param template: its RULEs, and a DESCRIPTION
    """

    template: Template

    def rules_of_machine(self) -> list[dict[str, str]]:
        """Its rules, as the documents of machines have them."""
        return [
            {**rule, "SECURITY_GROUP_ID": str(self.id), "SECURITY_GROUP_NAME": self.name}
            for rule in self.template.vectors("RULE")
        ]
