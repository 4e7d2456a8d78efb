"""The workers of a Dask scheduler as the place where joblib sends trials."""

from collections.abc import Iterator
from contextlib import contextmanager

from lstm_cli.errors import UsageError


@contextmanager
def dask_workers(address: str, jobs: int | None, *, timeout: float) -> Iterator[tuple[int, int]]:
    """Within the block joblib works on the scheduler at `address`; trials side by side, and CPU threads of each.

    Unless `jobs` says otherwise there are as many trials as the workers have threads, each on one of them.
    Raises UsageError where nothing answers there, or it has no workers.
    """
    import joblib
    from distributed import Client

    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--dask '{address}': no Dask scheduler answers there",
            hint="start one with 'dask scheduler', or write it like --dask 10.0.0.5:8786",
            flag="--dask",
        ) from error
    with client:
        threads = client.nthreads()
        if not threads:
            raise UsageError(
                f"--dask '{address}': the scheduler has no workers",
                hint=f"start some with 'dask worker {address}'",
                flag="--dask",
            )
        with joblib.parallel_config(backend="dask", client=client, wait_for_workers_timeout=timeout):
            yield jobs or sum(threads.values()), 1
