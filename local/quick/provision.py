"""Creates or updates the data resources: keys, table, queues, bucket and parameters."""

from local.clients import Clients
from local.progress import Progress, silent
from local.quick.bucket import delete_bucket, ensure_bucket
from local.quick.functions import delete_functions
from local.quick.keys import delete_keys, ensure_keys
from local.quick.mappings import delete_mappings
from local.quick.names import Names, Options
from local.quick.parameters import delete_parameters, put_parameters
from local.quick.queues import delete_queues, ensure_queues
from local.quick.roles import delete_roles
from local.quick.table import delete_table, ensure_table
from local.stack import Stack


def provision(
    clients: Clients,
    names: Names | None = None,
    options: Options | None = None,
    progress: Progress = silent,
) -> Stack:
    """Return the stack of `names` without functions. Existing resources and their data are kept."""
    names, options = names or Names(), options or Options()
    with progress("keys for table, bucket and queues"):
        keys = ensure_keys(clients, names)
    with progress(f"table {names.table} with its stream"):
        table = ensure_table(clients, names, keys.table)
    with progress(f"queue {names.compaction_queue} and two dead-letter queues"):
        queues = ensure_queues(clients, names, options, keys.queues)
    with progress(f"bucket {names.bucket}"):
        ensure_bucket(clients, names, keys.bucket)
    stack = Stack(clients.endpoint, names, keys, table, queues)
    with progress(f"parameters below {names.parameters}"):
        put_parameters(clients, stack, options)
    return stack


def tear_down(clients: Clients, names: Names, progress: Progress = silent) -> None:
    """Delete all resources of an environment, with functions and data.

    Absent resources are skipped.
    """
    with progress("functions, their mappings and roles"):
        delete_mappings(clients, names)
        delete_functions(clients, names)
        delete_roles(clients, names)
    with progress("table, queues, bucket, parameters and keys"):
        delete_parameters(clients, names)
        delete_bucket(clients, names)
        delete_queues(clients, names)
        delete_table(clients, names)
        delete_keys(clients, names)
