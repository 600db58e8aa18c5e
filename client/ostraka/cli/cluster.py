"""`status`, `members`, `shards`, `transfer-leader`: the cluster as its nodes see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from ostraka.cli.output import printable, write, write_json, write_table
from ostraka.cli.records import text_field
from ostraka.cli.session import Session, global_options
from ostraka.errors import OstrakaError

if TYPE_CHECKING:
    from ostraka.aio import Client
    from ostraka.v1.cluster_pb2 import Member, StatusResponse

STATUS_COLUMNS = (
    "NODE",
    "ADDRESS",
    "STATE",
    "GROUP",
    "ROLE",
    "LEADER",
    "BALLOT",
    "DECIDED",
    "APPLIED",
    "CHECKPOINT",
    "REVISION",
    "VERSION",
)


def as_json(message: Message) -> dict[str, object]:
    """A message for JSON: every field by its name in the proto, but the header.

    fixed64 are minted ids and digests are hashes: both in hexadecimal (ids also because JSON readers round integers
    beyond 2**53). Keys as in `records`.
    """
    document: dict[str, object] = {}
    for field in message.DESCRIPTOR.fields:
        if field.name == "header":
            continue
        name, value = field.name, getattr(message, field.name)
        if isinstance(value, bytes) and not name.endswith("digest"):
            name, value = text_field(name, value)
        elif isinstance(value, bytes):
            value = value.hex()
        elif field.type == FieldDescriptor.TYPE_FIXED64:
            value = hexadecimal(value)
        elif not isinstance(value, (str, int)):
            value = [as_json(item) if isinstance(item, Message) else item for item in value]
        document[name] = value
    return document


def hexadecimal(identity: int) -> str:
    """An id of a replica or cluster as it is written everywhere: 16 hexadecimal digits."""
    return f"{identity:016x}"


@click.command()
@global_options
@click.pass_obj
def status(session: Session) -> None:
    """Show every node and the state of its replicas.

    Who leads, and how far each has decided and applied. Nodes that do not answer are listed as down. Group 0 is the
    system group.

    \b
    Examples:
      ostraka status
      ostraka --endpoints db1:7401 status --json
    """
    answers = session.run(lambda client: _ask_all(client, session.endpoints))
    if session.json:
        write_json({"nodes": [_status_json(*answer) for answer in answers]})
        return
    write_table(STATUS_COLUMNS, [row for answer in answers for row in _status_rows(*answer)])


Answer = tuple[str, str, "StatusResponse | OstrakaError"]


async def _ask_all(client: Client, endpoints: list[str]) -> list[Answer]:
    """(node, address, what it said) of every member, asked at the same time."""
    members = [(member.node, member.client_address) for member in (await client.members()).members]

    async def ask(node: str, address: str) -> Answer:
        try:
            return node, address, await client.status(address)
        except OstrakaError as error:
            return node, address, error

    return list(await asyncio.gather(*(ask(*member) for member in members)))


def _status_json(node: str, address: str, said: StatusResponse | OstrakaError) -> dict[str, object]:
    about: dict[str, object] = {"node": node, "client_address": address, "up": isinstance(said, Message)}
    return about | (as_json(said) if isinstance(said, Message) else {"error": str(said)})


def _status_rows(node: str, address: str, said: StatusResponse | OstrakaError) -> list[tuple[object, ...]]:
    if isinstance(said, OstrakaError):
        return [(node, address, "down", *[""] * (len(STATUS_COLUMNS) - 3))]
    state = "ready" if said.ready else "not ready"
    return [
        (
            node,
            address,
            state,
            replica.group,
            replica.role,
            replica.leader_node or "none",
            replica.ballot_round,
            replica.decided_through,
            replica.applied_slot,
            replica.checkpoint_slot,
            replica.revision,
            said.version,
        )
        for replica in said.replicas
    ] or [(node, address, state, *[""] * (len(STATUS_COLUMNS) - 4), said.version)]


@click.command()
@global_options
@click.pass_obj
def members(session: Session) -> None:
    """List the nodes and their addresses.

    And whether the node that was asked can reach them.

    \b
    Example:
      ostraka members
    """
    response = session.run(lambda client: client.members())
    if session.json:
        write_json({"asked": response.header.node, **as_json(response)})
        return
    write_table(
        ("NODE", "CLIENTS", "REPLICAS", "HTTP", "STATE", "GROUP:REPLICA"),
        [_member_row(member) for member in response.members],
    )


def _member_row(member: Member) -> tuple[object, ...]:
    replicas = " ".join(f"{replica.group}:{hexadecimal(replica.replica)}" for replica in member.replicas)
    addresses = (member.client_address, member.replica_address, member.http_address)
    return (member.node, *addresses, "reachable" if member.reachable else "unreachable", replicas)


@click.command()
@global_options
@click.pass_obj
def shards(session: Session) -> None:
    """List the shards, their keys and leaders.

    \b
    Example:
      ostraka shards
    """
    response = session.run(lambda client: client.shards())
    if session.json:
        write_json(as_json(response))
        return
    write_table(
        ("SHARD", "GROUP", "FROM", "BEFORE", "LEADER", "ADDRESS", "REPLICAS"),
        [
            (
                shard.shard,
                shard.group,
                printable(shard.start) or "first key",
                printable(shard.end) or "no end",
                shard.leader_node or "none",
                shard.leader_address,
                " ".join(shard.replica_nodes),
            )
            for shard in response.shards
        ],
    )


@click.command("transfer-leader")
@click.argument("shard", type=click.IntRange(min=0))
@click.argument("node")
@global_options
@click.pass_obj
def transfer_leader(session: Session, shard: int, node: str) -> None:
    """Hand the leadership of SHARD to NODE.

    Returns once NODE leads.

    \b
    Example:
      ostraka transfer-leader 1 n2
    """
    session.run(lambda client: client.transfer_leader(shard, node))
    if session.json:
        write_json({"shard": shard, "leader_node": node})
    else:
        write(b"shard %d is led by %b\n" % (shard, node.encode()))
