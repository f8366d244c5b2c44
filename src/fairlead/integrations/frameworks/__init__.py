"""Agent frameworks: their tools behind the broker, their retrievers under the policy. Import the module of your framework."""

from fairlead.integrations.frameworks.ports import Agent, said

__all__ = ["Agent", "said"]
