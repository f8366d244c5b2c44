"""What the assistant can do: three tools with effects on a little world in memory, and the search of the knowledge base."""

import json
from typing import Any

from knowledge import Knowledge

Customer = dict[str, Any]


def customers() -> dict[str, Customer]:
    """Return a fresh customer table; names, numbers and cards are made up or are the card schemes' published test numbers."""
    rows = [
        ("C-1001", "Ada Marsh", "ada.marsh@example.net", "+1 202 555 0101", "family", "4111111111111111"),
        ("C-1002", "Ben Okafor", "ben.okafor@example.org", "+1 202 555 0102", "basic", "5555555555554444"),
        ("C-1003", "Chiara Lind", "chiara.lind@example.net", "+1 202 555 0103", "business", "378282246310005"),
        ("C-1004", "Dana Reyes", "dana.reyes@example.org", "+1 202 555 0104", "family", "6011111111111117"),
        ("C-1005", "Emre Aydin", "emre.aydin@example.net", "+1 202 555 0105", "basic", "5105105105105100"),
        ("C-1006", "Freya Holm", "freya.holm@example.net", "+1 202 555 0106", "business", "4012888888881881"),
        ("C-1007", "George Tan", "george.tan@example.org", "+1 202 555 0107", "basic", "4222222222222"),
        ("C-1008", "Hana Sato", "hana.sato@example.net", "+1 202 555 0108", "family", "30569309025904"),
    ]
    names = ("id", "name", "email", "phone", "plan", "card")
    return {row[0]: {**dict(zip(names, row, strict=True)), "tax_id": "", "note": "", "last_ticket": ""} for row in rows}


class World:
    """Customers, tickets and sent mail.

    Attributes:
        effects: Every tool call that was really carried out and changed something, in order.
    """

    def __init__(self, knowledge: Knowledge, table: dict[str, Customer] | None = None) -> None:
        self.knowledge = knowledge
        self.customers = customers() if table is None else table
        self.effects: list[tuple[str, dict[str, Any]]] = []

    def lookup_customer(self, customer_id: str) -> Customer:
        """Return a customer's record."""
        return self.customers.get(customer_id, {"error": "no such customer"})

    def create_ticket(self, customer_id: str, subject: str, body: str) -> dict[str, Any]:
        """File a ticket."""
        self.effects.append(("create_ticket", {"customer_id": customer_id, "subject": subject, "body": body}))
        return {"ticket": f"T-{len(self.effects):04d}"}

    def send_email(self, to: str, subject: str, body: str) -> dict[str, Any]:
        """Send an e-mail (into a list: this is an example)."""
        self.effects.append(("send_email", {"to": to, "subject": subject, "body": body}))
        return {"sent": True}

    def search_docs(self, query: str) -> str:
        """Return the documents that fit a query."""
        return "\n\n".join(f"{found.title}\n{found.text}" for found in self.knowledge.search(query))

    def run(self, name: str, arguments: str) -> str:
        """Carry out one tool call of the model.

        Args:
            name: The tool.
            arguments: Its arguments, JSON as the model wrote it.

        Returns:
            The result for the model; a call that makes no sense is answered with an error that says so.
        """
        tools: dict[str, Any] = {
            "lookup_customer": self.lookup_customer,
            "create_ticket": self.create_ticket,
            "send_email": self.send_email,
            "search_docs": self.search_docs,
        }
        try:
            result = tools[name](**json.loads(arguments))
        except (KeyError, TypeError, ValueError):
            return json.dumps({"error": "no such tool, or wrong arguments"})
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def _tool(name: str, description: str, **parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string", "description": text} for parameter, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


TOOLS = [
    _tool("lookup_customer", "Read a customer's record.", customer_id="Customer id, such as C-1001."),
    _tool("create_ticket", "File a ticket for a customer.", customer_id="Customer id.", subject="One line.", body="What happened."),
    _tool("send_email", "Send an e-mail.", to="Address.", subject="One line.", body="Text of the mail."),
    _tool("search_docs", "Search the knowledge base.", query="A few words."),
]
