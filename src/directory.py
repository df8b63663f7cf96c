"""The three groups as they stand: found, or created where missing, with their members.

A group's trouble stays its own: whatever goes wrong with one is in `Directory.errors`, and the others are read all the same.
"""

from dataclasses import dataclass, field

from graph import Graph, GraphError, Group, Members, Operation, Steps, side_by_side
from plan import LEVELS

GROUP_NAMES = {level: f"IdentityProtection-RiskyUser-RiskLevel-{level}" for level in LEVELS}
"""The names Cloudflare's reference Worker gives its groups: they are adopted, whoever made them."""


@dataclass(slots=True)
class Directory:
    """What is known of each level's group. A level is in `members` only if its group was read to the end and can be written to."""

    groups: dict[str, Group] = field(default_factory=dict)
    members: dict[str, Members] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    """Levels without a group, which a dry run does not create."""
    not_there_yet: set[str] = field(default_factory=set)
    """Levels whose group is too new to be read everywhere."""
    namesakes: dict[str, int] = field(default_factory=dict)
    """How many groups share a level's name, where it is more than one."""
    errors: dict[str, GraphError] = field(default_factory=dict)


def read_directory(graph: Graph, *, create: bool) -> Steps[Directory]:
    """The groups and their members; the members of groups known from the last tick are asked for together with the names.

    Raises GraphError where the look-up by name itself fails, for then nothing is known about any group.
    """
    directory = Directory()
    known = dict(graph.memory.groups)
    reads = {group.id: Operation(graph.members(group)) for group in known.values()}
    look_up = Operation(graph.groups_named(GROUP_NAMES.values()))
    yield from side_by_side(look_up, *reads.values())
    found = look_up.result()
    searches = {}
    for level, name in GROUP_NAMES.items():
        namesakes = sorted((group for group in found if group.name == name), key=lambda group: (group.created, group.id))
        if namesakes:
            directory.groups[level] = namesakes[0]
            if len(namesakes) > 1:
                directory.namesakes[level] = len(namesakes)
        else:
            searches[level] = Operation(_find_or_create(graph, level, known.get(name), directory, create=create))
    yield from side_by_side(*searches.values())
    for level, search in searches.items():
        _settle(directory, level, search)
    for level, group in directory.groups.items():
        if group.unwritable:
            directory.errors[level] = GraphError(f"Cannot keep the members of {group.name} ({group.id}): {group.unwritable}.")
        elif level not in directory.created and group.id not in reads:
            reads[group.id] = Operation(graph.members(group))
    yield from side_by_side(*(read for group_id, read in reads.items() if not read.started))
    for level, group in directory.groups.items():
        if level in directory.created:
            directory.members[level] = Members(frozenset())
        elif level not in directory.errors:
            _take_members(directory, level, reads[group.id])
    graph.memory.groups = {group.name: group for level, group in directory.groups.items() if level not in directory.errors}
    return directory


def _find_or_create(graph: Graph, level: str, known: Group | None, directory: Directory, *, create: bool) -> Steps[Group | None]:
    """The group that no look-up by name found: it may have been renamed, or be too new for the look-up, or not exist.

    None where it does not exist and is not to be created.
    """
    name = GROUP_NAMES[level]
    by_key = Operation(graph.group_by_key(name))
    by_id = [Operation(graph.group_by_id(known.id, name))] if known else []
    yield from side_by_side(by_key, *by_id)
    group = by_key.result() or next((search.result() for search in by_id), None)
    if not group and create:
        group = yield from _create(graph, level, directory)
    if group and group.name != name:
        raise GraphError(
            f"The group {name} ({group.id}) was renamed: name it {name} again, or delete it and the Worker makes another "
            "(which then has to be assigned to the SCIM application anew)."
        )
    return group


def _create(graph: Graph, level: str, directory: Directory) -> Steps[Group]:
    name = GROUP_NAMES[level]
    try:
        group = yield from graph.create_group(name)
        error = None
    except GraphError as refusal:
        group, error = None, refusal
    if group:
        directory.created.add(level)
        return group
    group = yield from graph.group_by_key(name)  # made by another tick, or by a request whose answer was lost
    if group:
        return group
    raise GraphError(
        f"{error or f'Could not find the group {name} that was created a moment ago; the next minute looks again.'} "
        f"You can also create the security group {name} by hand: the Worker adopts it.",
        error.request_ids if error else (),
    )


def _settle(directory: Directory, level: str, search: Operation[Group | None]) -> None:
    try:
        group = search.result()
    except GraphError as error:
        directory.errors[level] = error
        return
    if group:
        directory.groups[level] = group
    else:
        directory.missing.add(level)


def _take_members(directory: Directory, level: str, read: Operation[Members | None]) -> None:
    try:
        members = read.result()
    except GraphError as error:
        directory.errors[level] = error
        return
    if members is None:
        directory.not_there_yet.add(level)
    else:
        directory.members[level] = members
