"""The workloads: a module with a ``SCENARIO`` each (see ``scenario``)."""
