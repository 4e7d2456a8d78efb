"""Backend that runs trials on the workers of a Dask scheduler, through joblib."""

from collections.abc import Iterator
from contextlib import contextmanager

from lstm_cli.errors import UsageError


@contextmanager
def dask_workers(address: str, jobs: int | None, *, timeout: float) -> Iterator[tuple[int, int]]:
    """Make joblib use a Dask scheduler in this block, and yield the number of parallel trials and threads of each.

    Args:
        address: address of the scheduler, host:port.
        jobs: parallel trials; None: one on each thread of the workers.
        timeout: seconds that the scheduler and its workers have to answer.

    Raises:
        UsageError: the scheduler does not answer, or it has no workers.
    """
    import joblib
    from distributed import Client

    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--dask '{address}': cannot connect to a Dask scheduler",
            hint="start one with 'dask scheduler', or correct the address, e.g. --dask 10.0.0.5:8786",
            flag="--dask",
        ) from error
    with client:
        threads = client.nthreads()
        if not threads:
            raise UsageError(
                f"--dask '{address}': the scheduler has no workers",
                hint=f"start a worker with 'dask worker {address}'",
                flag="--dask",
            )
        with joblib.parallel_config(backend="dask", client=client, wait_for_workers_timeout=timeout):
            yield jobs or sum(threads.values()), 1
